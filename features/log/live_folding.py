"""States brought up to date with what has just come in: folded on from the kept ones, or again from all facts."""

from collections import Counter
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from features.customer.concern import concern_until, is_concern_unchanged
from features.customer.fold_on import fold_on, without_browsing
from features.customer.kept import KEPT_DAYS
from features.customer.opened import Opened, browsed_at, open_state
from features.errors import DataError
from features.facts import Fact
from features.instants import days
from features.log import identity
from features.log.connection import Connection, Statement
from features.log.packing import FACT_COLUMNS, NOBODY, Packed, facts
from features.log.refolding import StateRow, facts_by_customer, keep_states, refold, state_row
from features.log.rules import RESERVED_PREFIX
from features.log.value_lists import marks, parts

KEPT_BROWSING = 50
"""Of the browsing recorded under one origin, only the newest events stay facts; the lake keeps all. No fewer than a
state keeps (`kept.KEPT_COUNTS`)."""

_TOO_MANY_TO_LOOK_AT = 5_000
"""More facts than this that others kept meanwhile are not looked at one by one."""

LATEST: Statement = "select coalesce(max(position), 0) from facts", ()
"""What `latest_position` asks."""

_NEW = f"select position, {FACT_COLUMNS} from facts where position > ? and origin_id <> ? order by position"


_fields = attrgetter(*FACT_COLUMNS.split(", "))
_NEWER = "and +f.position > state.position and +f.position <= ?"
_KEPT = f"""select customer_id, body, concern_until,
    exists (select 1 from facts f where f.origin_id = state.customer_id {_NEWER})
    or exists (select 1 from links l cross join facts f on f.origin_id = '{RESERVED_PREFIX}' || l.external_id
        where l.customer_id = state.customer_id and l.unlinked_at is null {_NEWER})
    from state where customer_id in ({{}})"""
"""What is kept of some customers, and whether facts up to a position (given twice) came after it."""


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
    return int(connection.execute(*LATEST).fetchone()[0])


class Folded(NamedTuple):
    """What becomes of states with new facts, as far as it is worked out; `finish` does the rest and keeps it."""

    news: dict[str, list[_News]]
    done: list[StateRow]
    gone: list[int]  # positions of browsing that goes
    untold: dict[str, _Grown]  # some of their browsing goes, and their states do not tell which
    again: set[str]  # all of whose facts have to be folded, and whose old browsing is still to be looked for
    cut: set[str]  # all of whose facts have to be folded, without what goes


def fold_news(connection: Connection, since: int, linked: set[str]) -> None:
    """Take facts past the position `since` into the states of those they are about, in the caller's transaction.

    Old browsing goes from the facts as well. `linked` are customers who gained or lost an id: all of theirs is folded.
    """
    finish(connection, _folded(connection, _news(connection, since), linked, since))


def fold_ahead(connection: Connection, events: Iterable[Packed], since: int) -> Folded:
    """What `fold_news` will make of events once they are kept at the positions past `since`, of which none is given.

    None of them tells of an id of hers. Only reads; for what is kept between this and `finish` see `moved_on`.
    """
    rows = [
        (position, *_fields(event)) for position, event in enumerate(events, since + 1) if event.origin_id != NOBODY
    ]
    folded = _folded(connection, _by_customer(connection, rows), set(), since)
    more = list(_from_all(connection, folded))
    return folded._replace(done=folded.done + more, again=folded.again - {row.customer_id for row in more})


def moved_on(connection: Connection, folded: Folded, since: int, by: int) -> Folded | None:
    """What was folded ahead past the position `since`, for `by` positions further on, which others took meanwhile.

    None where what they kept may bear on it: unless all of it is there to be seen, tells of no id, and is about others.
    """
    if not 0 < by <= _TOO_MANY_TO_LOOK_AT:
        return None
    kept = connection.execute("select origin_id, type from facts where position > ?", (since,)).fetchall()
    if len(kept) != by or any(type_ == "identity" for _, type_ in kept):
        return None
    others = identity.owners(connection, {origin for origin, _ in kept}).values()
    if not folded.news.keys().isdisjoint(others):
        return None
    news = {who: [one._replace(position=one.position + by) for one in new] for who, new in folded.news.items()}
    return folded._replace(news=news, done=[row._replace(position=row.position + by) for row in folded.done])


