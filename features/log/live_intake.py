"""Live events in: one transaction from the shop's words to facts, state and the answer."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec

from features.instants import to_us
from features.log import identity
from features.log.connection import Connection, Statement, one_moment
from features.log.doubts import clear, doubt_of, rejects_asked
from features.log.live_folding import LATEST, finish, fold_ahead, fold_news, latest_position, moved_on
from features.log.packing import NOBODY, Packed, Row, pack_row, pack_with_rows
from features.log.plain_events import pack_plain
from features.log.rejects import Reason, Reject, raw_text
from features.log.store import transaction
from features.log.validation import rows_from_json, validate
from features.log.value_lists import marks, parts
from features.log.wholeness import check_not_emptied

_FACTS, _PENDING = f"facts ({', '.join(Packed._fields)})", "pending (event_id, type, body)"
AT_ONCE, TEXT_AT_ONCE, LINKS_AT_ONCE = 200, 2_000, 20
"""Events, characters of texts to be judged, and events that tell who is who, after which all of hers is folded: so many
are kept in one transaction, for which others wait."""

FOLLOWED_BY = "tahdikas"
"""The source of events that follow from others."""

Follow = Callable[[Connection, list[Row]], list[Any]]
"""What follows from new feedback, of new events (flat rows, filled fields only), as objects; it may read, and neither
writes nor raises.

The new events are facts already, and not in the states yet.
"""


class EventResult(msgspec.Struct, frozen=True, gc=False):
    """What became of one event. `customer_id` is whom it was counted for: an id of hers, or "anonymous:<id>"."""

    event_id: str | None
    status: Literal["accepted", "duplicate", "rejected"]
    reason: str | None = None
    detail: str | None = None
    customer_id: str | None = None


def in_parts(objects: list[Any]) -> Iterator[list[Any]]:
    """Events in their order, as many at a time as may be kept at once."""
    part: list[Any] = []
    text = links = 0
    for value in objects:
        more, is_link = len(_text(value)), isinstance(value, dict) and value.get("type") == "identity"
        if part and (len(part) == AT_ONCE or text + more > TEXT_AT_ONCE or links + is_link > LINKS_AT_ONCE):
            yield part
            part, text, links = [], 0, 0
        part.append(value)
        text, links = text + more, links + is_link
    yield part


def _text(value: Any) -> str:
    """What was written, where that can be read."""
    payload = value.get("payload") if isinstance(value, dict) else None
    text = payload.get("text") if isinstance(payload, dict) else None
    return text if isinstance(text, str) else ""


def take_in(
    connection: Connection,
    objects: list[Any],
    *,
    source: str,
    now: datetime,
    keep_rejects: bool = True,
    follow: Follow | None = None,
) -> list[EventResult]:
    """Judge and keep events (objects as in the API); one result each, in their order. All are durable, or none.

    Rejects go to the quarantine if `keep_rejects`. What follows from the new ones is kept with them. Raises `HomeError`
    if the store's facts were removed: with new ones among them, whoever was held would be taken for unknown.
    """
    accepted, rejects = _judged(objects, source=source, now=now)
    types = {event.type for event, _ in accepted.values()}
    follow = follow if "feedback" in types else None
    plain = follow is None and "identity" not in types
    asked = connection.last_position_asked(), *_known_asked([event.event_id for event, _ in accepted.values()])
    with one_moment(connection, [LATEST, *asked]):
        told = _told(connection, accepted, objects)
        ahead = plain and told.all_seen
        folded = fold_ahead(connection, [event for event, _ in told.new], told.since) if ahead else None
    ids = [event.event_id for event, _ in told.new]
    is_alone = plain and not rejects and not told.conflicts  # then it changes neither who is who nor the rejects
    later = [*rejects_asked(ids), *identity.owners_asked(_counted(told.results))] if is_alone else []
    with transaction(connection, [connection.last_position_asked(), *_known_asked(ids), *later]):
        last = connection.last_position()
        if _known(connection, ids):  # an import's browsing without being a fact
            told, folded = _told(connection, accepted, objects), None
        elif last != told.since:  # others were faster
            folded = moved_on(connection, folded, told.since, last - told.since) if folded is not None else None
            told = _told(connection, accepted, objects) if folded is None else told._replace(since=last)
        new, results, rejects = told.new, told.results, rejects + told.conflicts
        linked = _keep(connection, new)
        if follow is not None and new:
            linked |= _keep(connection, _following(connection, follow(connection, [flat for _, flat in new]), now))
        if folded is not None and connection.last_position() == told.since + len(new):
            finish(connection, folded)
        else:
            fold_news(connection, told.since, linked)
        came_at = {str(event.event_id): place for place, event in results.items() if event.status == "accepted"}
        mended = [r for r in rejects if r.row < came_at.get(r.event_id or "", -1)]
        if keep_rejects:
            quarantine(connection, mended, source=source, now=now)
        clear(connection, [(event.event_id, event.origin_id, event.type) for event, _ in new], to_us(now))
        if keep_rejects:
            quarantine(connection, (r for r in rejects if r not in mended), source=source, now=now)
        for reject in rejects:
            results[reject.row] = EventResult(reject.event_id, "rejected", reject.reason, reject.detail)
        owner = identity.owners(connection, _counted(results))
        return [_counted_for(results[place], owner) for place in range(len(objects))]


class _Told(NamedTuple):
    """Acceptable events beside what is in the log, of which `since` is the last position given."""

    since: int
    all_seen: bool  # whether what has been given so far is also there to be read
    new: list[tuple[Packed, Row]]
    results: dict[int, EventResult]
    conflicts: list[Reject]


def _told(connection: Connection, accepted: dict[int, tuple[Packed, Row]], objects: list[Any]) -> _Told:
    """Which are new, by their places in `objects`. Raises `HomeError` if the store's facts were removed."""
    latest = latest_position(connection)
    if latest == 0:
        check_not_emptied(connection)
    since = connection.last_position()
    told = _Told(since, since == latest, [], {}, [])
    known = _known(connection, [event.event_id for event, _ in accepted.values()])
    for place, (event, flat) in accepted.items():
        before = known.get(event.event_id)
        if before is None:
            known[event.event_id] = event.payload_hash
            told.new.append((event, flat))
            told.results[place] = EventResult(event.event_id, "accepted", customer_id=event.origin_id)
        elif before == event.payload_hash:
            told.results[place] = EventResult(event.event_id, "duplicate", customer_id=event.origin_id)
        else:
            told.conflicts.append(conflict(event.event_id, raw_text(objects[place]), place))
    return told


