"""How each touchpoint went: counted by hand over a few people."""

from datetime import timedelta

import pytest

from serving.desk.faults import FieldFaultError, NotThereError
from serving.experience.figures import Trend

from .shop import NOW, Shop


def six(shop: Shop, *scores: float, days_ago: float = 1, touchpoint: str = "support") -> None:
    """So many people, named by their place, give these scores."""
    for place, score in enumerate(scores):
        shop.rates(f"c{place}", score, days_ago, touchpoint)


def test_events_and_people_are_counted_visitors_among_them(shop: Shop) -> None:
    for who in ("aino", "aino", "~v", "~w"):
        shop.looks(who, "boots", 3)
    shop.links("~w", "aino", 2)
    page = shop.touchpoints()["product_page"]
    assert (page.events, page.people, page.visitors) == (4, 2, 1)
    assert (page.answers, page.answered, page.satisfaction, page.stories) == (0, 0, None, [])


def test_satisfaction_is_the_mean_over_people_each_once(shop: Shop) -> None:
    six(shop, 5, 5, 5, 1, 3)
    for hour in range(20):
        shop.rates("c3", 1, 2 + hour / 24)
    support = shop.touchpoints()["support"]
    assert (support.answers, support.answered) == (25, 5)
    assert support.satisfaction is not None and support.good is not None and support.bad is not None
    assert support.satisfaction.value == pytest.approx((1 + 1 + 1 + 0 + 0.5) / 5)
    assert support.good.value == pytest.approx(3 / 5) and support.bad.value == pytest.approx(1 / 5)
    assert support.satisfaction.low < 0.7 < support.satisfaction.high


def test_a_score_counts_in_the_direction_of_its_scale_and_by_the_policy(shop: Shop) -> None:
    for n in range(5):
        shop.tells("feedback", f"c{n}", 1, "support", kind="ces", score=1)
        shop.tells("feedback", f"c{n}", 1, "delivery", kind="nps", score=6)
        shop.tells("feedback", f"c{n}", 1, "pickup", kind="rating", score=7, scale_min=0, scale_max=10)
    told = shop.touchpoints()
    figures = {name: (one.satisfaction, one.bad, one.good) for name, one in told.items()}
    values = {name: [f.value for f in found if f] for name, found in figures.items()}
    assert values == {"support": [1.0, 0.0, 1.0], "delivery": [0.6, 1.0, 0.0], "pickup": [0.7, 0.0, 1.0]}


def test_of_few_people_nothing_is_told(shop: Shop) -> None:
    six(shop, 5, 5, 5, 5)
    support = shop.touchpoints()["support"]
    assert support.answered == 4
    assert (support.satisfaction, support.good, support.bad, support.trouble) == (None, None, None, None)
    assert all(week.satisfaction is None for week in support.weeks)


def test_the_trend_compares_with_as_many_days_before(shop: Shop) -> None:
    shop.looks("aino", "boots", 200)
    six(shop, *[5] * 12, days_ago=120)
    six(shop, *[2] * 12, days_ago=30)
    trend = shop.touchpoints()["support"].satisfaction_trend
    assert trend.direction == "falling" and trend.change == pytest.approx(-0.75)
    assert trend.low is not None and trend.high is not None and trend.low < -0.75 < trend.high < 0
    six(shop, *[5] * 12, days_ago=29, touchpoint="pickup")
    assert shop.touchpoints()["pickup"].satisfaction_trend == Trend("too_few")


def test_where_the_log_does_not_reach_back_there_is_no_trend(shop: Shop) -> None:
    six(shop, *[5] * 12, days_ago=120)
    six(shop, *[2] * 12, days_ago=30)
    support = shop.touchpoints()["support"]
    assert {support.satisfaction_trend, support.trouble_trend, support.busier} == {Trend("no_history")}


