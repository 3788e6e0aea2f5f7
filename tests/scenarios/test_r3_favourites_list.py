"""R3: the favourites list. A grocery customer opens the shop and finds what she is about to run out of."""

from datetime import date, timedelta

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


def test_r3_the_list_is_ready_with_quantities_most_likely_first(grocer):
    items = favourites(grocer.asks("aino", "front_page", n=9))
    assert [(item["item_id"], item["quantity"]) for item in items] == [
        ("milk-1", 1), ("coffee-500", 2), ("oats-1", 1),
    ], "milk within the week, then coffee; oats she gave up; tea she took once"  # fmt: skip
    chances = [item["runs_out"]["probability"] for item in items]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] > 0.8 and chances[-1] < 0.05, "milk for sure, oats hardly ever again"


def test_r3_each_says_when_it_runs_out_and_how_surely(grocer):
    items = {item["item_id"]: item["runs_out"] for item in favourites(grocer.asks("aino", "front_page", n=9))}
    milk, coffee = items["milk-1"], items["coffee-500"]
    for runs_out in (milk, coffee):
        assert runs_out["early"] <= runs_out["on"] <= runs_out["late"]
        assert runs_out["early"] >= grocer.now.date().isoformat(), "it has not run out: she would have bought it"
    assert 2 <= (date.fromisoformat(milk["on"]) - grocer.now.date()).days <= 6, "every four days, the last yesterday"

    def spread(told):
        return date.fromisoformat(told["late"]) - date.fromisoformat(told["early"])

    assert spread(milk) < spread(coffee), "of milk her rhythm is known better, and it is shorter"


def test_r3_what_she_bought_today_does_not_run_out_tomorrow(grocer):
    before = {i["item_id"]: i["runs_out"] for i in favourites(grocer.asks("aino", "front_page", n=9))}
    grocer.orders("aino", "coffee-500", quantity=2)
    grocer.wait(hours=6)
    after = {i["item_id"]: i["runs_out"] for i in favourites(grocer.asks("aino", "front_page", n=9))}
    assert date.fromisoformat(after["coffee-500"]["on"]) >= grocer.now.date() + timedelta(days=8)
    assert after["coffee-500"]["early"] > grocer.now.date().isoformat()
    assert after["milk-1"] == before["milk-1"], "milk is where it was"


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
