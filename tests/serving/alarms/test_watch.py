"""Alarms over a real store: a shop where parcels are sometimes late, and then a carrier breaks down."""

import itertools
import random
from datetime import UTC, datetime, timedelta

import pytest

from features.customer.hold_rules import HoldRules
from features.customer.incidents import read_rule
from features.home import Home
from features.log.event_log import EventLog
from features.log.store import connect
from serving.alarms.watch import alarms
from serving.core.alarm_rules import AlarmRules

NOW = datetime(2026, 9, 1, 15, 0, tzinfo=UTC)


class Shop:
    """A shop's log; time is told in days before `NOW`."""

    def __init__(self, root):
        self.home = Home.open(root)
        self.events = []
        self._ids = itertools.count(1)

    def tells(self, type_, customer, days_ago, *, heard=None, channel="web", touchpoint=None, **payload):
        """Something happened; it was heard of at once, or `heard` days ago. Returns the event's id."""
        event_id = f"{type_}-{next(self._ids)}"
        at = NOW - timedelta(days=days_ago)
        received = at if heard is None else NOW - timedelta(days=heard)
        who = {"anonymous_id": customer[1:]} if customer.startswith("~") else {"customer_id": customer}
        self.events.append(
            {"event_id": event_id, "type": type_, "occurred_at": at.isoformat(), "received_at": received.isoformat(),
             "channel": channel, "touchpoint": touchpoint, "payload": payload} | who
        )  # fmt: skip
        return event_id

    def complains(self, customer, days_ago, touchpoint="checkout", **more):
        """A complaint; returns the event's id."""
        return self.tells("feedback", customer, days_ago, touchpoint=touchpoint, kind="complaint", **more)

    def parcel(self, order, carrier, days_ago, *, failed=False):
        """A parcel of a customer of its own: shipped, and the day after delivered, or not."""
        common = {"order_id": order, "carrier": carrier}
        self.tells("delivery", f"of-{order}", days_ago + 1, status="shipped", **common)
        return self.tells("delivery", f"of-{order}", days_ago, status="failed" if failed else "delivered", **common)

    def decides(self, action, days_ago, **rule):
        """A person declares or closes the incident "till"."""
        at = (NOW - timedelta(days=days_ago)).isoformat()
        payload = {"action": action, "incident_id": "till", "person": "Kaisa", "reason": "the till is down"}
        payload |= {"rule": rule} if rule else {}
        times = {"occurred_at": at, "received_at": at}
        self.events.append({"event_id": f"{action}-till", "type": "incident", "payload": payload} | times)

    def usual_weeks(self, weeks=6, *, failures=True):
        """Three purchases a day, a complaint at the checkout every other day, a failed parcel of Posti a day."""
        for day in range(2, weeks * 7):
            for number in range(3):
                line = [{"item_id": "socks", "quantity": 1, "unit_price": 500}]
                order = f"o-{day}-{number}"
                self.tells("purchase", f"c-{day}-{number}", day, order_id=order, currency="EUR", lines=line)
            self.parcel(f"p-{day}", "Posti", day - 0.3, failed=failures)
            if day % 2:
                self.complains(f"c-{day}-0", day - 0.5)

    def looks(self, days_later=0.0, **rules):
        """The alarms, so many days after `NOW`."""
        with EventLog(self.home) as log:
            results = log.append_live(self.events, source="test", now=NOW + timedelta(days=2))
        assert {result.status for result in results} <= {"accepted", "duplicate"}, results
        connection = connect(self.home, read_only=True)
        try:
            return alarms(connection, NOW + timedelta(days=days_later), HoldRules(), AlarmRules(**rules))
        finally:
            connection.close()


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def test_a_carrier_that_breaks_down_is_told_of_with_the_rule_to_declare(shop):
    shop.usual_weeks()
    assert shop.looks() == []
    lost = [shop.parcel(f"lost-{n}", "posti", 0.9 - n / 20, failed=True) for n in range(14)]
    carrier, touchpoint = sorted(shop.looks(), key=lambda alarm: alarm.kind)
    assert (carrier.kind, carrier.carrier, carrier.hours) == ("carrier", "Posti", 24)
    assert (carrier.observed, carrier.customers) == (14, 14)
    assert 0.5 < carrier.expected < 2 and carrier.p_value < 1e-5
    assert carrier.since == NOW - timedelta(days=0.9)
    assert carrier.examples == tuple(lost[-5:])
    assert carrier.rule == {"carrier": "Posti", "since": "2026-08-24T17:24:00Z"}
    assert read_rule('{"carrier": "Posti", "since": "2026-08-24T17:24:00Z"}').carrier == "Posti"
    assert carrier.text.startswith("Carrier Posti: 14 unhappy customers in 24 hours, usually 1.")
    assert carrier.text_fi.startswith("Kuljetusyhtiö Posti: 14 tyytymätöntä asiakasta 24 tunnissa, tavallisesti 1,")
    assert (touchpoint.touchpoint, touchpoint.carrier, touchpoint.rule["touchpoint"]) == ("delivery", None, "delivery")


