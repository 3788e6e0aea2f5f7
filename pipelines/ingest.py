"""Ingest: one source's files through the door into the event log, then its items into the catalogue."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from time import perf_counter

import pyarrow as pa
import pyarrow.compute as pc

from features.catalogue import merge_items
from features.columns import RECEIVED_AT, TIME
from features.errors import SourceError
from features.home import Home
from features.log.event_log import EventLog
from features.log.history_intake import IngestReport
from pipelines.catalogue import refuse_faulty
from pipelines.judged import judge_for
from pipelines.resumption import Progress, finished, ingest_parts
from pipelines.sources.base import Source, SourceBatch
from pipelines.sources.canonical import Canonical
from pipelines.sources.complete_journey import CompleteJourney
from pipelines.sources.olist import Olist
from pipelines.sources.online_retail import OnlineRetail
from pipelines.sources.parted import PartedSource
from pipelines.sources.retailrocket import RetailRocket
from pipelines.sources.simulated import Simulated

_ALL: tuple[Source, ...] = (
    Canonical(), Simulated(), OnlineRetail(), CompleteJourney(), Olist(), RetailRocket()
)  # fmt: skip
SOURCES: dict[str, Source] = {source.name: source for source in _ALL}


def ingest(home: Home, source: str, path: Path, *, now: datetime, progress: Progress | None = None) -> IngestReport:
    """Take a source's events, then its items, into `home`; the events become visible together at the end, or none.

    What customers wrote of late is judged in the same transaction. Of a source in parts, each part becomes visible by
    itself, the oldest first, and none is read again by a later run. The same path again changes nothing. Raises
    `SourceError` for an unknown source or a broken file (nothing is taken), `HomeError` if the folder cannot be used.
    """
    converter = source_named(source)
    started = perf_counter()
    tell = progress or _silent
    following = judge_for(home, now)
    if isinstance(converter, PartedSource):
        home.lake.mkdir(parents=True, exist_ok=True)
        heard = partial(_heard_by, now, converter)
        report, items = ingest_parts(home, converter, path, now=now, heard=heard, following=following, progress=tell)
    else:
        items = converter.items(path)
        if items is not None:
            refuse_faulty(items, str(path))
        with EventLog(home) as log:
            batches = _heard_by(now, converter, converter.batches(path))
            report = log.append_history(batches, source=source, now=now, progress=tell, following=following)
    if items is not None and items.num_rows:
        merge_items(home, items)
    if isinstance(converter, PartedSource):
        finished(home, converter)
    return replace(
        report,
        missing=converter.missing,
        lag=converter.lag,
        items=0 if items is None else items.num_rows,
        seconds=perf_counter() - started,
    )


def total_rows(source: str, path: Path) -> int | None:
    """How many raw rows there are, for a progress bar; None if only reading them would tell."""
    return source_named(source).total_rows(path)


def source_named(name: str) -> Source:
    """The converter of that name; raises `SourceError` naming those there are."""
    try:
        return SOURCES[name]
    except KeyError:
        raise SourceError(f"There is no source {name!r}. There are: {', '.join(SOURCES)}.") from None


def note_events(home: Home) -> None:
    """Live events to the lake; events.json says which events there are, so that a change of them is noticed."""
    with EventLog(home) as log:
        log.flush_live()
        told = {"log_fingerprint": log.fingerprint(), "events": log.counts()}
    home.models.mkdir(parents=True, exist_ok=True)
    (home.models / "events.json").write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _silent(done: int, total: int | None = None, text: str | None = None) -> None:
    """Progress that nobody wants to see."""


def _heard_by(now: datetime, converter: Source, batches: Iterator[SourceBatch]) -> Iterator[SourceBatch]:
    """The source's `batches`; what by its assumed lag would only be learned of later was learned of now."""
    for batch in batches:
        if not converter.lag or not batch.events.num_rows:
            yield batch
            continue
        place = batch.events.schema.get_field_index(RECEIVED_AT)
        told, latest = batch.events[RECEIVED_AT], pa.scalar(now, TIME)
        heard = pc.if_else(pc.greater(told, latest), latest, told)
        yield SourceBatch(batch.events.set_column(place, RECEIVED_AT, heard), batch.rejected)
