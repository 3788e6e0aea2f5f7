"""Snapshots read from a real store: clearance is positive, and whatever is wrong forbids sales."""

from contextlib import closing
from datetime import timedelta

import pytest

from features.customer.state import decode
from features.feature_store.online import OnlineFeatures
from features.home import Home
from features.log import quarantine
from features.log.event_log import EventLog
from features.log.store import connect
from serving.core.policy import DEFAULT_POLICY, parse_policy
from serving.core.question import Request
from serving.records import Records
from serving.snapshot import SnapshotReader


@pytest.fixture
def world(tmp_path, shop, policy):
    return World(Home.open(tmp_path / "home"), shop, policy)


class World:
    """A real event log and what a reader makes of it."""

    def __init__(self, home, shop, policy):
        self.home, self.now = home, shop.NOON
        self.log, self.records = EventLog(home), Records(home)
        self.reader = SnapshotReader(self.records, OnlineFeatures(home), policy)
        self.count = 0

    def happens(self, event_type, who, ago=timedelta(0), touchpoint=None, **payload):
        self.count += 1
        event = {
            "event_id": f"e{self.count}",
            "type": event_type,
            "occurred_at": (self.now - ago).isoformat(),
            "touchpoint": touchpoint,
            "payload": payload,
        }
        (result,) = self.log.append_live([event | who], source="api", now=self.now)
        assert result.status == "accepted", result

    def buys(self, who, *items, ago=timedelta(days=1)):
        lines = [{"item_id": i, "quantity": 1, "unit_price": 100, "discount": 0} for i in items]
        self.happens("purchase", who, ago, order_id=f"o{self.count}", currency="EUR", lines=lines)

    def read(self, now=None, **who):
        (found,) = self.reader.read([Request(channel="web", placement="front_page", now=now or self.now, **who)])
        return found

    def damage(self, statement, *values):
        with closing(connect(self.home)) as connection:
            assert connection.execute(statement, values).rowcount


AINO = {"customer_id": "aino"}
VISITOR = {"anonymous_id": "v1"}


def test_nobody_known_is_ok_and_empty(world):
    found = world.read(customer_id="aino")
    assert (found.state_status, found.customer_key, found.values["known"]) == ("ok", "aino", 0.0)
    assert not found.holds and not found.contacts and not found.history.items


def test_what_is_known_is_read_at_once_after_it_was_acknowledged(world):
    world.buys(AINO, "coffee", "tea", ago=timedelta(days=9))
    world.buys(AINO, "coffee")
    world.happens("consent", AINO, purpose="marketing", status="granted")
    world.happens("case", AINO, case_id="c1", kind="exchange", status="opened")
    found = world.read(customer_id="aino")
    assert found.state_status == "ok"
    assert found.values["repeat_items"] == 1 and found.values["orders_total"] == 2
    assert dict(zip(found.history.items, found.history.counts.tolist(), strict=True)) == {"coffee": 2, "tea": 1}
    assert [h.kind for h in found.holds] == ["open_case"]
    assert found.consent("marketing", "email") == "granted" and found.consent("feedback", "email") is None
    assert found.about["case"] == world.now.timestamp()


def test_a_visitor_is_read_as_the_customer_she_is_linked_to_and_keeps_the_older_arm(world):
    world.happens("browse", VISITOR, timedelta(days=3), action="view", session_id="s", item_id="coat")
    assert world.read(anonymous_id="v1").customer_key == "anonymous:v1"
    world.buys(AINO, "coffee")
    world.happens("identity", AINO | VISITOR, action="link")
    found = world.read(anonymous_id="v1")
    assert (found.customer_key, found.state_status) == ("aino", "ok")
    assert found.arm_key == "anonymous:v1" and world.read(customer_id="aino").arm_key == "anonymous:v1"


