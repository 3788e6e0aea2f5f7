"""One customer's own curve: its moments, and the running estimate by its formula."""

from datetime import timedelta

import pytest

from serving.desk.faults import FieldFaultError, NotThereError
from serving.experience.estimating import PENALTIES
from serving.experience.journey import Journey

from .shop import NOW, Shop

LINE = {"item_id": "boots", "quantity": 1, "unit_price": 9_000}


def curve(shop: Shop, who: str = "aino", days_ago: float = 0, days: int = 365) -> Journey:
    return shop.experience.journey(who, NOW - timedelta(days=days_ago), days)


def test_every_kind_of_moment_in_order_from_all_of_her_ids(shop: Shop) -> None:
    promise = (NOW - timedelta(days=15)).isoformat()
    shop.tells("feedback", "aino", 2, "support", kind="csat", score=4, case_id="k1", text="Well done")
    shop.tells("purchase", "~v", 20, order_id="o1", currency="EUR", lines=[LINE])
    shop.tells("delivery", "aino", 20, order_id="o1", status="promised", promised_at=promise)
    shop.tells("delivery", "aino", 12, order_id="o1", status="delivered")
    shop.tells("friction", "aino", 11, None, channel="store", kind="long_wait", wait_seconds=3_000)
    shop.tells("case", "aino", 10, "support", case_id="k1", kind="exchange", status="opened")
    shop.tells("contact", "aino", 9, None, channel="email", action_id="status", status="reserved", decision_id="d1")
    shop.tells("contact", "aino", 8, None, channel="email", action_id="status", status="sent", decision_id="d1")
    shop.tells("contact", "aino", 8, None, channel="email", action_id="offer", status="sent", decision_id="d2")
    shop.tells("contact", "aino", 7, None, channel="email", action_id="offer", status="bounce", decision_id="d2")
    shop.tells("return", "aino", 5, order_id="o1", lines=[{"item_id": "boots", "quantity": 1, "amount": 9_000}])
    shop.tells("case", "aino", 4, "support", case_id="k1", kind="exchange", status="resolved")
    shop.searches("aino", "kayak", 3)
    shop.links("~v", "aino", 19)
    found = curve(shop)
    assert [(m.kind, m.detail, m.touchpoint, m.value) for m in found.moments] == [
        ("order", "", "checkout", None),
        ("promise_broken", "late", "delivery", None),
        ("delivery", "delivered", "delivery", None),
        ("friction", "long_wait", "store_visit", None),
        ("case", "exchange opened", "support", None),
        ("contact", "sent", "email", None),
        ("return", "", "returns", None),
        ("case", "exchange resolved", "support", None),
        ("feedback", "csat", "support", 0.75),
    ]
    assert found.moments[-1].text == "Well done" and (found.moments_in_all, found.scores_in_all) == (9, 1)
    assert curve(shop, "anonymous:v").customer_id == "aino", "by any id of hers"
    assert [m.kind for m in curve(shop, days=6).moments] == ["return", "case", "feedback"]
    assert curve(shop, days=6).moments_in_all == 9


def test_nothing_is_estimated_before_she_said_or_met_anything(shop: Shop) -> None:
    shop.tells("purchase", "aino", 20, order_id="o1", currency="EUR", lines=[LINE])
    shop.tells("delivery", "aino", 15, order_id="o1", status="delivered")
    shop.tells("case", "aino", 10, case_id="k1", kind="return", status="opened")
    found = curve(shop)
    assert found.estimate is None and [m.estimate for m in found.moments] == [None, None, None]
    assert [case.case_id for case in found.open_cases] == ["k1"]


def test_scores_weigh_by_age_beside_one_answer_in_the_middle(shop: Shop) -> None:
    shop.rates("aino", 5, 180)
    shop.rates("aino", 2, 0)
    found = curve(shop)
    assert found.moments[0].estimate == pytest.approx((0.5 + 1) / 2)
    assert found.estimate == pytest.approx((0.5 + 0.5 * 1 + 0.25) / (1 + 0.5 + 1))


def test_what_went_wrong_fades_by_half_a_month(shop: Shop) -> None:
    shop.tells("friction", "aino", 60, "checkout", kind="payment_error")
    assert curve(shop, days_ago=60).estimate == pytest.approx(0.5 - PENALTIES["friction"])
    assert curve(shop, days_ago=30).estimate == pytest.approx(0.5 - PENALTIES["friction"] / 2)


def test_an_open_case_does_not_fade_and_weighs_once_however_told(shop: Shop) -> None:
    shop.tells("feedback", "aino", 90, "delivery", kind="complaint", case_id="k1")
    shop.tells("case", "aino", 89, "support", case_id="k1", kind="complaint", status="opened")
    shop.tells("case", "aino", 40, "support", case_id="k1", kind="complaint", status="customer_asked")
    shop.tells("case", "aino", 30, "support", case_id="k1", kind="complaint", status="resolved")
    complaint, asked = PENALTIES["case complaint"], PENALTIES["case asked or reopened"]
    assert curve(shop, days_ago=41).estimate == pytest.approx(0.5 - complaint)
    assert curve(shop, days_ago=31).estimate == pytest.approx(0.5 - complaint - asked)
    assert curve(shop).estimate == pytest.approx(0.5 - (complaint + asked) / 2)


def test_it_stays_between_nought_and_one(shop: Shop) -> None:
    for n in range(9):
        shop.tells("case", "aino", 5, "support", case_id=f"k{n}", kind="complaint", status="opened")
    assert curve(shop).estimate == 0.0


def test_of_nobody_and_of_the_erased_there_is_no_curve(shop: Shop) -> None:
    shop.rates("aino", 1, 3, text="My name is Aino")
    shop.tells("erasure", "aino", 1)
    with pytest.raises(NotThereError, match="erased"):
        curve(shop)
    with pytest.raises(NotThereError, match="erased"):
        curve(shop, days_ago=2)
    with pytest.raises(NotThereError, match="Nothing is known of customer 'elli'"):
        curve(shop, "elli")
    with pytest.raises(FieldFaultError, match="days 0"):
        curve(shop, days=0)
