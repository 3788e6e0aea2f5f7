"""Counting yardsticks by the order of baskets, worked out by hand."""

import pandas as pd

from benchmarks.yardsticks.order_alone import top_lists


def test_lists_rank_as_they_are_named() -> None:
    told = [(1, 0, "ab"), (1, 4, "b"), (1, 9, "c"), (2, 1, "cd"), (3, 0, "c")]
    rows = [(who, basket, ord(item)) for who, basket, items in told for item in items]
    lists = top_lists(
        pd.DataFrame(rows, columns=["customer", "basket", "item"]).sample(frac=1, random_state=0), 3, fade=0.5
    )
    named = {name: _words(found) for name, found in lists.items()}
    assert named["popularity"] == dict.fromkeys((1, 2, 3), "cba")
    assert named["personal frequency"] == {1: "bca", 2: "cd", 3: "c"}
    assert named["personal + popular"] == {1: "bca", 2: "cdb", 3: "cba"}
    assert named["faded personal + popular"] == {1: "cba", 2: "cdb", 3: "cba"}  # 1; 1/2 + 1/4; 1/4


def _words(lists: pd.DataFrame) -> dict[int, str]:
    ordered = lists.sort_values(["customer", "place"])
    return {who: "".join(map(chr, rows["item"])) for who, rows in ordered.groupby("customer")}
