"""The table of holds, row by row: what opens each, what it covers, how grave it is, and what ends it."""

import pytest
from customer_facts import RULES, case, day, delivery, fact, holds_on, rating, seen_on

from features.customer.coverage import FEEDBACK_GROUP, ONSITE_CHANNELS, OUTBOUND_CHANNELS, RECOVERY_GROUP
from features.customer.incidents import incidents_of
from features.customer.state import fold
from features.customer.view import view
from features.events import CHANNELS

OUTBOUND_SALES = {"outbound sales"}
ALL_SALES = OUTBOUND_SALES | {"on-site sales"}
ALL_SALES_FEEDBACK = ALL_SALES | {"feedback requests"}
ALL_SALES_CARE = ALL_SALES_FEEDBACK | {"care"}


def covered(holds):
    """What holds cover, in the table's words; a part is covered if it is in each of its channels."""
    parts = {
        "outbound sales": ("sales", "offers", OUTBOUND_CHANNELS),
        "on-site sales": ("sales", "offers", ONSITE_CHANNELS),
        "care": ("care", "gifts", CHANNELS),
        "feedback requests": ("service", FEEDBACK_GROUP, CHANNELS),
        "service": ("service", "status", CHANNELS),
        "recovery": ("care", RECOVERY_GROUP, CHANNELS),
        "regulation": ("regulation", "recalls", CHANNELS),
    }
    return {
        name
        for name, (category, group, channels) in parts.items()
        if all(any(h.blocks(category, group, channel) for h in holds) for channel in channels)
    }


def friction(on, kind="payment_error", **more):
    return fact("friction", on, kind=kind, **more)


def score(on, value, **more):
    return fact("score", on, model="dissatisfaction", version="3", value=value, **more)


def staff(on, **more):
    told = {"hold_id": "S1", "person": "liisa", "review_at": day(20)}
    return fact("hold", on, action="add", **told | more)


def release(on, hold_id):
    return fact("hold", on, action="release", hold_id=hold_id, person="liisa")


def complaint(on, status):
    return case(on, status, "complaint")


def answer(on, stars):
    return rating(on, stars, case_id="C1", touchpoint="support")


