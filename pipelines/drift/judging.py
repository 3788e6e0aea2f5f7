"""Whether rows of live decisions are distributed as those they are held against: PSI in bins of the reference.

A limit counts only beyond what chance explains of so many rows (`features.feature_store.quality.drift`), shared among
all that is compared.
"""

import re
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from scipy.stats import norm

from features.feature_store.quality.drift import NO_DRIFT, Drift, drift
from features.inputs.candidates import Floats
from features.inputs.frame import CHURN_INPUTS
from serving.core.input_words import INPUT_WORDS
from training.finding import Finding, InFinnish, beyond
from training.params import QualityParams
from training.snapshot_checks import in_words

BINS = 20
OLDEST_DAYS = 91.0
"""Ages from here on count as one: a customer who is gone only gets older."""
_AGES = ("recency_days", "browse_age_days", "days_since_last_contact")
_GROWS = re.compile(r"tenure_days|recency_o.*|.*_total|mean_gap_days|sd_gap_days|log_order_value")
_YEAR = 365
STREAMS_FI = {"lists": "listoilla", "visits": "käynneillä", "feedback": "palautteissa"}
_SOURCES = {
    "visits": "browse", "searches": "search", "returns": "return", "feedback": "feedback", "ratings": "feedback",
    "deliveries": "delivery", "contacts": "contact", "answers": "contact", "cases": "case", "complaints": "feedback",
    "holds": "case and feedback",
}  # fmt: skip


@dataclass(frozen=True)
class Compared:
    """One input or score of one stream: share of rows without it and middle value, now and before, and its drift."""

    stream: str
    name: str
    missing: float
    missing_before: float
    median: float | None
    median_before: float | None
    drift: Drift

    @property
    def subject(self) -> str:
        """What findings call it."""
        return f"{self.stream}.{self.name}"

    def to_json(self) -> dict[str, object]:
        """All of it as plain values."""
        return {k: v for k, v in vars(self).items() if k != "drift"} | {
            "psi": self.drift.psi, "chance": self.drift.chance,
        }  # fmt: skip


def compare(stream: str, name: str, now: Floats, before: Floats, alpha: float) -> Compared:
    """The values of one column, [n] and [m], NaN being absent."""
    here, there = _known(name, now), _known(name, before)
    edges = np.unique(np.quantile(there, np.linspace(0, 1, BINS + 1)[1:-1])) if len(there) else np.empty(0)
    found = NO_DRIFT
    if len(here) and len(there):
        found = drift(_counts(edges, there), _counts(edges, here), alpha=alpha)
    return Compared(
        stream, name, _missing(now, here), _missing(before, there), _median(here), _median(there), found
    )  # fmt: skip


def columns_of(stream: str, now: Floats, before: Floats, alpha: float) -> list[Compared]:
    """Every input of rows [n, p] and [m, p] of `CHURN_INPUTS`."""
    return [compare(stream, name, now[:, j], before[:, j], alpha) for j, name in enumerate(CHURN_INPUTS)]


def findings_of(
    one: Compared, sizes: tuple[int, int], limits: QualityParams, alpha: float, *, stops: bool, young: bool
) -> list[Finding]:
    """What is found of one comparison of so many rows. Without `stops` it warns only; so does, where the other rows are
    older (`young`: and could not look back on a year), what grows by itself.
    """
    told, remedy, told_fi, remedy_fi = _words(one.name)
    may_stop = stops and not (young and (_GROWS.fullmatch(one.name) or f"_{_YEAR}d" in one.name))
    words = (
        f"{told} is distributed otherwise in {one.stream} than before: PSI {one.drift.psi:.2f}, limit {{limit:.2f}}; "
        f"the middle value is {_text(one.median)}, was {_text(one.median_before)}. {remedy}"
    )
    finnish = (
        f"{told_fi} jakautuu {STREAMS_FI[one.stream]} toisin kuin ennen: PSI {InFinnish(one.drift.psi):.2f}, raja "
        f"{{limit:.2f}}; keskimmäinen arvo on {_text_fi(one.median)}, oli {_text_fi(one.median_before)}. {remedy_fi}"
    )
    found = beyond(
        "drift", one.subject, one.drift.psi, limits.warn_psi, limits.max_psi if may_stop else inf, words,
        at_least=one.drift.chance, finnish=finnish,
    )  # fmt: skip
    words = (
        f"{told} is absent in {one.missing:.0%} of {one.stream}, before in {one.missing_before:.0%}; a change of "
        f"{{limit:.0%}} is allowed. {remedy}"
    )
    finnish = (
        f"{told_fi} puuttuu {STREAMS_FI[one.stream]} {InFinnish(one.missing):.0%}:lta, ennen "
        f"{InFinnish(one.missing_before):.0%}:lta; muutos saa olla {{limit:.0%}}. {remedy_fi}"
    )
    found += share_findings(
        "null", one.subject, one.missing, one.missing_before, sizes, limits, alpha, (words, finnish), stops=stops
    )
    return found


def share_findings(
    check: str, subject: str, now: float, before: float, sizes: tuple[int, int], limits: QualityParams, alpha: float,
    words: tuple[str, str], *, stops: bool,
) -> list[Finding]:  # fmt: skip
    """A share that changed by more than is allowed, and more than by chance among so many rows; told in `words`,
    English and Finnish.
    """
    n, m = sizes
    if not n or not m:
        return []
    middle = (now * n + before * m) / (n + m)
    chance = float(norm.isf(alpha / 2) * sqrt(middle * (1 - middle) * (1 / n + 1 / m)))
    stop = limits.max_null_change if stops else inf
    return beyond(
        check, subject, abs(now - before), limits.warn_null_change, stop, words[0], at_least=chance, finnish=words[1]
    )


def _words(name: str) -> tuple[str, str, str, str]:
    """What an input or a score is called, and what to do where it drifts; then both in Finnish."""
    if name not in INPUT_WORDS:
        return (
            f"The score {name}",
            "See which inputs moved; if the shop itself changed, retrain: tahdikas retrain",
            f"Ennuste {name}",
            "Katso, mitkä syötteet muuttuivat; jos kauppa itse muuttui, kouluta uudelleen: tahdikas retrain",
        )
    words = INPUT_WORDS[name]
    source = _SOURCES.get(words.topic, "purchase")
    return (
        f"The input {name} ({words.english})",
        f"See what {source} events say and whether they still come (tahdikas quality); if the shop itself changed, "
        "retrain: tahdikas retrain",
        f"Syöte {name} ({words.finnish})",
        f"Katso, mitä {source.replace('and', 'ja')}-tapahtumat kertovat ja tuleeko niitä yhä (tahdikas quality); jos "
        "kauppa itse muuttui, kouluta uudelleen: tahdikas retrain",
    )


def _known(name: str, values: Floats) -> Floats:
    known = values[np.isfinite(values)]
    return np.minimum(known, OLDEST_DAYS) if name in _AGES else known


def _counts(edges: Floats, values: Floats) -> dict[int, int]:
    """Counts by bin of the reference, from 1 on."""
    counts = np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1)
    return {number + 1: int(count) for number, count in enumerate(counts.tolist()) if count}


def _missing(rows: Floats, known: Floats) -> float:
    return 1 - len(known) / len(rows) if len(rows) else 0.0


def _median(values: Floats) -> float | None:
    return float(np.median(values)) if len(values) else None


def _text(value: float | None) -> str:
    return "unknown" if value is None else in_words(value)


def _text_fi(value: float | None) -> str:
    return "tuntematon" if value is None else in_words(value).translate({ord(","): "\u00a0", ord("."): ","})
