"""History in: any number of batches become visible together, in one transaction, or not at all."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from features.home import Home
from features.instants import to_us
from features.log import identity
from features.log.connection import Connection
from features.log.doubts import meant
from features.log.following import Following, feedback_after, follow_up
from features.log.lake import LakeFile, list_files, next_run, only_writer, write_days
from features.log.live_intake import raise_watermarks
from features.log.marks import mark
from features.log.packing import Packed
from features.log.refolding import customers_of, refold
from features.log.rejects import SourceBatch
from features.log.staging import Staging
from features.log.store import transaction
from features.log.wholeness import check_not_emptied

BATCH_ROWS = 65_536
_FEEDBACK_AT_ONCE = 10_000


@dataclass(frozen=True)
class IngestReport:
    """What an import brought. `read` counts raw rows: accepted + duplicates + all rejected.

    `missing` is what the source cannot tell; `lag` what it assumes between an event and our learning of it; `items`
    how many catalogue rows came along; `seconds` how long it took, as the caller measured. An import in `parts` counts
    all of them; the events of the `parts_known`, which an earlier run took and this one did not read, as duplicates.
    """

    source: str
    read: int
    accepted: int
    duplicates: int
    rejected: dict[str, int]
    by_type: dict[str, int]
    days: int
    first_day: str | None
    last_day: str | None
    missing: tuple[str, ...] = ()
    lag: timedelta = timedelta(0)
    items: int = 0
    seconds: float = 0.0
    parts: int = 0
    parts_known: int = 0

    def to_json(self) -> dict[str, Any]:
        """The report in plain JSON types; `lag_seconds` for `lag`, and `parts` only where there are any."""
        told = asdict(self) | {"missing": list(self.missing), "lag_seconds": self.lag.total_seconds()}
        unsaid = ("lag",) if self.parts else ("lag", "parts", "parts_known")
        return {name: value for name, value in told.items() if name not in unsaid}

    def __str__(self) -> str:
        lines = [
            f"{self.source}: {self.accepted:,} events accepted of {self.read:,} read in {self.seconds:.1f} s",
            f"  {self.duplicates:,} known before, {sum(self.rejected.values()):,} rejected",
        ]
        lines += [f"    {reason}: {count:,}" for reason, count in sorted(self.rejected.items())]
        lines += [f"  {kind}: {count:,}" for kind, count in sorted(self.by_type.items())]
        if self.days:
            lines.append(f"  {self.days:,} days, {self.first_day} to {self.last_day}")
        if self.parts_known:
            lines.append(f"  {self.parts_known} of {self.parts} parts were taken before and not read again")
        if self.items:
            lines.append(f"  {self.items:,} catalogue items")
        if self.lag:
            lines.append(f"  assumed: each event was learned of {self.lag} after it happened")
        if self.missing:
            lines.append(f"  this source cannot tell: {', '.join(self.missing)}")
        if self.rejected:
            lines.append("  see the rejects with: tahdikas quarantine list")
        return "\n".join(lines)


def take_history(
    home: Home,
    batches: Iterable[pa.Table | SourceBatch],
    *,
    source: str,
    now: datetime,
    progress: Callable[[int], None] | None = None,
    part: str | None = None,
    following: Following | None = None,
) -> IngestReport:
    """Judge, deduplicate and keep all batches; `progress` is called with the rows read so far.

    The mark of a `part` (see `marks`), and what is `following` from feedback, become visible with its events.

    Ended before its last step, in whatever way, it leaves nothing visible, and the next import starts clean; any error
    of `batches` passes through. Memory: a batch, and what DuckDB needs to sort (it spills). Raises `HomeError` if
    another import is running, or the live store's facts were removed.
    """
    home.lake.mkdir(parents=True, exist_ok=True)
    with only_writer(home), Staging(home, source) as stage:
        for batch in _small(batches):
            stage.reject_unread(batch)
            stage.take(batch.events, now)
            if progress is not None:
                progress(stage.read)
        files = _show(home, stage, now, part, following)
        report = _report(stage, files)
        stage.connection.tidy()
    return report


def _show(home: Home, stage: Staging, now: datetime, part: str | None, following: Following | None) -> list[LakeFile]:
    """Write the lake files, then make everything visible at once; again if live events came in that are also staged."""
    connection = stage.connection
    while True:
        files = write_days(home, next_run(connection), stage.by_day())
        with transaction(connection):
            overtaken = stage.overtaken()
            if not overtaken:
                before = _last_position(connection)
                check_not_emptied(connection)
                _merge(connection, stage, files, now)
                if following is not None:
                    _follow(connection, following, before, now)
                if part is not None:
                    mark(connection, part, _report(stage, files).to_json())
                return files
        stage.drop(overtaken)
        _discard(home, files)


def _merge(connection: Connection, stage: Staging, files: list[LakeFile], now: datetime) -> None:
    columns = ", ".join(Packed._fields)
    connection.execute("insert into main.seen select event_id, content from stage.seen")
    connection.execute(
        f"insert into main.facts ({columns}) select {columns} from stage.facts"
        " order by origin_id, occurred_at, event_id"
    )
    connection.execute(
        f"""update main.quarantine as q set replayed_at = ? from stage.facts f
        where f.event_id = q.event_id and q.replayed_at is null and q.dismissed_at is null
        and {meant("f.origin_id", "f.type", "q")}""",
        (to_us(now),),
    )
    connection.execute(
        """insert into main.quarantine
        (id, received_at, source, reason, detail, event_id, raw, type, origin_id, visitor_id, replayed_at)
        select id, ?1, ?2, reason, detail, event_id, raw, type, origin_id, visitor_id, case when mended = 1 then ?1 end
        from stage.rejects where true on conflict (id) do update set times = quarantine.times + 1""",
        (to_us(now), stage.source),
    )
    raise_watermarks(connection, [(source, *mark) for source, mark in stage.marks.items()])
    list_files(connection, files)
    statements = connection.execute("select * from stage.identity_events")
    touched = identity.note(connection, [identity.IdentityEvent(*row) for row in statements])
    refold(connection, touched | set(customers_of(connection, "stage.facts")))


def _last_position(connection: Connection) -> int:
    return int(connection.execute("select coalesce(max(position), 0) from main.facts").fetchone()[0])


def _follow(connection: Connection, following: Following, before: int, now: datetime) -> None:
    """Keep what follows from feedback past the position `before`: each identity's in the order of its time."""
    while found := feedback_after(connection, before, following.since, _FEEDBACK_AT_ONCE):
        follow_up(connection, found, following.follow, now)
        before = found[-1]


def _discard(home: Home, files: list[LakeFile]) -> None:
    for file in files:
        (home.root / file.path).unlink(missing_ok=True)


def _report(stage: Staging, files: list[LakeFile]) -> IngestReport:
    days = sorted({file.day for file in files})
    return IngestReport(
        source=stage.source,
        read=stage.read,
        accepted=stage.accepted,
        duplicates=stage.duplicates,
        rejected=dict(sorted(stage.rejected.items())),
        by_type=dict(sorted((+stage.types).items())),
        days=len(days),
        first_day=days[0] if days else None,
        last_day=days[-1] if days else None,
    )


def _small(batches: Iterable[pa.Table | SourceBatch]) -> Iterator[SourceBatch]:
    """The same rows in batches of at most `BATCH_ROWS`."""
    for given in batches:
        batch = given if isinstance(given, SourceBatch) else SourceBatch(given)
        yield SourceBatch(batch.events.slice(0, BATCH_ROWS), batch.rejected)
        for start in range(BATCH_ROWS, batch.events.num_rows, BATCH_ROWS):
            yield SourceBatch(batch.events.slice(start, BATCH_ROWS))
