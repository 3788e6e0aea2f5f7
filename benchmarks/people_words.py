"""The sentences of the benchmark of second purchase and value."""

from datetime import datetime

import numpy as np

from training.metrics import Floats
from training.people import Result
from training.value import ValueResult


def protocol_words(share: float) -> str:
    """What is asked, of whom, and what was decided where."""
    return (
        "Second purchase: of customers with exactly one order at the cutoff, the probability that they order within "
        "the horizon. Value: what everybody who bought before the cutoff spends within it, in the shop's "
        "currency (neither file has margins; returns are not taken off), expected and with an interval that should "
        f"hold {share:.0%}. The models learn from windows that end by the cutoff; BG/NBD and Gamma-Gamma are fitted to "
        "all that was known at it, an order day counting once. Design and settings were decided on Online Retail "
        "windows of 28 and 42 days that end by 2011-04-09 and on Complete Journey windows that end by 2017-12-03: "
        "there the mean of the two parts and of BG/NBD with Gamma-Gamma ranked customers better than the latter alone. "
        "Intervals of differences: paired bootstrap over customers, 95 %."
    )


def second_words(title: str, cutoff: datetime, truth: Floats, horizon_days: int, result: Result) -> str:
    """Who is judged, and what was chosen."""
    note = f" ({result.note})" if result.note else ""
    return (
        f"{title} at {cutoff:%Y-%m-%d}: {len(truth):,} customers with one order, of whom {truth.mean():.1%} ordered "
        f"again within {horizon_days} days. Chosen: {result.chosen}{note}; the newest known window held "
        f"{len(result.truth):,} such customers."
    )


def value_words(title: str, cutoff: datetime, spent: Floats, horizon_days: int, result: ValueResult) -> str:
    """Who is judged, and what was chosen."""
    top = np.sort(spent)[::-1]
    share = top[: max(1, len(top) // 100)].sum() / top.sum()
    return (
        f"{title} at {cutoff:%Y-%m-%d}: {len(spent):,} customers, {np.mean(spent > 0):.1%} of whom spent something in "
        f"the {horizon_days} days from it; {spent.mean():.1f} on average, and {share:.0%} of all by one customer in a "
        f"hundred. Chosen: {result.chosen} (chance of an order x amount), and BG/NBD with Gamma-Gamma."
    )
