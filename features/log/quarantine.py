"""The quarantine: rejected events with their reasons and raw texts, listed, sent through the door again, dismissed."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from features.errors import DataError
from features.home import Home
from features.instants import from_us, to_us
from features.log.live_intake import EventResult, Follow, take_in
from features.log.store import connect, transaction


@dataclass(frozen=True)
class Entry:
    """One reject. `times` counts how often the same raw text came; `replayed_at` is set once it was accepted.

    `type` as far as it can be read; `origin_id` is whose state it leaves in doubt (`doubts`), None: nobody's.
    `dismissed_by` is the person who said at `dismissed_at` that it is of no concern, and why.
    """

    id: str
    received_at: datetime
    source: str
    reason: str
    detail: str
    event_id: str | None
    raw: str
    times: int
    replayed_at: datetime | None
    type: str | None = None
    origin_id: str | None = None
    dismissed_at: datetime | None = None
    dismissed_by: str | None = None
    dismissed_reason: str | None = None


_COLUMNS = tuple(f.name for f in fields(Entry))


@dataclass(frozen=True)
class ReplayReport:
    """What a replay brought: how many now are in the log, and why the others still are not."""

    tried: int
    accepted: int
    duplicates: int
    rejected: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{self.tried} tried: {self.accepted} accepted, {self.duplicates} known already"]
        lines += [f"  {reason}: {count}" for reason, count in sorted(self.rejected.items())]
        return "\n".join(lines)


def entries(home: Home, *, reason: str | None = None, limit: int | None = None, replayed: bool = False) -> list[Entry]:
    """Entries neither replayed nor dismissed (with `replayed`, all), newest first."""
    wanted = (
        "where (cast(?1 as text) is null or reason = ?1) and (?2 = 1 or (replayed_at is null and dismissed_at is null))"
    )
    connection = connect(home)
    try:
        rows = connection.execute(
            f"select {', '.join(_COLUMNS)} from quarantine {wanted} order by received_at desc, id limit ?3",
            (reason, replayed, 2**62 if limit is None else limit),
        ).fetchall()
    finally:
        connection.close()
    return [_entry(dict(zip(_COLUMNS, row, strict=True))) for row in rows]


def counts(home: Home) -> dict[str, int]:
    """Rejected events neither replayed nor dismissed, by reason; each as often as it came."""
    found: Counter[str] = Counter()
    for entry in entries(home):
        found[entry.reason] += entry.times
    return dict(sorted(found.items()))


def replay(
    home: Home,
    *,
    now: datetime,
    ids: list[str] | None = None,
    corrected: Mapping[str, Any] | None = None,
    follow: Follow | None = None,
) -> ReplayReport:
    """Send entries (`ids`; None: all) through the door again, as they are or as `corrected` (id -> event object).

    What is accepted, or turns out to be known, leaves the quarantine; the rest stays, with the reason of this time.
    What follows from what is accepted is kept with it. An event that states no received_at counts as received at the
    replay: nothing before could know it. Raises `KeyError` for an id that is not there.
    """
    waiting = {entry.id: entry for entry in entries(home)}
    fixed = dict(corrected or {})
    chosen = [waiting[key] for key in (waiting if ids is None else ids)]
    chosen += [waiting[key] for key in fixed if waiting[key] not in chosen]
    results: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    connection = connect(home)
    try:
        for entry in sorted(chosen, key=lambda entry: (entry.received_at, entry.id)):
            value = fixed[entry.id] if entry.id in fixed else json.loads(entry.raw)
            (result,) = take_in(connection, [value], source=entry.source, now=now, keep_rejects=False, follow=follow)
            results[result.status] += 1
            if result.status == "rejected":
                reasons[str(result.reason)] += 1
            _note(connection, entry, result, now)
    finally:
        connection.close()
    return ReplayReport(len(chosen), results["accepted"], results["duplicate"], dict(reasons))


def dismiss(home: Home, entry_id: str, *, person: str, reason: str, now: datetime) -> Entry:
    """A person says that an entry tells nothing of concern: it puts nobody's state in doubt any more.

    It stays, with who said so and why. Raises `DataError` for an entry that does not wait, or without person or reason.
    """
    if not person.strip() or not reason.strip():
        raise DataError("To dismiss an entry needs a person and a reason, both not empty.")
    connection = connect(home)
    try:
        with transaction(connection):
            done = connection.execute(
                """update quarantine set dismissed_at = ?, dismissed_by = ?, dismissed_reason = ?
                where id = ? and replayed_at is null and dismissed_at is null""",
                (to_us(now), person, reason, entry_id),
            ).rowcount
    finally:
        connection.close()
    if not done:
        raise DataError(
            f"No entry {entry_id!r} waits in the quarantine. See those that do with: tahdikas quarantine list"
        )
    return next(entry for entry in entries(home, replayed=True) if entry.id == entry_id)


def _entry(told: dict[str, Any]) -> Entry:
    times = ("received_at", "replayed_at", "dismissed_at")
    plain: dict[str, Any] = {n: from_us(v) if n in times and v is not None else v for n, v in told.items()}
    return Entry(**plain)


def _note(connection: Any, entry: Entry, result: EventResult, now: datetime) -> None:
    with transaction(connection):
        if result.status == "rejected":
            connection.execute(
                "update quarantine set reason = ?, detail = ? where id = ?", (result.reason, result.detail, entry.id)
            )
        else:
            connection.execute("update quarantine set replayed_at = ? where id = ?", (to_us(now), entry.id))
