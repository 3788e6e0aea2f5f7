"""R8: enough is enough; what was prepared but never sent does not count."""

from datetime import timedelta

import pytest


@pytest.fixture
def aino(shop):
    """Aino, who buys often and may be written to, in a shop whose single actions have no caps of their own."""
    shop.drops_action_caps()
    shop.edits_policy(lambda policy: policy["contact_cap"].pop("unanswered"))
    shop.regular("aino", consent=False)
    shop.happens("consent", "aino", ago=timedelta(days=400), purpose="marketing", status="granted")
    return shop


def sends(shop, customer):
    """Whether the newsletter may go to her now; if so, it is sent."""
    answer = shop.email(customer)
    if answer.sells:
        shop.reports(answer, "sent")
    return answer.sells


def test_r8_two_a_day_three_a_week_eight_a_month_whatever_is_tried(aino):
    assert [(w.days, w.limit) for w in aino.policy.contact_cap.windows] == [(1, 2), (7, 3), (30, 8)]
    letters = {}
    for day in range(32):
        letters[day] = 0
        for _ in range(3):
            letters[day] += sends(aino, "aino")
            aino.wait(minutes=30)
        aino.wait(hours=22, minutes=30)
    expected = {0: 2, 1: 1, 7: 2, 8: 1, 14: 2, 30: 2, 31: 1}  # the windows roll: no week or month begins anew
    assert {day: count for day, count in letters.items() if count} == expected


def test_r8_as_shipped_no_kind_of_letter_becomes_a_habit(shop):
    shop.regular("aino")
    shop.happens("feedback", "aino", kind="rating", score=4)
    letters = []
    for _ in range(60):
        answer = shop.email("aino")
        if answer.sells:
            letters += sorted(answer.actions)
            shop.reports(answer, "sent")
        shop.wait(days=1)
    assert letters.count("recommended_items") <= 5 and letters.count("popular_items") <= 2
    assert len(letters) <= 8, f"less than one a week: {letters}"


def test_r8_we_do_not_knock_for_ever_at_a_door_that_stays_shut(shop):
    shop.regular("aino")
    shop.drops_action_caps()
    letters = 0
    for _ in range(40):
        letters += sends(shop, "aino")
        shop.wait(days=2)
    assert letters == 4
    why = {c["action_id"]: c["gates"] for c in shop.why("aino", "email", "email")["candidates"]}
    assert why["recommended_items"] == ["unanswered"]
    assert shop.front_page("aino").sells, "she may come herself at any time"
    shop.looks_at("aino", "boot-39")
    shop.wait(hours=2)
    assert shop.email("aino").sells, "and now that she has been here, a letter may follow"


def test_r8_one_who_was_here_today_is_not_told_that_she_was_missed(shop):
    shop.regular("aino")
    shop.wait(days=60)
    shop.looks_at("aino", "boot-39")
    shop.wait(hours=2)
    assert "lapsing_question" not in shop.asks("aino", "email", "email", n=9).actions
    shop.wait(days=14)
    assert "lapsing_question" in shop.asks("aino", "email", "email", n=9).actions


def test_r8_a_letter_thrown_away_is_no_reason_to_write_another(shop):
    shop.regular("aino")
    shop.drops_action_caps()
    for _ in range(40):
        answer = shop.email("aino")
        if answer.sells:
            shop.reports(answer, "sent")
            last = answer
        shop.wait(days=2)
    shop.reports(last, "dismiss")
    shop.wait(minutes=1)
    assert not shop.email("aino").sells, "no is no sign that she wants more"
    shop.reports(last, "click")
    shop.wait(minutes=1)
    assert shop.email("aino").sells


@pytest.mark.parametrize("word", [{"kind": "rating", "score": 1}, {"kind": "complaint"}])
def test_r8_that_she_was_unhappy_is_no_reason_to_knock_again(shop, word):
    shop.regular("aino")
    shop.writes_eagerly()
    shop.edits_policy(lambda policy: policy["contact_cap"].update(unanswered=4))
    letters = 0
    for _ in range(30):
        letters += sends(shop, "aino")
        shop.wait(days=3)
    assert letters == 4
    assert not shop.asks("aino", "email", "email", n=9).sells, "four letters had no answer"
    shop.happens("feedback", "aino", ago=timedelta(days=45), case_id="late", **word)
    shop.case("aino", "closed", kind="complaint", case_id="late")  # put right, and told only now
    for days in range(0, 60, 10):
        shop.wait(days=10)
        answer = shop.asks("aino", "email", "email", n=9)
        assert not answer.sells, f"{days + 10} days later, {answer.holds or 'no hold'}: she has not asked for more"


