"""Holds of bad ratings, late deliveries, friction, predictions and people."""

import pytest
from customer_facts import day, delivery, fact, holds_on, kinds_on, rating, seen_on

from features.events import CHANNELS


@pytest.mark.parametrize(("kind", "scale", "bad", "fair"), [
    ("rating", {}, [1, 2], [3, 4, 5]),
    ("review", {"scale_min": 1, "scale_max": 10}, [1, 4, 4.6], [4.7, 5, 10]),
    ("csat", {"scale_min": 0, "scale_max": 100}, [0, 40], [41, 100]),
    ("ces", {}, [7, 6, 4.6], [4, 1]),
    ("csat", {"scale_min": 1, "scale_max": 6, "higher_is_better": False}, [6, 5, 4], [3, 1]),
    ("nps", {}, [0, 6], [7, 10]),
    ("rating", {"scale_min": 0, "scale_max": 1}, [0], [1]),
    ("comment", {}, [1], [4]),
])  # fmt: skip
def test_a_bad_rating_is_in_the_lowest_two_fifths_of_its_scale_by_its_direction(kind, scale, bad, fair):
    for score in bad:
        assert kinds_on(0, rating(0, score, kind, **scale)) == ["bad_rating"], score
    for score in fair:
        assert kinds_on(0, rating(0, score, kind, **scale)) == [], score


def test_a_bad_rating_in_the_store_stops_sales_everywhere_for_thirty_days():
    (hold,) = holds_on(0, rating(0, 1, channel="store"))
    assert all(hold.blocks("sales", "offers", channel) for channel in CHANNELS)
    assert not hold.blocks("care", "tips", "web")
    assert (hold.severity, hold.ends_at) == (3, day(30))
    assert kinds_on(29.99, rating(0, 1)) == ["bad_rating"]
    assert kinds_on(30, rating(0, 1)) == []
    assert holds_on(0, rating(0, 2))[0].severity == 2


def test_only_a_later_good_rating_of_the_same_touchpoint_ends_it_early():
    bad = rating(0, 1, touchpoint="pickup")
    assert kinds_on(2, bad, rating(1, 5, touchpoint="pickup")) == []
    assert kinds_on(2, bad, rating(1, 5, touchpoint="checkout")) == ["bad_rating"]
    assert kinds_on(2, bad, rating(1, 3, touchpoint="pickup")) == ["bad_rating"]
    assert kinds_on(2, bad, rating(-1, 5, touchpoint="pickup")) == ["bad_rating"]
    assert kinds_on(2, bad, rating(1, 8, "nps", touchpoint="pickup")) == ["bad_rating"], "8 is neither bad nor good"
    assert kinds_on(2, bad, rating(1, 9, "nps", touchpoint="pickup")) == []


def test_a_good_rating_of_another_identity_or_of_no_touchpoint_ends_nothing():
    assert kinds_on(2, rating(0, 1), rating(1, 5, origin="anonymous:v1")) == ["bad_rating"]
    assert kinds_on(2, rating(0, 1, touchpoint=None), rating(1, 5, touchpoint=None)) == ["bad_rating"]


def test_a_late_delivery_stops_sales_until_three_days_after_it_arrived():
    promised = delivery(0, "promised", promised=5)
    assert kinds_on(5, promised) == []
    (hold,) = holds_on(6, promised)
    assert (hold.kind, hold.severity, hold.opened_at, hold.review_at) == ("late_delivery", 2, day(5), day(19))
    assert all(hold.blocks("sales", "offers", channel) for channel in CHANNELS)
    arrived = delivery(8, "delivered")
    assert holds_on(9, promised, arrived)[0].ends_at == day(11)
    assert kinds_on(11, promised, arrived) == []
    assert kinds_on(6, promised, delivery(5, "delivered")) == [], "on time"
    assert kinds_on(7, promised, delivery(7, "cancelled")) == []
    assert holds_on(19, promised)[0].severity == 4, "two weeks late"


def test_announcing_a_delay_does_not_undo_the_first_promise():
    facts = delivery(0, "promised", promised=5), delivery(4, "delayed", promised=12)
    assert kinds_on(4.5, *facts) == []
    assert kinds_on(6, *facts) == ["late_delivery"]


def test_a_delay_without_any_date_counts_from_the_news():
    assert kinds_on(4, delivery(0, "shipped"), delivery(4, "delayed")) == []
    assert kinds_on(5, delivery(0, "shipped"), delivery(4, "delayed")) == ["late_delivery"]
    assert seen_on(5, delivery(0, "shipped"), delivery(4, "delayed")).features["late_orders"] == 1


def test_a_second_parcel_that_is_late_makes_the_order_late_again():
    facts = delivery(0, "promised", promised=5), delivery(4, "delivered"), delivery(6, "delayed")
    assert kinds_on(5.5, *facts) == []
    assert kinds_on(6, *facts) == ["late_delivery"]


def test_a_failed_delivery_is_an_open_case_until_it_arrives_after_all_or_is_cancelled():
    failed = delivery(0, "promised", promised=3), delivery(2, "failed")
    (hold,) = holds_on(4, *failed)
    assert (hold.kind, hold.hold_id, hold.opened_at) == ("open_case", "open_case:delivery:O1", day(2))
    assert hold.blocks("care", "feedback_request", "email")
    assert kinds_on(12.9, *failed, delivery(6, "delivered")) == ["open_case"]
    assert kinds_on(13, *failed, delivery(6, "delivered")) == []
    assert kinds_on(6, *failed, delivery(6, "cancelled")) == []


