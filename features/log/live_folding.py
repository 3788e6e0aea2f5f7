"""States brought up to date with what has just come in: folded on from the kept ones, or again from all facts."""

from collections.abc import Iterator
from typing import NamedTuple

from features.customer.concern import concern_until, is_concern_unchanged
from features.customer.fold_on import fold_on, without_browsing
from features.customer.state import CustomerState, decode, encode
from features.errors import DataError
from features.facts import Fact
from features.log import identity
from features.log.connection import Connection
from features.log.latest import latest_positions
from features.log.packing import FACT_COLUMNS, NOBODY, facts
from features.log.refolding import StateRow, keep_states, refold

KEPT_BROWSING = 50
"""Of the browsing recorded under one origin, only the newest events stay facts; the lake keeps all. No fewer than a
state keeps (`kept.KEPT_COUNTS`)."""

_AT_ONCE = 500
_NEW = f"select position, {FACT_COLUMNS} from facts where position > ? and origin_id <> ? order by position"


class _Kept(NamedTuple):
    """A customer's row of `state`, read."""

    state: CustomerState
    concern_until: int | None


class _News(NamedTuple):
    position: int
    fact: Fact


class _Grown(NamedTuple):
    state: CustomerState
    concern_until: int | None


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
        grown = _grown(before, concern, [one.fact for one in news[customer]])
        if grown is not None:
            again.discard(customer)
            if len(grown.state.browsed) < KEPT_BROWSING:
                done.append(_row(customer, grown, news[customer]))
            else:
                full[customer] = grown
    forgotten = _forget_old_browsing(connection, _browsers(news, again | set(full)))
    lost = {one.position: (one.origin, one.occurred_at) for one in forgotten}
    for customer, grown in full.items():
        origins = {one.fact.origin for one in news[customer]}
        state = without_browsing(grown.state, [told for told in lost.values() if told[0] in origins])
        if state is None:
            again.add(customer)
        else:
            left = [one for one in news[customer] if one.position not in lost]
            done.append(_row(customer, grown._replace(state=state), left))
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


def _kept(connection: Connection, customers: list[str], since: int) -> Iterator[tuple[str, CustomerState, int | None]]:
    """What is kept of them, as far as it can be read and has seen all up to the position `since`, with `concern_until`:
    one at a time in memory.
    """
    for start in range(0, len(customers), _AT_ONCE):
        part = customers[start : start + _AT_ONCE]
        latest, _ = latest_positions(connection, part, up_to=since)
        rows = connection.execute(
            "select customer_id, position, body, concern_until from state"
            f" where customer_id in ({','.join('?' * len(part))})",
            part,
        )
        for customer, position, body, concern in rows.fetchall():
            if position < latest.get(customer, 0):  # behind, as a row put back from a copy is: it is made anew
                continue
            try:
                state = decode(body)
            except DataError:  # of another version, or torn: it is made anew
                continue
            yield customer, state, concern


def _grown(before: CustomerState, concern: int | None, new: list[Fact]) -> _Grown | None:
    """Her state with what is new, None where it does not tell."""
    state = fold_on(before, new)
    if state is None:
        return None
    return _Grown(state, concern if is_concern_unchanged(before, state) else concern_until(state))


def _row(customer: str, grown: _Grown, new: list[_News]) -> StateRow:
    return StateRow(customer, new[-1].position, encode(grown.state), grown.concern_until)


def _browsers(news: dict[str, list[_News]], customers: set[str]) -> list[str]:
    """Under which origins some of `customers` browsed."""
    browsers = (one.fact.origin for who in news.keys() & customers for one in news[who] if one.fact.type == "browse")
    return list(dict.fromkeys(browsers))


def _forget_old_browsing(connection: Connection, origins: list[str]) -> list[_Forgotten]:
    """Of each of `origins` all but the newest browsing goes from the facts."""
    gone: list[_Forgotten] = []
    for start in range(0, len(origins), _AT_ONCE):
        part = origins[start : start + _AT_ONCE]
        rows = connection.execute(
            f"""delete from facts where position in (select position from (
                select position, row_number() over (
                    partition by origin_id order by occurred_at desc, event_id desc) as place
                from facts where type = 'browse' and origin_id in ({",".join("?" * len(part))})) as browsing
            where place > ?) returning position, origin_id, occurred_at""",
            [*part, KEPT_BROWSING],
        )
        gone += [_Forgotten(*row) for row in rows.fetchall()]
    return gone
