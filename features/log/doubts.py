"""Doubts: a rejected event that could have held somebody leaves her state unknown until it is cleared.

It is cleared when the event is accepted after all (replayed, corrected, or sent again under its id in a better form) or
a person dismisses it. Whose state it puts in doubt is read from its raw text, however broken the rest of it is.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from features.events import EVENT_TYPES
from features.log.connection import Connection, Statement
from features.log.identity import resolve
from features.log.rejects import storable
from features.log.rules import RESERVED_PREFIX
from features.log.value_lists import marks, parts

COULD_HOLD = frozenset({"case", "feedback", "hold", "consent", "friction", "delivery", "return", "identity", "erasure"})
"""Types whose events open or lengthen holds, or take a permission back. To unsubscribe is a `contact` that does."""

_HARMLESS_CONTACTS = {None, *EVENT_TYPES["contact"].choices["status"]} - {"unsubscribe"}
OPEN = "origin_id is not null and replayed_at is null and dismissed_at is null"
ANY_ASKED: Statement = f"select 1 from quarantine where {OPEN} limit 1", ()
"""What `in_doubt` asks first."""

_LONGEST_TYPE = 80


class Doubt(NamedTuple):
    """What a rejected event leaves in doubt: columns of `quarantine`.

    `type` as far as it can be read. `origin_id` is under whom it would have been recorded, None if it could have held
    nobody; `visitor_id` is the other id where it names two, whose owner is in doubt as well.
    """

    type: str | None
    origin_id: str | None
    visitor_id: str | None


def doubt_of(raw: str) -> Doubt:
    """The doubt that a rejected event leaves behind, from its raw text (`rejects.raw_text`).

    >>> doubt_of('{"type": "case", "customer_id": "aino ", "anonymous_id": "v1", "payload": 7}')
    Doubt(type='case', origin_id='aino', visitor_id='anonymous:v1')
    >>> doubt_of('{"type": "purchase", "customer_id": "aino"}')
    Doubt(type='purchase', origin_id=None, visitor_id=None)
    """
    event = _fields(raw)
    payload = event.get("payload")
    told = payload if isinstance(payload, dict) else event
    kind = event.get("type")
    kind = storable(kind[:_LONGEST_TYPE]) if isinstance(kind, str) else None
    harmless = kind in EVENT_TYPES and kind not in COULD_HOLD
    if harmless and not (kind == "contact" and _may_unsubscribe(told.get("status"))):
        return Doubt(kind, None, None)
    customer = _id(event.get("customer_id")) or _id(told.get("customer_id"))
    visitors = [_id(event.get("anonymous_id")) or _id(told.get("anonymous_id")), _id(told.get("external_id"))]
    found = [RESERVED_PREFIX + one.removeprefix(RESERVED_PREFIX) for one in visitors if one is not None]
    first, second, *_ = [*([] if customer is None else [customer]), *found, None, None]
    return Doubt(kind, first, second)


def meant(origin: str, kind: str, row: str) -> str:
    """SQL: whether a `row` of rejects may be, in a better form, an accepted event of that id, `origin` and `kind`.

    What is known to be of another type, or about somebody else, is another event under the same id.
    """
    types = ", ".join(f"'{name}'" for name in EVENT_TYPES)
    return (
        f"({row}.origin_id is null or {origin} in ({row}.origin_id, {row}.visitor_id)"
        f" and ({row}.type is null or {row}.type = {kind} or {row}.type not in ({types})))"
    )


def in_doubt(connection: Connection, origins: Iterable[str]) -> set[str]:
    """Which of `origins` some open doubt names."""
    if connection.execute(*ANY_ASKED).fetchone() is None:
        return set()
    wanted = list(dict.fromkeys(origins))
    found: set[str] = set()
    for part in parts(wanted):
        for column in ("origin_id", "visitor_id"):
            rows = connection.execute(
                f"select distinct {column} from quarantine where {column} in ({marks(part)}) and {OPEN}", part
            )
            found |= {origin for (origin,) in rows}
    return found


def customers_in_doubt(connection: Connection) -> list[str]:
    """Everybody whose state an open doubt leaves unknown, by the key her state has now: sorted, each once."""
    rows = connection.execute(
        f"select origin_id from quarantine where {OPEN}"
        f" union select visitor_id from quarantine where visitor_id is not null and {OPEN}"
    )
    return sorted({resolve(connection, origin) for (origin,) in rows})


def rejects_in_doubt(connection: Connection) -> dict[str, list[str]]:
    """The ids in `quarantine` of the rejects behind every open doubt, by the customer whom they leave unknown."""
    rows = connection.execute(f"select id, origin_id, visitor_id from quarantine where {OPEN} order by received_at, id")
    found: dict[str, list[str]] = {}
    for entry, *origins in rows:
        for customer in dict.fromkeys(resolve(connection, origin) for origin in origins if origin is not None):
            found.setdefault(customer, []).append(entry)
    return found


def rejects_asked(event_ids: Sequence[str]) -> Iterator[Statement]:
    """What `clear` asks first of accepted events."""
    for part in parts(event_ids):
        yield f"select 1 from quarantine where event_id in ({marks(part)}) limit 1", part


def clear(connection: Connection, accepted: Sequence[tuple[str, str, str]], now: int) -> None:
    """Events (id, origin, type) came in after all: what was rejected of them before is as good as replayed, at `now`
    (us)."""
    ids = [event_id for event_id, _, _ in accepted]
    if not any(connection.execute(*asked).fetchone() for asked in rejects_asked(ids)):
        return
    connection.executemany(
        "update quarantine set replayed_at = ?1 where event_id = ?2 and replayed_at is null and dismissed_at is null"
        f" and {meant('?3', '?4', 'quarantine')}",
        [(now, *event) for event in accepted],
    )


def _fields(raw: str) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        found = raw
    if isinstance(found, str):  # a line that is no JSON: what can be read of it
        return {name: _told(value) for name, value in _SAID.findall(found)}
    return found if isinstance(found, dict) else {}


_SAID = re.compile(r'"(type|customer_id|anonymous_id)"\s*:\s*("(?:[^"\\]|\\.)*"|\d{1,256})')


def _told(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:  # an escape that is none, a control character
        return value.strip('"')


def _may_unsubscribe(status: Any) -> bool:
    return not isinstance(status, str | None) or status not in _HARMLESS_CONTACTS


def _id(value: Any) -> str | None:
    """The id that was meant: without stray spaces and invisible characters, a whole number as its digits."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    seen = "".join(c for c in str(value) if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    return seen.strip() or None
