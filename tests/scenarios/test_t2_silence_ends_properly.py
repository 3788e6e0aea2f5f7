"""T2: silence ends properly: first "did it go well?", then, perhaps, an offer."""

import pytest


@pytest.fixture
def after(shop):
    """The right shoes have arrived, and Aino's exchange is put right."""
    shop.regular("aino")
    shop.case("aino", "opened", reason="wrong size")
    shop.wait(days=3)
    shop.case("aino", "resolved")
    shop.wait(seconds=1)
    return shop


def test_t2_the_first_thing_she_gets_is_a_check_in_not_an_offer(after):
    for answer in (after.front_page("aino"), after.email("aino")):
        assert answer.actions == {"check_in"}
        assert not answer.sells
        assert answer.hold("open_case")["cool_down"], "the hold waits for her word, or for time"


def test_t2_she_is_written_to_about_it_once(after):
    after.reports(after.email("aino"), "sent")
    after.wait(minutes=1)
    assert after.email("aino").actions == set(), "she has been asked; until she answers there is silence"
    after.case("aino", "closed")
    after.wait(minutes=1)
    assert after.email("aino").actions == set(), "that the shop closes its own file is no reason to ask again"


def test_t2_no_check_in_while_the_case_is_open(after):
    after.case("aino", "reopened")
    after.wait(seconds=1)
    answer = after.front_page("aino")
    assert answer.actions == {"case_status"}
    assert not answer.hold("open_case")["cool_down"], "reopened: the cool-down is cancelled"
    after.wait(days=8)
    assert "open_case" in after.front_page("aino").holds


def test_t2_a_good_answer_ends_the_hold_at_once(after):
    after.rates("aino", 5, case_id="case-1")
    after.wait(seconds=1)
    for answer in (after.front_page("aino"), after.email("aino")):
        assert answer.holds == set()
        assert answer.sells
        assert "check_in" not in answer.actions


def test_t2_however_grave_it_was_once_put_right_she_is_asked_and_not_called(shop):
    shop.regular("aino")
    shop.case("aino", "opened", reason="wrong size")
    for _ in range(2):
        shop.wait(days=1)
        shop.case("aino", "customer_asked")
    shop.wait(seconds=1)
    assert shop.front_page("aino").actions == {"staff_call"}
    shop.case("aino", "resolved")
    shop.wait(seconds=1)
    answer = shop.front_page("aino")
    assert answer.hold("open_case")["severity"] == 4
    assert answer.actions == {"check_in"}
    assert shop.asks("aino", "call_list", "phone").actions == set()


@pytest.mark.parametrize("other", [{}, {"case_id": "case-2"}])
def test_t2_a_good_word_about_something_else_ends_nothing(after, other):
    after.rates("aino", 5, **other)
    after.wait(seconds=1)
    answer = after.front_page("aino")
    assert answer.holds == {"open_case"}
    assert not answer.sells


def test_t2_a_bad_answer_prolongs_it_and_flags_her_for_a_person(after):
    after.rates("aino", 1, case_id="case-1")
    after.wait(seconds=1)
    answer = after.front_page("aino")
    assert "bad_resolution" in answer.holds
    assert answer.actions == {"staff_call"}
    assert after.asks("aino", "call_list", "phone").actions == {"staff_call"}

    after.wait(days=60)
    answer = after.front_page("aino")
    assert answer.holds == {"bad_resolution"} and not answer.sells, "no time heals it"
    after.rates("aino", 5, case_id="case-1")
    after.wait(seconds=1)
    assert "bad_resolution" in after.front_page("aino").holds, "nor a later score: a person has to look"

    after.happens(
        "hold", "aino", action="release", hold_id="bad_resolution:case-1", person="maija", reason="called her"
    )
    after.wait(seconds=1)
    assert after.front_page("aino").holds == set()


def test_t2_no_answer_ends_it_after_the_cool_down(after):
    after.wait(days=6, hours=23)
    assert not after.front_page("aino").sells
    after.wait(hours=1)
    answer = after.front_page("aino")
    assert answer.holds == set()
    assert answer.sells


def test_t2_an_answer_neither_good_nor_bad_leaves_it_to_time(after):
    after.rates("aino", 3, case_id="case-1")
    after.wait(seconds=1)
    answer = after.front_page("aino")
    assert answer.holds == {"open_case"}
    assert answer.actions == set(), "she has answered: she is not asked again, and not sold to either"
    after.wait(days=7)
    assert after.front_page("aino").sells


def test_t2_the_first_letter_after_the_cool_down_asks_before_it_sells(after):
    after.wait(days=8)
    assert after.email("aino").actions == {"check_in_later"}
    after.wait(minutes=1)
    assert after.email("aino").sells, "asked once; then letters may sell again"


def test_t2_who_was_asked_in_time_is_not_asked_again(after):
    after.reports(after.email("aino"), "sent")
    after.wait(days=8)
    assert after.email("aino").sells


def test_t2_nobody_is_asked_about_an_ordinary_return(shop):
    shop.regular("aino")
    shop.case("aino", "opened", kind="return")
    shop.wait(days=1)
    shop.case("aino", "closed", kind="return")
    shop.wait(days=8)
    assert shop.email("aino").sells


def test_t2_a_second_return_does_not_put_an_offer_in_place_of_the_question(shop):
    shop.regular("aino")
    shop.case("aino", "opened", kind="return", case_id="rma-1")
    shop.case("aino", "resolved", kind="return", case_id="rma-1")
    shop.wait(minutes=1)
    assert shop.front_page("aino").actions == {"check_in"}
    shop.case("aino", "opened", kind="return", case_id="rma-2")
    shop.wait(minutes=1)
    assert shop.front_page("aino").actions == {"check_in"}, "the first is still to be asked about"
    assert shop.asks("aino", "returns_page").actions == {"return_status"}, (
        "and the second told of where she looks for it"
    )
