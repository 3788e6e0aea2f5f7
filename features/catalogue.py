"""The shop's items: one Parquet table, each row an item as it was over a span of time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.columns import ITEM_ID, TIME
from features.errors import DataError
from features.home import Home

ITEM_SCHEMA = pa.schema(
    [
        pa.field(ITEM_ID, pa.string(), nullable=False),
        pa.field("title", pa.string()),
        pa.field("category", pa.string()),  # path, widest first: "shoes/running/women"
        pa.field("price", pa.int64()),  # minor units
        pa.field("margin", pa.int64()),  # minor units a piece
        pa.field("in_stock", pa.bool_()),
        pa.field("season_months", pa.list_(pa.int8())),  # 1..12; empty or null: all year
        pa.field("consumable", pa.bool_()),
        pa.field("accessory_of", pa.list_(pa.string())),
        pa.field("service_for", pa.list_(pa.string())),
        pa.field("replaces", pa.list_(pa.string())),
        pa.field("knowledge_url", pa.string()),
        pa.field("valid_from", TIME),  # null: always
        pa.field("valid_to", TIME),  # null: still
        pa.field("stock_at", TIME),  # when `in_stock` was true; null: at valid_from
    ]
)
"""Only `item_id` is required; null means "the source does not say", never no."""

MONEY = ("price", "margin")
RELATIONS = ("accessory_of", "service_for", "replaces")
_EARLIEST = -(2**63)


def load_items(home: Home, at: datetime | None = None) -> pa.Table:
    """The rows as `ITEM_SCHEMA`, sorted by item and valid_from; an absent catalogue is an empty table.

    With `at`, each item once, as it is then (`items_at`). Raises `DataError` for a torn file.
    """
    path = home.catalogue
    if not path.exists():
        return ITEM_SCHEMA.empty_table()
    try:
        items = pq.read_table(path, schema=ITEM_SCHEMA)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(
            f"The item catalogue {path} cannot be read ({error}). Delete it and ingest its source again."
        ) from error
    return items if at is None else items_at(items, at)


def items_at(items: pa.Table, at: datetime) -> pa.Table:
    """Each item as it is at `at`, sorted by item: of its rows with valid_from <= at < valid_to the one begun last.

    Nulls are open ends; no valid_from is the earliest. So a price of one week stands over the price without an end, and
    that one is back when the week is over.
    """
    moment = pa.scalar(at, TIME)
    begun = pc.fill_null(pc.less_equal(items["valid_from"], moment), True)
    ended = pc.fill_null(pc.less_equal(items["valid_to"], moment), False)
    return _last_rows(items.filter(pc.and_not(begun, ended)), by_start=False)


def changes_of(items: pa.Table) -> list[datetime]:
    """The moments at which some item becomes another: every valid_from and valid_to, sorted."""
    moments = pa.chunked_array([*items["valid_from"].chunks, *items["valid_to"].chunks], TIME)
    found: list[datetime] = pc.unique(moments).drop_null().sort().to_pylist()
    return found


def merge_items(home: Home, items: pa.Table) -> int:
    """Put `items` (any subset of `ITEM_SCHEMA`'s columns, `item_id` among them) into the catalogue; returns its rows.

    A row replaces the row of the same item and `valid_from`. The file is replaced in one step: a reader, or a crash,
    sees the old catalogue or the new one; who merges at the same time waits. Raises `DataError` for unknown columns,
    wrong types or missing item ids.
    """
    new = as_items(items)
    with changing(home):
        merged = merged_with(load_items(home), new)
        put_items(home, merged)
    return int(merged.num_rows)


def merged_with(old: pa.Table, new: pa.Table) -> pa.Table:
    """The rows of both, those of `new` in place of those of the same item and valid_from."""
    return _last_rows(pa.concat_tables([old, new]), by_start=True)


@contextmanager
def changing(home: Home) -> Iterator[None]:
    """Inside, nobody else changes the catalogue; the lock ends with the process that holds it."""
    folder = home.catalogue.parent
    folder.mkdir(parents=True, exist_ok=True)
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def put_items(home: Home, items: pa.Table) -> None:
    """Make `items` the catalogue, durably and in one step. To be called inside `changing`."""
    path = home.catalogue
    for left in path.parent.glob(f".{path.name}.*"):  # of a process that was killed
        left.unlink(missing_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        pq.write_table(items, draft, compression="zstd")
        with draft.open("rb+") as written:
            os.fsync(written.fileno())
        draft.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        draft.unlink(missing_ok=True)


def as_items(items: pa.Table) -> pa.Table:
    """`items` with exactly `ITEM_SCHEMA`: absent columns null, types cast. Raises `DataError` as `merge_items`."""
    unknown = sorted(set(items.column_names) - set(ITEM_SCHEMA.names))
    if unknown:
        raise DataError(f"Item columns {unknown} are not known. Use those of the catalogue: {ITEM_SCHEMA.names}.")
    if ITEM_ID not in items.column_names or items[ITEM_ID].null_count:
        raise DataError("Every item needs an item_id; give each row one, or leave the row out.")
    columns: list[Any] = []
    for field in ITEM_SCHEMA:
        if field.name not in items.column_names:
            columns.append(pa.nulls(items.num_rows, field.type))
            continue
        try:
            columns.append(items[field.name].cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise DataError(f"Item column {field.name} cannot be read as {field.type}: {error}. Correct it.") from error
    return pa.Table.from_arrays(columns, schema=ITEM_SCHEMA)


def _last_rows(items: pa.Table, *, by_start: bool) -> pa.Table:
    """The last row of each item, or `by_start` of each item and valid_from; sorted by both, no valid_from first."""
    since = pc.fill_null(items["valid_from"].cast(pa.int64()), _EARLIEST)
    keyed = pa.table({"item": items[ITEM_ID], "since": since, "row": pa.array(range(items.num_rows), pa.int64())})
    order = pc.sort_indices(keyed, [("item", "ascending"), ("since", "ascending"), ("row", "ascending")])
    if len(order) < 2:
        return items.take(order)
    keyed = keyed.take(order)
    other = pc.not_equal(keyed["item"][:-1], keyed["item"][1:])
    if by_start:
        other = pc.or_(other, pc.not_equal(keyed["since"][:-1], keyed["since"][1:]))
    last = pa.chunked_array([*other.chunks, pa.array([True])])
    return items.take(pc.filter(order, last.combine_chunks()))