OPENS = {
    # what happened, seen on day 3: kind, severity, covers
    "a return, on time": ([case(0, "opened", "return", promised=9)], "open_return", 1, OUTBOUND_SALES),
    "a return without a promise": ([case(0, "opened", "return")], "open_return", 1, OUTBOUND_SALES),
    "a return overdue": ([case(0, "opened", "return", promised=1)], "open_case", 2, ALL_SALES_FEEDBACK),
    "a return asked about": (
        [case(0, "opened", "return", promised=9), case(1, "customer_asked", "return")],
        "open_case",
        3,
        ALL_SALES_FEEDBACK,
    ),
    "a return reopened": (
        [case(0, "opened", "return"), case(1, "closed", "return"), case(2, "reopened", "return")],
        "open_case",
        2,
        ALL_SALES_FEEDBACK,
    ),
    "a question overdue": ([case(0, "opened", "question", promised=1)], "open_case", 2, ALL_SALES_FEEDBACK),
    "an exchange": ([case(0, "opened", "exchange", promised=9)], "open_case", 2, ALL_SALES_FEEDBACK),
    "a warranty claim": ([case(0, "opened", "warranty")], "open_case", 2, ALL_SALES_FEEDBACK),
    "a delivery claim": ([case(0, "opened", "delivery_claim")], "open_case", 2, ALL_SALES_FEEDBACK),
    "a failed delivery": ([delivery(0, "shipped"), delivery(1, "failed")], "open_case", 2, ALL_SALES_FEEDBACK),
    "a late delivery that failed": (
        [delivery(0, "promised", promised=1), delivery(2, "failed")],
        "open_case",
        2,
        ALL_SALES_FEEDBACK,
    ),
    "a complaint": ([complaint(0, "opened")], "open_complaint", 3, ALL_SALES_CARE),
    "a complaint as feedback": ([fact("feedback", 0, kind="complaint")], "open_complaint", 3, ALL_SALES_CARE),
    "resolved, then rated badly": (
        [case(0, "opened"), case(1, "closed"), rating(2, 2, "csat", "support", case_id="C1")],
        "bad_resolution",
        4,
        ALL_SALES_CARE,
    ),
    "a rating of 1 of 5 in the store": ([rating(0, 1, channel="store")], "bad_rating", 3, ALL_SALES),
    "a rating of 2 of 5": ([rating(0, 2)], "bad_rating", 2, ALL_SALES),
    "40 of 100": ([rating(0, 40, scale_min=0, scale_max=100)], "bad_rating", 2, ALL_SALES),
    "20 of 100": ([rating(0, 20, scale_min=0, scale_max=100)], "bad_rating", 3, ALL_SALES),
    "an effort of 5 of 7, where 1 is best": ([rating(0, 5, "ces")], "bad_rating", 2, ALL_SALES),
    "a recommendation of 6": ([rating(0, 6, "nps")], "bad_rating", 2, ALL_SALES),
    "a recommendation of 0": ([rating(0, 0, "nps")], "bad_rating", 3, ALL_SALES),
    "a promised date passed": ([delivery(0, "promised", promised=1)], "late_delivery", 2, ALL_SALES),
    "a payment that failed": ([friction(1)], "friction", 1, OUTBOUND_SALES),
    "half an hour in the queue": ([friction(1, "long_wait", wait_seconds=1800)], "friction", 1, OUTBOUND_SALES),
    "a score of 0.7": ([score(0, 0.7)], "predicted", 1, OUTBOUND_SALES),
    "a person": ([staff(0)], "staff", 2, ALL_SALES),
    "a person, by e-mail only": ([staff(0, channels=["email"])], "staff", 2, set()),
}


@pytest.mark.parametrize(("facts", "kind", "severity", "covers"), OPENS.values(), ids=OPENS)
def test_what_opens_a_hold_how_grave_it_is_and_what_it_covers(facts, kind, severity, covers):
    gravest = holds_on(3, *facts)[0]
    assert (gravest.kind, gravest.severity, covered([gravest])) == (kind, severity, covers)


OPENS_NOTHING = {
    "a question": [case(0, "opened", "question")],
    "a rating of 3 of 5": [rating(0, 3)],
    "41 of 100": [rating(0, 41, scale_min=0, scale_max=100)],
    "an effort of 4 of 7": [rating(0, 4, "ces")],
    "a recommendation of 7": [rating(0, 7, "nps")],
    "a comment": [fact("feedback", 0, kind="comment", text="Hm.")],
    "a delivery on time": [delivery(0, "promised", promised=2), delivery(2, "delivered")],
    "a delivery promised for later": [delivery(0, "promised", promised=9)],
    "29 minutes in the queue": [friction(1, "long_wait", wait_seconds=1740)],
    "something sold out": [friction(1, "out_of_stock")],
    "a score of 0.69": [score(0, 0.69)],
    "a score of another model": [fact("score", 0, model="churn", version="1", value=0.99)],
}


@pytest.mark.parametrize("facts", OPENS_NOTHING.values(), ids=OPENS_NOTHING)
def test_what_opens_none(facts):
    assert holds_on(3, *facts) == []


