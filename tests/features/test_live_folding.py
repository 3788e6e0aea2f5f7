"""However events come in live, the states kept are those that folding everybody from all facts would make."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_contents import NOW, event, link, new_home, purchase, rating, table

from features.customer.opened import Opened, open_state
from features.customer.state import decode
from features.home import Home
from features.log import live_folding, live_intake
from features.log.connection import Statement
from features.log.event_log import EventLog
from features.log.live_folding import KEPT_BROWSING, fold_news
from features.log.store import STORE_ERRORS, Connection, connect, transaction

WHO = ("aino", "~v", "~w")
KINDS = ("browse", "browse", "flood", "purchase", "rating", "case", "contact", "parcel", "link", "erasure")
CASES, PARCELS = ("opened", "customer_asked", "resolved"), ("shipped", "delivered")


@st.composite
def an_event(draw: st.DrawFn, number: int, hours: float) -> list[dict[str, Any]]:
    """What somebody does or says, some of it twice; now and then a stretch of browsing, or who she is."""
    name, who = f"e{draw(st.integers(0, 9))}-{number}", draw(st.sampled_from(WHO))
    n = draw(st.integers(1, 2))
    match draw(st.sampled_from(KINDS)):
        case "browse":
            return [event(name, "browse", who, hours, action="view", session_id="s")]
        case "flood":
            views = [
                event(f"{name}-{view:02d}", "browse", who, hours + view / 100, action="view", session_id="s")
                for view in range(draw(st.sampled_from((20, KEPT_BROWSING, KEPT_BROWSING + 5))))
            ]
            return views[::-1] if draw(st.booleans()) else views
        case "purchase":
            return [purchase(name, who, hours)] if who == "aino" else []
        case "rating":
            return [rating(name, who, hours, draw(st.sampled_from((1, 5))))] * draw(st.integers(1, 2))
        case "case":
            status = draw(st.sampled_from(CASES))
            return [event(name, "case", who, hours, case_id=f"C{n}", kind="exchange", status=status)]
        case "contact":
            about = draw(st.sampled_from(({}, {"decision_id": f"D{n}"})))
            status = draw(st.sampled_from(("sent", "click")))
            return [event(name, "contact", who, hours, action_id="letter", status=status, **about)]
        case "parcel":
            return [event(name, "delivery", who, hours, order_id=f"O{n}", status=draw(st.sampled_from(PARCELS)))]
        case "erasure":
            return [event(name, "erasure", who, hours)]
    return [link(name, draw(st.sampled_from("vw")), "aino", hours, draw(st.sampled_from(("link", "link", "unlink"))))]


@st.composite
def live_batches(draw: st.DrawFn) -> list[list[dict[str, Any]]]:
    """Batches one after another in time, some events late, some batches sent again."""
    batches: list[list[dict[str, Any]]] = []
    hours = 0.0
    for place in range(draw(st.integers(2, 7))):
        hours += draw(st.sampled_from((1, 2, 24)))
        batch: list[dict[str, Any]] = []
        for number in range(draw(st.integers(1, 4))):
            late = draw(st.sampled_from((0, 0, 0, 0, 0, 30)))
            batch += draw(an_event(10 * place + number, hours + draw(st.sampled_from((0, 0, 0.25))) - late))
        batches.append(batch)
        if draw(st.integers(0, 9)) == 0:
            batches.append(batch)
    return batches


def judged(_: object, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A score follows from each rating, at its moment."""
    return [
        {
            "event_id": f"score-{row['event_id']}",
            "type": "score",
            "occurred_at": row["occurred_at"],
            "payload": {"model": "dissatisfaction", "version": "1", "value": 0.9 if row["score"] < 3 else 0.1},
        }
        | {name: row[name] for name in ("customer_id", "anonymous_id") if row.get(name)}
        for row in rows
        if row["type"] == "feedback"
    ]


def states(home: Home) -> list[tuple[Any, ...]]:
    connection = connect(home)
    try:
        rows = connection.execute("select customer_id, position, body, concern_until from state").fetchall()
        return sorted((who, position, bytes(body), until) for who, position, body, until in rows)
    finally:
        connection.close()


