"""T3: chasing makes it worse."""

import pytest


@pytest.fixture
def waiting(shop):
    """Aino has an exchange open for a day."""
    shop.regular("aino")
    shop.case("aino", "opened")
    shop.wait(days=1)
    return shop


def test_t3_each_time_she_has_to_ask_it_gets_graver(waiting):
    severities = [waiting.front_page("aino").hold("open_case")["severity"]]
    for _ in range(4):
        waiting.case("aino", "customer_asked")
        waiting.wait(hours=1)
        answer = waiting.front_page("aino")
        assert not answer.sells
        severities.append(answer.hold("open_case")["severity"])
    assert severities == [2, 3, 4, 5, 5]


def test_t3_grave_enough_a_persons_call_comes_before_everything(waiting):
    waiting.case("aino", "customer_asked")
    waiting.wait(hours=1)
    assert waiting.front_page("aino").actions == {"case_status"}
    assert waiting.asks("aino", "call_list", "phone").actions == set(), "nobody calls yet"

    waiting.case("aino", "customer_asked")
    waiting.wait(hours=1)
    for placement, channel in [
        ("front_page", "web"),
        ("returns_page", "web"),
        ("email", "email"),
        ("store_desk", "store"),
    ]:
        assert waiting.asks("aino", placement, channel, n=5).actions == {"staff_call"}, placement
    assert waiting.asks("aino", "call_list", "phone").actions == {"staff_call"}, "and she is on the call list"


def test_t3_one_call_per_stand_of_the_case(waiting):
    for _ in range(2):
        waiting.case("aino", "customer_asked")
        waiting.wait(minutes=1)
    call = waiting.asks("aino", "call_list", "phone")
    waiting.reports(call, "sent")
    waiting.wait(minutes=1)
    assert waiting.asks("aino", "call_list", "phone").actions == set(), "she has been called"
    waiting.case("aino", "customer_asked")
    waiting.wait(minutes=1)
    assert waiting.asks("aino", "call_list", "phone").actions == {"staff_call"}, "she had to ask again: call again"


def test_t3_when_it_is_put_right_nobody_calls(waiting):
    for _ in range(2):
        waiting.case("aino", "customer_asked")
        waiting.wait(minutes=1)
    waiting.case("aino", "resolved")
    waiting.rates("aino", 5, case_id="case-1")
    waiting.wait(seconds=1)
    answer = waiting.asks("aino", "call_list", "phone")
    assert answer.actions == set()


def test_t3_a_week_that_waits_for_the_shop_counts_one_that_waits_for_her_does_not(waiting):
    waiting.regular("venla")
    waiting.case("venla", "opened", case_id="case-2")
    waiting.case("venla", "waiting_customer", case_id="case-2")
    waiting.wait(days=20)
    assert waiting.front_page("aino").hold("open_case")["severity"] == 5
    assert waiting.front_page("aino").actions == {"staff_call"}
    assert waiting.front_page("venla").hold("open_case")["severity"] == 2
    assert waiting.front_page("venla").actions == {"case_status"}
