"""States brought up to date with what has just come in: folded on from the kept ones, or again from all facts."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from features.customer.concern import concern_until, is_concern_unchanged
from features.customer.fold_on import fold_on
from features.customer.kept import KEPT_COUNTS
from features.customer.state import CustomerState, decode, encode
from features.errors import DataError
from features.facts import Fact
from features.log import identity
from features.log.connection import Connection
from features.log.packing import FACT_COLUMNS, NOBODY, facts
from features.log.refolding import StateRow, keep_states, refold

KEPT_BROWSING = 50
"""Of the browsing recorded under one origin, only the newest events stay facts; the lake keeps all."""

_AT_ONCE = 500
_NEW = f"select position, {FACT_COLUMNS} from facts where position > ? and origin_id <> ? order by position"


class _Kept(NamedTuple):
    """A customer's row of `state`, read."""

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

    Old browsing goes from the facts first. `linked` are customers who gained or lost an id: all of theirs is folded.
    """
    rows = connection.execute(_NEW, (since, NOBODY)).fetchall()
    new = dict(zip((row[0] for row in rows), facts(row[1:] for row in rows), strict=True))
    owner = identity.owners(connection, {fact.origin for fact in new.values()})
    kept = _kept(connection, [customer for customer in set(owner.values()) if customer not in linked])
    forgotten = _forget_old_browsing(connection, _may_be_many(new.values(), owner, kept))
    for one in forgotten:
        new.pop(one.position, None)
    news: dict[str, dict[int, Fact]] = {}
    for position, fact in new.items():
        news.setdefault(owner[fact.origin], {})[position] = fact
    lost: dict[str, list[tuple[str, int]]] = {}
    for one in forgotten:
        if one.position <= since:
            lost.setdefault(owner[one.origin], []).append((one.origin, one.occurred_at))
    made = [_grown(customer, kept.get(customer), news[customer], lost.get(customer, ())) for customer in news]
    on = [row for row in made if row is not None]
    keep_states(connection, on)
    refold(connection, (set(owner.values()) | linked) - {row.customer_id for row in on})


def _grown(
    customer: str, kept: _Kept | None, news: Mapping[int, Fact], lost: Iterable[tuple[str, int]]
) -> StateRow | None:
    """Her new row of `state`, None where all has to be folded again."""
    state = None if kept is None else fold_on(kept.state, news.values(), list(lost))
    if kept is None or state is None:
        return None
    concern = kept.concern_until if is_concern_unchanged(kept.state, state) else concern_until(state)
    return StateRow(customer, max(news), encode(state), concern)


def _kept(connection: Connection, customers: list[str]) -> dict[str, _Kept]:
    """What is kept of them, as far as it can be read."""
    found: dict[str, _Kept] = {}
    for start in range(0, len(customers), _AT_ONCE):
        part = customers[start : start + _AT_ONCE]
        rows = connection.execute(
            f"select customer_id, body, concern_until from state where customer_id in ({','.join('?' * len(part))})",
            part,
        )
        for customer, body, concern in rows:
            try:
                found[customer] = _Kept(decode(body), concern)
            except DataError:  # of another version, or torn: it is made anew
                continue
    return found


def _may_be_many(new: Iterable[Fact], owner: Mapping[str, str], kept: Mapping[str, _Kept]) -> list[str]:
    """Origins that may have more browsing now than is kept. A state with room for more has all of hers."""
    browsed: dict[str, int] = {}
    origins: dict[str, None] = {}
    for fact in new:
        if fact.type == "browse":
            origins[fact.origin] = None
            browsed[owner[fact.origin]] = browsed.get(owner[fact.origin], 0) + 1
    room = min(KEPT_BROWSING, KEPT_COUNTS["browsed"])
    few = {who for who, count in browsed.items() if who in kept and len(kept[who].state.browsed) + count <= room}
    return [origin for origin in origins if owner[origin] not in few]


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