ENDS = {
    # what happened, the hold, the last day (in quarters) it is in force, the first it is not
    "a return closed": ([case(0, "opened", "return"), case(4, "closed", "return")], "open_return", 3.75, 4),
    "a return cancelled": ([case(0, "opened", "return"), case(4, "cancelled", "return")], "open_return", 3.75, 4),
    "an exchange resolved, 7 days": ([case(0, "opened"), case(4, "resolved")], "open_case", 10.75, 11),
    "resolved, a good answer": ([case(0, "opened"), case(4, "resolved"), answer(5, 4)], "open_case", 4.75, 5),
    "resolved, an answer in between": ([case(0, "opened"), case(4, "resolved"), answer(5, 3)], "open_case", 10.75, 11),
    "a good answer before it is resolved": (
        [case(0, "opened"), answer(2, 5), case(4, "resolved")],
        "open_case",
        10.75,
        11,
    ),
    "resolved, reopened, resolved": (
        [case(0, "opened"), case(4, "resolved"), case(6, "reopened"), case(20, "resolved")],
        "open_case",
        26.75,
        27,
    ),
    "an overdue return, resolved": (
        [case(0, "opened", "return", promised=2), case(4, "resolved", "return")],
        "open_case",
        10.75,
        11,
    ),
    "a failed delivery that arrived": ([delivery(0, "failed"), delivery(4, "delivered")], "open_case", 10.75, 11),
    "a failed delivery cancelled": ([delivery(0, "failed"), delivery(4, "cancelled")], "open_case", 3.75, 4),
    "a complaint resolved, 30 days": ([complaint(0, "opened"), complaint(4, "resolved")], "open_complaint", 33.75, 34),
    "a complaint resolved and rated well": (
        [complaint(0, "opened"), complaint(4, "resolved"), answer(6, 5)],
        "open_complaint",
        5.75,
        6,
    ),
    "a bad resolution released": (
        [case(0, "opened"), case(1, "closed"), answer(2, 1), release(50, "bad_resolution:C1")],
        "bad_resolution",
        49.75,
        50,
    ),
    "a bad resolution and a good word later": (
        [case(0, "opened"), case(1, "closed"), answer(2, 1), answer(3, 5)],
        "bad_resolution",
        400,
        None,
    ),
    "a bad rating, 30 days": ([rating(0, 2)], "bad_rating", 29.75, 30),
    "a good one at the same touchpoint": ([rating(0, 2), rating(5, 4)], "bad_rating", 4.75, 5),
    "a good one elsewhere": ([rating(0, 2), rating(5, 5, touchpoint="checkout")], "bad_rating", 29.75, 30),
    "a late delivery, 3 days after it arrived": (
        [delivery(0, "promised", promised=1), delivery(4, "delivered")],
        "late_delivery",
        6.75,
        7,
    ),
    "a late delivery cancelled": (
        [delivery(0, "promised", promised=1), delivery(4, "cancelled")],
        "late_delivery",
        3.75,
        4,
    ),
    "a late delivery never heard of again": ([delivery(0, "promised", promised=1)], "late_delivery", 400, None),
    "friction, 3 days": ([friction(1)], "friction", 3.75, 4),
    "a prediction, 30 days": ([score(0, 0.8)], "predicted", 29.75, 30),
    "a lower score": ([score(0, 0.8), score(5, 0.59)], "predicted", 4.75, 5),
    "a score between the thresholds": ([score(0, 0.8), score(5, 0.6)], "predicted", 29.75, 30),
    "a high score again": ([score(0, 0.8), score(5, 0.65), score(6, 0.7)], "predicted", 35.75, 36),
    "a person's hold, released": ([staff(0), release(40, "S1")], "staff", 39.75, 40),
    "a person's hold past its review": ([staff(0)], "staff", 400, None),
}


@pytest.mark.parametrize(("facts", "kind", "last", "first_free"), ENDS.values(), ids=ENDS)
def test_what_ends_it(facts, kind, last, first_free):
    assert kind in [hold.kind for hold in holds_on(last, *facts)]
    assert first_free is None or kind not in [hold.kind for hold in holds_on(first_free, *facts)]


@pytest.mark.parametrize(("on", "severity"), [(6.75, 3), (7, 4), (13.75, 4), (14, 5), (400, 5)])
def test_a_case_grows_one_grade_graver_each_time_she_asks_and_each_week_it_is_open(on, severity):
    (hold,) = holds_on(on, case(0, "opened"), case(1, "customer_asked"))
    assert hold.severity == severity


