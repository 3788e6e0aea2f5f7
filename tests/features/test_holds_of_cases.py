"""Holds that cases open: returns, exchanges, complaints, and answers to "did it go well?"."""

import pytest
from customer_facts import case, day, fact, holds_on, kinds_on, rating, seen_on

WEB, EMAIL = ("sales", "offers", "web"), ("sales", "offers", "email")
ASK_FEEDBACK = ("care", "feedback_request", "email")


def test_an_ordinary_return_stops_outbound_sales_only_and_ends_when_closed():
    opened = case(0, "opened", "return", promised=10)
    (hold,) = holds_on(5, opened)
    assert (hold.kind, hold.severity, hold.hold_id) == ("open_return", 1, "open_return:C1")
    assert hold.blocks(*EMAIL) and not hold.blocks(*WEB)
    assert (hold.opened_at, hold.ends_at, hold.review_at) == (day(0), None, day(30))
    assert hold.release_when == "case_closed"
    assert kinds_on(6, opened, case(6, "closed", "return")) == []
    assert kinds_on(6, opened, case(6, "cancelled", "return")) == []


def test_a_return_resolved_and_never_closed_ends_by_itself():
    facts = case(0, "opened", "return"), case(4, "resolved", "return")
    assert kinds_on(10.9, *facts) == ["open_return"]
    assert kinds_on(11, *facts) == []


def test_a_return_becomes_a_case_once_its_promise_has_passed():
    opened = case(0, "opened", "return", promised=10)
    assert kinds_on(10, opened) == ["open_return"], "a promise for this very moment is not yet broken"
    (hold,) = holds_on(10.001, opened)
    assert (hold.kind, hold.opened_at) == ("open_case", day(10))
    assert hold.blocks(*WEB) and hold.blocks(*EMAIL) and hold.blocks(*ASK_FEEDBACK)


def test_a_return_becomes_a_case_once_she_has_to_ask():
    (hold,) = holds_on(3, case(0, "opened", "return"), case(2, "customer_asked", "return"))
    assert (hold.kind, hold.severity, hold.opened_at) == ("open_case", 3, day(2))


def test_a_late_return_cools_down_like_any_case_when_closed():
    facts = case(0, "opened", "return", promised=3), case(5, "closed", "return")
    assert kinds_on(11, *facts) == ["open_case"]
    assert kinds_on(12, *facts) == []


def test_moving_the_date_does_not_keep_the_promise():
    facts = case(0, "opened", "return", promised=3), case(2, "waiting_shop", "return", promised=9)
    assert kinds_on(4, *facts) == ["open_case"]


def test_her_own_turn_does_not_count_as_the_shop_s_delay():
    hers = case(0, "opened", "return", promised=3), case(1, "waiting_customer", "return")
    assert kinds_on(20, *hers) == ["open_return"], "she has not sent the parcel yet"
    assert kinds_on(21, *hers, case(20, "waiting_shop", "return")) == ["open_case"], "now it is our turn, and late"


@pytest.mark.parametrize("kind", ["exchange", "warranty", "delivery_claim"])
def test_an_open_case_stops_all_sales_and_feedback_requests_at_once(kind):
    (hold,) = holds_on(0, case(0, "opened", kind))
    assert (hold.kind, hold.severity) == ("open_case", 2)
    for channel in ("web", "app", "store", "email", "phone", "social", "partner"):
        assert hold.blocks("sales", "offers", channel) and hold.blocks("care", "feedback_request", channel)
    assert not hold.blocks("care", "tips", "web") and not hold.blocks("service", "case_status", "web")
    assert (hold.ends_at, hold.review_at) == (None, day(14))


def test_a_question_holds_only_once_she_has_to_repeat_it():
    asked = case(0, "opened", "question")
    assert kinds_on(5, asked) == []
    assert kinds_on(5, asked, case(4, "customer_asked", "question")) == ["open_case"]


def test_severity_rises_with_every_ask_and_every_week_to_five():
    def severity(on, *steps):
        return holds_on(on, case(0, "opened"), *steps)[0].severity

    assert [severity(on) for on in (6.9, 7, 14, 21, 70)] == [2, 3, 4, 5, 5]
    assert severity(2, case(1, "customer_asked"), case(2, "customer_asked")) == 4
    assert severity(14, case(1, "waiting_customer")) == 2, "weeks in which it was her turn do not count"


def test_resolved_starts_seven_days_of_quiet_and_reopened_cancels_it():
    resolved = case(0, "opened"), case(3, "resolved")
    (hold,) = holds_on(4, *resolved)
    assert (hold.cool_down, hold.ends_at, hold.release_when) == (True, day(10), "cool_down_over")
    assert kinds_on(9.999, *resolved) == ["open_case"]
    assert kinds_on(10, *resolved) == []
    assert kinds_on(4, *resolved, case(9, "closed")) == ["open_case"]
    assert kinds_on(10, *resolved, case(9, "closed")) == [], "closing a resolved case does not start it anew"
    for again in ("reopened", "customer_asked", "opened", "waiting_shop"):
        (hold,) = holds_on(50, *resolved, case(9, again))
        assert (hold.kind, hold.ends_at, hold.cool_down) == ("open_case", None, False)


def test_closing_without_resolving_cools_down_too():
    assert kinds_on(6, case(0, "opened"), case(3, "closed")) == ["open_case"]
    assert kinds_on(10, case(0, "opened"), case(3, "closed")) == []


