"""What the words and each source of facts are worth to the model of dissatisfaction; and what it goes by."""

from typing import TYPE_CHECKING

import numpy as np

from features.inputs.satisfaction import Satisfaction
from features.inputs.scoring import Matrix
from features.inputs.seed_words import seed_scores
from training.learners import fit_trees
from training.metrics import Array, Difference, auc, paired_bootstrap
from training.satisfaction import FACT_TREES, FILE, SatisfactionResult
from training.source_worth import blank, tells_nothing

if TYPE_CHECKING:
    from training.dissatisfaction import RatedTexts

TEXT = "text"
FACT_SOURCES: dict[str, tuple[str, ...]] = {
    "delivery": ("late_orders", "late_deliveries_90d", "orders_in_delivery", "days_since_last_delivery"),
    "case": (
        "open_cases", "max_case_age_days", "case_asks", "cases_365d", "complaints_365d", "return_cases_365d",
        "frictions_28d",
    ),
    "feedback": ("bad_ratings_365d", "last_rating_unit"),
    "purchase": ("orders_total",),
}  # fmt: skip
"""`FEEDBACK_FACTS` by the source that tells them."""
DRAWS = 300


def text_source_worth(
    learned: SatisfactionResult, older: "RatedTexts", newest: "RatedTexts", *, seed: int
) -> dict[str, Difference]:
    """AUC on the newest texts with everything less AUC without one source; everything learned from the older ones.

    Without the `text` trees over all facts judge alone, whether or not the model uses them beside the words. Without a
    source of facts the trees beside the words learn again, its facts absent; where the model has no such trees it loses
    nothing by it, and nothing is told.
    """
    judged = learned.model.probability(newest.texts, newest.facts if learned.model.trees is not None else None)
    found = {TEXT: _facts_alone(older, newest, seed)}
    if learned.model.trees is not None:
        assert learned.of_text is not None  # it is there where trees are
        for source, names in FACT_SOURCES.items():
            columns = [list(older.names).index(name) for name in names]
            if not all(tells_nothing(newest.facts[:, j]) for j in columns):
                found[source] = _without(learned, older, newest, columns, seed)
    return {
        source: paired_bootstrap(judged, without, truth=newest.truth, metric=auc, draws=DRAWS, seed=seed)
        for source, without in found.items()
    }


def spread_by_part(model: Satisfaction, texts: "RatedTexts") -> dict[str, float]:
    """Shares, summing to 1, of how far the log-odds of these texts spread: by learned words, seed words, and facts.

    The facts' part is divided among them by the gain of the trees. All 0 where nothing differs.
    """
    learned = model.text.score(texts.texts) if model.text is not None else np.zeros(len(texts))
    parts = {
        "learned words": float(np.std(model.line.text * np.asarray(learned))),
        "seed words": float(np.std(model.line.seeds * np.asarray(seed_scores(texts.texts)))),
    }
    if model.trees is not None:
        gain = np.asarray(model.trees.feature_importance("gain"), np.float64)  # type: ignore[attr-defined]
        told = float(np.std(model.of_facts(texts.facts))) * gain / max(gain.sum(), 1e-12)
        parts |= dict(zip(model.facts, told.tolist(), strict=True))
    total = sum(parts.values())
    return {name: part / total if total else 0.0 for name, part in parts.items()}


def _facts_alone(older: "RatedTexts", newest: "RatedTexts", seed: int) -> Array:
    """Scores by the facts, in the order of their log-odds; equal for all where no fact tells anything."""
    fitted = fit_trees(older.facts, older.truth, older.names, FACT_TREES, file=FILE, seed=seed)
    return np.asarray(fitted.boosters[FILE].predict(newest.facts, num_threads=1), np.float64)


def _without(
    learned: SatisfactionResult, older: "RatedTexts", newest: "RatedTexts", columns: list[int], seed: int
) -> Array:
    facts: Matrix = blank(older.facts, columns)
    fitted = fit_trees(facts, older.truth, older.names, FACT_TREES, file=FILE, seed=seed, offset=learned.of_text)
    model = Satisfaction(learned.model.line, learned.model.text, fitted.boosters[FILE], learned.model.facts)
    return model.probability(newest.texts, blank(newest.facts, columns))
