"""States brought up to date with what has just come in: folded on from the kept ones, or again from all facts."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from features.customer.concern import concern_until, is_concern_unchanged
from features.customer.fold_on import fold_on, without_browsing
from features.customer.kept import KEPT_DAYS
from features.customer.opened import Opened, browsed_at, open_state
from features.errors import DataError
from features.facts import Fact
from features.instants import days
from features.log import identity
from features.log.connection import Connection
from features.log.latest import latest_positions
from features.log.packing import FACT_COLUMNS, NOBODY, facts
from features.log.refolding import StateRow, keep_states, refold
from features.log.value_lists import marks, parts

KEPT_BROWSING = 50
"""Of the browsing recorded under one origin, only the newest events stay facts; the lake keeps all. No fewer than a
state keeps (`kept.KEPT_COUNTS`)."""

_NEW = f"select position, {FACT_COLUMNS} from facts where position > ? and origin_id <> ? order by position"


class _News(NamedTuple):
    position: int
    fact: Fact


class _Grown(NamedTuple):
    state: Opened
    concern_until: int | None
    full: bool  # of browsing: some of it goes
    span: "_Span | None"  # where all that goes is


class _Span(NamedTuple):
    """Browsing under one origin between two moments (inclusive), and none that stays."""

    origin: str
    first: int
    last: int


class _Forgotten(NamedTuple):
    position: int
    origin: str
    occurred_at: int


def latest_position(connection: Connection) -> int:
    """That of the latest fact; 0 where there is none."""
    return int(connection.execute("select coalesce(max(position), 0) from facts").fetchone()[0])


def fold_news(connection: Connection, since: int, linked: set[str]) -> None:
    """Take facts past the position `since` into the states of those they are about, in the caller's transaction.

    Old browsing goes from the facts as well. `linked` are customers who gained or lost an id: all of theirs is folded.
    """
    news = _news(connection, since)
    again, full, done = linked | set(news), dict[str, _Grown](), list[StateRow]()
    for customer, before, concern in _kept(connection, [one for one in news if one not in linked], since):
        grown = _grown(connection, before, concern, [one.fact for one in news[customer]])
        row = None if grown is None or grown.full else _row(customer, grown, news[customer])
        if row is not None:
            done.append(row)
        elif grown is not None and grown.full:
            full[customer] = grown
    again -= {row.customer_id for row in done} | full.keys()
    untold = {customer for customer, grown in full.items() if grown.span is None}
    forgotten = _forget(connection, [grown.span for grown in full.values() if grown.span is not None])
    forgotten += _forget_old_browsing(connection, _browsers(news, again | untold))
    lost: dict[str, list[_Forgotten]] = {}
    for one in forgotten:
        lost.setdefault(one.origin, []).append(one)
    for customer, grown in full.items():
        gone = [one for origin in {told.fact.origin for told in news[customer]} for one in lost.get(origin, ())]
        state = without_browsing(grown.state, [(one.origin, one.occurred_at) for one in gone])
        positions = {one.position for one in gone}
        left = [one for one in news[customer] if one.position not in positions]
        row = None if state is None else _row(customer, grown._replace(state=state), left)
        if row is None:
            again.add(customer)
        else:
            done.append(row)
    keep_states(connection, done)
    refold(connection, again)


def _news(connection: Connection, since: int) -> dict[str, list[_News]]:
    """By customer, the facts past a position, in order."""
    rows = connection.execute(_NEW, (since, NOBODY)).fetchall()
    new = [_News(row[0], fact) for row, fact in zip(rows, facts(row[1:] for row in rows), strict=True)]
    owner = identity.owners(connection, {one.fact.origin for one in new})
    news: dict[str, list[_News]] = {}
    for one in new:
        news.setdefault(owner[one.fact.origin], []).append(one)
    return news


def _kept(connection: Connection, customers: list[str], since: int) -> Iterator[tuple[str, Opened, int | None]]:
    """What is kept of them, as far as it can be read and has seen all up to the position `since`, with `concern_until`:
    one at a time in memory.
    """
    for part in parts(customers):
        latest, _ = latest_positions(connection, part, up_to=since)
        rows = connection.execute(
            f"select customer_id, position, body, concern_until from state where customer_id in ({marks(part)})",
            part,
        )
        for customer, position, body, concern in rows.fetchall():
            if position < latest.get(customer, 0):  # behind, as a row put back from a copy is: it is made anew
                continue
            try:
                state = open_state(body)
            except DataError:  # of another version, or torn: it is made anew
                continue
            yield customer, state, concern


def _grown(connection: Connection, before: Opened, concern: int | None, new: list[Fact]) -> _Grown | None:
    """Her state with what is new, None where it does not tell or cannot be read."""
    try:
        state = fold_on(before, new, lambda: _orders_before(connection, before))
        if state is None:
            return None
        until = concern if is_concern_unchanged(before, state) else concern_until(state)
        if "browsed" not in state.changed or len(state.browsed) < KEPT_BROWSING:
            return _Grown(state, until, full=False, span=None)
        return _Grown(state, until, *_going(before, state, sum(fact.type == "browse" for fact in new)))
    except msgspec.MsgspecError:
        return None


def _orders_before(connection: Connection, state: Opened) -> set[str]:
    """Ids of the orders that her state may have cut."""
    found: set[str] = set()
    for origin, _ in state.origins:
        rows = connection.execute(
            f"select {FACT_COLUMNS} from facts where origin_id = ? and occurred_at < ?",
            (origin, state.last_at - days(KEPT_DAYS["orders"])),
        )
        found |= {fact.payload["order_id"] for fact in facts(rows.fetchall()) if fact.type == "purchase"}
    return found


def _going(before: Opened, after: Opened, count: int) -> tuple[bool, _Span | None]:
    """Whether browsing goes now that `count` came, and where all of it is; None where that cannot be told.

    What was at the same moment as the first that stays goes later, with the others of that moment.
    """
    if count > KEPT_BROWSING or len(after.origins) > 1:
        return True, None
    stays = browsed_at(after.browsed[0])
    gone = [browsed_at(one) for one in before.browsed[: max(0, len(before.browsed) + count - KEPT_BROWSING)]]
    while gone and gone[-1] == stays:
        gone.pop()
    return (True, _Span(after.origins[0][0], gone[0], gone[-1])) if gone else (False, None)


def _row(customer: str, grown: _Grown, new: list[_News]) -> StateRow | None:
    """What is kept of her; None where a number is beyond what a state holds."""
    try:
        return StateRow(customer, new[-1].position, grown.state.encoded(), grown.concern_until)
    except OverflowError:
        return None


def _browsers(news: dict[str, list[_News]], customers: set[str]) -> list[str]:
    """Under which origins some of `customers` browsed."""
    browsers = (one.fact.origin for who in news.keys() & customers for one in news[who] if one.fact.type == "browse")
    return list(dict.fromkeys(browsers))


def _forget(connection: Connection, spans: list[_Span]) -> list[_Forgotten]:
    """The browsing in spans goes from the facts."""
    gone: list[_Forgotten] = []
    for part in parts(spans):
        rows = connection.execute(
            f"""with spans (origin_id, first, last) as (values {marks(part, "(?,?,?)")})
            delete from facts where position in (
                select f.position from spans s cross join facts f on f.origin_id = s.origin_id
                and f.occurred_at >= s.first and f.occurred_at <= s.last where f.type = 'browse')
            returning position, origin_id, occurred_at""",
            [value for span in part for value in span],
        )
        gone += [_Forgotten(*row) for row in rows.fetchall()]
    return gone


def _forget_old_browsing(connection: Connection, origins: list[str]) -> list[_Forgotten]:
    """Of each of `origins` all but the newest browsing goes from the facts."""
    gone: list[_Forgotten] = []
    for part in parts(origins):
        rows = connection.execute(
            f"""delete from facts where position in (select position from (
                select position, row_number() over (
                    partition by origin_id order by occurred_at desc, event_id desc) as place
                from facts where type = 'browse' and origin_id in ({marks(part)})) as browsing
            where place > ?) returning position, origin_id, occurred_at""",
            [*part, KEPT_BROWSING],
        )
        gone += [_Forgotten(*row) for row in rows.fetchall()]
    return gone