@pytest.mark.parametrize(("asked", "severity"), [(0, 2), (1, 3), (2, 4), (3, 5), (9, 5)])
def test_each_time_she_asks_counts(asked, severity):
    (hold,) = holds_on(3, case(0, "opened"), *(case(1 + n / 8, "customer_asked") for n in range(asked)))
    assert hold.severity == severity


def test_an_ordinary_return_stays_mild_until_it_is_late():
    slow = case(0, "opened", "return", promised=30)
    assert [h.severity for on in (1, 14, 30) for h in holds_on(on, slow)] == [1, 1, 1]
    assert [(h.kind, h.severity) for h in holds_on(31, slow)] == [("open_case", 5)]


RECOVERY = {
    "a complaint handled well": ([complaint(0, "opened"), complaint(1, "resolved"), answer(2, 5)], 2),
    "a complaint, cooled down": ([complaint(0, "opened"), complaint(1, "resolved")], 31),
    "a case she asked about": ([case(0, "opened"), case(1, "customer_asked"), case(2, "resolved")], 9),
    "the worst rating": ([rating(0, 1)], 30),
    "a bad resolution, released": (
        [case(0, "opened"), case(1, "closed"), answer(1, 2), release(3, "bad_resolution:C1")],
        3,
    ),
}


@pytest.mark.parametrize(("facts", "ended"), RECOVERY.values(), ids=RECOVERY)
def test_after_a_grave_hold_she_recovers_for_30_days(facts, ended):
    assert seen_on(ended - 0.25, *facts).recovery_until is None
    assert seen_on(ended, *facts).recovery_until == day(ended + 30)
    assert seen_on(ended + 29.75, *facts).recovery_until == day(ended + 30)
    assert seen_on(ended + 30, *facts).recovery_until is None


@pytest.mark.parametrize("facts", [
    [case(0, "opened"), case(1, "resolved")], [rating(0, 2)], [friction(1)], [score(0, 0.9)],
    [delivery(0, "promised", promised=1), delivery(2, "delivered")],
], ids=["case", "rating", "friction", "score", "delivery"])  # fmt: skip
def test_after_a_mild_one_there_is_nothing_to_recover_from(facts):
    assert all(seen_on(quarter / 4, *facts).recovery_until is None for quarter in range(200))


def incident_on(on, *hers, rule='{"touchpoint": "pickup"}', closed=None, **more):
    told = {"hold_id": "lockers", "person": "liisa"}
    shop = [fact("incident", 2, origin="", action="declare", rule=rule, **told | more)]
    shop += [] if closed is None else [fact("incident", closed, origin="", action="close", **told)]
    return view(fold(hers), day(on), RULES, incidents_of(shop)).holds


def test_an_incident_holds_outbound_sales_to_whom_it_takes_in_until_it_is_closed():
    hers = friction(1, "out_of_stock", touchpoint="pickup")
    (hold,) = incident_on(2, hers)
    assert (hold.kind, hold.severity, covered([hold])) == ("incident", 1, OUTBOUND_SALES)
    assert (hold.opened_at, hold.review_at, hold.ends_at) == (day(2), day(5), day(16))
    assert incident_on(1.75, hers) == [] and incident_on(16, hers) == []
    assert len(incident_on(3.75, hers, closed=4)) == 1 and incident_on(4, hers, closed=4) == []
    assert incident_on(2, friction(1, "out_of_stock", touchpoint="checkout")) == []


def test_who_comes_to_be_affected_later_is_held_from_then():
    (hold,) = incident_on(9, rating(8, 4, touchpoint="pickup"))
    assert (hold.opened_at, hold.ends_at) == (day(8), day(16))
    assert incident_on(7.75, rating(8, 4, touchpoint="pickup")) == []
