"""Laws of the service over real stores: what goes wrong opens no door, a merge never loosens, a replay is exact."""

import itertools
import json
from contextlib import closing
from datetime import timedelta

import msgspec
import pyarrow as pa
import pytest
from drawn_events import goes_wrong, histories, histories_without_a_later_grant
from drawn_shops import NOON, PLACES, catalogue_number, law, policy_number
from hypothesis import event
from hypothesis import strategies as st

from features.catalogue import ITEM_SCHEMA, merge_items
from features.home import Home
from features.log.store import connect
from serving.core.catalogue import DEFAULT_ACTIONS
from serving.core.gate_names import BITS
from serving.core.policy import DEFAULT_POLICY
from serving.core.question import Request
from serving.service import DecisionService
from tests.engines import table_names

POLICY = DEFAULT_POLICY.read_text().replace("holdout: 0.05", "holdout: 0.0").replace("release: 0.0", "release: 0.2")
STRICT = ("hold", "consent", "profiling_objection", "contact_cap", "quiet_hours", "state_unknown")
"""Gates that look at her wishes, her peace and what is known of her; the rest are about what fits her."""
REFUSALS = ("withdrawn", "objected")


class Desk:
    """A service over a store, in which every example has people of its own."""

    def __init__(self, folder):
        self.home = Home.open(folder)
        rows = [
            dict.fromkeys(ITEM_SCHEMA.names)
            | {"item_id": i, "title": i, "price": 1000, "margin": 500, "in_stock": True, "consumable": i == "coffee"}
            for i in ("coffee", "tea", "boots", "coat")
        ]
        merge_items(self.home, pa.Table.from_pylist(rows, schema=ITEM_SCHEMA))
        self.home.config.mkdir(exist_ok=True)
        self.configure(POLICY, DEFAULT_ACTIONS.read_text())
        self.numbers, self.service = itertools.count(1), DecisionService(self.home, durable=False)

    def configure(self, policy, actions):
        """The shop changes its files."""
        (self.home.config / "policy.yaml").write_text(policy)
        (self.home.config / "actions.yaml").write_text(actions)

    def restart(self):
        """Another process takes over."""
        self.service.close()
        self.service = DecisionService(self.home, durable=False)

    def tell(self, who, *happenings):
        """Post what happened to somebody; her cases, orders and holds bear her name."""
        events = [self.event(who, *one) for one in happenings]
        results = self.service.ingest(events, NOON)
        assert [r.status for r in results] == ["accepted"] * len(events), results

    def event(self, who, kind, ago, touchpoint, payload):
        """An event as it is posted."""
        own = {k: f"{v} {who}" for k, v in payload.items() if k in ("case_id", "order_id", "carrier")}
        if kind == "hold":
            own["hold_id"] = f"{payload['hold_id']} {who}"
        if kind == "incident":
            own |= {"incident_id": f"incident {next(self.numbers)}", "rule": {"carrier": f"carrier {who}"}}
        return {
            "event_id": f"e{next(self.numbers)}", "type": kind, "channel": "email" if kind == "contact" else "web",
            "occurred_at": (NOON - timedelta(days=ago)).isoformat(), "touchpoint": touchpoint, "payload": payload | own,
        } | ({} if kind == "incident" else self.named(who))  # fmt: skip

    def named(self, who):
        """How the shop names her."""
        return {"anonymous_id" if who.startswith("visitor") else "customer_id": who}

    def meet(self, history, kind="customer", consents=True):
        """Somebody new with a history, and the shop's word from long ago that she may be written to."""
        who = f"{kind}-{next(self.numbers)}"
        purposes = ("marketing", "feedback") if consents else ()
        first = [("consent", 90, None, {"purpose": p, "status": "granted"}) for p in purposes]
        self.tell(who, *first, ("browse", 60, None, {"action": "view", "session_id": "s0"}), *history)
        return who

    def questions(self, who, **more):
        """Every place and channel asks about her."""
        asked = {"now": NOON, "mode": "simulate", "n": 3, "context": {"item": "boots"}, **self.named(who)} | more
        return [Request(placement=placement, channel=channel, **asked) for placement, channel in PLACES]

    def ask(self, who, **more):
        """Her decisions, one a place."""
        return self.service.decide_many(self.questions(who, **more))


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path / "home")
    yield desk
    desk.service.close()


def sellable(decisions):
    """The sales that nothing stands before, by place."""
    return {
        (d.placement, d.channel, c.action_id)
        for d in decisions
        for c in d.candidates
        if c.category == "sales" and not c.failed
    }


def plainly(decision):
    """All that a decision says, but for its name, latency and mode."""
    return msgspec.structs.replace(decision, decision_id="", latency_seconds=0.0, mode="simulate")


@law(250, on="desk", history=histories, more=st.lists(goes_wrong, min_size=1, max_size=2))
def test_what_goes_wrong_never_lets_a_sale_through(desk, history, more):
    who = desk.meet(history)
    before = sellable(desk.ask(who))
    desk.tell(who, *more)
    after = sellable(desk.ask(who))
    assert after <= before
    event("something was sold" if before else "nothing was sold")
    event("closed something" if after < before else "changed nothing")