def test_friction_by_kind_and_what_amounts_to_it(shop: Shop) -> None:
    for who in ("aino", "aino", "elli"):
        shop.tells("friction", who, 1, "checkout", kind="payment_error")
    shop.tells("friction", "aino", 1, "checkout", kind="failed_checkout")
    shop.searches("aino", "kayak", 1)
    shop.searches("elli", "boots", 1, results=3)
    shop.tells("delivery", "aino", 1, order_id="o1", status="failed")
    told = shop.touchpoints()
    wrong = {name: [(t.kind, t.events, t.people) for t in one.frictions] for name, one in told.items()}
    assert wrong["checkout"] == [("payment_error", 3, 2), ("failed_checkout", 1, 1)]
    assert wrong["search"] == [("search_in_vain", 1, 1)]
    assert wrong["delivery"] == [("failed_delivery", 1, 1)]


@pytest.mark.parametrize(
    ("delivered", "late"),
    [(None, True), (3.0, True), (4.0, False), (4.5, False)],
    ids=["never came", "a day late", "to the minute", "early"],
)
def test_a_promised_day_that_passed_is_trouble_at_the_delivery(shop: Shop, delivered: float | None, late: bool) -> None:
    promise = (NOW - timedelta(days=4)).isoformat()
    shop.tells("delivery", "aino", 20, "checkout", order_id="o1", status="promised", promised_at=promise)
    if delivered is not None:
        shop.tells("delivery", "aino", delivered, order_id="o1", status="delivered")
    shop.tells("delivery", "elli", 1, order_id="o2", status="shipped")
    (found,) = [one for name, one in shop.touchpoints(days=7).items() if name == "delivery"]
    assert [t.kind for t in found.frictions] == (["late_delivery"] if late else [])


def test_a_complaint_told_as_feedback_and_as_a_case_counts_once_where_it_went_wrong(shop: Shop) -> None:
    shop.tells("feedback", "aino", 2, "delivery", kind="complaint", case_id="k1", text="It never came")
    shop.tells("case", "aino", 1.9, "support", case_id="k1", kind="complaint", status="opened")
    shop.tells("case", "elli", 1, "support", case_id="k2", kind="complaint", status="opened")
    shop.tells("case", "elli", 0.5, "support", case_id="k2", kind="complaint", status="resolved")
    told = shop.touchpoints()
    assert {name: one.complaints.events for name, one in told.items()} == {"delivery": 1, "support": 1}
    assert [story.customer_id for story in told["support"].stories] == ["elli"], "hers is told at the delivery"


def test_trouble_is_a_share_of_the_people_there(shop: Shop) -> None:
    for n in range(10):
        shop.tells("browse", f"c{n}", 2, "checkout", action="checkout_start", session_id="s")
    for who in ("c1", "c1", "c2"):
        shop.tells("friction", who, 1, "checkout", kind="payment_error")
    trouble = shop.touchpoints()["checkout"].trouble
    assert trouble is not None and trouble.value == pytest.approx(0.2)


def test_the_curve_is_by_seven_days_that_end_now(shop: Shop) -> None:
    for days_ago in (0, 6.99, 7, 13.5, 14, 16, 17):
        shop.looks("aino", "boots", days_ago)
    page = shop.touchpoints(days=17)["product_page"]
    assert [week.events for week in page.weeks] == [2, 2, 2], "half open: since < t <= until, 17 days ago is before"
    assert page.weeks[0].since == NOW - timedelta(days=17) and page.weeks[-1].until == NOW
    assert sum(week.events for week in page.weeks) == page.events == 6


def test_what_was_heard_of_later_was_not_known_then(shop: Shop) -> None:
    shop.looks("aino", "boots", 10)
    shop.looks("aino", "boots", 10, "s")
    shop.tells("friction", "aino", 10, "product_page", kind="out_of_stock", heard_days_ago=2)
    then = shop.touchpoints(now=NOW - timedelta(days=5))["product_page"]
    assert (then.events, then.frictions) == (2, [])
    assert shop.touchpoints()["product_page"].events == 3


def test_history_and_what_came_in_live_count_alike_and_once(shop: Shop) -> None:
    shop.looks("aino", "boots", 3)
    shop.imported()
    shop.looks("aino", "boots", 2)
    shop.told().flushed()
    shop.looks("aino", "boots", 1)
    assert shop.touchpoints()["product_page"].events == 3


def test_much_browsing_counts_although_the_live_store_keeps_little_of_it(shop: Shop) -> None:
    for n in range(120):
        shop.looks("~v", "boots", 1 + n / 1000)
    assert shop.touchpoints()["product_page"].events == 120


