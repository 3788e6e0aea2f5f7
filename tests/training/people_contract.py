"""What every model of people must keep, whatever it asks: inherited by the tests of each.

The made-up customers of `shop_rows` have orders at rates of their own and leave; the inputs are those of the product.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from features.errors import DataError
from features.inputs.frame import CHURN_INPUTS, DAY_SECONDS, customer_inputs
from tests.training.shops import day
from training.metrics import Array
from training.params import ChurnParams, Trees
from training.people import Rows

NAMES = list(CHURN_INPUTS)
PARAMS = ChurnParams(trees=Trees(rounds=40, min_data_in_leaf=20))
HORIZON_DAYS = 28
HISTORY_DAYS = 200
Predict = Callable[[Array], Array]
"""Inputs `[n, p]` -> what the model says of each, `[n]`."""
Learn = Callable[[Sequence[Rows]], tuple[Predict, list[object]]]
"""Groups, newest first, their truth minor units spent -> the model, and everything it is made of, to compare."""


def shop_rows(n: int = 500, cutoffs: int = 3, seed: int = 0) -> list[Rows]:
    """Groups newest first; the truth is what each customer spends in the 28 days after the cutoff, minor units."""
    generator = np.random.default_rng(seed)
    start = generator.uniform(0, HISTORY_DAYS, n)
    gap = generator.gamma(2.0, 20.0, n) + 2
    gone = start + np.where(generator.random(n) < 0.2, 0.0, generator.exponential(150, n))
    worth = np.exp(generator.normal(7.5, 0.7, n))
    orders = []
    for i in range(n):
        at = start[i] + np.concatenate([[0.0], np.cumsum(generator.exponential(gap[i], 200))])
        at = at[(at <= gone[i]) | (at == start[i])]
        at = at[at < HISTORY_DAYS + HORIZON_DAYS]
        orders.append((at, worth[i] * np.exp(generator.normal(0, 0.4, len(at)))))
    return [_group(orders, HISTORY_DAYS - HORIZON_DAYS * g) for g in range(cutoffs)]


def _group(orders: Sequence[tuple[Array, Array]], cutoff: float) -> Rows:
    who = [i for i, (at, _) in enumerate(orders) if at[0] < cutoff]
    known = [(orders[i][0][orders[i][0] < cutoff], orders[i][1][orders[i][0] < cutoff]) for i in who]
    seconds = day(0).timestamp() + cutoff * DAY_SECONDS
    count = np.array([len(at) for at, _ in known], float)
    columns = {
        "first_purchase_at": np.array([at[0] for at, _ in known]) * DAY_SECONDS + day(0).timestamp(),
        "last_purchase_at": np.array([at[-1] for at, _ in known]) * DAY_SECONDS + day(0).timestamp(),
        "purchase_count_total": count,
        "purchase_count_90d": np.array([float((at >= cutoff - 90).sum()) for at, _ in known]),
        "revenue_total": np.array([paid.sum() for _, paid in known]),
        "items_total": count,
    }
    names, inputs = customer_inputs(columns, np.full(len(who), seconds))
    assert names == NAMES
    later = [(orders[i][0] >= cutoff) & (orders[i][0] < cutoff + HORIZON_DAYS) for i in who]
    spent = np.array([float(orders[i][1][after].sum()) for i, after in zip(who, later, strict=True)])
    return Rows(day(cutoff), np.array([f"c{i:04d}" for i in who]), inputs, spent)


class PeopleContract:
    """Give `learn`, and `score`: how well predictions order the truth, 0.5 being chance."""

    def learn(self, groups: Sequence[Rows]) -> tuple[Predict, list[object]]:
        """Fit on groups whose truth is spend."""
        raise NotImplementedError

    def asked(self, group: Rows) -> Array:
        """Who of a group the question is asked of, `[n]` of bool."""
        return np.ones(len(group.truth), bool)

    def score(self, truth: Array, predicted: Array) -> float:
        """AUC or what stands for it."""
        raise NotImplementedError

    def test_it_orders_customers_it_never_saw(self) -> None:
        predict, _ = self.learn(shop_rows())
        newest = shop_rows(seed=1)[0]
        some = self.asked(newest)
        assert self.score(newest.truth[some], predict(newest.inputs[some])) > 0.6

    def test_shuffled_truth_teaches_nothing(self) -> None:
        generator = np.random.default_rng(3)
        noise = [replace(g, truth=generator.permutation(g.truth)) for g in shop_rows()]
        predict, _ = self.learn(noise)
        newest = shop_rows(seed=1)[0]
        some = self.asked(newest)
        shuffled = generator.permutation(newest.truth[some])
        assert self.score(shuffled, predict(newest.inputs[some])) == pytest.approx(0.5, abs=0.1)

    def test_twice_the_same_rows_give_the_same_files(self) -> None:
        first, second = (self.learn(shop_rows(300))[1] for _ in range(2))
        assert first == second

    def test_the_order_of_rows_to_score_does_not_matter(self) -> None:
        groups = shop_rows(300)
        predict, _ = self.learn(groups)
        rows = groups[0].inputs[self.asked(groups[0])]
        turned = np.arange(len(rows))[::-1]
        np.testing.assert_array_equal(predict(rows)[turned], predict(rows[turned]))

    def test_the_order_of_rows_to_learn_from_changes_next_to_nothing(self) -> None:
        groups = shop_rows(300)
        turned = [Rows(g.cutoff, g.customers[::-1], g.inputs[::-1], g.truth[::-1]) for g in groups]
        rows = groups[0].inputs[self.asked(groups[0])]
        one, other = self.learn(groups)[0](rows), self.learn(turned)[0](rows)
        assert np.corrcoef(one, other)[0, 1] > 0.95

    def test_one_class_is_refused(self) -> None:
        nobody = [replace(g, truth=np.zeros(len(g.truth))) for g in shop_rows(200)]
        with pytest.raises(DataError, match="of each kind"):
            self.learn(nobody)

    def test_few_customers_are_refused_with_the_remedy(self) -> None:
        with pytest.raises(DataError, match=r"Ingest more customers|Change churn\.horizon_days"):
            self.learn(shop_rows(10))

    def test_inputs_that_nobody_has_are_refused_with_the_remedy(self) -> None:
        empty = [replace(g, inputs=self.emptied(g.inputs)) for g in shop_rows(200)]
        with pytest.raises(DataError, match=r"None of|none of|Ingest"):
            self.learn(empty)

    def test_a_planted_input_of_the_future_is_refused(self) -> None:
        groups = shop_rows(1200)
        column = NAMES.index("log_searches_without_result_30d")
        for g in groups:
            noise = np.random.default_rng(0).normal(0, 0.05, len(g.truth))
            g.inputs[:, column] = (g.truth > 0) + noise
        with pytest.raises(DataError, match=r"log_searches_without_result_30d alone tells .*as of the cutoff"):
            self.learn(groups)

    def emptied(self, inputs: Array) -> Array:
        """Every input absent."""
        return np.full_like(inputs, np.nan)

    def test_inputs_of_other_sources_may_be_absent(self) -> None:
        """`shop_rows` knows purchases alone: no browsing, feedback, contacts. A model is found all the same."""
        groups = shop_rows(300)
        assert np.isnan(groups[0].inputs).all(axis=0).any()
        predict, _ = self.learn(groups)
        assert np.isfinite(predict(groups[0].inputs)).all()