def _from_all(connection: Connection, folded: Folded) -> Iterator[StateRow]:
    """Rows of those of `again` of whose browsing nothing goes, of all that is kept of them and what is not yet."""
    kept = {customer: own for customer, _, own in facts_by_customer(connection, sorted(folded.again))}
    for customer in folded.again:
        new = folded.news[customer]
        own = [*kept.get(customer, ()), *(one.fact for one in new)]
        browsing = Counter(fact.origin for fact in own if fact.type == "browse")
        if max(browsing.values(), default=0) <= KEPT_BROWSING:
            yield state_row(customer, new[-1].position, own)


def finish(connection: Connection, folded: Folded) -> None:
    """Keep the states, and let old browsing go, in the transaction in which the new facts were kept."""
    again, done = folded.again | folded.cut, list(folded.done)
    for part in parts(folded.gone):
        connection.execute(f"delete from facts where position in ({marks(part)})", part)
    browsers = _browsers(folded.news, folded.again | folded.untold.keys())
    forgotten = _forget_old_browsing(connection, browsers)
    for customer, grown in folded.untold.items():
        row = _row_without(customer, grown, folded.news[customer], forgotten)
        if row is None:
            again.add(customer)
        else:
            done.append(row)
    keep_states(connection, done)
    if again:
        refold(connection, again)


def _folded(connection: Connection, news: dict[str, list[_News]], linked: set[str], since: int) -> Folded:
    """What can be told of new facts from the states before them, all up to the position `since` being in those."""
    full, done = dict[str, _Grown](), list[StateRow]()
    for customer, before, concern in _kept(connection, [one for one in news if one not in linked], since):
        grown = _grown(connection, before, concern, [one.fact for one in news[customer]])
        if grown is not None and grown.full:
            full[customer] = grown
        elif grown is not None and (row := _row(customer, grown, news[customer])) is not None:
            done.append(row)
    untold = {customer: grown for customer, grown in full.items() if grown.span is None}
    going = _going_from(connection, [grown.span for grown in full.values() if grown.span is not None])
    for customer in full.keys() - untold.keys():
        row = _row_without(customer, full[customer], news[customer], going)
        if row is not None:
            done.append(row)
    again = (linked | news.keys()) - {row.customer_id for row in done} - full.keys()
    cut = full.keys() - untold.keys() - {row.customer_id for row in done}
    return Folded(news, done, [one.position for one in going], untold, again, cut)


def _row_without(customer: str, grown: _Grown, new: list[_News], forgotten: list[_Forgotten]) -> StateRow | None:
    """Her row without forgotten browsing; None where the state does not tell."""
    origins = {told.fact.origin for told in new}
    gone = [one for one in forgotten if one.origin in origins]
    state = without_browsing(grown.state, [(one.origin, one.occurred_at) for one in gone])
    positions = {one.position for one in gone}
    left = [one for one in new if one.position not in positions]
    return None if state is None else _row(customer, grown._replace(state=state), left)


def _news(connection: Connection, since: int) -> dict[str, list[_News]]:
    """By customer, the facts past a position, in order."""
    return _by_customer(connection, connection.execute(_NEW, (since, NOBODY)).fetchall())


def _by_customer(connection: Connection, rows: list[Any]) -> dict[str, list[_News]]:
    """By customer, facts with their positions: (position, the columns of `FACT_COLUMNS`)."""
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
        rows = connection.execute(_KEPT.format(marks(part)), (since, since, *part)).fetchall()
        for customer, body, concern, is_behind in rows:
            if is_behind:  # as a row put back from a copy is: it is made anew
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


def _going_from(connection: Connection, spans: list[_Span]) -> list[_Forgotten]:
    """The browsing in spans."""
    going: list[_Forgotten] = []
    for part in parts(spans):
        rows = connection.execute(
            f"""with spans (origin_id, first, last) as (values {marks(part, "(?,?,?)")})
            select f.position, f.origin_id, f.occurred_at from spans s cross join facts f on f.origin_id = s.origin_id
            and f.occurred_at >= s.first and f.occurred_at <= s.last where f.type = 'browse'""",
            [value for span in part for value in span],
        )
        going += [_Forgotten(*row) for row in rows.fetchall()]
    return going


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
