"""The law of the feed: whoever reads it and keeps what it says knows everybody who may not be sold to, at any time.

Random events (late ones, merges, rejected ones), clock steps in both directions, policy edits, incidents and torn rows,
with readings in between; after each reading, whom a decision holds back must be known to the reader.
"""

import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.customer.holds import Hold
from features.feature_store.online import OnlineFeatures
from features.home import Home
from features.log.store import connect, transaction
from serving.core.held import blocks
from serving.core.policy import DEFAULT_POLICY
from serving.core.question import Request
from serving.desk.desk import Desk, next_of
from serving.desk.lens import Standing
from serving.service import DecisionService
from serving.snapshot import SnapshotReader

NOON = datetime.fromisoformat("2026-09-01T12:00:00+00:00")
CUSTOMERS = ("aino", "bertta", "cecilia")
PLACES: tuple[dict[str, Any], ...] = ({"channel": "email", "outbound": True}, {"channel": "web", "outbound": False})
VISITORS = ("v-1", "v-2")

who = st.sampled_from([{"customer_id": c} for c in CUSTOMERS] + [{"anonymous_id": v} for v in VISITORS])
case_id = st.sampled_from(["r-1", "r-2"])
days_ago = st.sampled_from([0.0, 0.001, 1.0, 6.0, 20.0])
promised = st.sampled_from([-1.0, 0.5, 3.0])


@st.composite
def events(draw: Callable[[Any], Any]) -> tuple[str, dict[str, Any]]:
    """An event without id and time: its type, who, how many days ago, payload."""
    kind = draw(st.sampled_from(["case", "delivery", "feedback", "friction", "score", "hold", "purchase", "identity"]))
    body: dict[str, Any] = {"type": kind, **draw(who), "days_ago": draw(days_ago)}
    if kind == "case":
        status = draw(st.sampled_from(["opened", "customer_asked", "resolved", "closed", "reopened"]))
        cause = draw(st.sampled_from(["return", "exchange", "complaint", "question"]))
        payload = {"case_id": draw(case_id), "kind": cause, "status": status, "promised_in": draw(promised)}
    elif kind == "delivery":
        status, order = (
            draw(st.sampled_from(["promised", "delivered", "failed"])),
            draw(st.sampled_from(["o-1", "o-2"])),
        )
        payload = {"order_id": order, "carrier": "posti", "status": status, "promised_in": draw(promised)}
    elif kind == "feedback":
        payload = {"kind": "rating", "score": draw(st.sampled_from([1, 5])), "case_id": draw(case_id)}
    elif kind == "friction":
        payload = {"kind": "payment_error"}
    elif kind == "score":
        payload = {"model": "dissatisfaction", "version": "1", "value": draw(st.sampled_from([0.2, 0.9]))}
    elif kind == "hold":
        action = draw(st.sampled_from(["add", "release"]))
        hold_id = draw(st.sampled_from(["staff-1", "open_case:r-1", "open_return:r-1"]))
        payload = {"action": action, "hold_id": hold_id, "person": "maija", "review_in": 5.0}
        if action == "release":
            del payload["review_in"]
    elif kind == "identity":
        body = {"type": kind, "customer_id": draw(st.sampled_from(CUSTOMERS)), "days_ago": 0.0,
                "anonymous_id": draw(st.sampled_from(VISITORS))}  # fmt: skip
        payload = {"action": draw(st.sampled_from(["link", "link", "unlink"]))}
    else:
        line = {"item_id": "i", "quantity": 1, "unit_price": 100, "discount": 0}
        payload = {"order_id": draw(st.sampled_from(["o-1", "o-2", "o-3"])), "currency": "EUR", "lines": [line]}
    return "event", body | {"payload": payload}


