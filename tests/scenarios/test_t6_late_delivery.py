"""T6: a late delivery."""

from datetime import timedelta

import pytest


def delivery(shop, customer, status, **more):
    shop.happens("delivery", customer, touchpoint="delivery", order_id="new-coat", status=status, **more)


@pytest.fixture
def promised(shop):
    """Aino's coat is promised for tomorrow."""
    shop.regular("aino")
    delivery(shop, "aino", "promised", promised_at=(shop.now + timedelta(days=1)).isoformat())
    shop.wait(hours=1)
    return shop


@pytest.fixture
def late(promised):
    """And tomorrow has passed."""
    promised.wait(days=1)
    return promised


def test_t6_while_the_promise_may_still_be_kept_nothing_changes(promised):
    answer = promised.front_page("aino")
    assert answer.sells and answer.holds == set()
    promised.wait(hours=22)
    delivery(promised, "aino", "delivered")
    promised.wait(days=2)
    assert promised.front_page("aino").holds == set(), "delivered in time: no cool-down either"


def test_t6_late_the_offers_pause_and_word_about_it_is_the_next_best_action(late):
    for answer in (late.front_page("aino"), late.email("aino")):
        assert answer.holds == {"late_delivery"}
        assert answer.actions == {"delivery_message"}


def test_t6_she_is_written_to_once_about_it_and_again_when_something_changes(late):
    late.reports(late.email("aino"), "sent")
    late.wait(hours=1)
    assert late.email("aino").actions == set()
    delivery(late, "aino", "delayed")
    late.wait(hours=1)
    assert late.email("aino").actions == {"delivery_message"}


def test_t6_a_new_date_does_not_make_it_punctual(late):
    delivery(late, "aino", "delayed", promised_at=(late.now + timedelta(days=5)).isoformat())
    late.wait(hours=1)
    answer = late.front_page("aino")
    assert answer.holds == {"late_delivery"} and not answer.sells


def test_t6_delivered_late_there_is_a_short_cool_down(late):
    delivery(late, "aino", "delivered")
    late.wait(days=2, hours=23)
    answer = late.front_page("aino")
    assert answer.holds == {"late_delivery"} and not answer.sells
    assert "delivery_message" not in answer.actions, "it has arrived: nothing more to say"
    late.wait(hours=2)
    answer = late.front_page("aino")
    assert answer.holds == set() and answer.sells


def test_t6_a_failed_delivery_is_a_case_that_waits_for_the_parcel_not_for_time(late):
    delivery(late, "aino", "failed")
    late.wait(days=6)
    answer = late.front_page("aino")
    assert answer.holds == {"open_case"} and not answer.sells
    assert answer.hold("open_case")["ends_at"] is None


def test_t6_cancelled_it_ends_at_once(late):
    delivery(late, "aino", "cancelled")
    late.wait(seconds=1)
    answer = late.front_page("aino")
    assert answer.holds == set() and answer.sells


def test_t6_the_others_are_served_as_ever(late):
    late.regular("venla")
    assert late.front_page("venla").sells
