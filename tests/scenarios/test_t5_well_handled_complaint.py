"""T5: a well-handled complaint; and one that was not."""

import pytest


@pytest.fixture(autouse=True)
def eager_letters(shop):
    """Only what this story is about keeps a letter back."""
    shop.writes_eagerly()


def complains(shop, customer, *, asks=0, days=2):
    """She complains, asks about it, and gets her matter put right."""
    shop.case(customer, "opened", kind="complaint", case_id=f"complaint of {customer}")
    for _ in range(asks):
        shop.wait(hours=1)
        shop.case(customer, "customer_asked", kind="complaint", case_id=f"complaint of {customer}")
    shop.wait(days=days)
    shop.case(customer, "resolved", kind="complaint", case_id=f"complaint of {customer}")
    shop.wait(seconds=1)


def answers(shop, customer, score):
    shop.rates(customer, score, case_id=f"complaint of {customer}")
    shop.wait(seconds=1)


@pytest.fixture
def thanked(shop):
    """Aino complained, it was put right in two days, and she says it went well."""
    shop.regular("aino")
    complains(shop, "aino")
    assert shop.front_page("aino").actions == {"check_in"}
    answers(shop, "aino", 5)
    return shop


def test_t5_put_right_in_time_and_rated_well_she_is_thanked_before_she_is_sold_to(thanked):
    page, letter = thanked.front_page("aino"), thanked.email("aino")
    assert page.holds == set()
    assert page.actions == letter.actions == {"thank_you"}


def test_t5_she_is_thanked_once_wherever_it_was(thanked):
    thanked.reports(thanked.front_page("aino"), "impression")
    thanked.wait(minutes=1)
    assert "thank_you" not in thanked.front_page("aino").actions
    assert "thank_you" not in thanked.email("aino").actions
    assert thanked.front_page("aino").sells, "and the offers return"

    thanked.case("aino", "closed", kind="complaint", case_id="complaint of aino")
    thanked.wait(minutes=1)
    assert "thank_you" not in thanked.email("aino").actions, "closing the file is no second occasion"


def test_t5_the_offers_return_gradually(thanked):
    thanked.regular("venla")
    thanked.reports(thanked.email("aino"), "sent")
    for _ in range(3):
        thanked.wait(days=1)
        for customer in ("aino", "venla"):
            thanked.happens("contact", customer, channel="email", action_id="newsletter", status="sent")
    thanked.wait(days=5)
    assert thanked.email("venla").sells, "others may be written to again after a week"
    quiet = thanked.email("aino")
    assert not quiet.sells and quiet["no_action_reason"]["code"] == "contact_cap"
    thanked.wait(days=7)
    assert thanked.email("aino").sells, "she after twice as long"

    thanked.wait(days=30)
    told = thanked.http.get("/v1/customers/aino").json()
    assert told["in_recovery_until"] is None, "and a month later she is a customer like any other"


def test_t5_resolved_badly_she_stays_held_and_is_flagged_for_a_person(shop):
    shop.regular("aino")
    complains(shop, "aino")
    answers(shop, "aino", 2)
    for days in (0, 31, 60):
        shop.wait(days=days)
        answer = shop.front_page("aino")
        assert "bad_resolution" in answer.holds
        assert answer.actions == {"staff_call"}
        assert not shop.email("aino").sells
    assert shop.asks("aino", "call_list", "phone").actions == {"staff_call"}


@pytest.mark.parametrize("slow", [{"asks": 1}, {"days": 9}])
def test_t5_put_right_late_or_only_after_she_asked_is_nothing_to_celebrate(shop, slow):
    shop.regular("aino")
    complains(shop, "aino", **slow)
    answers(shop, "aino", 5)
    answer = shop.front_page("aino")
    assert "thank_you" not in answer.actions
    assert answer.sells, "she says it went well all the same"


@pytest.mark.parametrize("score", [3, None])
def test_t5_without_her_good_word_there_is_no_gesture(shop, score):
    shop.regular("aino")
    complains(shop, "aino")
    if score:
        answers(shop, "aino", score)
    assert "thank_you" not in shop.front_page("aino").actions
    assert not shop.front_page("aino").sells, "and the hold takes its month"
    shop.wait(days=30)
    answer = shop.front_page("aino")
    assert answer.sells and "thank_you" not in answer.actions


def test_t5_an_exchange_that_went_well_is_business_as_usual(shop):
    shop.regular("aino")
    shop.case("aino", "opened")
    shop.case("aino", "resolved")
    shop.rates("aino", 5, case_id="case-1")
    shop.wait(seconds=1)
    assert "thank_you" not in shop.front_page("aino").actions


def test_t5_no_gesture_while_something_else_is_open(thanked):
    thanked.case("aino", "opened", case_id="case-2")
    thanked.wait(seconds=1)
    assert thanked.front_page("aino").actions == {"case_status"}


def test_t5_a_gesture_belongs_to_its_time(thanked):
    thanked.wait(days=30)
    assert "thank_you" not in thanked.front_page("aino").actions
