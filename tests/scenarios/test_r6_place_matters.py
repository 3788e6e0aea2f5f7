"""R6: place matters."""

import pytest

from serving.core.catalogue import load_catalogue
from serving.core.live import KNOWN_FEATURES


def test_r6_at_checkout_nothing_distracts(shop):
    shop.regular("aino")
    shop.looks_at("aino", "sneaker-39")
    assert shop.asks("aino", "product_page").sells
    answer = shop.asks("aino", "checkout", context={"cart": ["sneaker-39"]}, n=5)
    assert answer.actions == set(), "not an accessory, not even a question"

    shop.case("aino", "opened")
    shop.wait(seconds=1)
    assert shop.asks("aino", "checkout", n=5).actions == set(), "nor word about a case: she is paying"


def test_r6_on_the_returns_page_there_is_only_service(shop):
    shop.regular("aino")
    assert shop.asks("aino", "returns_page", n=5).actions == set(), "nothing to return, and nothing sold either"
    shop.case("aino", "opened", kind="return")
    shop.wait(seconds=1)
    answer = shop.asks("aino", "returns_page", n=5)
    assert answer.actions == {"return_status"}
    assert answer.categories == {"service"}


def test_r6_on_a_product_page_accessories_that_fit_the_thing_in_view(shop):
    shop.regular("aino")
    assert shop.asks("aino", "product_page", context={"item": "sneaker-39"}).products == ["laces", "shoe-care"]
    answer = shop.asks("aino", "product_page", context={"item": "boot-39"})
    assert answer.actions == {"accessory_offer"}
    assert answer.products == ["shoe-care"], "the laces do not fit the boots"
    assert "accessory_items" in [reason["code"] for reason in answer["actions"][0]["reasons"]]

    other = shop.asks("aino", "product_page", context={"item": "wool-socks"})
    assert "accessory_offer" not in other.actions, "nothing fits socks"
    assert not {"laces", "shoe-care"} & set(shop.asks("aino", "product_page").products[:1]), (
        "nothing in view, nothing fits"
    )


def test_r6_in_the_cart_what_fits_its_things_and_is_not_in_it_already(shop):
    shop.regular("aino")
    assert shop.asks("aino", "cart", context={"cart": ["sneaker-39", "coffee-500"]}).products == ["laces", "shoe-care"]
    assert shop.asks("aino", "cart", context={"cart": ["sneaker-39", "laces"]}).products == ["shoe-care"]


def test_r6_accessories_are_for_visitors_too_and_stay_off_the_front_page(shop):
    answer = shop.asks("visitor-1", "product_page", context={"item": "boot-39"})
    assert answer.actions == {"accessory_offer"}
    assert "accessory_offer" not in shop.asks("visitor-1", "front_page", context={"item": "boot-39"}, n=5).actions


def test_r6_an_accessory_she_owns_or_that_is_sold_out_is_not_offered(shop):
    shop.regular("aino")
    line = {"item_id": "shoe-care", "quantity": 1, "unit_price": 1500, "discount": 0}
    shop.happens("purchase", "aino", order_id="care", currency="EUR", lines=[line])
    shop.wait(seconds=1)
    assert "accessory_offer" not in shop.asks("aino", "product_page", context={"item": "boot-39"}).actions


def test_r6_each_placement_says_which_categories_of_action_it_may_show(shop):
    shop.regular("aino")
    shop.case("aino", "opened", kind="return")
    shop.looks_at("aino", "sneaker-39")
    category = {a.action: a.category for a in load_catalogue(shop.home, known=KNOWN_FEATURES).actions}
    for name, place in shop.policy.placements.items():
        assert place.categories, name
        for channel in place.channels:
            shown = shop.asks("aino", name, channel, n=9, context={"item": "sneaker-39"}).actions
            assert {category[action] for action in shown} <= set(place.categories), name


@pytest.mark.parametrize("placement", ["checkout", "returns_page", "thank_you_page", "account_page"])
def test_r6_a_place_that_sells_nothing_says_so_when_asked_why(shop, placement):
    shop.regular("aino")
    why = shop.why("aino", placement)
    (block,) = [
        block
        for candidate in why["candidates"]
        if candidate["action_id"] == "popular_items"
        for block in candidate["blocks"]
        if block["gate"] == "placement"
    ]
    assert block["text"] == "This place does not show it"
    assert "sales" not in block["categories"]