@settings(max_examples=30, deadline=None)
@given(live_batches())
def test_states_folded_on_are_states_folded_from_everything(batches: list[list[dict[str, Any]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = new_home(Path(folder) / "home")
        with EventLog(home, durable=False) as log:
            for batch in batches:
                log.append_live(batch, source="api", now=NOW, follow=judged)
                kept = states(home)
                log.refold_all()
                assert kept == states(home)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return new_home(tmp_path / "home")


def test_what_happens_next_is_folded_on_from_the_state_without_reading_the_facts(home: Home) -> None:
    with EventLog(home) as log:
        other = rating("e1", "elli", 1, 5)
        log.append_live([other, rating("r1", "aino", 1, 5), purchase("p1", "aino", 2)], source="api", now=NOW)
        log._connection.execute("delete from facts where origin_id = 'aino'")
        log.append_live([rating("r2", "aino", 3, 1)], source="api", now=NOW, follow=judged)
        found = log.state_of("aino")
    assert found is not None
    assert (found[0], decode(found[1]).facts) == (5, 4), "her rating before, her order, her rating now and its score"


def test_a_state_behind_the_facts_is_made_anew_and_not_taken_for_whole_with_the_next_event(home: Home) -> None:
    """A row put back from a copy: it has not seen her complaint, and would hide it for ever."""
    with EventLog(home) as log:
        log.append_live([rating("r1", "aino", 1, 5)], source="api", now=NOW)
        before = log.state_of("aino")
        assert before is not None
        log.append_live([rating("r2", "aino", 2, 1)], source="api", now=NOW)
        log._connection.execute("update state set position = ?, body = ? where customer_id = 'aino'", before)
        log.append_live([purchase("p1", "aino", 3)], source="api", now=NOW)
        found = log.state_of("aino")
    assert found is not None
    assert decode(found[1]).facts == 3


def come_between(monkeypatch: pytest.MonkeyPatch, others: list[Callable[[], object]]) -> None:
    """Let each of `others` write once, when what somebody else tells has been worked out and is about to be kept."""

    @contextmanager
    def late(connection: Connection, asked: Sequence[Statement]) -> Iterator[Connection]:
        if others:
            others.pop(0)()
        with transaction(connection, asked):
            yield connection

    monkeypatch.setattr(live_intake, "transaction", late)


@pytest.mark.parametrize(
    "meanwhile",
    [
        [rating("r2", "aino", 3, 1)],
        [purchase("p1", "aino", 4), rating("r2", "aino", 3, 1)],
        [link("l1", "aino", "v", 3)],
        [link("l1", "aino", "w", 3), event("b1", "browse", "~v", 1, action="view", session_id="s")],
    ],
    ids=["about her", "the same", "a visitor is hers", "another visitor is"],
)
def test_what_another_keeps_while_events_are_worked_out_is_in_the_states(
    home: Home, monkeypatch: pytest.MonkeyPatch, meanwhile: list[dict[str, Any]]
) -> None:
    ours = [purchase("p1", "aino", 4), event("b2", "browse", "~v", 5, action="view", session_id="s")]
    with EventLog(home) as log, EventLog(home) as other:
        log.append_live([rating("r1", "aino", 1, 5)], source="api", now=NOW)
        log.append_live([event("b0", "browse", "~v", 0, action="view", session_id="s")], source="api", now=NOW)
        come_between(monkeypatch, [lambda: other.append_live(meanwhile, source="api", now=NOW)])
        results = log.append_live(ours, source="api", now=NOW)
        kept = states(home)
        log.refold_all()
        assert states(home) == kept
        known = {one["event_id"] for one in meanwhile}
    assert [r.status for r in results] == ["duplicate" if one["event_id"] in known else "accepted" for one in ours]


ASKED = {
    "she asks": [event("gone", "erasure", "aino", 4)],
    "by file": [event("gone", "erasure", "aino", 4)],
    "long before she is heard": [event("gone", "erasure", "aino", -500)],
    "a visitor who is hers asks": [event("gone", "erasure", "~v", 4)],
    "a visitor asks, who turns out to be her": [event("gone", "erasure", "~w", 4), link("l2", "w", "aino", 4)],
    "after much of others": [
        *(rating(f"of c{n}", f"c{n}", 4, 5) for n in range(30)),
        event("gone", "erasure", "aino", 4),
    ],
}
TOLD_OF_HER = {
    "an order": [purchase("p1", "aino", 5)],
    "one that makes all of hers be folded": [purchase("p1", "aino", 0.5)],
    "browsing of which some goes": [event("b99", "browse", "~v", 5, action="view", session_id="s")],
    "her words": [rating("r1", "aino", 5, 1)],
    "who she is": [link("l1", "x", "aino", 5)],
}


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("ours", TOLD_OF_HER)
def test_who_is_forgotten_while_her_events_are_worked_out_does_not_come_back(
    home: Home, monkeypatch: pytest.MonkeyPatch, ours: str, asked: str
) -> None:
    views = [event(f"b{n}", "browse", "~v", 2 + n / 100, action="view", session_id="s") for n in range(KEPT_BROWSING)]
    with EventLog(home) as log, EventLog(home) as other:
        log.append_live([rating("r0", "aino", 1, 5), link("l0", "v", "aino", 1)], source="api", now=NOW)
        log.append_live(views, source="api", now=NOW)

        def forget() -> None:
            if asked == "by file":
                other.append_history([table(ASKED[asked])], source="t", now=NOW)
            else:
                other.append_live(ASKED[asked], source="api", now=NOW)

        come_between(monkeypatch, [forget])
        for told in (TOLD_OF_HER[ours], [purchase("p2", "aino", 6)]):
            results = log.append_live(told, source="api", now=NOW, follow=judged)
            assert [one.status for one in results] == ["accepted"]
            found = log.state_of("aino")
            assert found is not None and decode(found[1]).erased_at is not None
            kept = states(home)
            log.refold_all()
            assert states(home) == kept


def test_what_another_keeps_of_others_does_not_undo_what_was_worked_out(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of several workers would fold all of its customers twice, the second time while everybody waits."""
    views = [event(f"b{n}", "browse", "aino", 2 + n / 100, action="view", session_id="s") for n in range(KEPT_BROWSING)]
    with EventLog(home) as log, EventLog(home) as other:
        log.append_live([rating("r1", "aino", 1, 5), *views], source="api", now=NOW)
        theirs = [rating("r2", "elli", 3, 5), event("b", "browse", "~w", 3, action="view", session_id="s")]
        come_between(monkeypatch, [lambda: other.append_live(theirs, source="api", now=NOW)])
        folded = []

        def counted(connection: Connection, since: int, linked: set[str]) -> None:
            folded.append(since)
            fold_news(connection, since, linked)

        monkeypatch.setattr(live_intake, "fold_news", counted)
        ours = [event("b99", "browse", "aino", 4, action="view", session_id="s"), purchase("p1", "new", 4)]
        log.append_live([rating("r3", "~v", 4, 5), *ours], source="api", now=NOW)
        assert not folded
        kept = states(home)
        log.refold_all()
        assert states(home) == kept
    assert [row[:2] for row in kept] == [
        ("aino", 55),
        ("anonymous:v", 54),
        ("anonymous:w", 53),
        ("elli", 52),
        ("new", 56),
    ]


@settings(max_examples=30, deadline=None)
@given(live_batches(), live_batches())
def test_states_hold_all_that_two_workers_are_told_at_once(
    ours: list[list[dict[str, Any]]], theirs: list[list[dict[str, Any]]]
) -> None:
    theirs = [[event | {"event_id": f"their {event['event_id']}"} for event in batch] for batch in theirs]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        home = new_home(Path(folder) / "home")
        with EventLog(home, durable=False) as log, EventLog(home, durable=False) as other:
            for ours_now, theirs_now in zip_longest(ours, theirs, fillvalue=[]):
                come_between(patch, [partial(other.append_live, theirs_now, source="api", now=NOW)])
                log.append_live(ours_now, source="api", now=NOW)
                kept = states(home)
                log.refold_all()
                assert kept == states(home)


def test_states_are_worked_out_before_others_have_to_wait(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    writing = []

    def opened(body: bytes) -> Opened:
        writing.append(held())
        return open_state(body)

    def held() -> bool:
        with closing(connect(home)) as beside:
            beside.wait_at_most(0.01)
            try:
                with transaction(beside):
                    return False
            except STORE_ERRORS:
                return True

    with EventLog(home) as log:
        log.append_live([rating("r1", "aino", 1, 5)], source="api", now=NOW)
        monkeypatch.setattr(live_folding, "open_state", opened)
        log.append_live([purchase("p1", "aino", 4)], source="api", now=NOW)
    assert writing == [False]


@pytest.mark.parametrize("body", [b"", b"torn", bytes((250,)) + bytes(40)], ids=["empty", "torn", "another version"])
def test_a_state_that_cannot_be_read_is_made_anew(home: Home, body: bytes) -> None:
    with EventLog(home) as log:
        log.append_live([rating("r1", "aino", 1, 5), purchase("p1", "aino", 2)], source="api", now=NOW)
        log._connection.execute("update state set body = ? where customer_id = 'aino'", (body,))
        log.append_live([rating("r2", "aino", 3, 1)], source="api", now=NOW)
        found = log.state_of("aino")
    assert found is not None
    assert decode(found[1]).facts == 3


@pytest.mark.parametrize("apart", [1.0, 0.0], ids=["one after another", "two at a moment"])
def test_of_who_only_browses_the_oldest_views_go_as_new_ones_come(home: Home, apart: float) -> None:
    with EventLog(home) as log:
        for n in range(KEPT_BROWSING + 10):
            hours = n if apart else n // 2
            views = [event(f"v{n:02d}{place}", "browse", "~v", hours + place * apart / 9, action="view", session_id="s")
                     for place in range(2)]  # fmt: skip
            log.append_live(views, source="api", now=NOW)
            kept = states(home)
            log.refold_all()
            assert states(home) == kept
        facts = log.facts_of("anonymous:v")
    assert KEPT_BROWSING <= len(facts) <= KEPT_BROWSING + 3 * (apart == 0.0)
    assert facts[-1].event_id == f"v{KEPT_BROWSING + 9:02d}1"
