"""The same accepted events give the same log, in whatever order, batches and doors they come."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from log_contents import NOW, contents, event, link, new_home, purchase, rating, table

from features.log.event_log import EventLog
from features.log.identity import IdentityEvent, link_history, owner
from features.log.live_folding import KEPT_BROWSING

EVENTS = [
    purchase("p1", "aino", 1),
    purchase("p2", "~v", 5),
    purchase("p3", "elli", 40),
    rating("r1", "~v", 2, 1),
    rating("r2", "aino", 6, 5),
    rating("r3", "~w", 2, 2),
    link("l1", "v", "aino", 3),
    link("l2", "v", "aino", 7, "unlink"),
    link("l3", "v", "elli", 8),
    link("l4", "w", "aino", 30),
    event("c1", "case", "aino", 4, case_id="k", kind="exchange", status="opened", promised_by="2026-08-03T00:00:00Z"),
    event("c2", "case", "aino", 9, case_id="k", kind="exchange", status="customer_asked"),
    event("o1", "consent", "~w", 1, purpose="marketing", channel="email", status="withdrawn"),
    event("i1", "incident", None, 1, action="declare", incident_id="strike", rule={"carrier": "posti"}, person="liisa"),
    event("e1", "erasure", "liisa", 1),
]
BROWSING = [event(f"b{n:02d}", "browse", "~v", n, action="view", session_id="s") for n in range(KEPT_BROWSING + 3)]


@st.composite
def ways_in(draw: st.DrawFn, events: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """The events in any order, some twice, in any batches, each through either door, with flushes in between."""
    again = draw(st.lists(st.sampled_from(events), max_size=4))
    order = draw(st.permutations([*events, *again]))
    cuts = sorted(draw(st.lists(st.integers(1, len(order) - 1), max_size=4, unique=True)))
    parts = [order[a:b] for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    return [(draw(st.sampled_from(["live", "history", "flush"])), part) for part in parts]


def send(folder: Path, way: list[tuple[str, list[dict[str, Any]]]]) -> dict[str, Any]:
    home = new_home(folder)
    with EventLog(home, durable=False) as log:
        for door, part in way:
            if door == "history":
                log.append_history([table(part[:3]), table(part[3:])], source="t", now=NOW)
            else:
                log.append_live(part, source="t", now=NOW)
            if door == "flush":
                log.flush_live()
    return contents(home)


@settings(max_examples=15, deadline=None)
@given(ways_in(EVENTS))
def test_any_order_batching_and_door(way: list[tuple[str, list[dict[str, Any]]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert send(Path(folder) / "a", way) == send(Path(folder) / "b", [("live", EVENTS)])


@settings(max_examples=5, deadline=None)
@given(st.permutations(BROWSING), st.integers(1, len(BROWSING)))
def test_live_browsing_in_any_order(order: list[dict[str, Any]], size: int) -> None:
    parts = [("live", order[n : n + size]) for n in range(0, len(order), size)]
    with tempfile.TemporaryDirectory() as folder:
        assert send(Path(folder) / "a", parts) == send(Path(folder) / "b", [("live", BROWSING)])


STATEMENTS = st.lists(
    st.builds(
        IdentityEvent,
        st.just("v"),
        st.integers(1, 5),
        st.sampled_from("abcdefgh"),
        st.integers(1, 5),
        st.sampled_from(["link", "unlink"]),
        st.sampled_from(["aino", "elli"]),
    ),
    max_size=6,
    unique_by=lambda statement: statement.event_id,
)


@given(STATEMENTS, st.randoms())
def test_at_any_time_an_id_has_the_owner_that_was_known_then(statements: list[IdentityEvent], chance: Any) -> None:
    shuffled = list(statements)
    chance.shuffle(shuffled)
    links = link_history(shuffled)
    for moment in range(1, 7):
        known = owner(s for s in statements if s.received_at <= moment)
        valid = [
            k.customer_id for k in links if k.linked_at <= moment and (k.unlinked_at is None or k.unlinked_at > moment)
        ]
        assert valid == ([] if known is None else [known])
