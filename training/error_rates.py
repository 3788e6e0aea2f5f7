"""Both errors of a threshold, by who the writers are: the dissatisfied who are missed, the others who would be held."""

from typing import Any

from training.intervals import share_interval
from training.metrics import Array
from training.segments import Masks


def error_rates(truth: Array, probability: Array, threshold: float, masks: Masks) -> list[dict[str, Any]]:
    """For each mask `[n]` the counts, and both rates with Wilson's 95 % interval; NaN of nothing.

    Held are those from the threshold on.
    """
    bad, held = truth > 0.5, probability >= threshold
    rows = []
    for name, mask in masks.items():
        missed, needless = int((mask & bad & ~held).sum()), int((mask & ~bad & held).sum())
        unhappy, others = int((mask & bad).sum()), int((mask & ~bad).sum())
        miss, silence = share_interval(missed, unhappy), share_interval(needless, others)
        rows.append(
            {"segment": name, "dissatisfied": unhappy, "missed": missed, "others": others, "needless": needless}
            | {"miss_rate": miss.value, "miss_low": miss.low, "miss_high": miss.high}
            | {"needless_rate": silence.value, "needless_low": silence.low, "needless_high": silence.high}
        )
    return rows