@law(
    60,
    on="desk",
    hers=histories_without_a_later_grant,
    the_visitors=histories_without_a_later_grant,
    agreed=st.booleans(),
    served=st.sampled_from([None, "customer", "visitor"]),
    rejected=st.sampled_from([None, None, None, "customer", "visitor"]),
    send_at=st.sampled_from([None, NOON + timedelta(hours=9)]),
)
def test_a_merge_never_lets_a_sale_through(desk, hers, the_visitors, agreed, served, rejected, send_at):
    sides = {"customer": desk.meet(hers), "visitor": desk.meet(the_visitors, "visitor", agreed)}
    if rejected:
        bad = desk.event(sides[rejected], "case", 1, None, {"case_id": "c", "kind": "exchange", "status": "lost"})
        assert desk.service.ingest([bad], NOON)[0].status == "rejected"
    if served:
        letters = [q for q in desk.questions(sides[served], mode="serve") if q.placement in ("email", "app_push")]
        desk.service.decide_many(letters * 2)
    before = [desk.ask(who, send_at=send_at) for who in sides.values()]
    link = desk.event(sides["customer"], "identity", 0, None, {"action": "link"}) | {"anonymous_id": sides["visitor"]}
    assert desk.service.ingest([link], NOON)[0].status == "accepted"
    merged = desk.ask(sides["customer"], send_at=send_at)
    for side in before:
        for was, now in zip(side, merged, strict=True):
            assert strictly_closed(was) <= closed(now)


def closed(decision):
    """(action, gate) of the sales that strict gates keep back."""
    return {
        (c.action_id, gate)
        for c in decision.candidates
        if c.category == "sales"
        for gate in STRICT
        if c.failed & BITS[gate]
    }


def strictly_closed(decision):
    """The same without what merely was not known: that nobody has agreed yet is no refusal."""
    refused = decision.evidence.consents.get("marketing") in REFUSALS
    return {(action, gate) for action, gate in closed(decision) if gate != "consent" or refused}


@law(6, on="desk", people=st.lists(histories, min_size=2, max_size=3), random=st.randoms(use_true_random=False))
def test_a_list_of_many_is_each_alone(desk, people, random):
    asked = [q for history in people for q in desk.questions(desk.meet(history))]
    random.shuffle(asked)
    asked = asked[:30]
    listed = desk.service.decide_many([msgspec.structs.replace(q, mode="list") for q in asked])
    alone = [desk.service.decide(q) for q in asked]
    assert list(map(plainly, listed)) == list(map(plainly, alone))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("happens"), st.one_of(goes_wrong)),
        st.tuples(st.just("changes the policy"), st.integers(0, 9)),
        st.tuples(st.just("changes the actions"), st.integers(0, 9)),
        st.tuples(st.just("restarts"), st.none()),
    ),
    min_size=1,
    max_size=4,
)


@law(8, on="desk", history=histories, steps=STEPS)
def test_every_decision_is_replayed_exactly_whatever_came_after(desk, history, steps):
    who, made = desk.meet(history), []
    policy, actions = POLICY, DEFAULT_ACTIONS.read_text()
    for step, what in [("asks", None), *steps]:
        if step == "happens":
            desk.tell(who, what)
        elif step == "restarts":
            desk.restart()
        elif step != "asks":
            policy = policy_number(what).text if step == "changes the policy" else policy
            actions = catalogue_number(what).text if step == "changes the actions" else actions
            desk.configure(policy, actions)
        made += desk.ask(who, mode="serve")[::4]
    desk.configure(POLICY, DEFAULT_ACTIONS.read_text())
    for decision in made:
        found = desk.service.replay(decision.decision_id)
        assert found["exact"], found["differences"]
        assert json.dumps(found["decision"]["actions"]) == json.dumps(msgspec.to_builtins(decision.actions))


@law(8, on="desk", history=histories)
def test_simulate_leaves_no_trace(desk, history):
    who = desk.meet(history)
    desk.ask(who)  # tables are made once
    before = everything(desk.home)
    first, second = desk.ask(who), desk.ask(who)
    assert everything(desk.home) == before
    assert list(map(plainly, first)) == list(map(plainly, second)), "nor was any cap used up"
    simulated = desk.ask(who, n=1)
    served = desk.ask(who, mode="serve", n=1)
    assert everything(desk.home) != before
    assert [d.actions for d in served[:1]] == [d.actions for d in simulated[:1]]


def everything(home):
    """All rows of all tables, and all other files, byte by byte."""
    with closing(connect(home)) as run:
        names = table_names(run)
        tables = {name: sorted(map(repr, run.execute(f"select * from {name}"))) for name in sorted(names)}
    files = {
        path: path.read_bytes()
        for path in home.root.rglob("*")
        if path.is_file() and home.live_db.stem not in path.name
    }
    return tables, files
