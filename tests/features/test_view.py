"""State features: one customer's story, every number worked out by hand."""

import math

from customer_facts import RULES, case, day, delivery, fact, purchase, rating, seen_on, state_of

from features.customer.state import fold
from features.customer.view import STATE_FEATURES, state_features
from features.instants import to_us


def test_a_stranger_has_counts_of_zero_and_no_ages():
    found = state_features(fold([]), day(0), RULES)
    assert list(found) == list(STATE_FEATURES)
    absent = {name for name, value in found.items() if math.isnan(value)}
    ages = {name for name in STATE_FEATURES if name.startswith("days_since")}
    assert absent == ages | {"max_case_age_days", "last_rating_unit"}
    assert all(found[name] == 0 for name in set(found) - absent)


def test_every_feature_is_told_what_it_means():
    assert all(meaning[0].islower() or meaning[0].isdigit() for meaning in STATE_FEATURES.values())


def test_a_year_with_aino():
    story = (
        purchase(-400, "O0", ("coffee", 1, 690)),
        purchase(-10, "O1", ("boots", 1, 12900)),
        delivery(-10, "promised", "O1", promised=-7),
        delivery(-5, "delivered", "O1"),
        rating(-5, 2, touchpoint="delivery"),
        rating(-120, 5),
        rating(-500, 1),
        case(-4, "opened", "exchange", "C1"),
        case(-2, "customer_asked", "exchange", "C1"),
        case(-30, "opened", "complaint", "C2"),
        case(-20, "resolved", "complaint", "C2"),
        case(-60, "opened", "return", "C3"),
        case(-50, "closed", "return", "C3"),
        fact("return", -50, order_id="O0", lines=[{"item_id": "coffee", "quantity": 1, "amount": 690}]),
        fact("friction", -28, kind="out_of_stock"),
        fact("friction", -27, kind="out_of_stock"),
        fact("contact", -3, channel="email", action_id="letter", decision_id="D1", status="sent"),
        fact("contact", -2, channel="email", action_id="letter", decision_id="D1", status="dismiss"),
    )
    assert state_features(state_of(*story), day(0), RULES) == {
        "open_cases": 1,
        "max_case_age_days": 4,
        "max_case_severity": 3,  # exchange 2, asked once
        "case_asks": 1,
        "cases_unanswered_30d": 1,  # the complaint, resolved 20 days ago
        "cases_365d": 3,
        "complaints_365d": 1,
        "return_cases_365d": 1,
        "returned_lines_365d": 1,
        "holds_in_force": 3,  # the exchange, the complaint for ten more days, the rating; the late parcel is over
        "max_hold_severity": 4,  # complaint 3, open for ten days
        "in_recovery": 0,
        "ratings_90d": 1,
        "bad_ratings_365d": 1,
        "last_rating_unit": 0.25,
        "days_since_last_rating": 5,
        "late_orders": 0,
        "orders_in_delivery": 0,
        "late_deliveries_90d": 1,
        "days_since_last_delivery": 5,
        "frictions_28d": 1,  # the window is open at its old end
        "contacts_28d": 1,
        "days_since_last_contact": 3,
        "dismissals_90d": 1,
        "orders_total": 2,
        "days_since_first_purchase": 400,
        "days_since_last_purchase": 10,
        "days_since_last_seen": 5,
    }


def test_a_fact_at_exactly_now_counts_and_a_later_one_does_not():
    told = purchase(0, "O1", ("coffee", 1, 690)), purchase(1, "O2", ("coffee", 1, 690))
    assert seen_on(0, *told).features["orders_total"] == 1
    assert seen_on(0, *told).features["days_since_last_purchase"] == 0
    assert seen_on(1, *told).features["orders_total"] == 2
    assert not seen_on(-1, *told).known and seen_on(0, *told).known


def test_models_see_nothing_that_was_told_after_their_moment():
    seen = seen_on(0.01, delivery(0, "promised", "O1", promised=-0.5))
    assert seen.seen_by_models(to_us(day(0.01)))["late_deliveries_90d"] == 1
    assert seen.seen_by_models(to_us(day(-0.01)))["late_deliveries_90d"] == 0


def test_after_a_merge_the_session_she_is_in_goes_on():
    def looks(on, item, origin):
        return fact("browse", on, origin=origin, action="view", session_id="s1", item_id=item)

    steps = [looks(0, "boots", "anonymous:v1"), looks(0.005, "socks", "anonymous:v1"), looks(0.01, "laces", "aino")]
    earlier = fact("browse", -1, action="view", session_id="s0", item_id="hat")
    assert seen_on(0.02, earlier, *steps).session_items == ["laces", "socks", "boots"]


def test_an_order_that_grew_counts_when_it_last_did_also_seen_from_before_a_later_word():
    grew = (purchase(0, "O1", ("coffee", 1, 690)), purchase(0.25, "O1", ("tea", 1, 400)))
    for later in (rating(1, 5), purchase(1, "O1", ("milk", 1, 200)), purchase(1, "O2", ("tea", 1, 400))):
        found = state_features(state_of(*grew, later), day(0.5), RULES)
        assert found["days_since_last_seen"] == found["days_since_last_purchase"] == 0.25