def _spoiled(event: tuple[str, dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    return "event", event[1] | {"schema_version": 99}


incident = st.tuples(
    st.just("incident"),
    st.sampled_from([("declare", {"carrier": "posti"}), ("declare", {"channel": "web"}), ("close", {})]),
)
steps = st.lists(
    st.one_of(
        events(), events(), events(), events().map(_spoiled), incident,
        st.tuples(st.just("clock"), st.sampled_from([0.01, 0.6, 2.0, 4.0, 8.0, 31.0, -0.02, -3.0])),
        st.tuples(st.just("policy"), st.sampled_from(["predicted_at: 0.7", "predicted_at: 0.95", "bad_share: 0.1"])),
        st.tuples(st.just("tear"), st.sampled_from(CUSTOMERS)),
        st.tuples(st.just("forget"), st.none()),
        st.tuples(st.just("read"), st.sampled_from([1, 2, 100])),
    ),
    min_size=4, max_size=22,
)  # fmt: skip


class Shop:
    """A shop whose clock a test moves, and a sender who reads its feed."""

    def __init__(self, root: Path) -> None:
        self.home = Home.open(root)
        self.home.config.mkdir(exist_ok=True)
        self.service = DecisionService(self.home, durable=False)
        self.desk = Desk(self.service)
        self.now = NOON
        self.count = 0
        self.cursor: str | None = None
        self.told: dict[str, Standing] = {}

    def event(self, body: dict[str, Any]) -> None:
        """Take an event in."""
        self.count += 1
        at = self.now - timedelta(days=body["days_ago"])
        payload = dict(body["payload"])
        for name, real in (("promised_in", "promised_by"), ("review_in", "review_at")):
            if name in payload:
                real = "promised_at" if body["type"] == "delivery" else real
                payload[real] = (at + timedelta(days=payload.pop(name))).isoformat()
        envelope = {name: value for name, value in body.items() if name != "days_ago"}
        sent = envelope | {"event_id": f"e-{self.count}", "occurred_at": at.isoformat(), "payload": payload}
        sent["channel"] = "web"
        self.service.ingest([sent], self.now)

    def incident(self, told: tuple[str, dict[str, Any]]) -> None:
        """Declare or close the one incident."""
        action, rule = told
        payload: dict[str, Any] = {"action": action, "incident_id": "i-1", "person": "maija"}
        if rule:
            payload["rule"] = str(rule).replace("'", '"')
        self.event({"type": "incident", "days_ago": 0.0, "payload": payload})

    def clock(self, days: float) -> None:
        """Let time pass, or set the clock back."""
        self.now += timedelta(days=days)

    def policy(self, line: str) -> None:
        """Edit the policy."""
        name = line.partition(":")[0]
        lines = DEFAULT_POLICY.read_text().splitlines()
        changed = [f"  {line}" if one.startswith(f"  {name}:") else one for one in lines]
        (self.home.config / "policy.yaml").write_text("\n".join([*changed, f"# edit {self.count}"]))

    def tear(self, customer: str) -> None:
        """Damage a row on disk."""
        with closing(connect(self.home)) as run, transaction(run):
            run.execute("update state set body = substr(body, 1, 9) where customer_id = ?", (customer,))

    def read(self, limit: int) -> None:
        """What the sender does: reads to the end of the sweep."""
        while True:
            page = self.desk.feed(self.now, after=self.cursor, limit=limit)
            self.cursor = next_of(page.cursor)
            self.told |= {one.customer_id: one for one in page.customers}
            if not page.more:
                return

    def forget(self, _: None) -> None:
        """The sender loses what it knew, and begins anew."""
        self.cursor, self.told = None, {}

    def known(self, place: dict[str, Any]) -> set[str]:
        """Whom the sender spares: by the last word on each customer, less the holds whose end has passed."""
        return {
            customer
            for customer, last in self.told.items()
            if last.problem is not None
            or any(_sells_not(h, place) for h in last.holds if h.ends_at is None or h.ends_at > self.now)
        }

    def held(self, place: dict[str, Any]) -> set[str]:
        """Whom a decision would not sell to there, by the decisions' own reading."""
        force = self.service.in_force(self.now)
        with closing(connect(self.home)) as run:
            keys = {key for (key,) in run.execute("select customer_id from state")} | set(CUSTOMERS)
        reader = SnapshotReader(self.service.records, OnlineFeatures(self.home), force.policy)
        ids = [
            {"anonymous_id": key.removeprefix("anonymous:")} if ":" in key else {"customer_id": key}
            for key in sorted(keys)
        ]
        requests = [Request(**one, channel="web", placement="front_page", now=self.now) for one in ids]
        return {
            s.customer_key
            for s in reader.read(requests)
            if s.state_status != "ok" or any(_sells_not(h, place) for h in s.holds)
        }


def _sells_not(hold: Hold, place: dict[str, Any]) -> bool:
    return blocks(hold, "sales", "offers", **place)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=steps)
def test_a_sender_who_reads_the_feed_knows_everybody_who_is_held(steps: list[tuple[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as root:
        shop = Shop(Path(root) / "home")
        try:
            shop.read(100)
            torn = False
            for name, told in [*steps, ("read", 2)]:
                torn = torn or name == "tear"
                getattr(shop, name)(told)
                if name == "read":
                    if torn:  # damage on disk is looked for every ten minutes
                        shop.desk._damage._looked, torn = None, False
                        shop.read(told)
                    for place in PLACES:
                        missing = shop.held(place) - shop.known(place)
                        assert not missing, f"{missing} are held in {place['channel']}, and the sender does not know it"
        finally:
            shop.service.close()
