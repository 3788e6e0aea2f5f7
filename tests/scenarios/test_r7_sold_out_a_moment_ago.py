"""R7 during the day: what the warehouse says of stock counts at once, for whoever asks, and for lists built before."""

from datetime import timedelta

import pytest


def tells_stock(shop, item_id, in_stock, ago=timedelta(0)):
    """The warehouse tells; gives what became of the word."""
    told = {"item_id": item_id, "in_stock": in_stock, "occurred_at": (shop.now - ago).isoformat()}
    answer = shop.http.post("/v1/items/stock", json=told)
    assert answer.status_code == 200, answer.text
    return answer.json()["results"][0]["status"]


@pytest.fixture
def aino(shop):
    """A regular, before whom a slot puts all that may be shown."""
    shop.edits_action("recommended_items", lambda action: action["items"].update(count=10))
    shop.regular("aino")
    shop.wait(seconds=1)
    return shop


def test_r7_what_is_sold_out_is_not_shown_from_the_next_request_on(aino):
    assert "boot-39" in aino.front_page("aino").products
    assert tells_stock(aino, "boot-39", False) == "recorded"
    assert "boot-39" not in aino.front_page("aino").products
    aino.wait(minutes=5)
    tells_stock(aino, "boot-39", True)
    assert "boot-39" in aino.front_page("aino").products, "and is back when it is back"


def test_r7_an_answer_already_given_is_taken_back_before_it_is_sent(aino):
    letter = aino.email("aino")
    assert "boot-39" in letter.products
    tells_stock(aino, "boot-39", False)
    aino.wait(minutes=1)
    (row,) = aino.rechecks([letter["decision_id"]])
    assert (row["allowed"], [reason["code"] for reason in row["reasons"]]) == (False, ["no_items"])


def test_r7_a_list_built_in_the_morning_does_not_send_what_is_sold_out_at_noon(aino):
    aino.regular("venla")
    aino.wait(seconds=1)
    report = aino.builds_list("autumn")
    assert aino.mailed(report) == {"aino", "venla"}
    aino.wait(hours=3)
    tells_stock(aino, "boot-39", False)
    export = aino.exports_list(report)
    assert export.kept == 0 and {row["customer_id"] for row in export.dropped} == {"aino", "venla"}


def test_r7_a_word_that_comes_late_does_not_undo_a_later_one(aino):
    assert tells_stock(aino, "boot-39", False) == "recorded"
    assert tells_stock(aino, "boot-39", True, ago=timedelta(hours=1)) == "older"
    assert "boot-39" not in aino.front_page("aino").products


def test_r7_a_favourite_that_is_no_longer_made_gives_its_place_to_what_replaces_it(aino):
    aino.stocks("tea-20", "Tea", "grocery/tea", 400, consumable=True)
    for days in (10, 40, 70):
        aino.orders("aino", "tea-20", ago=timedelta(days=days))
    aino.stocks("coffee-450", "Coffee, 450 g", "grocery/coffee", 690, consumable=True, replaces=["coffee-500"])
    aino.wait(seconds=1)

    def favourites():
        actions = aino.asks("aino", "front_page", n=9)["actions"]
        (found,) = [action for action in actions if action["action_id"] == "favourites_reorder"]
        return {item["item_id"] for item in found["items"]}

    assert favourites() == {"coffee-500", "tea-20"}
    tells_stock(aino, "coffee-500", False)
    assert favourites() == {"coffee-450", "tea-20"}
    tells_stock(aino, "coffee-450", False)
    assert favourites() == {"tea-20"}, "sold out as well"
