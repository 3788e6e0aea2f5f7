"""What each source of data is worth to a model of people: how much worse it ranks the same customers without it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from training.learners import Fitted, Matrix
from training.metrics import Array, Difference, auc, paired_bootstrap

if TYPE_CHECKING:
    from training.churn import ChurnRows

SOURCES: dict[str, tuple[str, ...]] = {
    "browse": (
        "log_browse_views_30d", "log_browse_sessions_30d", "log_cart_adds_30d", "log_searches_without_result_30d",
        "browse_age_days",
    ),
    "feedback": (
        "log_feedback_count_365d", "feedback_mean_365d", "feedback_trend", "ratings_90d", "last_rating_unit",
    ),
    "case": ("open_cases", "max_case_age_days", "complaints_365d", "holds_in_force"),
    "return": ("log_return_count_365d", "returned_share_365d"),
    "delivery": ("late_delivery_count_365d", "lateness_mean_days_365d", "late_deliveries_90d"),
    "contact": (
        "log_email_contacts_28d", "log_email_clicks_90d", "log_offers_accepted_365d", "contacts_28d",
        "days_since_last_contact",
    ),
}  # fmt: skip
"""Model inputs by the source they come from; all others come from purchases, which no shop is without."""

Scorer = Callable[[Matrix], Array]
"""Scores `[n]` of rows of inputs, the higher the likelier (or the more)."""


def source_worth(
    groups: Sequence["ChurnRows"],
    names: Sequence[str],
    halves: Array,
    fit: Callable[[Matrix, Array], Fitted],
    *,
    seed: int,
) -> dict[str, Difference]:
    """AUC with everything less AUC without one source, for each source that tells something here.

    `fit` learns the chosen kind of model; `halves` `[n]` (0 or 1) splits the newest customers, each half predicted by a
    model that learned from the other half and from older cutoffs of other customers. A source is left out by making
    its inputs absent, in learning and in predicting alike.
    """

    def learn(rows: Matrix, truth: Array) -> Scorer:
        model = fit(rows, truth).model
        return lambda asked: model.raw(asked, names)

    return worth_by(groups, names, halves, learn, metric=auc, seed=seed)


def worth_by(
    groups: Sequence["ChurnRows"],
    names: Sequence[str],
    halves: Array,
    learn: Callable[[Matrix, Array], Scorer],
    *,
    metric: Callable[[Array, Array], float],
    seed: int,
) -> dict[str, Difference]:
    """As `source_worth`, by any `metric(truth, score)` that is the better the higher, of whatever `learn` learns."""
    newest = groups[0]
    with_all = _predict(groups, halves, learn)
    worth: dict[str, Difference] = {}
    for source, inputs in SOURCES.items():
        columns = [names.index(name) for name in inputs if name in names]
        if not columns or all(tells_nothing(newest.inputs[:, j]) for j in columns):
            continue
        blanked = [replace(group, inputs=blank(group.inputs, columns)) for group in groups]
        without = _predict(blanked, halves, learn)
        worth[source] = paired_bootstrap(with_all, without, truth=newest.truth, metric=metric, draws=300, seed=seed)
    return worth


def _predict(groups: Sequence["ChurnRows"], halves: Array, learn: Callable[[Matrix, Array], Scorer]) -> Array:
    newest = groups[0]
    found = np.empty(len(newest.truth))
    for half in (0, 1):
        inside = halves == half
        keep = [~np.isin(g.customers, newest.customers[inside]) for g in groups]
        rows = np.concatenate([g.inputs[k] for g, k in zip(groups, keep, strict=True)])
        truth = np.concatenate([g.truth[k] for g, k in zip(groups, keep, strict=True)])
        found[inside] = learn(rows, truth)(newest.inputs[inside])
    return found


def blank(inputs: Matrix, columns: Sequence[int]) -> Matrix:
    """A copy without what the columns tell."""
    changed = inputs.copy()
    changed[:, columns] = np.nan
    return changed


def tells_nothing(column: Array) -> bool:
    """Absent for everybody, or the same."""
    known = column[~np.isnan(column)]
    return len(known) == 0 or bool((known == known[0]).all())
