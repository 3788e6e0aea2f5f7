"""Places in the contact cap that are held for a sender, until the contact is sent, released, or its time is up."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from features.log.connection import Connection, Statement, transaction
from features.log.rules import RESERVED_PREFIX
from features.log.store import from_micros, to_micros
from features.log.value_lists import marks, parts
from serving.core.decision import Decision
from serving.core.question import Contact
from serving.core.recheck import Answer

_CHUNK = 200
LAPSED_DAYS = 30
"""For how long lapsed ones are kept: the watchdog of the cap looks back on them, and a clock may be set back."""


class OvertakenError(Exception):
    """A customer's contacts were promised to somebody else since her snapshot was read; ask again."""

    def __init__(self, decision_ids: Sequence[str]) -> None:
        super().__init__(f"overtaken: {', '.join(decision_ids)}")
        self.decision_ids = frozenset(decision_ids)


def sells(first: Decision | Answer) -> bool:
    """Whether it shows anything that the contact cap counts."""
    return any(action.category in ("sales", "care") for action in first.actions)


class Seen(NamedTuple):
    """How many places were promised to a customer as known at a moment; None where nobody counted.

    `anonymous_id` is the visitor's, where asked with both ids; `decision_id` is of what she is to get.
    """

    decision_id: str
    customer_key: str
    anonymous_id: str | None
    at: datetime
    places: str | None


def seen_by(decision: Decision) -> Seen:
    """What a decision was made by."""
    one = decision
    return Seen(one.decision_id, one.customer_key, one.anonymous_id, one.decided_at, one.versions.get("reservations"))


_PLACES = f"""select count(*) from reservations where until > ?2 and (customer_key in (?1, ?3) or customer_key in (
    select '{RESERVED_PREFIX}' || external_id from links where customer_id = ?1 and unlinked_at is null))"""


def check_places(run: Connection, asked: Sequence[Seen]) -> None:
    """That no place was reserved since they were seen, nor by one before in the same breath.

    Hers are those of all her identities, the visitor's whom the question names beside her included.
    """
    overtaken, before = [], set[str]()
    for decision_id, key, anonymous_id, at, places in asked:
        visitor = key if anonymous_id is None else RESERVED_PREFIX + anonymous_id
        (found,) = run.execute(_PLACES, (key, to_micros(at), visitor)).fetchone()
        if not before.isdisjoint((key, visitor)) or (places is not None and str(found) != places):
            overtaken.append(decision_id)
        before |= {key, visitor}
    if overtaken:
        raise OvertakenError(overtaken)


def reserved(connection: Connection, customer_keys: Iterable[str], now: datetime) -> dict[str, list[Contact]]:
    """Reservations still within their time limit, by the identity that they were made for.

    One of a time to come, made before our clock was set back, holds its place since `now`.
    """
    found: dict[str, list[Contact]] = {}
    for asked in reserved_asked(list(customer_keys), now):
        for key, at, action, channel, placement, decision in connection.execute(*asked):
            found.setdefault(key, []).append(Contact(min(from_micros(at), now), action, channel, placement, decision))
    return found


def reserved_asked(customer_keys: Sequence[str], now: datetime) -> Iterator[Statement]:
    """What `reserved` asks."""
    for part in parts(customer_keys):
        query = f"""select customer_key, at, action_id, channel, placement, decision_id from reservations
            where customer_key in ({marks(part)}) and until > ?"""
        yield query, (*part, to_micros(now))


def forget_lapsed(run: Connection, now: datetime) -> bool:
    """Delete reservations, some at once, whose time was up `LAPSED_DAYS` ago; whether more of them waits."""
    end = to_micros(now - timedelta(days=LAPSED_DAYS))
    lapsed = run.execute("select customer_key from reservations where until <= ? limit ?", (end, _CHUNK)).fetchall()
    if lapsed:
        customers = list(dict.fromkeys(customer for (customer,) in lapsed))
        with transaction(run):  # in one step: between two, other threads take their turn, and others wait to write
            run.execute(
                f"delete from reservations where customer_key in ({marks(customers)}) and until <= ?", (*customers, end)
            )
    return len(lapsed) == _CHUNK
