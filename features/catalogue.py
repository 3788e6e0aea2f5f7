"""The shop's items: one Parquet table, each row an item as it was over a span of time."""

import os
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
    ]
)
"""Only `item_id` is required; null means "the source does not say", never no."""


def load_items(home: Home, at: datetime | None = None) -> pa.Table:
    """The items as `ITEM_SCHEMA`, sorted by item; an absent catalogue is an empty table.

    With `at`, only the rows valid then: valid_from <= at < valid_to. Raises `DataError` for a torn file.
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
    """The rows of `items` valid at `at`: valid_from <= at < valid_to, nulls open."""
    moment = pa.scalar(at, TIME)
    begun = pc.fill_null(pc.less_equal(items["valid_from"], moment), True)
    ended = pc.fill_null(pc.less_equal(items["valid_to"], moment), False)
    return items.filter(pc.and_not(begun, ended))


def merge_items(home: Home, items: pa.Table) -> int:
    """Put `items` (any subset of `ITEM_SCHEMA`'s columns, `item_id` among them) into the catalogue; returns its rows.

    A row replaces the row of the same item and `valid_from`. The file is replaced in one step: a reader, or a crash,
    sees the old catalogue or the new one. Raises `DataError` for unknown columns, wrong types or missing item ids.
    """
    new = as_items(items)
    merged = _latest_by_key(pa.concat_tables([load_items(home), new]))
    path = home.catalogue
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        pq.write_table(merged, draft, compression="zstd")
        with draft.open("rb+") as written:
            os.fsync(written.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return int(merged.num_rows)


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


def _latest_by_key(items: pa.Table) -> pa.Table:
    """The last row of each (item_id, valid_from), sorted by them; a null valid_from sorts first."""
    since = pc.fill_null(items["valid_from"].cast(pa.int64()), -(2**63))
    keyed = pa.table({"item": items[ITEM_ID], "since": since, "row": pa.array(range(items.num_rows), pa.int64())})
    last = (
        keyed.group_by(["item", "since"])
        .aggregate([("row", "max")])
        .sort_by([("item", "ascending"), ("since", "ascending")])
    )
    return items.take(last["row_max"])
