"""A left cart: reminded of once, while it is fresh, and not of what was bought meanwhile."""

import pytest


@pytest.fixture
def left(shop):
    """Aino, a regular, put boots into her cart and went away."""
    shop.regular("aino")
    shop.happens("browse", "aino", action="cart_add", session_id="s1", item_id="boot-39")
    return shop


def reminded(shop):
    (found,) = [a["items"] for a in shop.asks("aino", "email", "email", n=9)["actions"] if a["action_id"] == REMINDER]
    return [item["item_id"] for item in found]


REMINDER = "cart_reminder"


def test_some_hours_later_she_is_reminded_of_what_waits_there(left):
    assert REMINDER not in left.asks("aino", "email", "email", n=9).actions, "she may still be at it"
    left.wait(hours=5)
    assert reminded(left) == ["boot-39"]
    assert REMINDER not in left.asks("aino", "front_page", n=9).actions, "here she is herself"


def test_once_and_not_for_days_on_end(left):
    left.wait(hours=5)
    answer = left.email("aino")
    assert answer.actions == {REMINDER}
    left.reports(answer, "sent")
    left.wait(hours=20)
    assert REMINDER not in left.asks("aino", "email", "email", n=9).actions
    left.happens("browse", "aino", action="cart_add", session_id="s2", item_id="rain-coat")
    left.wait(hours=5)
    assert REMINDER not in left.asks("aino", "email", "email", n=9).actions, "one a fortnight, whatever she puts there"


def test_a_cart_gone_cold_is_left_alone(left):
    left.wait(days=4)
    assert REMINDER not in left.asks("aino", "email", "email", n=9).actions


@pytest.mark.parametrize("change", ["bought", "taken out", "came to the store and bought something else", "sold out"])
def test_what_is_no_more_in_it_is_not_mentioned(left, change):
    match change:
        case "bought":
            left.orders("aino", "boot-39")
        case "came to the store and bought something else":
            left.orders("aino", "wool-socks", channel="store")
        case "taken out":
            left.happens("browse", "aino", action="cart_remove", session_id="s1", item_id="boot-39")
        case "sold out":
            left.stocks("boot-39", "Winter boots, size 39", "clothing/shoes", 12900, in_stock=False)
    left.wait(hours=5)
    assert REMINDER not in left.asks("aino", "email", "email", n=9).actions


def test_not_while_something_is_amiss(left):
    left.happens("friction", "aino", kind="payment_error", touchpoint="checkout")
    left.wait(hours=5)
    answer = left.email("aino")
    assert answer.holds == {"friction"} and not answer.sells, "she could not pay: no reminder of that"