def test_a_payment_failure_of_the_last_hours_shows_in_the_short_window(shop):
    shop.usual_weeks()
    for n in range(10):
        shop.tells("friction", f"c-{n}", 0.01 * n, touchpoint="checkout", kind="payment_error")
    (alarm,) = shop.looks()
    assert (alarm.touchpoint, alarm.hours, alarm.customers) == ("checkout", 6, 10)
    assert alarm.rule == {"touchpoint": "checkout", "since": alarm.since.isoformat().replace("+00:00", "Z")}


def test_a_store_is_told_apart_from_the_web(shop):
    shop.usual_weeks()
    for n in range(9):
        shop.tells("feedback", f"c-{n}", 0.01 * n, channel="store", touchpoint="pickup", kind="rating", score=1)
    kinds = {alarm.kind: alarm.rule for alarm in shop.looks()}
    assert set(kinds) == {"touchpoint", "store"}
    assert {"channel", "touchpoint"} < set(kinds["store"])


def test_one_angry_customer_is_no_incident(shop):
    shop.usual_weeks()
    for n in range(40):
        shop.complains("aino", 0.02 * n)
    assert shop.looks() == []


def test_one_customer_under_two_names_is_one(shop):
    shop.usual_weeks(failures=False)
    shop.events.append(
        {"event_id": "link", "type": "identity", "customer_id": "c-0", "anonymous_id": "visitor",
         "occurred_at": (NOW - timedelta(days=3)).isoformat(), "payload": {"action": "link"}}
        | {"received_at": (NOW - timedelta(days=3)).isoformat()}
    )  # fmt: skip
    for n in range(4):
        shop.complains(f"c-{n}", 0.1, touchpoint="pickup")
    shop.complains("~visitor", 0.05, touchpoint="pickup")
    assert shop.looks(min_customers=5) == []
    assert [alarm.customers for alarm in shop.looks(min_customers=4)] == [4]


def test_a_complaint_and_the_case_it_opens_are_one_sign(shop):
    shop.usual_weeks()
    for n in range(8):
        shop.complains(f"c-{n}", 0.2, case_id=f"case-{n}")
        case = {"case_id": f"case-{n}", "kind": "complaint", "status": "opened"}
        shop.tells("case", f"c-{n}", 0.1, touchpoint="checkout", **case)
    (alarm,) = shop.looks()
    assert (alarm.observed, alarm.customers) == (8, 8)


def test_what_is_heard_later_is_not_known_before(shop):
    shop.usual_weeks()
    for n in range(10):
        shop.complains(f"c-{n}", 0.2, heard=0.1)
    assert shop.looks(-0.15) == []
    assert [alarm.touchpoint for alarm in shop.looks(-0.1)] == ["checkout"]


