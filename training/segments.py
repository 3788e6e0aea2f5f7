"""A model's figures by who the customers are: new or regular, their language, with and without known browsing."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from training.intervals import UNKNOWN, Estimate, auc_interval, mean_interval, rank_interval
from training.metrics import Array

ORDERS = {"first_purchase": (1, 1), "few_purchases": (2, 4), "regulars": (5, np.inf)}
"""Segments by the orders known at the cutoff, lowest and highest; nobody known without one has a segment of her own."""
FEWEST = 50  # rows of a segment, below which only their number is told
ALL = "all"

Masks = Mapping[str, Array]
Figure = Callable[[Array], Estimate]
"""The main figure of the rows that a mask `[n]` chooses."""


def segments_of(orders: Array, languages: Array | None = None, browses: Array | None = None) -> dict[str, Array]:
    """Masks `[n]` by name: everybody, by orders, `language_<code>` (`language_unknown`), `browsing`, `no_browsing`.

    Empty ones are left out. What a row is not known by (None) makes no segments.

    >>> list(segments_of(np.array([1.0, 7.0]), np.array(["fi", ""]), np.array([False, False])))
    ['all', 'first_purchase', 'regulars', 'language_fi', 'language_unknown', 'no_browsing']
    """
    masks = {ALL: np.full(len(orders), True), "no_purchase": ~(orders >= 1)}
    masks |= {name: (orders >= low) & (orders <= high) for name, (low, high) in ORDERS.items()}
    if languages is not None:
        spoken = np.asarray(languages, dtype=np.str_)
        masks |= {f"language_{code}": spoken == code for code in np.unique(spoken).tolist() if code}
        masks["language_unknown"] = spoken == ""
    if browses is not None:
        known = np.asarray(browses, bool)
        masks |= {"browsing": known, "no_browsing": ~known}
    return {name: mask for name, mask in masks.items() if mask.any()}


def segment_rows(masks: Masks, figure: Figure, truth: Array, predicted: Array) -> list[dict[str, Any]]:
    """For each mask: rows, the figure, mean prediction and truth, and the interval of truth less prediction.

    `truth` and `predicted` are of the rows the masks are of. Segments of fewer than 50 tell their size alone.
    """
    return [
        {"segment": name, "n": int(mask.sum())}
        | figure_told(figure(mask) if mask.sum() >= FEWEST else UNKNOWN)
        | calibration(truth[mask], predicted[mask])
        for name, mask in masks.items()
    ]


def people_segments(
    truth: Array, probability: Array, orders: Array, languages: Array | None, browses: Array | None
) -> list[dict[str, Any]]:
    """`segment_rows` of a model that gives every customer one probability; the figure is the AUC. All `[n]`."""
    masks = segments_of(orders, languages, browses)
    return segment_rows(masks, lambda mask: auc_interval(truth[mask], probability[mask]), truth, probability)


def value_segments(
    truth: Array, expected: Array, orders: Array, languages: Array | None, browses: Array | None
) -> list[dict[str, Any]]:
    """`segment_rows` of a model that gives every customer one amount; the figure is Spearman's. All `[n]`."""
    masks = segments_of(orders, languages, browses)
    return segment_rows(masks, lambda mask: rank_interval(truth[mask], expected[mask]), truth, expected)


def list_segments(
    ndcg: Array, bought_by: Array, truth: Array, probability: Array, customer: Array, masks: Masks
) -> list[dict[str, Any]]:
    """Of a model that ranks items for everybody; `masks` are `[customers]`, the figure is the mean NDCG.

    `ndcg` is of the customers (by number) `bought_by`; `truth` and `probability` are of calibrated rows, each of a
    `customer`: rows of one customer hang together, and the intervals know it. `n` counts customers who bought.
    """
    found = []
    for name, mask in masks.items():
        hers, rows = mask[bought_by], mask[customer]
        figure = mean_interval(ndcg[hers]) if hers.sum() >= FEWEST else UNKNOWN
        found.append(
            {"segment": name, "n": int(hers.sum())}
            | figure_told(figure)
            | calibration(truth[rows], probability[rows], customer[rows])
        )
    return found


def figure_told(figure: Estimate) -> dict[str, float]:
    """As a report keeps it."""
    return {"value": figure.value, "low": figure.low, "high": figure.high}


def calibration(truth: Array, predicted: Array, clusters: Array | None = None) -> dict[str, float]:
    """Mean prediction and truth, and the interval of truth less prediction; NaN with fewer than 50 rows."""
    if len(truth) < FEWEST:
        return dict.fromkeys(("predicted", "observed", "gap_low", "gap_high"), float("nan"))
    gap = mean_interval(truth - predicted, clusters)
    means = {"predicted": float(predicted.mean()), "observed": float(truth.mean())}
    return means | {"gap_low": gap.low, "gap_high": gap.high}
