"""Baskets side by side."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import DataError
from features.recommenders.sequences import Items, Sequences

ITEMS = Items(["bread", "milk", "soap"])
OWNERS = [[["milk"], ["bread", "milk", "milk"]], [], [["wine"], ["soap"]]]
owners = st.lists(st.lists(st.lists(st.sampled_from(ITEMS.names), max_size=3), max_size=4), min_size=1, max_size=6)


def told(sequences: Sequences) -> list[list[list[str]]]:
    """Back to lists."""
    rows = [
        [ITEMS.names[i] for i in sequences.item[a:b]]
        for a, b in zip(sequences.basket_start, sequences.basket_start[1:], strict=False)
    ]
    return [rows[a:b] for a, b in zip(sequences.owner_start, sequences.owner_start[1:], strict=False)]


def test_each_item_once_a_basket_and_unknown_ones_left_out() -> None:
    assert told(Sequences.of(OWNERS, ITEMS)) == [[["milk"], ["bread", "milk"]], [], [[], ["soap"]]]


def test_a_session_is_a_basket_a_view() -> None:
    assert told(Sequences.of_sessions([["soap", "wine", "soap"], []], ITEMS)) == [[["soap"], ["soap"]], []]


def test_how_many_baskets_ago() -> None:
    assert Sequences.of(OWNERS, ITEMS).baskets_ago.tolist() == [1, 0, 0, 0]


@given(owners)
def test_taking_all_is_all_and_backwards_is_backwards(owners: list) -> None:
    whole = Sequences.of(owners, ITEMS)
    backwards = np.arange(len(whole))[::-1]
    assert told(whole.take(backwards)) == told(whole)[::-1]


@given(owners)
def test_all_but_the_last_and_the_last(owners: list) -> None:
    whole = Sequences.of(owners, ITEMS)
    earlier, last = whole.before_last()
    assert [a + b for a, b in zip(told(earlier), told(last), strict=True)] == told(whole)
    assert [len(one) for one in told(last)] == [min(len(owner), 1) for owner in owners]


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError, match="numbers from 0 to 2"):
        Sequences(np.array([0, 1]), np.array([0, 1]), np.array([7]), 3)
