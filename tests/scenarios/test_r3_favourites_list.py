"""R3: the favourites list. A grocery customer opens the shop and finds what she is about to run out of."""

from datetime import timedelta

import pytest


@pytest.fixture
def grocer(shop):
    """Aino takes two coffees every ten days, a milk every four, and bought oats twice, long ago."""
    for item_id, title in (("milk-1", "Milk, 1 l"), ("oats-1", "Oats, 1 kg"), ("tea-20", "Tea")):
        shop.stocks(item_id, title, "grocery/" + item_id[:3], 200, consumable=True)
    shop.agrees("aino")
    for days in range(9, 100, 10):
        shop.orders("aino", "coffee-500", ago=timedelta(days=days), quantity=2)
    for days in range(1, 90, 4):
        shop.orders("aino", "milk-1", ago=timedelta(days=days))
    for days in (290, 300):
        shop.orders("aino", "oats-1", ago=timedelta(days=days))
    shop.orders("aino", "tea-20", ago=timedelta(days=30))
    shop.wait(seconds=1)
    return shop


def favourites(answer):
    (found,) = [a for a in answer["actions"] if a["action_id"] == "favourites_reorder"]
    return found["items"]


def test_r3_the_list_is_ready_with_quantities_what_runs_out_first_first(grocer):
    items = favourites(grocer.asks("aino", "front_page", n=9))
    assert [(item["item_id"], item["quantity"]) for item in items] == [
        ("coffee-500", 2), ("milk-1", 1), ("oats-1", 1),
    ], "nine of ten days of coffee are gone, one of four of milk; oats she gave up; tea she took once"  # fmt: skip


def test_r3_two_days_later_milk_runs_out_as_well(grocer):
    grocer.orders("aino", "coffee-500", quantity=2)
    grocer.wait(days=3)
    assert [item["item_id"] for item in favourites(grocer.asks("aino", "front_page", n=9))][:2] == [
        "milk-1",
        "coffee-500",
    ]


def test_r3_what_is_out_of_stock_or_came_back_is_not_on_it(grocer):
    grocer.stocks("coffee-500", "Coffee, 500 g", "grocery/coffee", 690, consumable=True, in_stock=False)
    line = {"item_id": "oats-1", "quantity": 1, "amount": 200}
    grocer.happens("return", "aino", order_id="back", lines=[line])
    grocer.wait(days=8)
    assert [item["item_id"] for item in favourites(grocer.asks("aino", "front_page", n=9))] == ["milk-1"]


def test_r3_one_who_buys_nothing_twice_has_no_favourites(shop):
    shop.regular("aino", orders=0)
    shop.orders("aino", "coffee-500", ago=timedelta(days=20))
    shop.orders("aino", "wool-socks", ago=timedelta(days=15))
    shop.wait(seconds=1)
    assert "favourites_reorder" not in shop.asks("aino", "front_page", n=9).actions


def test_r3_no_list_while_something_is_amiss(grocer):
    grocer.case("aino", "opened", reason="wrong size")
    grocer.wait(seconds=1)
    assert grocer.asks("aino", "front_page", n=9).actions == {"case_status"}


def reminded(shop):
    found = {c["action_id"]: c["gates"] for c in shop.why("aino", "email", "email")["candidates"]}
    return not found["favourites_reminder"]


def test_r3_an_order_made_twice_is_no_habit_that_runs_out_within_the_hour(shop):
    shop.agrees("aino")
    for hours in (2, 1):
        shop.orders("aino", "coffee-500", "laces", ago=timedelta(hours=hours))
    assert not reminded(shop)


def test_r3_nothing_runs_low_while_it_is_on_its_way(shop):
    shop.agrees("aino")
    for days in (28, 18, 9):
        order = shop.orders("aino", "coffee-500", "laces", ago=timedelta(days=days))
    shop.wait(seconds=1)
    assert reminded(shop)
    shop.delivers("aino", order, "shipped")
    shop.wait(seconds=1)
    assert not reminded(shop)
