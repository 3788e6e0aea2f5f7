"""What people looked for in vain: by term, by people, and what is not told of them."""

from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest

from features.catalogue import ITEM_SCHEMA, merge_items
from serving.experience.demand import Demand, Term

from .shop import NOW, Shop


def demand(shop: Shop, **more: Any) -> Demand:
    return shop.experience.demand(NOW, **more)


def terms(shop: Shop, **more: Any) -> dict[str, Term]:
    return {term.term: term for term in demand(shop, **more).terms}


def test_people_are_counted_not_searches(shop: Shop) -> None:
    for who in ("aino", "elli", "~v"):
        shop.searches(who, "kayak", 3, session=who)
    for n in range(50):
        shop.searches("iida", "kanoe", 3 + n, session=f"s{n}")
    shop.searches("saara", "kanoe", 2)
    found = demand(shop)
    assert [(t.term, t.people, t.times) for t in found.terms] == [("kayak", 3, 3), ("kanoe", 2, 51)]


def test_a_term_of_one_person_is_kept_back_unless_asked_for(shop: Shop) -> None:
    for n in range(9):
        shop.searches("aino", "aino virtanen mannerheimintie 1", 3, session=f"s{n}")
    shop.searches("elli", "kayak", 3)
    shop.searches("iida", "kayak", 3)
    found = demand(shop)
    assert ([t.term for t in found.terms], found.terms_found, found.kept_back) == (["kayak"], 1, 1)
    assert len(demand(shop, min_people=1).terms) == 2 and demand(shop, min_people=3).kept_back == 2


def test_a_visitor_who_gave_her_name_is_one_person(shop: Shop) -> None:
    shop.searches("~v", "kayak", 3)
    shop.searches("aino", "kayak", 2)
    shop.links("~v", "aino", 1)
    assert demand(shop).terms == []


def test_spellings_of_one_term_are_one(shop: Shop) -> None:
    for who, query in (("a", "Kayak  PADDLE"), ("b", " kayak paddle "), ("c", "ｋａｙａｋ paddle\u200b"), ("d", "  ")):
        shop.searches(who, query, 3)
    found = demand(shop, min_people=1)
    assert [(t.term, t.people) for t in found.terms] == [("kayak paddle", 3)]


def test_a_search_that_found_something_is_no_demand_but_is_counted_beside(shop: Shop) -> None:
    for who in ("aino", "elli"):
        shop.searches(who, "kayak", 3)
    shop.searches("iida", "kayak", 3, results=4)
    shop.searches("iida", "boots", 3, results=4)
    shop.searches("elli", "boots", 3, results=4)
    (kayak,) = demand(shop).terms
    assert (kayak.people, kayak.searched_by, kayak.in_circles) == (2, 3, 0)


@pytest.mark.parametrize(("looks_after", "circles"), [(None, True), (1, False), (2, False), (3, True)])
def test_three_searches_in_a_row_without_a_look_go_round_in_circles(
    shop: Shop, looks_after: int | None, circles: bool
) -> None:
    for who in ("aino", "elli"):
        for place, query in enumerate(("boots", "winter boots", "warm boots")):
            shop.searches(who, query, 3 - place / 1000, results=9, session=who)
            if looks_after == place + 1:
                shop.looks(who, "boots", 2.9995 - place / 1000, session=who)
    assert sorted(terms(shop)) == (["boots", "warm boots", "winter boots"] if circles else [])


def test_searches_of_different_sessions_are_no_circle(shop: Shop) -> None:
    for who in ("aino", "elli"):
        for n in range(3):
            shop.searches(who, "boots", 3 - n / 1000, results=9, session=f"{who}{n}")
    assert terms(shop) == {}


def test_whether_the_catalogue_has_it_by_now(shop: Shop) -> None:
    rows = [
        dict.fromkeys(ITEM_SCHEMA.names) | {"item_id": "k1", "title": "Sea  KAYAK, red", "in_stock": True},
        dict.fromkeys(ITEM_SCHEMA.names) | {"item_id": "k2", "title": "Kayak paddle", "in_stock": False},
        dict.fromkeys(ITEM_SCHEMA.names) | {"item_id": "k3", "title": "Kayak tent", "valid_to": NOW},
        dict.fromkeys(ITEM_SCHEMA.names) | {"item_id": "k4", "title": None},
    ]
    merge_items(shop.home, pa.Table.from_pylist(rows, schema=ITEM_SCHEMA))
    for who in ("aino", "elli"):
        shop.searches(who, "Kayak", 3)
        shop.searches(who, "tandem", 3, session="other")
    found = terms(shop)
    assert (found["kayak"].articles, found["kayak"].in_stock, found["kayak"].examples) == (2, 1, ["k1", "k2"])
    assert (found["tandem"].articles, found["tandem"].examples) == (0, [])


def test_first_and_last_and_the_trend(shop: Shop) -> None:
    shop.looks("aino", "boots", 61)
    for n in range(4):
        shop.searches(f"c{n}", "kayak", 50)
    for n in range(30):
        shop.searches(f"d{n}", "kayak", 20)
    shop.searches("d1", "kayak", 10)
    (kayak,) = demand(shop, days=30).terms
    assert (kayak.first_at, kayak.last_at) == (NOW - timedelta(days=50), NOW - timedelta(days=10))
    assert kayak.trend.direction == "rising" and kayak.trend.change == pytest.approx(7.5)
    (kayak,) = demand(shop, days=40).terms
    assert kayak.trend.direction == "no_history", "the log begins 61 days ago"


def test_a_term_of_the_period_before_only_is_not_told(shop: Shop) -> None:
    for who in ("aino", "elli"):
        shop.searches(who, "kayak", 40)
    assert demand(shop, days=30).terms == [] and demand(shop, days=45).terms != []


def test_friction_by_touchpoint_kind_and_item(shop: Shop) -> None:
    rows = [dict.fromkeys(ITEM_SCHEMA.names) | {"item_id": "skis", "title": "Skis", "in_stock": True}]
    merge_items(shop.home, pa.Table.from_pylist(rows, schema=ITEM_SCHEMA))
    for who in ("aino", "aino", "elli"):
        shop.tells("friction", who, 3, "product_page", kind="out_of_stock", item_id="skis")
    shop.tells("friction", "aino", 3, "product_page", kind="out_of_stock", item_id="gone")
    shop.tells("friction", "aino", 3, None, kind="pickup_unavailable")
    found = demand(shop)
    assert found.frictions_found == 3
    assert [(f.touchpoint, f.kind, f.item_id, f.title, f.in_stock, f.people, f.times) for f in found.frictions] == [
        ("product_page", "out_of_stock", "skis", "Skis", True, 2, 3),
        ("pickup", "pickup_unavailable", None, None, None, 1, 1),
        ("product_page", "out_of_stock", "gone", None, None, 1, 1),
    ]