def _judged(objects: list[Any], *, source: str, now: datetime) -> tuple[dict[int, tuple[Packed, Row]], list[Reject]]:
    """Acceptable events by their places in `objects`, and the rejects: plain ones one by one, others by columns."""
    told = {place: pack_plain(value, source=source, now=now) for place, value in enumerate(objects)}
    accepted = {place: event for place, event in told.items() if event is not None}
    places = [place for place in told if place not in accepted]
    if not places:
        return accepted, []
    table, unread = rows_from_json([objects[place] for place in places], source=source, received_at=now)
    unreadable = {reject.row for reject in unread}
    readable = [place for row, place in enumerate(places) if row not in unreadable]
    judged = validate(table, now)
    accepted |= {
        readable[row]: event for row, event in zip(judged.rows.tolist(), pack_with_rows(judged.accepted), strict=True)
    }
    rejects = [replace(reject, row=places[reject.row]) for reject in unread]
    rejects += [_at(reject, readable[reject.row], objects) for reject in judged.rejected]
    return dict(sorted(accepted.items())), rejects


def conflict(event_id: str, raw: str, row: int) -> Reject:
    """The reject of an event whose id is known with other content."""
    detail = f"event_id {event_id!r} is known with other content; send a correction under a new id"
    return Reject(event_id, Reason.CONFLICTING_DUPLICATE, detail, raw, row)


def quarantine(connection: Connection, rejects: Iterable[Reject], *, source: str, now: datetime) -> None:
    """Keep rejects with their raw texts, in the caller's transaction; the same one again counts one more time."""
    rows = [(r.key(source), to_us(now), source, r.reason.value, *r.told, *doubt_of(r.raw)) for r in rejects]
    connection.executemany(
        """insert into quarantine (id, received_at, source, reason, detail, event_id, raw, type, origin_id, visitor_id)
        values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do update set times = quarantine.times + 1""",
        rows,
    )