def test_a_good_answer_ends_the_quiet_at_once():
    facts = case(0, "opened"), case(3, "resolved"), rating(4, 5, "csat", touchpoint="support", case_id="C1")
    assert kinds_on(3.9, *facts) == ["open_case"]
    assert kinds_on(4, *facts) == []


def test_a_middling_answer_and_an_answer_on_another_case_change_nothing():
    resolved = case(0, "opened"), case(3, "resolved")
    assert kinds_on(5, *resolved, rating(4, 3, "csat", case_id="C1")) == ["open_case"]
    assert kinds_on(5, *resolved, rating(4, 5, "csat", case_id="C2")) == ["open_case"]


def test_a_good_answer_from_before_the_resolution_changes_nothing():
    assert kinds_on(5, case(0, "opened"), rating(2, 5, "csat", case_id="C1"), case(3, "resolved")) == ["open_case"]


def test_a_bad_answer_holds_until_a_person_releases_it():
    facts = case(0, "opened"), case(3, "resolved"), rating(4, 1, "csat", touchpoint=None, case_id="C1")
    holds = {hold.kind: hold for hold in holds_on(90, *facts)}
    assert set(holds) == {"bad_resolution"}
    hold = holds["bad_resolution"]
    assert (hold.severity, hold.review_at, hold.ends_at) == (4, day(18), None)
    assert hold.is_past_review(day(90)) and not hold.is_past_review(day(17))
    assert hold.blocks("care", "tips", "web") and hold.blocks(*WEB) and not hold.blocks("care", "recovery", "phone")

    good_later = rating(30, 5, "csat", case_id="C1")
    assert kinds_on(90, *facts, good_later) == ["bad_resolution"], "only a person lets go of this one"
    release = fact("hold", 40, action="release", hold_id="bad_resolution:C1", person="liisa", reason="apologised")
    assert kinds_on(90, *facts, release) == []
    assert kinds_on(90, *facts, release, rating(50, 1, "csat", case_id="C1")) == ["bad_resolution"]
    assert "bad_resolution" in kinds_on(90, *facts, case(3.5, "reopened")), "it was resolved once, and badly"


@pytest.mark.parametrize("complaint", [
    fact("feedback", 0, kind="complaint", text="never again", case_id="C1"),
    case(0, "opened", "complaint"),
])  # fmt: skip
def test_a_complaint_stops_sales_and_care_until_thirty_days_after_its_resolution(complaint):
    (hold,) = holds_on(1, complaint)
    assert (hold.kind, hold.severity, hold.case_id) == ("open_complaint", 3, "C1")
    assert hold.blocks(*WEB) and hold.blocks("care", "tips", "web") and not hold.blocks("service", "status", "web")
    resolved = case(10, "resolved", "complaint")
    assert kinds_on(39.9, complaint, resolved) == ["open_complaint"]
    assert kinds_on(40, complaint, resolved) == []
    assert kinds_on(12, complaint, resolved, rating(11, 5, "csat", case_id="C1")) == []


def test_a_complaint_without_a_case_is_a_case_named_after_its_event():
    complaint = fact("feedback", 0, event_id="f-1", kind="complaint", text="...")
    (hold,) = holds_on(200, complaint)
    assert (hold.case_id, hold.review_at) == ("f-1", day(14))
    assert kinds_on(40, complaint, case(5, "resolved", "complaint", "f-1")) == []


def test_complaining_about_an_exchange_makes_the_case_a_complaint():
    (hold,) = holds_on(3, case(0, "opened"), fact("feedback", 2, kind="complaint", case_id="C1"))
    assert (hold.kind, hold.opened_at) == ("open_complaint", day(0))


def test_after_a_grave_hold_she_is_in_recovery_for_thirty_days():
    grave = case(0, "opened"), case(1, "customer_asked"), case(3, "resolved")
    assert seen_on(9, *grave).recovery_until is None, "still held"
    assert seen_on(10, *grave).recovery_until == day(40)
    assert seen_on(39.9, *grave).features["in_recovery"] == 1.0
    assert seen_on(40, *grave).recovery_until is None
    mild = case(0, "opened"), case(3, "resolved")
    assert seen_on(10, *mild).recovery_until is None


def test_a_person_s_release_ends_a_derived_hold_until_it_grows_worse():
    release = fact("hold", 2, action="release", hold_id="open_case:C1", person="liisa", reason="agreed by phone")
    assert kinds_on(1.9, case(0, "opened"), release) == ["open_case"]
    assert kinds_on(2, case(0, "opened"), release) == []
    assert kinds_on(9, case(0, "opened"), release, case(8, "customer_asked")) == ["open_case"]


def test_what_happens_after_now_is_not_looked_at():
    facts = case(5, "opened"), rating(6, 1), case(7, "resolved"), rating(8, 5, "csat", case_id="C1")
    assert kinds_on(4, *facts) == []
    assert kinds_on(5, *facts) == ["open_case"]
    assert set(kinds_on(7.5, *facts)) == {"open_case", "bad_rating"}
    assert seen_on(5.5, *facts).open_cases[0].finished_at is None


def test_how_a_case_stands_is_told():
    (stands,) = seen_on(
        9,
        case(0, "opened", promised=5, order_id="O1", item_ids=["boot"]),
        case(6, "customer_asked"),
        case(8, "waiting_shop"),
    ).open_cases
    assert (stands.case_id, stands.kind, stands.status, stands.severity) == ("C1", "exchange", "waiting_shop", 4)
    assert (stands.opened_at, stands.promised_by, stands.overdue, stands.asked) == (day(0), day(5), True, 1)
    assert (stands.order_id, stands.item_ids) == ("O1", ["boot"])