def test_a_promise_is_broken_when_its_date_has_passed_without_the_parcel(shop):
    shop.usual_weeks(failures=False)
    for n in range(10):
        promised = (NOW - timedelta(hours=3)).isoformat()
        shop.tells("delivery", f"c-{n}", 2, order_id=f"o{n}", status="promised", promised_at=promised, carrier="Posti")
        if n < 2:
            shop.tells("delivery", f"c-{n}", 0.5, order_id=f"o{n}", status="delivered")
    assert shop.looks(-0.2) == []
    alarm = next(alarm for alarm in shop.looks() if alarm.kind == "carrier")
    assert (alarm.customers, alarm.since) == (8, NOW - timedelta(hours=3))


def test_ratings_that_are_fine_by_the_policy_count_for_nothing(shop):
    shop.usual_weeks()
    for n in range(20):
        shop.tells("feedback", f"c-{n}", 0.1, touchpoint="checkout", kind="rating", score=4)
        shop.tells("feedback", f"c-{n}", 0.1, touchpoint="checkout", kind="ces", score=1)  # 1 is easy: good
        shop.tells("friction", f"c-{n}", 0.1, touchpoint="checkout", kind="out_of_stock")
        shop.tells("friction", f"c-{n}", 0.1, touchpoint="checkout", kind="long_wait", wait_seconds=60)
    assert shop.looks() == []


def test_a_declared_incident_mutes_its_alarm_until_it_is_closed(shop):
    shop.usual_weeks()
    for n in range(10):
        shop.complains(f"c-{n}", 0.3)
    shop.decides("declare", 0.2, touchpoint="checkout", since=(NOW - timedelta(days=0.3)).isoformat())
    shop.decides("close", 0.1)
    told = {days: [alarm.declared for alarm in shop.looks(days)] for days in (-0.25, -0.2, -0.11, -0.1, 0)}
    assert told == {-0.25: [None], -0.2: ["till"], -0.11: ["till"], -0.1: [None], 0: [None]}


def test_an_incident_of_something_else_mutes_nothing(shop):
    shop.usual_weeks()
    for n in range(10):
        shop.complains(f"c-{n}", 0.3)
    shop.decides("declare", 0.2, touchpoint="checkout", channel="app")
    assert [alarm.declared for alarm in shop.looks()] == [None]


def test_days_of_an_incident_are_no_measure_of_what_is_usual(shop):
    """A second breakdown within the month is seen as soon as the first."""
    shop.usual_weeks()
    for n in range(40):
        shop.complains(f"first-{n}", 10.2)
    for n in range(8):
        shop.complains(f"second-{n}", 0.2)
    assert shop.looks() == []
    shop.decides("declare", 10.1, touchpoint="checkout")
    shop.decides("close", 9)
    assert [alarm.customers for alarm in shop.looks()] == [8]


def test_a_shop_of_two_weeks_alarms_at_nothing_yet(shop):
    shop.usual_weeks(weeks=2)
    for n in range(20):
        shop.complains(f"c-{n}", 0.1)
    assert shop.looks() == []


def test_the_order_of_arrival_changes_nothing(shop, tmp_path):
    shop.usual_weeks()
    for n in range(12):
        shop.complains(f"c-{n}", 0.03 * n, case_id=f"k{n % 11}")
        shop.tells("case", f"c-{n}", 0.03 * n + 0.01, case_id=f"k{n}", kind="complaint", status="opened")
        shop.parcel(f"lost-{n}", "Posti", 0.5, failed=True)
    told = shop.looks()
    assert len(told) == 3
    other = Shop(tmp_path / "other")
    other.events = shop.events[:]
    random.Random(3).shuffle(other.events)
    assert other.looks() == told


@pytest.mark.sqlite_only
def test_reading_by_time_uses_the_index(shop):
    connection = connect(shop.home)
    plan = connection.execute(
        "explain query plan select body from facts where type = 'delivery' and occurred_at > 1 and occurred_at <= 2"
    ).fetchall()
    connection.close()
    assert "facts_by_time" in plan[0][3]


@pytest.mark.parametrize("wrong", [{"windows_hours": [6, 6]}, {"baseline_weeks": 1}, {"false_alarms_per_yaer": 1}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError):
        AlarmRules(**wrong)