def raise_watermarks(connection: Connection, marks: Iterable[tuple[str, int, int]]) -> None:
    """Note how far each source has reported: (source, occurred_at, received_at), in the caller's transaction."""
    connection.executemany(
        f"""insert into watermarks values (?, ?, ?) on conflict (source) do update set
        {_later("occurred_at")}, {_later("received_at")}""",
        marks,
    )


def _later(column: str) -> str:
    """SQL: the later of what a watermark says and what is told now."""
    told, known = f"excluded.{column}", f"watermarks.{column}"
    return f"{column} = case when {told} > {known} then {told} else {known} end"


def identity_events(
    event: Packed, anonymous_id: str | None, external_id: str | None, action: str
) -> Iterable[identity.IdentityEvent]:
    """What an identity event says about each id it names."""
    for name in dict.fromkeys(i for i in (anonymous_id, external_id) if i is not None):
        yield identity.IdentityEvent(
            name, event.occurred_at, event.event_id, event.received_at, action, event.origin_id
        )


def _known(connection: Connection, ids: Sequence[str]) -> dict[str, bytes]:
    """Of ids of events, the content hashes of those that are in the log."""
    found: dict[str, bytes] = {}
    for asked in _known_asked(ids):
        found |= connection.execute(*asked).fetchall()
    return found


def _known_asked(ids: Sequence[str]) -> Iterator[Statement]:
    """What `_known` asks."""
    for part in parts(ids):
        yield f"select event_id, content from seen where event_id in ({marks(part)})", part


def keep_following(connection: Connection, objects: list[Any], now: datetime) -> None:
    """Keep what follows, in the caller's transaction; whatever is no acceptable event, or known, is left out."""
    since = latest_position(connection)
    fold_news(connection, since, _keep(connection, _following(connection, objects, now)))


def _keep(connection: Connection, new: list[tuple[Packed, Row]]) -> set[str]:
    """Keep new events, their states aside. Returns customers who gained or lost an id."""
    connection.add("seen", [(event.event_id, event.payload_hash) for event, _ in new])
    connection.add(_FACTS, [event for event, _ in new])
    connection.add(_PENDING, [(event.event_id, event.type, pack_row(flat)) for event, flat in new])
    raise_watermarks(connection, _marks(event for event, _ in new))
    said = [
        statement
        for event, flat in new
        if event.type == "identity"
        for statement in identity_events(event, flat.get("anonymous_id"), flat.get("external_id"), flat["action"])
    ]
    touched = identity.note(connection, said) if said else set()
    return touched | set(identity.owners(connection, touched).values())


def _following(connection: Connection, objects: list[Any], now: datetime) -> list[tuple[Packed, Row]]:
    """What follows, as far as it is new."""
    accepted, _ = _judged(objects, source=FOLLOWED_BY, now=now)
    known = _known(connection, [event.event_id for event, _ in accepted.values()])
    new: dict[str, tuple[Packed, Row]] = {}
    for event, flat in accepted.values():
        if event.event_id not in known:
            new.setdefault(event.event_id, (event, flat))
    return list(new.values())


def _marks(events: Iterable[Packed]) -> list[tuple[str, int, int]]:
    """How far each source has reported in these events."""
    latest: dict[str, tuple[int, int]] = {}
    for event in events:
        occurred, received = latest.get(event.source, (event.occurred_at, event.received_at))
        latest[event.source] = max(occurred, event.occurred_at), max(received, event.received_at)
    return [(source, *mark) for source, mark in latest.items()]


def _at(reject: Reject, place: int, objects: list[Any]) -> Reject:
    return Reject(reject.event_id, reject.reason, reject.detail, raw_text(objects[place]), place)


def _counted(results: Mapping[int, EventResult]) -> list[str]:
    """The origins that events were recorded under."""
    return list(dict.fromkeys(r.customer_id for _, r in sorted(results.items()) if r.customer_id is not None))


def _counted_for(result: EventResult, owner: Mapping[str, str]) -> EventResult:
    """The result of an event recorded under an origin, with its owner instead."""
    if result.customer_id is None or owner[result.customer_id] == result.customer_id != NOBODY:
        return result
    return msgspec.structs.replace(result, customer_id=owner[result.customer_id] or None)
