"""TIFU-KNN on customers small enough to work out by hand."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.yardsticks.tifu import Tifu, frequency_weights, tifu_lists


def lines(*baskets: tuple[int, int, str]) -> pd.DataFrame:
    rows = [(customer, basket, ord(item)) for customer, basket, items in baskets for item in items]
    return pd.DataFrame(rows, columns=["customer", "basket", "item"])


def lists(found: pd.DataFrame) -> dict[int, str]:
    ordered = found.sort_values(["customer", "place"])
    return {who: "".join(map(chr, rows["item"])) for who, rows in ordered.groupby("customer")}


def test_weights_of_five_baskets_in_two_groups() -> None:
    customer, basket = pd.Series([7] * 5), pd.Series([1, 2, 3, 5, 9])
    found = frequency_weights(customer, basket, Tifu(r_b=0.9, r_g=0.5, groups=2))
    older, newer = 0.5 / 2 / 2, 1 / 2 / 3  # between, groups, baskets in the group
    assert found == pytest.approx([0.9 * older, older, 0.81 * newer, 0.9 * newer, newer])


def test_fewer_baskets_than_groups_are_a_group_each_in_any_order_of_rows() -> None:
    found = frequency_weights(pd.Series([2, 1, 1]), pd.Series([4, 9, 8]), Tifu(r_b=0.9, r_g=0.5, groups=7))
    assert found == pytest.approx([1.0, 1 / 2, 0.5 / 2])


def test_the_nearest_customers_fill_up_what_is_her_own() -> None:
    told = lines((1, 1, "ab"), (2, 1, "abc"), (3, 1, "xyzuv"))
    assert lists(tifu_lists(told, 3, Tifu(k=1))) == {1: "abc", 2: "abc", 3: "uvx"}
    assert lists(tifu_lists(told, 10, Tifu(k=1)))[3] == "uvxyzab"  # customer 1, with 7 rather than 8 items' distance


def test_only_her_own_where_there_is_nobody_else() -> None:
    assert lists(tifu_lists(lines((1, 1, "a"), (1, 2, "b")), 10, Tifu())) == {1: "ba"}


def test_lists_do_not_depend_on_the_order_of_rows_nor_on_double_ones() -> None:
    draw = np.random.default_rng(0)
    told = pd.DataFrame(draw.integers(0, 12, (400, 3)), columns=["customer", "basket", "item"])
    shuffled = pd.concat([told, told[:50]]).sample(frac=1, random_state=1)
    assert tifu_lists(told, 5, Tifu(k=4)).equals(tifu_lists(shuffled, 5, Tifu(k=4)))