def test_r8_the_reason_says_so_and_when_it_ends(aino):
    assert sends(aino, "aino") and sends(aino, "aino")
    answer = aino.email("aino")
    assert answer["no_action_reason"]["code"] == "contact_cap"
    assert answer["no_action_reason"]["text"] == "She has heard from us enough for now"


def test_r8_one_counter_for_lists_mail_and_site(aino):
    for channel in ("email", "social"):
        aino.happens("contact", "aino", channel=channel, action_id="old_newsletter", treatment_id="old", status="sent")
        aino.wait(minutes=1)
    assert not aino.email("aino").sells
    assert not aino.asks("aino", "app_push", "app").sells
    assert not aino.front_page("aino").sells
    kept_off = aino.kept_off(aino.builds_list("evening"))
    assert "contact_cap" in kept_off["aino"]["reason"], "a list does not write to her either"


def test_r8_what_she_sees_in_the_shop_weighs_little_and_is_counted_all_the_same(aino):
    for _ in range(40):
        page = aino.front_page("aino")
        assert page.sells
        aino.reports(page, "impression")
        aino.wait(seconds=1)
    assert sends(aino, "aino"), "forty shelves seen weigh less than one letter"
    assert not sends(aino, "aino"), "but with a letter more than that is enough for a day"


def test_r8_a_letter_prepared_but_never_sent_does_not_count(aino):
    assert aino.email("aino").sells and aino.email("aino").sells
    aino.wait(minutes=1)
    assert not aino.email("aino").sells, "prepared letters hold their place for a while"
    aino.wait(hours=aino.policy.contact_cap.reservation_hours)
    assert aino.email("aino").sells, "but none was sent, so none counts"


def test_r8_a_letter_given_up_gives_its_place_back_at_once(aino):
    first, _second = aino.email("aino"), aino.email("aino")
    assert not aino.email("aino").sells
    aino.reports(first, "released")
    assert aino.email("aino").sells


def test_r8_service_neither_counts_nor_is_capped(aino):
    assert sends(aino, "aino") and sends(aino, "aino") and not sends(aino, "aino")
    aino.case("aino", "opened")
    aino.wait(seconds=1)
    assert aino.email("aino").actions == {"case_status"}

    aino.regular("venla")
    for _ in range(5):
        aino.happens("contact", "venla", channel="email", action_id="case_status", status="sent")
    assert aino.email("venla").sells, "word about her case is no advertising"


def test_r8_nobody_is_disturbed_at_night(aino):
    aino.wait(hours=7)  # ten in the evening in Helsinki
    night = aino.email("aino")
    assert not night.sells and night["no_action_reason"]["code"] == "quiet_hours"
    assert aino.front_page("aino").sells, "she has come herself"
    for _ in range(2):
        aino.case("aino", "customer_asked", kind="complaint")
    aino.wait(seconds=1)
    assert aino.email("aino").actions == {"staff_call"}, "that she will be called may be written at any hour"
    assert aino.asks("aino", "call_list", "phone").actions == set(), "but nobody calls at night"
    aino.wait(hours=11)
    assert aino.asks("aino", "call_list", "phone").actions == {"staff_call"}


def test_r8_the_night_is_hers_not_ours(aino):
    aino.happens("profile", "aino", facts={"time_zone": "America/New_York"})
    aino.wait(hours=7)  # evening in Helsinki, mid-afternoon where she lives
    assert aino.email("aino").sells
    aino.wait(hours=9)  # four in the morning UTC: midnight in New York
    assert aino.email("aino")["no_action_reason"]["code"] == "quiet_hours"


def test_r8_a_letter_prepared_at_night_says_when_it_will_be_sent(aino):
    aino.wait(hours=9)  # midnight in Helsinki
    morning = aino.now + timedelta(hours=10)
    assert aino.asks("aino", "email", "email", send_at=morning.isoformat()).sells
    too_early = aino.now + timedelta(hours=7)
    assert not aino.asks("aino", "email", "email", send_at=too_early.isoformat()).sells
