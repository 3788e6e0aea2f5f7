"""Batch snapshots: features of every customer at cutoffs, made whole, or from an earlier one where little is new.

A snapshot that is there is brought up to date when something becomes known that it should have seen (an old event
imported late, a person erased): only whom that touches is computed again. A new cutoff a day or so after an existing
one is made of that one in the same way (`features/feature_store/touched.py`). A whole rebuild gives equal values.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from inspect import getfile
from pathlib import Path
from typing import Any

import ibis
import msgspec
import pyarrow as pa

from features.columns import CREATED_TIMESTAMP, CUSTOMER_ID, EVENT_SCHEMA, EVENT_TIMESTAMP
from features.feature_store import touched
from features.feature_store.basis import code_hash, file_hash
from features.feature_store.batch import event_columns, schema_hash
from features.feature_store.batch_relations import KNOWING_TYPES
from features.feature_store.engines import Engine
from features.feature_store.snapshots import (
    BATCH,
    Manifest,
    Snapshot,
    drafting,
    keep,
    note,
    remove,
    snapshot,
    snapshots,
    sweep,
)
from pipelines import snapshot_sources
from pipelines.snapshot_sources import CUSTOMERS, SEEN, Sources

Progress = Callable[[str], None]
ROWS_AT_ONCE = 20_000_000  # events times cutoffs in one query: one pass over a grid is several times faster than a loop
FARTHEST_BASE = timedelta(days=3)
"""Farther apart than this, nearly everybody is touched, and a whole computation is faster."""


def build_batch(of: Sources, wanted: Sequence[datetime], say: Progress, *, increments: bool = True) -> None:
    """Make or mend the batch snapshots at `wanted` cutoffs, and every other there is; one process at a time.

    Snapshots of other code, another engine, or a log that has been put back from a copy are made anew where wanted,
    else removed. Without `increments` all wanted are made whole.
    """
    sweep(of.home, BATCH)
    for one in snapshots(of.home, BATCH):
        told = one.manifest
        outdated = (told.basis, told.schema, told.lake) != (basis(of.engine), schema_hash(), of.lake(told.position))
        outdated |= told.facts > of.facts
        if outdated or (not increments and one.cutoff in wanted):
            remove(one)
        else:
            _mend(of, one, say)
    missing = [cutoff for cutoff in sorted(set(wanted)) if snapshot(of.home, BATCH, cutoff) is None]
    whole = [cutoff for cutoff in missing if not increments or _base(of, cutoff, missing) is None]
    at_once = max(1, ROWS_AT_ONCE // max(1, sum(file.rows for file in of.files)))
    for start in range(0, len(whole), at_once):
        _make_whole(of, whole[start : start + at_once], say)
    for cutoff in missing:
        if cutoff not in whole:
            base = _base(of, cutoff)
            assert base is not None, cutoff
            _advance(of, base, cutoff, say)


def basis(engine: Engine) -> str:
    """What values of batch features depend on besides data: code and the engine's kind."""
    room = code_hash("feature_store.batch", "feature_store.touched")
    return f"{engine.name} {room} {file_hash(__file__, snapshot_sources.__file__, getfile(type(engine)))}"


def _base(of: Sources, cutoff: datetime, soon: Sequence[datetime] = ()) -> Any:
    """The newest snapshot (or cutoff soon to have one) shortly before a cutoff."""
    near = [one for one in snapshots(of.home, BATCH) if timedelta(0) < cutoff - one.cutoff <= FARTHEST_BASE]
    return near[-1] if near else next((c for c in soon if timedelta(0) < cutoff - c <= FARTHEST_BASE), None)


def _make_whole(of: Sources, cutoffs: Sequence[datetime], say: Progress) -> None:
    say(f"Batch features as of {', '.join(f'{c:%Y-%m-%d}' for c in cutoffs)}")
    manifests = {}
    for cutoff in cutoffs:
        told = touched.known(of.events, cutoff)
        manifests[cutoff] = _manifest(of, cutoff, _count(of, told.select("event_id")), _types(of, told, cutoff))
    features = of.compute(of.events, {cutoff: manifest.present for cutoff, manifest in manifests.items()})
    if len(cutoffs) > 1:
        scratch = of.folder()
        of.engine.write(features, scratch)
        features = of.engine.parquet(sorted(scratch.glob("*.parquet")), pa.table({}))
    for cutoff in cutoffs:
        _keep(of, cutoff, features.filter(features.event_timestamp == _moment(cutoff)), manifests[cutoff])
        of.touched[cutoff] = None


def _mend(of: Sources, one: Snapshot, say: Progress) -> None:
    """Bring a snapshot up to date with what came into the log since."""
    cutoff, before = one.cutoff, one.manifest
    if (before.position, before.facts, before.catalogue) == (of.position, of.facts, of.catalogue):
        return
    news = touched.known(of.since(before.position), cutoff)
    count = _count(of, news.select("event_id"))
    manifest = _manifest(of, cutoff, _sum(before.events, count), set(before.present) | _types(of, news, cutoff))
    same = msgspec.structs.replace(manifest, rows=before.rows, files=before.files)
    if manifest.fingerprint == before.fingerprint:
        if same != before:
            note(one, same)
        return
    say(f"Batch features as of {cutoff:%Y-%m-%d} are mended")
    parts = [touched.whose(news, of.seen("links", cutoff)), *_differences(of, one, cutoff, manifest)]
    _renew(of, one, cutoff, parts, manifest)


