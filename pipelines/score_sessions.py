"""What each visitor views next, learned from the sessions of one file: no customers, no times, no data folder."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.columns import ITEM_ID, RANK, SCORE
from features.errors import DataError
from features.recommenders.base import Lists, Recommender, best
from features.recommenders.sequences import Items, Sequences
from training.sessions import POPULAR, STEPS, learn_sessions

SESSION_ID, PREFIX_ID, ITEMS = "session_id", "prefix_id", "items"
PREFIXES_AT_ONCE = 500

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Sessions:
    """A checked file: ids, and what each viewed, oldest first."""

    ids: list[Any]
    id_type: pa.DataType
    views: list[list[Any]]
    item_type: pa.DataType


@dataclass(frozen=True)
class Scored:
    """What was done: rows written, and what a reader should know."""

    rows: int
    notes: list[str]


def score_sessions(asked: Path, train: Path, k: int, out: Path, *, progress: Progress | None = None) -> Scored:
    """Write (prefix_id, rank 1..k, item_id, score), prefixes in the order of `asked`.

    `train` holds session_id and items, `asked` prefix_id and items; ids and items are whole numbers or words. Sessions
    count as ordered in time by their id. Raises `DataError` for files that are not that.
    """
    done = progress or (lambda *_: None)
    if k < 1:
        raise DataError(f"--k is {k}: no item would be listed. Ask for 1 or more.")
    known, wanted = read_sessions(train, SESSION_ID), read_sessions(asked, PREFIX_ID)
    items = _items_of(known, wanted, train, asked)
    order = sorted(range(len(known.ids)), key=known.ids.__getitem__)
    steps = STEPS + -(-len(wanted.ids) // PREFIXES_AT_ONCE)
    learned = learn_sessions(
        Sequences.of_sessions([known.views[row] for row in order], items),
        popular=max(k, POPULAR),
        progress=lambda step: done(step, steps, "learning"),
    )
    rows = 0
    out.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(out, _schema(wanted, known), compression="zstd") as file:
        for part, lists in enumerate(ranked(learned.recommender, wanted.views, items, k)):
            table = _rows(lists, part * PREFIXES_AT_ONCE, wanted, items, file.schema)
            file.write_table(table)
            rows += len(table)
            done(STEPS + part + 1, steps, "scoring")
    return Scored(rows, [learned.told, *_unknown(wanted, items)])


def ranked(recommender: Recommender, views: list[list[Any]], items: "Items[Any]", k: int) -> Iterator[Lists]:
    """The best `k` for each of `PREFIXES_AT_ONCE` prefixes at a time."""
    for first in range(0, len(views), PREFIXES_AT_ONCE):
        yield best(recommender.scores(Sequences.of_sessions(views[first : first + PREFIXES_AT_ONCE], items)), k)


def read_sessions(file: Path, id_column: str) -> Sessions:
    """The file's ids and views; raises `DataError` naming file, column and remedy."""
    try:
        table = pq.read_table(file)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"{file} cannot be read as Parquet ({error}). Write it with {id_column}, {ITEMS}.") from error
    if missing := [name for name in (id_column, ITEMS) if name not in table.column_names]:
        raise DataError(
            f"{file} has no column {', '.join(missing)}; it has {', '.join(table.column_names)}. Rename or add it."
        )
    if not len(table):
        raise DataError(f"{file} has no rows. Put at least one {id_column} into it.")
    ids, views = table[id_column].combine_chunks(), table[ITEMS].combine_chunks()
    _check_ids(ids, file, id_column)
    item_type = _check_items(views, file)
    return Sessions(ids.to_pylist(), ids.type, views.to_pylist(), item_type)


def _check_ids(ids: pa.Array, file: Path, column: str) -> None:
    if not _names(ids.type):
        raise DataError(f"{file}: {column} is {ids.type}. Write whole numbers or words.")
    if ids.null_count:
        raise DataError(f"{file}: {column} is absent in {ids.null_count} rows. Give every row one.")
    counted = pc.value_counts(ids)
    often = counted.filter(pc.greater(counted.field("counts"), 1))
    if len(often):
        raise DataError(
            f"{file}: {column} {often[0]['values'].as_py()!r} stands in {often[0]['counts'].as_py()} rows "
            f"({len(often)} such ids). Write one row for each, all its items in one list."
        )


def _check_items(views: pa.Array, file: Path) -> pa.DataType:
    if not (pa.types.is_list(views.type) or pa.types.is_large_list(views.type)) or not (
        _names(views.type.value_type) or pa.types.is_null(views.type.value_type)
    ):
        raise DataError(f"{file}: {ITEMS} is {views.type}. Write a list of whole numbers or of words, oldest first.")
    absent = views.null_count + pc.list_flatten(views).null_count
    if absent:
        raise DataError(
            f"{file}: {ITEMS} holds {absent} absent values. Leave them out; no view at all is an empty list."
        )
    return views.type.value_type


def _names(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _items_of(known: Sessions, wanted: Sessions, train: Path, asked: Path) -> "Items[Any]":
    items: Items[Any] = Items.of(known.views)
    if not len(items):
        raise DataError(f"{train}: all its lists of {ITEMS} are empty. Give at least one session with a view.")
    words = [pa.types.is_integer(kind) for kind in (known.item_type, wanted.item_type)]
    if words[0] != words[1] and any(wanted.views):
        raise DataError(
            f"{ITEMS} are {known.item_type} in {train} and {wanted.item_type} in {asked}: none would be known. "
            "Write both in one type."
        )
    return items


def _unknown(wanted: Sessions, items: "Items[Any]") -> list[str]:
    views = [item for session in wanted.views for item in session]
    unknown = sum(item not in items.number for item in views)
    empty = sum(not any(item in items.number for item in session) for session in wanted.views)
    notes = []
    if unknown:
        notes.append(f"{unknown:,} of {len(views):,} views are of items that no session of the training file holds.")
    if empty:
        notes.append(f"{empty:,} prefixes hold nothing known: they get what is popular.")
    return notes


def _schema(wanted: Sessions, known: Sessions) -> pa.Schema:
    return pa.schema(
        [(PREFIX_ID, wanted.id_type), (RANK, pa.int64()), (ITEM_ID, known.item_type), (SCORE, pa.float64())]
    )


def _rows(lists: Lists, first: int, wanted: Sessions, items: "Items[Any]", schema: pa.Schema) -> pa.Table:
    columns = [
        pa.array([wanted.ids[first + owner] for owner in lists.owner.tolist()], schema.field(PREFIX_ID).type),
        pa.array(lists.place + 1, pa.int64()),
        pa.array([items.names[item] for item in lists.item.tolist()], schema.field(ITEM_ID).type),
        pa.array(np.asarray(lists.score, np.float64)),
    ]
    return pa.table(columns, schema=schema)
