"""Yardsticks on a shop of four customers, small enough to work out by hand."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from benchmarks.purchases import Purchases, read_purchases
from benchmarks.yardsticks import baskets, churn
from pipelines.sources.base import SourceBatch
from pipelines.sources.relation import as_events

CUTOFF = datetime(2024, 3, 1, tzinfo=UTC)
ORDERS = [  # customer, days from the cutoff, items
    ("ann", -60, "abc"),
    ("ann", -30, "ab"),
    ("ann", -10, "b"),
    ("ann", 5, "ad"),
    ("ann", 6, "x"),
    ("bob", -20, "c"),
    ("cid", -1, "cd"),
    ("cid", 0, "c"),  # exactly at the cutoff: after it
    ("dee", 3, "a"),  # new after the cutoff: nobody knows her yet
]


@pytest.fixture
def purchases() -> Purchases:
    rows = [
        {
            "event_id": f"o{i}",
            "type": "purchase",
            "customer_id": who,
            "order_id": f"o{i}",
            "occurred_at": CUTOFF + timedelta(days=days),
            "received_at": CUTOFF + timedelta(days=days),
            "source": "test",
            "schema_version": 1,
            "lines": [{"item_id": item, "quantity": 2, "unit_price": 100, "discount": 50} for item in items],
        }
        for i, (who, days, items) in enumerate(ORDERS)
    ]
    back = {**rows[1], "event_id": "r", "type": "return", "lines": [{"item_id": "a", "quantity": 1, "amount": 100}]}
    return read_purchases(
        [SourceBatch(as_events(pa.Table.from_pylist(rows))), SourceBatch(as_events(pa.Table.from_pylist([back])))]
    )


def named(purchases: Purchases, lists: pd.DataFrame) -> dict[str, str]:
    """Each customer's list as one word of item names."""
    ordered = lists.sort_values(["customer", "place"]) if "place" in lists else lists.sort_values(["customer", "item"])
    return {
        str(purchases.customer_ids[customer]): "".join(purchases.item_ids[rows["item"].to_numpy()])
        for customer, rows in ordered.groupby("customer")
    }


def test_recency_frequency_and_money_stop_at_the_cutoff(purchases: Purchases) -> None:
    table = churn.rfm(purchases, CUTOFF)
    assert [purchases.customer_ids[i] for i in table.index] == ["ann", "bob", "cid"]
    assert table["recency_days"].tolist() == [10, 20, 1]
    assert table["age_days"].tolist() == [60, 20, 1]
    assert table["orders"].tolist() == [3, 1, 1]
    assert table["paid"].tolist() == [9.0, 1.5, 3.0]  # 2 x 1.00 - 0.50 a line
    assert table["returns"].tolist() == [1, 0, 0]
    assert table["orders_28d"].tolist() == [1, 1, 1]


def test_churned_is_no_order_in_the_half_open_window(purchases: Purchases) -> None:
    table = churn.rfm(purchases, CUTOFF)
    assert churn.churned(purchases, table.index, CUTOFF, 30).tolist() == [False, True, False]
    assert churn.churned(purchases, table.index, CUTOFF, 5).tolist() == [True, True, False]


def test_the_truth_is_the_first_order_after_the_cutoff(purchases: Purchases) -> None:
    known = churn.rfm(purchases, CUTOFF).index
    assert named(purchases, baskets.first_baskets(purchases, known, CUTOFF, 30)) == {"ann": "ad", "cid": "c"}


def test_basket_yardsticks_rank_as_they_are_named(purchases: Purchases) -> None:
    lists = baskets.score_yardsticks(purchases, CUTOFF, k=3, half_life_days=5)
    assert named(purchases, lists["popularity"]) == dict.fromkeys(("ann", "bob", "cid"), "bca")
    assert named(purchases, lists["personal frequency"]) == {"ann": "bac", "bob": "c", "cid": "cd"}
    filled = named(purchases, lists["personal + popular"])
    assert (filled["ann"], filled["bob"][0], set(filled["bob"]), filled["cid"][:2]) == ("bac", "c", set("abc"), "cd")
    assert len(filled["cid"]) == 3
    assert named(purchases, lists["faded personal + popular"])["ann"] == "bac"


def test_labels_that_are_not_known_yet_are_refused(purchases: Purchases) -> None:
    with pytest.raises(ValueError, match="are not known by"):
        churn.score_yardsticks(purchases, train=CUTOFF - timedelta(days=10), test=CUTOFF, horizon_days=30)


def test_every_churn_yardstick_gives_probabilities() -> None:
    draw = np.random.default_rng(0)
    start = datetime(2024, 1, 1, tzinfo=UTC).timestamp()
    rates = draw.gamma(1.0, 1 / 20.0, 300)
    visits = [(c, at) for c, rate in enumerate(rates) for at in np.cumsum(draw.exponential(1 / rate, 60)) if at < 120]
    lines = pd.DataFrame(visits, columns=["customer", "at"]).sort_values("at", ignore_index=True)
    lines = lines.assign(at=start + lines["at"] * 86400, known=start, order=lines.index, item=0, paid=1000)
    returns = pd.DataFrame({"customer": [], "order": [], "at": [], "known": []})
    shop = Purchases(lines, returns, np.arange(300).astype(object), np.array(["a"], dtype=object))
    day = timedelta(days=1)
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    found = churn.score_yardsticks(shop, train=begin + 60 * day, test=begin + 90 * day, horizon_days=28)
    for name, scores in found.scores.items():
        assert scores.shape == found.customers.shape == found.churned.shape, name
        assert ((scores >= 0) & (scores <= 1)).all(), name
        assert scores[found.churned].mean() > scores[~found.churned].mean() + 0.05, name
