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


def call_list(shop):
    """Whom the staff should call, in order."""
    answer = shop.http.get("/v1/call-list")
    assert answer.status_code == 200, answer.text
    return answer.json()["calls"]


def test_t3_she_is_on_the_staffs_call_list_with_what_they_need_to_know(waiting):
    waiting.regular("venla")
    waiting.case("venla", "opened", case_id="case-2")
    waiting.case("aino", "customer_asked")
    waiting.wait(minutes=1)
    assert call_list(waiting) == [], "asked once: not yet"

    waiting.case("aino", "customer_asked")
    waiting.wait(minutes=1)
    (call,) = call_list(waiting)
    assert call["customer_id"] == "aino" and call["severity"] == 4
    assert [case["case_id"] for case in call["cases"]] == ["case-1"]
    assert call["text_fi"] == "Soita hänelle: asia on odottanut liian kauan"


def test_t3_the_gravest_is_called_first_and_who_has_been_called_leaves_the_list(waiting):
    waiting.regular("venla")
    waiting.case("venla", "opened", case_id="case-2")
    for customer, case_id, asks in [("aino", "case-1", 2), ("venla", "case-2", 3)]:
        for _ in range(asks):
            waiting.case(customer, "customer_asked", case_id=case_id)
            waiting.wait(minutes=1)
    assert [call["customer_id"] for call in call_list(waiting)] == ["venla", "aino"]
    assert waiting.email("venla").actions == {"staff_call"}, "she is told that she will be called"
    assert [call["customer_id"] for call in call_list(waiting)] == ["venla", "aino"], "and still has to be"
    waiting.happens("contact", "venla", channel="phone", action_id="staff_call", status="sent")
    waiting.wait(minutes=1)
    assert [call["customer_id"] for call in call_list(waiting)] == ["aino"]
