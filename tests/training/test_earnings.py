"""What lines bring: margins and spend of four orders, answers by hand."""

import pyarrow as pa
import pytest

from features.catalogue import ITEM_SCHEMA
from tests.training.shops import day, lines
from training.earnings import brought, earnings_of
from training.retrieval import connect

BOUGHT = lines(
    [("ada", "1", "tea", 450, 0), ("ada", "2", "cup", 900, 3), ("bea", "3", "tea", 100, 3), ("cia", "4", "rug", 300, 9)]
)


def catalogue(**of: tuple[int | None, int | None]) -> pa.Table:
    rows = [
        dict.fromkeys(ITEM_SCHEMA.names) | {"item_id": i, "price": price, "margin": margin}
        for i, (price, margin) in of.items()
    ]
    return pa.Table.from_pylist(rows, schema=ITEM_SCHEMA)


def test_a_discount_comes_off_the_margin_whole_and_what_is_unknown_earns_as_the_rest() -> None:
    found = earnings_of(catalogue(tea=(500, 200), cup=(1000, 600)), BOUGHT)
    assert found.sums == "margin" and found.known == pytest.approx(1450 / 1750)
    # tea costs 300: 450 - 300 and 100 - 300; a cup costs 400: 900 - 400; together 450 of 1450
    assert found.earned == pytest.approx(450 / 1450)
    told = {row["order_id"]: row["brought"] for row in found.lines.to_pylist()}
    assert told == {"1": 150, "2": 500, "3": -200, "4": round(300 * 450 / 1450)}


@pytest.mark.parametrize(
    "items",
    [
        catalogue(),
        catalogue(tea=(500, None), cup=(None, 600)),
        catalogue(cup=(1000, 600)),
        catalogue(tea=(500, 10), cup=(1000, 1), rug=(900, 1)),
    ],
    ids=["no_catalogue", "half_told", "too_little_known", "sold_at_a_loss"],
)
def test_else_it_is_spend(items: pa.Table) -> None:
    found = earnings_of(items, BOUGHT)
    assert found.sums == "spend" and found.earned is None
    assert found.lines["brought"].equals(found.lines["paid"])


def test_who_ordered_brought_something_and_only_what_was_known_counts() -> None:
    found = earnings_of(catalogue(tea=(500, 200), cup=(1000, 600)), BOUGHT)
    with connect(found.lines) as con:
        told = brought(con, ["ada", "bea", "cia", "dee"], day(1), 5, day(30))
        assert told.tolist() == [500.0, 1.0, 0.0, 0.0], "bea's order lost money and is an order all the same"
        assert brought(con, ["ada"], day(0), 5, day(2)).tolist() == [150.0]
