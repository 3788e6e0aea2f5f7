"""R11: the delighted one is invited, once, to review or recommend."""

import pytest

INVITE = "invite_to_recommend"


@pytest.fixture
def delighted(shop):
    """Aino is a regular who twice said how well it went."""
    shop.regular("aino")
    for _ in range(2):
        shop.happens("feedback", "aino", kind="rating", score=5, touchpoint="delivery")
        shop.wait(days=2)
    return shop


def test_r11_one_with_good_experiences_is_invited(delighted):
    assert INVITE in delighted.asks("aino", "account_page", n=9).actions
    assert delighted.email("aino").actions == {INVITE}


def test_r11_and_never_a_second_time(delighted):
    delighted.reports(delighted.asks("aino", "account_page"), "impression")
    delighted.wait(days=1)
    for _ in range(3):
        for placement, channel in (("account_page", "web"), ("front_page", "web"), ("email", "email")):
            assert INVITE not in delighted.asks("aino", placement, channel, n=9).actions
        delighted.wait(days=120)
        delighted.happens("feedback", "aino", kind="rating", score=5, touchpoint="delivery")


@pytest.mark.parametrize("trouble", ["case", "late", "bad rating", "friction"])
def test_r11_nobody_is_invited_into_trouble(delighted, trouble):
    match trouble:
        case "case":
            delighted.case("aino", "opened", kind="return")
        case "late":
            order = delighted.orders("aino", "boot-39")
            delighted.delivers("aino", order, "promised", promised_at=delighted.now.isoformat())
            delighted.wait(days=1)
        case "bad rating":
            delighted.happens("feedback", "aino", kind="rating", score=1, touchpoint="checkout")
        case "friction":
            delighted.happens("friction", "aino", kind="payment_error", touchpoint="checkout")
    delighted.wait(seconds=1)
    assert INVITE not in delighted.asks("aino", "account_page", n=9).actions


def test_r11_one_good_word_is_not_delight_yet(shop):
    shop.regular("aino")
    shop.happens("feedback", "aino", kind="rating", score=5)
    shop.wait(seconds=1)
    assert INVITE not in shop.asks("aino", "account_page", n=9).actions


def test_r11_a_complaint_put_right_is_no_good_experience(shop):
    shop.regular("aino")
    shop.happens("feedback", "aino", kind="rating", score=5)
    shop.wait(days=3)
    shop.case("aino", "opened", kind="complaint")
    shop.case("aino", "resolved", kind="complaint")
    shop.wait(hours=1)
    shop.rates("aino", 5, case_id="case-1")
    shop.wait(days=50)
    assert INVITE not in shop.asks("aino", "account_page", n=9).actions, "she was glad once, and consoled once"
    shop.happens("feedback", "aino", kind="rating", score=5)
    shop.wait(seconds=1)
    assert INVITE in shop.asks("aino", "account_page", n=9).actions
