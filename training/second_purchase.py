"""Second purchase: the probability that a customer with one order orders again within the horizon.

The same rows as churn's, of customers with one order only, and the opposite truth: 1 for who came back. Two in three
inputs of churn (gaps, rhythm) are absent for her; what she bought the first time, and when, are not.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from training.learners import Matrix
from training.params import ChurnParams
from training.people import Question, Result, Rows, train
from training.short_history import draw_level, silence_expected

SECOND_PURCHASE = Question(
    name="second_purchase",
    lines={
        "recency": ("recency_days",),
        "first_order": (
            "recency_days",
            "log_order_value",
            "log_items_total",
            "log_distinct_items_total",
            "discount_share_365d",
            "log_return_count_365d",
            "returned_share_365d",
        ),
    },
    who="customers with one order",
    act="came back",
    enough=100,
)


def ordered_once(inputs: Matrix, names: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Who has exactly one order, `[n]`."""
    return np.asarray(np.round(np.expm1(inputs[:, names.index("log_purchase_count_total")])) == 1)


def second_purchase_rows(group: Rows, names: Sequence[str]) -> Rows:
    """Churn's rows of customers with one order, the truth turned: 1 for who came back."""
    once = ordered_once(group.inputs, names)
    return Rows(group.cutoff, group.customers[once], group.inputs[once], 1.0 - group.truth[once])


def train_second_purchase(
    groups: Sequence[Rows], names: Sequence[str], horizon_days: int, params: ChurnParams, today: Matrix | None = None
) -> Result:
    """As `churn.train_churn`, from the same rows; `today` are everybody's inputs, where history is short.

    Raises `DataError` where too few customers have one order, or too few of them came back or stayed away.
    """
    own = [second_purchase_rows(group, names) for group in groups]
    result = train(SECOND_PURCHASE, own, names, horizon_days, params)
    if today is None or not (once := ordered_once(today, names)).any():
        return result
    try:
        expected = float(1 - silence_expected(today, names, horizon_days)[once].mean())
    except ValueError as error:
        return replace(result, note=f"level left as the known windows have it: {error}")
    calibration, words = draw_level(result.fitted, result.calibration, today[once], names, expected)
    return replace(result, calibration=calibration, note="; ".join(filter(None, (result.note, words))))
