"""What a source of data is worth to the next offer: how much worse the ranker's lists are without it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from features.inputs.candidates import CandidateFrame
from training.learners import Fitted
from training.metrics import Array, Difference, paired_bootstrap, score_lists
from training.params import OfferParams
from training.ranker import NAMES, OfferRows, fit_ranker, shown
from training.source_worth import blank, tells_nothing

OFFER_SOURCES: dict[str, tuple[str, ...]] = {
    "categories": ("category_share", "category_age_days"),
    "prices": ("price", "price_ratio"),
}
"""Model inputs by what a shop may not tell: an item's category, and what was paid. All others come from who bought what
and when, which no shop is without; no other source is looked at."""
MOST_CUSTOMERS = 2000  # drawn of each window; more make the intervals narrower and training slower


def offer_source_worth(groups: Sequence[OfferRows], params: OfferParams) -> dict[str, Difference]:
    """NDCG with everything less NDCG without one source, for each source that tells something here; newest first.

    With and without learn from the same customers of the older windows and rank for the same of the newest one, at most
    2,000 each. A source is left out by making its inputs absent in both. Nothing can be said with one window.
    """
    drawn = [_some(group, params.seed) for group in groups]
    newest, older = drawn[0], drawn[1:]
    worth: dict[str, Difference] = {}
    with_all: Array | None = None
    for source, inputs in OFFER_SOURCES.items():
        columns = [NAMES.index(name) for name in inputs]
        if not older or all(tells_nothing(newest.frame.inputs[:, j]) for j in columns):
            continue
        with_all = _ndcg(fit_ranker(older, params), newest, params.k) if with_all is None else with_all
        without = fit_ranker([_without(group, columns) for group in older], params)
        lists = _ndcg(without, _without(newest, columns), params.k)
        worth[source] = paired_bootstrap(with_all, lists, seed=params.seed)
    return worth


def _ndcg(fitted: Fitted, rows: OfferRows, k: int) -> Array:
    """One number a customer who bought."""
    return score_lists(shown(rows, fitted.model.raw(rows.frame.inputs, NAMES), k), rows.bought, k).ndcg


def _without(rows: OfferRows, columns: Sequence[int]) -> OfferRows:
    frame = rows.frame
    return replace(rows, frame=CandidateFrame(frame.customer, frame.item, frame.source, blank(frame.inputs, columns)))


def _some(rows: OfferRows, seed: int) -> OfferRows:
    """The same window for at most `MOST_CUSTOMERS` of its customers."""
    if len(rows.customers) <= MOST_CUSTOMERS:
        return rows
    generator = np.random.default_rng([seed, int(rows.cutoff.timestamp())])
    kept = generator.choice(len(rows.customers), MOST_CUSTOMERS, replace=False)
    frame, inside = rows.frame, np.isin(rows.frame.customer, kept)
    bought = np.isin(rows.bought[0], kept)
    return replace(
        rows,
        frame=CandidateFrame(frame.customer[inside], frame.item[inside], frame.source[inside], frame.inputs[inside]),
        truth=rows.truth[inside],
        bought=(rows.bought[0][bought], rows.bought[1][bought]),
    )