@pytest.mark.parametrize("body", [b"", b"\x01torn", b"\xff" * 40], ids=["empty", "torn", "noise"])
def test_a_corrupt_state_is_unknown_yet_her_case_is_still_told(world, body):
    world.happens("case", AINO, case_id="c1", kind="exchange", status="opened")
    world.damage("update state set body = ? where customer_id = 'aino'", body)
    found = world.read(customer_id="aino")
    assert found.state_status == "unknown:corrupt" and not found.readable
    assert found.values["open_cases"] == 1 and [h.kind for h in found.holds] == ["open_case"]


def test_every_flipped_byte_of_a_state_is_noticed(world):
    world.buys(AINO, "coffee")
    with closing(connect(world.home)) as connection:
        (body,) = connection.execute("select body from state").fetchone()
    assert decode(body)
    for place in range(0, len(body), 3):
        broken = body[:place] + bytes([body[place] ^ 0x40]) + body[place + 1 :]
        world.damage("update state set body = ?", broken)
        assert world.read(customer_id="aino").state_status == "unknown:corrupt", place


def test_a_state_behind_the_log_or_missing_is_unknown(world):
    world.buys(AINO, "coffee")
    world.damage("update state set position = position - 1")
    assert world.read(customer_id="aino").state_status == "unknown:behind"
    world.damage("delete from state")
    found = world.read(customer_id="aino")
    assert found.state_status == "unknown:behind" and found.values["orders_total"] == 1


def test_a_state_behind_on_a_linked_visitors_facts_is_unknown(world):
    world.buys(AINO, "coffee")
    world.happens("identity", AINO | VISITOR, action="link")
    assert world.read(customer_id="aino").state_status == "ok"
    statement = (
        "insert into facts select position + 1000, 'anonymous:v1', occurred_at, 'late', received_at, type, channel,"
    )
    world.damage(f"{statement} touchpoint, source, payload_hash, body from facts where type = 'purchase'")
    assert world.read(customer_id="aino").state_status == "unknown:behind"


def test_a_state_dated_ahead_of_the_clock_is_unknown(world):
    world.buys(AINO, "coffee", ago=timedelta(0))
    assert world.read(world.now - timedelta(minutes=4), customer_id="aino").state_status == "ok"
    assert world.read(world.now - timedelta(minutes=6), customer_id="aino").state_status == "unknown:future_dated"


def test_a_store_that_does_not_answer_is_unknown_for_everybody(world):
    world.buys(AINO, "coffee")
    with closing(connect(world.home)) as connection:
        connection.execute("alter table facts rename to gone")
    found = world.read(customer_id="aino")
    assert (found.state_status, found.customer_key) == ("unknown:unreadable", "aino")


def test_a_required_source_must_have_reported_within_its_limit(world):
    text = DEFAULT_POLICY.read_text().replace("required_sources: {}", "required_sources: {api: 48, till: 24}")
    world.reader = SnapshotReader(world.records, OnlineFeatures(world.home), parse_policy(text))
    world.buys(AINO, "coffee")
    assert world.read(customer_id="aino").state_status == "unknown:source_silent:till"
    event = {"event_id": "t1", "type": "consent", "customer_id": "x", "occurred_at": world.now.isoformat()}
    payload = {"payload": {"purpose": "marketing", "status": "granted"}}
    world.log.append_live([event | payload], source="till", now=world.now)
    assert world.read(customer_id="aino").state_status == "ok"
    later = world.now + timedelta(hours=25)
    assert world.read(later, customer_id="aino").state_status == "unknown:source_silent:till"


def test_a_sources_declared_basis_stands_where_she_said_nothing_herself(world):
    basis = "declared: [{source: api, purpose: marketing, channels: [email], basis: existing customers}]"
    text = DEFAULT_POLICY.read_text().replace("declared: []", basis)
    world.reader = SnapshotReader(world.records, OnlineFeatures(world.home), parse_policy(text))
    world.buys(AINO, "coffee")
    found = world.read(customer_id="aino")
    assert found.consent("marketing", "email") == "declared"
    assert found.consent("marketing", "phone") is None and found.consent("feedback", "email") is None
    assert world.read(customer_id="stranger").consent("marketing", "email") is None
    world.happens("consent", AINO, purpose="marketing", status="withdrawn")
    assert world.read(customer_id="aino").consent("marketing", "email") == "withdrawn"