def _advance(of: Sources, base: Snapshot, cutoff: datetime, say: Progress) -> None:
    """Make a snapshot out of one of an earlier cutoff."""
    say(f"Batch features as of {cutoff:%Y-%m-%d}, from those of {base.cutoff:%Y-%m-%d}")
    news = touched.became_known(of.events, base.cutoff, cutoff)
    start = _moment(base.cutoff)
    not_counted = news.filter((news.occurred_at > start) | (news.received_at > start))
    count = _sum(base.manifest.events, _count(of, not_counted.select("event_id")))
    manifest = _manifest(of, cutoff, count, set(base.manifest.present) | _types(of, news, cutoff))
    moved = touched.whose(touched.moved(of.events, base.cutoff, cutoff), of.seen("links", cutoff))
    _renew(of, base, cutoff, [moved, *_differences(of, base, cutoff, manifest)], manifest)


def _differences(of: Sources, one: Snapshot, cutoff: datetime, manifest: Manifest) -> list[Any]:
    """Whom it touches that links, categories or erasures are not what a snapshot saw."""
    found = []
    for what, schema in SEEN.items():
        if getattr(manifest, what) == getattr(one.manifest, what):
            continue
        before = of.engine.parquet(one.seen(what), schema.empty_table()).select(*schema.names)
        other = touched.differing(before, of.seen(what, cutoff))
        if what == "items":
            links = of.seen("links", cutoff)
            found.append(touched.buyers(of.events.filter(of.events.type == "purchase"), other, links))
        elif what == "erased":
            found.append(touched.whose(other, of.seen("links", cutoff)))
        else:
            found.append(other.select(CUSTOMER_ID))
    return found


def _renew(of: Sources, base: Snapshot, cutoff: datetime, parts: Sequence[Any], manifest: Manifest) -> None:
    """A snapshot at a cutoff from a base: whom `parts` name is computed again, unless the log tells new types."""
    if set(manifest.present) != set(base.manifest.present):
        _make_whole(of, [cutoff], lambda _: None)
        return
    whom = of.folder()
    of.engine.write(touched.everyone(parts), whom)
    customers = of.engine.parquet(sorted(whom.glob("*.parquet")), CUSTOMERS.empty_table())
    kept = of.folder()  # every relation reads them, so they are picked out once
    of.engine.write(touched.of_customers(of.events, customers, of.links).select(event_columns()), kept)
    hers = of.engine.parquet(sorted(kept.glob("*.parquet")), EVENT_SCHEMA.empty_table().select(event_columns()))
    fresh = of.compute(hers, {cutoff: manifest.present}).semi_join(customers, CUSTOMER_ID)
    old = of.engine.parquet(base.files, pa.table({})).drop(CREATED_TIMESTAMP).anti_join(customers, CUSTOMER_ID)
    old = old.mutate(**{EVENT_TIMESTAMP: _moment(cutoff)})
    _keep(of, cutoff, old.union(fresh.select(*old.columns), distinct=False), manifest, base)
    of.touched[cutoff] = whom if base.cutoff == cutoff else None


def _keep(of: Sources, cutoff: datetime, features: Any, manifest: Manifest, base: Snapshot | None = None) -> None:
    told = features.mutate(**{CREATED_TIMESTAMP: features.event_timestamp})
    with drafting(of.home, BATCH, cutoff) as draft:
        of.engine.write(told, draft, order_by=[CUSTOMER_ID])
        for what in SEEN:
            (draft / what).mkdir()
            of.engine.write(of.seen(what, cutoff), draft / what)
        if base is not None:
            _note_gone(of, base, draft)
        keep(of.home, BATCH, cutoff, draft, manifest)


def _note_gone(of: Sources, base: Snapshot, draft: Path) -> None:
    """Tombstones: who was in the base, or gone before it, and is not in this snapshot."""
    empty = CUSTOMERS.empty_table()
    before = of.engine.parquet(base.files, empty).select(CUSTOMER_ID)
    before = before.union(of.engine.parquet(base.seen("gone"), empty), distinct=True)
    here = of.engine.parquet(sorted(draft.glob("*.parquet")), empty).select(CUSTOMER_ID)
    (draft / "gone").mkdir()
    of.engine.write(before.anti_join(here, CUSTOMER_ID), draft / "gone")


def _manifest(of: Sources, cutoff: datetime, events: tuple[int, int], present: set[str]) -> Manifest:
    return Manifest(
        position=of.position,
        facts=of.facts,
        lake=of.lake(of.position),
        catalogue=of.catalogue,
        schema=schema_hash(),
        basis=basis(of.engine),
        events=events,
        links=_count(of, of.seen("links", cutoff)),
        items=_count(of, of.seen("items", cutoff)),
        erased=_count(of, of.erased),
        present=tuple(sorted(present & set(KNOWING_TYPES))),
    )


def _count(of: Sources, table: Any) -> tuple[int, int]:
    (row,) = of.engine.rows(touched.mixed(table))
    return int(row["rows"]), int(row["mixed"])


def _sum(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] + other[0], one[1] ^ other[1]


def _types(of: Sources, events: Any, cutoff: datetime) -> set[str]:
    """The types among known events as `compute` sees them: one at the very cutoff is not yet there."""
    told = events.filter(events.occurred_at < _moment(cutoff)).select("type").distinct()
    return {row["type"] for row in of.engine.rows(told)}


def _moment(at: datetime) -> Any:
    return ibis.literal(at.astimezone(UTC), type="timestamp('UTC', 6)")
