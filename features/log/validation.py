"""The door: every event is accepted, or rejected with a reason and its raw text; past it, events are trusted."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.columns import EVENT_SCHEMA, LINE
from features.events import EVENT_TYPES
from features.log.event_objects import object_of, plain_row, rows_from_json
from features.log.rejects import Reason, Reject, raw_text
from features.log.rules import JSON_FIELDS, Check, envelope_checks, json_object, payload_checks

__all__ = ["Reason", "Reject", "Validated", "conform", "rows_from_json", "validate"]

LONGEST_DETAIL = 400
_TYPES = {f.name: f.type for f in EVENT_SCHEMA}
_NULLABLE = pa.schema([f.with_nullable(True) for f in EVENT_SCHEMA])


@dataclass(frozen=True)
class Validated:
    """Accepted events with `EVENT_SCHEMA`, in the order of the batch; `rows` are their places in it, from 0."""

    accepted: pa.Table
    rejected: list[Reject] = field(default_factory=list)
    rows: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))


def validate(batch: pa.Table, now: datetime) -> Validated:
    """Judge a batch (any subset of `EVENT_SCHEMA`'s columns) at the instant `now`; the first reason found counts.

    Accepted events are brought into one form: a purchase line without a discount has the discount 0, and JSON texts
    have sorted keys. Raises `ValueError` for a column that is unknown or of another type: the converter's mistake.
    """
    events = conform(batch)
    verdicts = _Verdicts(events)
    verdicts.take(envelope_checks(events, now), np.arange(events.num_rows))
    types = events["type"].combine_chunks()
    for name in pc.unique(types).to_pylist():
        if name in EVENT_TYPES:
            rows = np.flatnonzero(pc.fill_null(pc.equal(types, name), False).to_numpy(zero_copy_only=False))
            part = events if len(rows) == events.num_rows else events.take(pa.array(rows)).combine_chunks()
            verdicts.take(payload_checks(EVENT_TYPES[name], part), rows)
    good = np.flatnonzero(~verdicts.bad)
    accepted = events if len(good) == events.num_rows else events.take(pa.array(good)).combine_chunks()
    return Validated(_in_one_form(accepted), verdicts.rejects(), good)


def conform(batch: pa.Table) -> pa.Table:
    """`batch` with exactly `EVENT_SCHEMA`'s columns, absent ones null, one chunk each. Raises `ValueError`."""
    given = dict(zip(batch.column_names, batch.columns, strict=True))
    unknown = sorted(set(given) - set(EVENT_SCHEMA.names))
    if unknown:
        raise ValueError(f"Columns {unknown} are not of the event schema. Known: {', '.join(EVENT_SCHEMA.names)}.")
    columns = []
    for name, kind in _TYPES.items():
        column = given.get(name)
        if column is None:
            columns.append(pa.nulls(batch.num_rows, kind))
            continue
        try:
            columns.append(_one_chunk(column if column.type == kind else column.cast(kind)))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise ValueError(f"Column {name} cannot be read as {kind}: {error}") from error
    # Nulls in the envelope are told apart by row, hence a schema that lets them in until they are judged.
    return pa.Table.from_arrays(columns, schema=_NULLABLE)


class _Verdicts:
    """The first finding of each row."""

    def __init__(self, events: pa.Table) -> None:
        self.events = events
        self.bad = np.zeros(events.num_rows, dtype=bool)
        self.found: list[tuple[int, Check, pa.Table, int]] = []  # row, check, the part checked, place in that part

    def take(self, checks: Iterator[Check], rows: npt.NDArray[np.int64]) -> None:
        """Note the checks of the part of the events whose places are `rows`."""
        part: pa.Table | None = None
        parents: npt.NDArray[np.int64] | None = None
        for check in checks:
            if not pc.any(check.bad).as_py():
                continue
            if part is None:
                part = self.events.take(pa.array(rows))
            places = np.flatnonzero(pc.fill_null(check.bad, False).to_numpy(zero_copy_only=False))
            if check.of_lines and parents is None:
                parents = pc.list_parent_indices(_one_chunk(part["lines"])).to_numpy()
            for place in places.tolist():
                row = int(rows[parents[place] if check.of_lines and parents is not None else place])
                if not self.bad[row]:
                    self.bad[row] = True
                    self.found.append((row, check, part, place))

    def rejects(self) -> list[Reject]:
        """A reject for every bad row, in the order of the rows."""
        return [self._reject(*finding) for finding in sorted(self.found, key=lambda finding: finding[0])]

    def _reject(self, row: int, check: Check, part: pa.Table, place: int) -> Reject:
        values = _values(self.events.slice(row, 1))
        told = values
        if check.of_lines:
            flat = pc.list_flatten(_one_chunk(part["lines"]))
            told = flat[place].as_py() or dict.fromkeys(f.name for f in LINE)
        detail = check.words.format_map(told)[:LONGEST_DETAIL]
        return Reject(values["event_id"], check.reason, detail, raw_text(object_of(plain_row(values))), row)


def _values(row: pa.Table) -> dict[str, Any]:
    """One row's values; an instant beyond the years 1 to 9999 stays a number, microseconds since 1970."""
    try:
        values: dict[str, Any] = row.to_pylist()[0]
    except OverflowError:
        types = [pa.int64() if pa.types.is_timestamp(field.type) else field.type for field in row.schema]
        values = row.cast(pa.schema(list(zip(row.schema.names, types, strict=True)))).to_pylist()[0]
    return values


def _in_one_form(events: pa.Table) -> pa.Table:
    columns = {name: events[name] for name in EVENT_SCHEMA.names}
    lines = _one_chunk(events["lines"])
    flat = pc.list_flatten(lines)
    if pc.struct_field(flat, "discount").null_count:
        columns["lines"] = _with_discounts(lines, flat)
    for name in JSON_FIELDS:
        if events[name].null_count < events.num_rows:
            texts = [None if text is None else json_object(text) for text in events[name].to_pylist()]
            columns[name] = pa.array(texts, pa.string())
    return pa.Table.from_arrays(list(columns.values()), schema=EVENT_SCHEMA)


def _with_discounts(lines: pa.Array, flat: pa.Array) -> pa.Array:
    """Purchase lines (those with a unit price) get a discount of 0 where they state none."""
    fields = {f.name: pc.struct_field(flat, f.name) for f in LINE}
    none = pc.and_(pc.is_null(fields["discount"]), pc.is_valid(fields["unit_price"]))
    fields["discount"] = pc.if_else(none, 0, fields["discount"])
    made = pa.StructArray.from_arrays(list(fields.values()), fields=list(LINE))
    counts = pc.fill_null(pc.list_value_length(lines), 0).to_numpy()
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))
    return pa.ListArray.from_arrays(offsets, made, type=pa.list_(LINE), mask=pc.is_null(lines))


def _one_chunk(column: Any) -> pa.Array:
    if not isinstance(column, pa.ChunkedArray):
        return column
    return (
        column.chunk(0)
        if column.num_chunks == 1
        else pa.concat_arrays(column.chunks)
        if column.num_chunks
        else pa.array([], column.type)
    )