def test_contacts_count_once_whether_the_event_or_the_reservation_tells_of_them(world):
    contact = {"action_id": "a", "decision_id": "d1", "treatment_id": "t"}
    world.happens("contact", AINO | {"channel": "email"}, status="reserved", **contact)
    assert [c.decision_id for c in world.read(customer_id="aino").reserved] == ["d1"]
    assert world.read(world.now + timedelta(hours=48), customer_id="aino").reserved == ()
    world.happens("contact", AINO | {"channel": "email"}, status="sent", **contact)
    found = world.read(customer_id="aino")
    assert [c.decision_id for c in found.contacts] == ["d1"] and found.reserved == ()


def test_many_are_read_as_each_alone(world):
    for i in range(30):
        world.buys({"customer_id": f"c{i}"}, "coffee")
    requests = [Request(customer_id=f"c{i}", channel="web", placement="front_page", now=world.now) for i in range(40)]
    together = world.reader.read(requests)
    assert [s.customer_key for s in together] == [f"c{i}" for i in range(40)]
    for request, found in zip(requests, together, strict=True):
        (alone,) = world.reader.read([request])
        assert (alone.values, alone.state_status, alone.versions) == (found.values, found.state_status, found.versions)


def test_an_incident_holds_whom_it_takes_in_until_it_is_closed(world):
    world.happens("friction", AINO, timedelta(hours=3), kind="out_of_stock", touchpoint="pickup")
    world.buys({"customer_id": "bea"}, "tea")
    declared = {"action": "declare", "incident_id": "lockers", "person": "liisa", "reason": "the lockers are broken"}
    assert world.read(**AINO).holds == ()
    world.happens("incident", {}, timedelta(hours=1), rule={"touchpoint": "pickup"}, **declared)
    (hold,) = world.read(**AINO).holds
    assert (hold.hold_id, hold.kind, hold.detail) == ("incident:lockers", "incident", "the lockers are broken")
    assert world.read(**AINO).values["holds_in_force"] == 1
    assert world.read(customer_id="bea").holds == ()
    world.happens("incident", {}, action="close", incident_id="lockers", person="liisa")
    assert world.read(**AINO).holds == ()


def test_an_incident_declared_by_a_clock_ahead_of_ours_holds_at_once(world):
    world.happens("friction", AINO, timedelta(hours=3), kind="out_of_stock", touchpoint="pickup")
    told = {"action": "declare", "incident_id": "lockers", "person": "liisa", "rule": {"touchpoint": "pickup"}}
    world.happens("incident", {}, -timedelta(minutes=4), **told)
    assert [h.kind for h in world.read(**AINO).holds] == ["incident"]


def test_incidents_that_cannot_be_read_leave_everybody_unknown(world):
    world.happens("incident", {}, action="declare", incident_id="x", person="liisa", rule={"carrier": "posti"})
    world.damage("update facts set body = ? where type = 'incident'", b"\xc1")
    assert world.read(**AINO).state_status == "unknown:unreadable"


def test_a_rejected_event_that_could_have_held_her_leaves_her_unknown_and_nobody_else(world):
    bad = {"event_id": "r1", "type": "feedback", "occurred_at": world.now.isoformat()}
    bad["payload"] = {"kind": "rating", "score": 9}
    world.log.append_live([bad | AINO, bad | VISITOR | {"event_id": "r2"}], source="api", now=world.now)
    status = "unknown:rejected_event"
    assert world.read(**AINO).state_status == status and world.read(**VISITOR).state_status == status
    assert world.read(customer_id="bea").state_status == "ok"
    assert world.read(customer_id="bea", **VISITOR).state_status == status
    world.happens("identity", {"customer_id": "bea"} | VISITOR, action="link")
    assert world.read(customer_id="bea").state_status == status
    for entry in quarantine.entries(world.home):
        quarantine.dismiss(world.home, entry.id, person="liisa", reason="a test", now=world.now)
    assert {world.read(**who).state_status for who in (AINO, VISITOR, {"customer_id": "bea"})} == {"ok"}
