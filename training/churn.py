"""The churn model: no purchase in the horizon after the cutoff (`people.py` says how a model of people is learned)."""

from collections.abc import Sequence
from dataclasses import replace

from training.learners import Matrix
from training.params import ChurnParams
from training.people import Question, Result, Rows, train
from training.short_history import draw_level, silence_expected

CHURN = Question(
    name="churn",
    lines={
        "recency": ("recency_days",),
        "rfm": (
            "recency_days",
            "tenure_days",
            "log_purchase_count_total",
            "log_purchase_count_90d",
            "log_revenue_total",
            "log_order_value",
            "log_return_count_365d",
            "returned_share_365d",
        ),
    },
    who="customers",
    act="left",
)

ChurnRows = Rows
ChurnResult = Result


def train_churn(
    groups: Sequence[ChurnRows],
    names: Sequence[str],
    horizon_days: int,
    params: ChurnParams,
    today: Matrix | None = None,
) -> ChurnResult:
    """As `people.train`. `today` `[n, p]`: inputs of everybody as of training, given where history is short.

    Raises `DataError` as `people.train` does.
    """
    result = train(CHURN, groups, names, horizon_days, params)
    if today is None or not len(today):
        return result
    try:
        expected = float(silence_expected(today, names, horizon_days).mean())
    except ValueError as error:
        return replace(result, note=f"level left as the known windows have it: {error}")
    calibration, words = draw_level(result.fitted, result.calibration, today, names, expected)
    return replace(result, calibration=calibration, note=words)
