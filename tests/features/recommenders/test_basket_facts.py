"""Facts of customer, item and the two, worked out by hand."""

import numpy as np
import pytest

from features.recommenders.basket_facts import COLUMNS, BasketFacts
from features.recommenders.sequences import Items, Sequences

ITEMS = Items(["bread", "milk", "soap"])
ANN = [["milk"], ["bread"], ["bread", "milk"], ["bread"]]
BOB = [["milk"]]


def facts(item: str, owner: int = 0) -> dict[str, float]:
    known = Sequences.of([ANN, BOB], ITEMS)
    values = BasketFacts.fit(known).values(known, np.array([owner]), np.array([ITEMS.number[item]]))
    assert values.shape == (1, len(COLUMNS))
    return dict(zip(COLUMNS, values[0].tolist(), strict=True))


def test_her_and_the_item() -> None:
    milk = facts("milk")
    assert (milk["own_count"], milk["own_ago"], milk["own_gap"], milk["own_due"]) == (2, 2, 2, 1)
    bread = facts("bread")
    assert (bread["own_count"], bread["own_ago"], bread["own_gap"], bread["own_due"]) == (3, 1, 1, 1)


def test_what_she_never_had_is_absent_and_counts_nothing() -> None:
    soap = facts("soap")
    assert soap["own_count"] == 0
    assert np.isnan([soap[name] for name in ("own_ago", "own_gap", "own_due", "item_again")]).all()


def test_one_purchase_has_no_gap() -> None:
    milk = facts("milk", owner=1)
    assert (milk["own_count"], milk["own_ago"]) == (1, 1)
    assert np.isnan(milk["own_gap"])


def test_of_her() -> None:
    ann = facts("soap")
    assert [ann[name] for name in ("baskets", "basket_size", "last_size", "own_items")] == [4, 1.25, 1, 2]
    assert ann["repeat_share"] == pytest.approx(1 - 2 / 5)
    assert ann["her_popularity"] == pytest.approx(np.log(4))  # both were in three baskets


def test_of_the_item() -> None:
    milk = facts("milk")
    assert milk["item_count"] == pytest.approx(np.log(4))
    assert milk["item_recent"] == pytest.approx(np.log(2))  # it is the last of Bob alone
    assert milk["item_again"] == pytest.approx(1 / 2)
    assert milk["item_crowd"] == pytest.approx(np.log(2) / 3)


def test_a_customer_without_baskets() -> None:
    nobody = Sequences.of([[]], ITEMS)
    values = BasketFacts.fit(nobody).values(nobody, np.array([0]), np.array([1]))
    assert values.shape == (1, len(COLUMNS))
