"""The usual practice: rank by the predicted chance of an order, write to the top; no holds, whatever is going on."""

from collections.abc import Callable
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.tact.post import Mailing, Post, numbers
from pipelines.shop.arrays import Floats, Ints

RETRAIN_WEEKS = 13
WINDOWS = (1, 4, 13, 26)


class Ranking:
    """Writes to the `quota(week)` customers likeliest to order in the week, of those who granted it.

    The chance is that of a logistic regression on recency, frequency, spending, visits, tenure and the reception of
    letters, as they stood in each past week of its own log; fitted anew each quarter.
    """

    def __init__(self, size: int, quota: Callable[[int], int], offer: int | None = None) -> None:
        self._consents = Mailing(size, offer)
        self._quota = quota
        self._size = size
        self._counts: list[dict[str, Floats]] = []
        self._since = np.full(size, np.inf)
        self._last = np.full(size, -np.inf)
        self._rows: list[Floats] = []
        self._model: object = None
        self._trained = -RETRAIN_WEEKS

    def hear(self, events: pa.Table) -> None:
        """One more week of what is known."""
        self._consents.hear(events)
        week = len(self._counts)
        self._since[numbers(events)] = np.minimum(self._since[numbers(events)], week)
        bought = events.filter(pc.field("type") == "purchase")
        contacts = events.filter(pc.field("type") == "contact")
        self._last[numbers(bought)] = week
        visited = numbers(events.filter(pc.field("type") == "browse"))
        self._counts.append(
            {
                "orders": self._per_customer(numbers(bought)),
                "cents": self._per_customer(numbers(bought), _paid(bought)),
                "visits": self._per_customer(visited),
                **{
                    status: self._per_customer(numbers(contacts.filter(pc.field("status") == status)))
                    for status in ("sent", "impression", "click")
                },
            }
        )
        self._rows.append(self._features(week))

    def send(self, week: int, now: datetime) -> Post:
        """The week's letter to the likeliest."""
        if week - self._trained >= RETRAIN_WEEKS:
            self._fit()
            self._trained = week
        may = np.flatnonzero(self._consents.granted & np.isfinite(self._since))
        chances = self._model.predict_proba(self._rows[-1][may])[:, 1] if self._model else np.zeros(len(may))  # type: ignore[attr-defined]
        top = may[np.argsort(-chances, kind="stable")][: self._quota(week)]
        return Post.of(np.sort(top), self._consents.offer(week))

    def _fit(self) -> None:
        """Learn from all weeks whose outcome is known: what was known at the letter, who ordered until the next."""
        rows, orders = [], []
        for features, after in zip(self._rows[:-1], self._counts[1:], strict=True):
            known = np.isfinite(features).all(axis=1)
            rows.append(features[known])
            orders.append(after["orders"][known] > 0)
        ordered = np.concatenate(orders) if orders else np.zeros(0, dtype=bool)
        if 0 < ordered.sum() < len(ordered):
            self._model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
            self._model.fit(np.concatenate(rows), ordered)  # type: ignore[attr-defined]

    def _features(self, week: int) -> Floats:
        """[customers, features]; not finite where she is not known yet."""
        sums = [
            sum((week_counts[name] for week_counts in self._counts[-weeks:]), np.zeros(self._size))
            for name in ("orders", "cents", "visits", "sent", "impression", "click")
            for weeks in WINDOWS
        ]
        tenure = np.where(np.isfinite(self._since), week - self._since, np.nan)
        idle = np.where(np.isfinite(self._last), week - self._last, tenure + 13)
        never = ~np.isfinite(self._last)
        return np.column_stack([np.log1p(np.maximum(column, 0)) for column in (*sums, tenure, idle)] + [never])

    def _per_customer(self, who: Ints, weights: Floats | None = None) -> Floats:
        return np.bincount(who, weights, self._size).astype(np.float64)


def _paid(purchases: pa.Table) -> Floats:
    """Cents paid in each purchase."""
    lists = purchases["lines"].combine_chunks()
    lines, parents = lists.flatten(), pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
    each = (
        lines.field("quantity").to_numpy() * lines.field("unit_price").to_numpy() - lines.field("discount").to_numpy()
    )
    return np.bincount(parents, each, purchases.num_rows).astype(np.float64)
