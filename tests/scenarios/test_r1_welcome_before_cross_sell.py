"""R1: welcome before cross-sell."""

import pytest

LINK = "https://shop.example/good-to-know/sneakers"


@pytest.fixture
def aino(shop):
    """Aino has just ordered for the first time: sneakers, with a page worth reading, and socks, which have none."""
    shop.stocks("sneaker-40", "Sneakers, size 40", "clothing/shoes", 8900, knowledge_url=LINK)
    shop.agrees("aino")
    shop.order = shop.orders("aino", "sneaker-40", "wool-socks")
    shop.wait(hours=3)
    return shop


def test_r1_the_first_thing_after_an_order_is_a_welcome_with_what_is_worth_knowing(aino):
    (letter,) = aino.email("aino")["actions"]
    assert letter["action_id"] == "welcome"
    assert [(i["item_id"], i["knowledge_url"]) for i in letter["items"]] == [("sneaker-40", LINK)]
    assert aino.front_page("aino").actions == {"welcome"}


@pytest.mark.parametrize(
    ("placement", "channel"), [("front_page", "web"), ("email", "email"), ("product_page", "web"), ("cart", "web")]
)
def test_r1_no_cross_sell_before_the_welcome_wherever_she_is(aino, placement, channel):
    aino.looks_at("aino", "boot-39")
    answer = aino.asks("aino", placement, channel, n=5, context={"item": "boot-39", "cart": ["boot-39"]})
    assert not answer.sells
    why = {c["action_id"]: c["gates"] for c in aino.why("aino", placement, channel)["candidates"]}
    assert all("comes_later" in why[name] for name in ("popular_items", "accessory_offer", "recommended_items"))


def test_r1_once_she_was_welcomed_the_shop_may_sell_on(aino):
    aino.reports(aino.email("aino"), "sent")
    aino.wait(days=1)
    assert "welcome" not in aino.email("aino").actions, "one welcome is enough"
    assert aino.asks("aino", "product_page", context={"item": "boot-39"}).sells


def test_r1_a_welcome_promised_to_a_sender_has_not_reached_her(aino):
    letter = aino.email("aino")
    assert not aino.asks("aino", "product_page", context={"item": "boot-39"}, n=5).sells
    aino.reports(letter, "released")
    aino.wait(minutes=1)
    assert aino.email("aino").actions == {"welcome"}, "it was not sent, so it is still to be said"


def test_r1_a_welcome_seen_on_the_page_counts_as_well(aino):
    aino.reports(aino.front_page("aino"), "impression")
    aino.wait(minutes=1)
    assert "welcome" not in aino.email("aino").actions
    assert aino.asks("aino", "cart", context={"cart": ["sneaker-39"]}).sells


def test_r1_where_nobody_could_welcome_her_the_wait_ends_by_itself(aino):
    aino.wait(days=8)
    answer = aino.asks("aino", "product_page", context={"item": "boot-39"})
    assert answer.sells, "after a week a welcome would be late, and nothing waits for it"


def test_r1_feedback_is_asked_for_once_it_was_delivered_and_used_for_a_while(aino):
    aino.reports(aino.email("aino"), "sent")
    asked = "feedback_request"
    aino.delivers("aino", aino.order, "shipped")
    aino.wait(days=4)
    assert asked not in aino.asks("aino", "email", "email", n=9).actions, "it is still on its way"
    aino.delivers("aino", aino.order)
    aino.wait(days=3)
    assert asked not in aino.asks("aino", "email", "email", n=9).actions, "three days are no use yet"
    aino.wait(days=6)
    assert asked in aino.asks("aino", "email", "email", n=9).actions
    aino.happens("feedback", "aino", kind="rating", score=5, item_id="sneaker-40")
    aino.wait(seconds=1)
    assert asked not in aino.asks("aino", "email", "email", n=9).actions, "she has answered"


def test_r1_no_welcome_into_a_problem(aino):
    aino.case("aino", "opened", reason="wrong size")
    aino.wait(seconds=1)
    assert aino.front_page("aino").actions == {"case_status"}


def test_r1_a_regular_is_not_welcomed_anew_but_told_about_what_is_new_to_her(shop):
    shop.stocks("bicycle", "Bicycle", "bikes", 79900, knowledge_url="https://shop.example/good-to-know/bicycle")
    shop.regular("aino")
    shop.orders("aino", "bicycle")
    shop.wait(hours=1)
    (letter,) = shop.email("aino")["actions"]
    assert letter["action_id"] == "order_knowledge"
    assert [item["item_id"] for item in letter["items"]] == ["bicycle"]
    shop.orders("aino", "coffee-500")
    shop.wait(hours=1)
    assert "order_knowledge" not in shop.email("aino").actions, "coffee needs no instructions"


def came_back(shop, order, *items):
    shop.happens("return", "aino", order_id=order, lines=[{"item_id": i, "quantity": 1, "amount": 1000} for i in items])
    shop.wait(hours=1)


GLAD_OF_THE_ORDER = {"welcome", "order_knowledge", "second_purchase_nurture"}


def test_r1_nobody_is_welcomed_for_an_order_that_was_cancelled(aino):
    aino.delivers("aino", aino.order, "cancelled")
    aino.wait(hours=1)
    assert not aino.front_page("aino").actions and not aino.email("aino").actions
    aino.wait(days=9)
    answer = aino.asks("aino", "front_page", n=9)
    assert answer.sells and not answer.actions & GLAD_OF_THE_ORDER, "nothing goes well with what she did not get"


def test_r1_nobody_is_welcomed_for_an_order_that_came_back_whole(aino):
    came_back(aino, aino.order, "sneaker-40")
    assert aino.front_page("aino").actions == {"welcome"}, "the socks she keeps"
    came_back(aino, aino.order, "wool-socks")
    assert not aino.front_page("aino").actions and not aino.email("aino").actions
    aino.wait(days=9)
    assert not aino.asks("aino", "front_page", n=9).actions & GLAD_OF_THE_ORDER
    aino.case("aino", "opened", order_id=aino.order)
    aino.case("aino", "closed", order_id=aino.order)
    aino.rates("aino", 5, case_id="case-1")
    aino.wait(days=9)
    assert "second_purchase_nurture" in aino.asks("aino", "front_page", n=9).actions, "she got others for them"


def test_r1_nobody_is_told_what_is_worth_knowing_about_a_cancelled_order(shop):
    shop.stocks("bicycle", "Bicycle", "bikes", 79900, knowledge_url="https://shop.example/good-to-know/bicycle")
    shop.regular("aino")
    order = shop.orders("aino", "bicycle")
    shop.delivers("aino", order, "cancelled")
    shop.wait(hours=1)
    assert "order_knowledge" not in shop.asks("aino", "email", "email", n=9).actions
    shop.delivers("aino", order)
    shop.wait(hours=1)
    assert "order_knowledge" in shop.asks("aino", "email", "email", n=9).actions, "one of two parcels came after all"