def test_strong_friction_stops_outbound_sales_for_three_days():
    (hold,) = holds_on(0, fact("friction", 0, kind="payment_error"))
    assert hold.blocks("sales", "offers", "email") and not hold.blocks("sales", "offers", "web")
    assert hold.ends_at == day(3)
    assert kinds_on(0, fact("friction", 0, kind="out_of_stock")) == []
    assert kinds_on(0, fact("friction", 0, kind="long_wait", wait_seconds=1799.0)) == []
    assert kinds_on(0, fact("friction", 0, kind="long_wait", wait_seconds=3600.0)) == ["friction"]


def score(on, value, model="dissatisfaction", **more):
    return fact("score", on, model=model, version="1", value=value, **more)


def test_a_prediction_stops_outbound_sales_until_a_clearly_lower_score_or_thirty_days():
    (hold,) = holds_on(1, score(0, 0.83))
    assert (hold.kind, hold.detail, hold.ends_at) == ("predicted", "dissatisfaction 1: 0.83", day(30))
    assert hold.blocks("sales", "offers", "email") and not hold.blocks("sales", "offers", "web")
    assert kinds_on(2, score(0, 0.69)) == [], "below the threshold"
    assert kinds_on(2, score(0, 0.83), score(1, 0.65)) == ["predicted"], "between the thresholds nothing changes"
    assert kinds_on(2, score(0, 0.83), score(1, 0.59)) == []
    assert kinds_on(2, score(0, 0.83), score(1, 0.2, origin="anonymous:v1")) == ["predicted"]
    assert kinds_on(30, score(0, 0.83)) == []
    assert holds_on(31, score(0, 0.83), score(20, 0.9))[0].opened_at == day(0), "renewed, the same hold goes on"
    assert kinds_on(1, score(0, 0.99, model="churn")) == [], "leaving is not unhappiness"


def test_a_prediction_says_which_model_how_sure_and_its_main_causes():
    (hold,) = holds_on(1, score(0, 0.83, reason="a late parcel; a third contact"))
    assert hold.detail == "dissatisfaction 1: 0.83 (a late parcel; a third contact)"


def test_a_prediction_that_ended_does_not_come_back_between_the_thresholds():
    assert kinds_on(3, score(0, 0.83), score(1, 0.59), score(2, 0.69)) == []
    assert kinds_on(3, score(0, 0.7), score(1, 0.6)) == ["predicted"], "each threshold is the last score that holds"
    assert kinds_on(31, score(0, 0.83), score(29, 0.65)) == [], "and does not lengthen it either"
    (hold,) = holds_on(4, score(0, 0.83), score(1, 0.59), score(3, 0.7))
    assert hold.opened_at == day(3)


def staff(on, action="add", hold_id="staff-1", **more):
    return fact("hold", on, action=action, hold_id=hold_id, person="liisa", reason="spoke with her", **more)


def test_a_person_s_hold_covers_what_she_said_and_keeps_past_its_review_date():
    added = staff(0, categories=["sales", "care"], channels=["email"], review_at=day(10))
    (hold,) = holds_on(50, added)
    assert (hold.kind, hold.hold_id, hold.detail) == ("staff", "staff-1", "spoke with her")
    assert hold.blocks("care", "tips", "email") and not hold.blocks("sales", "offers", "web")
    assert hold.is_past_review(day(50))
    assert kinds_on(51, added, staff(51, "release")) == []
    assert kinds_on(51, added, staff(51, "release", "staff-2")) == ["staff"]
    assert kinds_on(60, added, staff(51, "release"), staff(55)) == ["staff"]


def test_a_person_s_hold_that_says_nothing_stops_all_sales_and_gets_a_review_date():
    (hold,) = holds_on(1, staff(0))
    assert all(hold.blocks("sales", "offers", channel) for channel in CHANNELS)
    assert hold.review_at == day(14)


def test_every_hold_has_an_end_or_a_review_date_and_the_gravest_comes_first():
    holds = holds_on(
        10, delivery(0, "promised", promised=9), rating(9, 1), fact("friction", 9, kind="payment_error"), score(9, 0.9),
        staff(9), fact("feedback", 0, kind="complaint"),
    )  # fmt: skip
    assert [h.kind for h in holds] == [
        "open_complaint",
        "bad_rating",
        "late_delivery",
        "staff",
        "friction",
        "predicted",
    ]
    assert all(h.ends_at is not None or h.review_at is not None for h in holds)
    assert sorted((h.severity for h in holds), reverse=True) == [h.severity for h in holds]


def test_recovery_and_regulation_are_never_held():
    for hold in holds_on(
        1, fact("feedback", 0, kind="complaint"), staff(0, categories=["service", "regulation", "care"])
    ):
        for channel in CHANNELS:
            assert not hold.blocks("service", "recovery", channel)
            assert not hold.blocks("care", "recovery", channel)
            assert not hold.blocks("regulation", "recall", channel)


def test_the_view_holds_what_the_holds_say():
    seen = seen_on(1, rating(0, 1))
    assert seen.blocks("sales", "offers", "web") and not seen.blocks("service", "status", "web")


def own_score(on, value, holds_from=0.4):
    """A score whose model says itself from where it holds; the column is that of `events.column_of`."""
    return score(on, value, scale_min=holds_from)


def test_a_score_may_bring_its_own_threshold_which_only_makes_it_stricter():
    assert kinds_on(1, own_score(0, 0.4)) == ["predicted"] and kinds_on(1, own_score(0, 0.39)) == []
    assert kinds_on(1, own_score(0, 0.7, holds_from=0.9)) == ["predicted"], "the policy's threshold holds in any case"
    assert kinds_on(2, own_score(0, 0.5), own_score(1, 0.35)) == ["predicted"], "0.4 x 0.6 / 0.7 ends it, not less"
    assert kinds_on(2, own_score(0, 0.5), own_score(1, 0.34)) == []
