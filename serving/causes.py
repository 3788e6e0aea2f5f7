"""Why the models in force say of a customer what they say: what raises each chance most, and what lowers it, in words.

Worked out where a person asks about a customer, never on the way of a decision.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from features.inputs.contributions import contributions
from features.inputs.frame import CHURN_INPUTS
from features.inputs.scoring import Model
from serving.bundle import Bundle
from serving.core.evidence import Evidence
from serving.core.input_words import INPUT_WORDS, InputWords

MOST = 3
FEWEST_LOG_ODDS = 0.005  # what moves a chance by an eighth of a percent point at most is no cause
Causes = dict[str, list[dict[str, Any]]]


def causes_of(evidence: Evidence, models: Bundle | None) -> dict[str, Causes]:
    """By score, `raises` and `lowers`: at most three causes each, the weightiest first; nothing without a model, or of
    one who objects to profiling.

    A cause has its `input`, her `value`, the `typical` one of the shop's customers where the bundle says it, what it
    adds in `log_odds`, and `text` and `text_fi`.
    """
    if models is None or not evidence.inputs:
        return {}
    row = np.frombuffer(evidence.inputs, dtype=np.float64)
    told = (
        ("churn_probability", evidence.churn, models.churn_model),
        ("second_purchase_probability", evidence.second_purchase, models.second_purchase_model),
    )
    return {
        name: _causes(model, row, models.manifest.typical)
        for name, chance, model in told
        if chance is not None and model is not None
    }


def _causes(model: Model, row: np.ndarray[Any, np.dtype[np.float64]], typical: Mapping[str, float]) -> Causes:
    """Contributions summed by topic; each topic is told by the weightiest of its inputs that pulls the same way."""
    found = contributions(model, row[None, :], CHURN_INPUTS).of[0] * _slope(model)
    weight = dict(zip(CHURN_INPUTS, found.tolist(), strict=True))
    value = dict(zip(CHURN_INPUTS, row.tolist(), strict=True))
    topics: dict[str, list[str]] = {}
    for name in CHURN_INPUTS:
        topics.setdefault(INPUT_WORDS[name].topic, []).append(name)
    causes = []
    for names in topics.values():
        total = sum(weight[name] for name in names)
        if abs(total) >= FEWEST_LOG_ODDS:
            first = max(names, key=lambda name: weight[name] * (1 if total > 0 else -1))
            causes.append(_told(first, total, value, typical))
    causes.sort(key=lambda cause: -abs(cause["log_odds"]))
    return {
        "raises": [cause for cause in causes if cause["log_odds"] > 0][:MOST],
        "lowers": [cause for cause in causes if cause["log_odds"] < 0][:MOST],
    }


def _slope(model: Model) -> float:
    """What the calibration makes of a log-odds."""
    level = model.calibration
    return float(level["slope"]) if level["kind"] == "platt" and level["on"] == "logit" else 1.0


def _told(name: str, log_odds: float, values: Mapping[str, float], typical: Mapping[str, float]) -> dict[str, Any]:
    words, value, usual = INPUT_WORDS[name], values[name], typical.get(name)
    if words.topic == "last order" and values["recency_days"] == values["recency_days"]:
        english, finnish = _last_order(values["recency_days"], values["mean_gap_days"])
    else:
        english, finnish = _plain(words, value, usual)
    return {
        "input": name,
        "value": None if value != value else value,
        "typical": usual,
        "log_odds": log_odds,
        "text": english,
        "text_fi": finnish,
    }


def _last_order(days: float, gap: float) -> tuple[str, str]:
    """By her own rhythm, which says more than other customers' do.

    >>> _last_order(83.2, 21.0)
    ('no order for 83 days (usually 21)', 'ei tilausta 83 päivään (tavallisesti 21)')
    """
    english, finnish = f"no order for {days:.0f} days", f"ei tilausta {days:.0f} päivään"
    if gap == gap:
        return f"{english} (usually {gap:.0f})", f"{finnish} (tavallisesti {gap:.0f})"
    return english, finnish


def _plain(words: InputWords, value: float, usual: float | None) -> tuple[str, str]:
    if value != value:
        return f"{words.english}: not known", f"{words.finnish}: ei tiedossa"
    english = finnish = words.written(value)
    if usual is not None and words.written(usual) != english:
        english, finnish = f"{english} (typical: {words.written(usual)})", f"{finnish} (yleensä {words.written(usual)})"
    return f"{words.english}: {english}", f"{words.finnish}: {finnish}"