def test_who_was_erased_appears_nowhere(shop: Shop) -> None:
    shop.rates("aino", 1, 3, text="My name is Aino Virtanen")
    shop.rates("~v", 1, 3, text="It is me, Aino")
    shop.rates("elli", 1, 3, text="Bad")
    shop.links("~v", "aino", 2)
    shop.tells("erasure", "aino", 1)
    shop.tells("browse", "aino", 0.5, "search", action="search", session_id="s", query="aino virtanen", result_count=0)
    for moment in (NOW, NOW - timedelta(days=2)):
        told = shop.touchpoints(now=moment)
        assert [story.text for story in told["support"].stories] == ["Bad"]
        assert told["support"].people == 1 and "search" not in told
    assert shop.experience.demand(NOW, min_people=1).terms == []


def test_erased_under_a_visitors_name_she_is_erased(shop: Shop) -> None:
    shop.rates("aino", 1, 3, text="My name is Aino Virtanen")
    shop.links("~v", "aino", 2)
    shop.tells("erasure", "~v", 1)
    assert shop.flushed().touchpoints() == {}


def test_who_was_taken_for_her_by_mistake_is_not_erased_with_her(shop: Shop) -> None:
    shop.rates("aino", 1, 30, text="Bad")
    shop.links("~v", "aino", 20)
    shop.links("~v", "aino", 10, "unlink")
    shop.rates("~v", 1, 5, text="It is me, Elli")
    shop.tells("erasure", "~v", 1)
    assert [story.text for story in shop.touchpoints()["support"].stories] == ["Bad"]


def test_what_others_note_down_is_no_experience_of_hers(shop: Shop) -> None:
    review = NOW + timedelta(days=5)
    shop.tells("hold", "aino", 1, "support", action="add", hold_id="h", person="m", review_at=review.isoformat())
    shop.tells("score", "aino", 1, "support", model="dissatisfaction", version="1", value=0.9)
    shop.tells("contact", "aino", 1, "newsletter", action_id="a", status="bounce", channel="email")
    assert shop.touchpoints() == {}


@pytest.mark.parametrize(
    ("kind", "channel", "payload", "place"),
    [
        ("delivery", "partner", {"order_id": "o", "status": "shipped"}, "delivery"),
        ("browse", "web", {"action": "search", "session_id": "s", "query": "x"}, "search"),
        ("browse", "web", {"action": "view", "session_id": "s", "item_id": "boots"}, "product_page"),
        ("browse", "web", {"action": "view", "session_id": "s", "category": "shoes"}, "unnamed"),
        ("browse", "web", {"action": "cart_add", "session_id": "s", "item_id": "boots"}, "unnamed"),
        ("friction", "web", {"kind": "payment_error"}, "checkout"),
        ("friction", "store", {"kind": "payment_error"}, "store_visit"),
        ("friction", "web", {"kind": "long_wait"}, "unnamed"),
        ("feedback", "web", {"kind": "rating", "score": 3}, "unnamed"),
        ("contact", "email", {"action_id": "a", "status": "sent"}, "email"),
    ],
)
def test_without_a_touchpoint_it_is_told_where_that_is_safe(
    shop: Shop, kind: str, channel: str, payload: dict[str, str], place: str
) -> None:
    shop.tells(kind, "aino", 1, None, channel=channel, **payload)
    ((name, one),) = shop.touchpoints().items()
    assert (name, one.unstated) == (place, 1)


def test_one_touchpoint_alone(shop: Shop) -> None:
    six(shop, 1, 2)
    shop.rates("aino", 1, 1, "pickup")
    (one,) = shop.experience.touchpoint("pickup", NOW).touchpoints
    assert one.touchpoint == "pickup" and [story.customer_id for story in one.stories] == ["aino"]
    with pytest.raises(NotThereError, match=r"'moon'.*pickup"):
        shop.experience.touchpoint("moon", NOW)
    with pytest.raises(FieldFaultError, match=r"days 400 .*366"):
        shop.experience.touchpoints(NOW, 400)


def test_an_empty_shop_has_nothing_to_tell(shop: Shop) -> None:
    assert shop.touchpoints() == {}
