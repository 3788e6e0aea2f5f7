"""Every customer's next basket, learned from the baskets of one file: no times, no data folder."""

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
from training.baskets import POPULAR, STEPS, learn_baskets

USER_ID, BASKET_INDEX, ITEMS = "user_id", "basket_index", "items"
NEEDED = (USER_ID, BASKET_INDEX, ITEMS)
USERS_AT_ONCE = 500

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Baskets:
    """A checked file: users ascending, each with her baskets, oldest first; what was noticed on the way."""

    users: list[Any]
    user_type: pa.DataType
    baskets: list[list[list[Any]]]
    item_type: pa.DataType
    notes: list[str]


@dataclass(frozen=True)
class Scored:
    """What was done: rows written, and what a reader should know."""

    rows: int
    notes: list[str]


def score_baskets(file: Path, k: int, out: Path, *, progress: Progress | None = None) -> Scored:
    """Write (user_id, rank 1..k, item_id, score) of every user's next basket, users ascending.

    All rows of `file` are known history, in any order. Raises `DataError` for a file that is not that.
    """
    done = progress or (lambda *_: None)
    if k < 1:
        raise DataError(f"--k is {k}: no item would be listed. Ask for 1 or more.")
    told = read_baskets(file)
    items: Items[Any] = Items.of(basket for baskets in told.baskets for basket in baskets)
    if not len(items):
        raise DataError(f"{file}: all its lists of {ITEMS} are empty. Give at least one basket with an item.")
    known = Sequences.of(told.baskets, items)
    steps = STEPS + -(-len(known) // USERS_AT_ONCE)
    learned = learn_baskets(known, popular=max(k, POPULAR), progress=lambda step: done(step, steps, "learning"))
    rows = 0
    out.parent.mkdir(parents=True, exist_ok=True)
    schema = pa.schema(
        [(USER_ID, told.user_type), (RANK, pa.int64()), (ITEM_ID, told.item_type), (SCORE, pa.float64())]
    )
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        for part, lists in enumerate(ranked(learned.recommender, known, k)):
            table = _rows(lists, told.users, items, schema)
            writer.write_table(table)
            rows += len(table)
            done(STEPS + part + 1, steps, "scoring")
    return Scored(rows, [*told.notes, learned.told])


def ranked(recommender: Recommender, known: Sequences, k: int) -> Iterator[Lists]:
    """The best `k` for each owner, `USERS_AT_ONCE` at a time."""
    for first in range(0, len(known), USERS_AT_ONCE):
        some = np.arange(first, min(first + USERS_AT_ONCE, len(known)))
        lists = best(recommender.scores(known.take(some)), k)
        yield Lists(lists.owner + first, lists.item, lists.place, lists.score)


def read_baskets(file: Path) -> Baskets:
    """Users and their baskets; rows of the same user and basket are one basket.

    Raises `DataError` naming file, column and remedy.
    """
    table = _read(file)
    users, index, items = (table[name].combine_chunks() for name in NEEDED)
    for values, name in ((users, USER_ID), (index, BASKET_INDEX)):
        if values.null_count:
            raise DataError(f"{file}: {name} is absent in {values.null_count} rows. Give every row one.")
    item_type = _check_types(users.type, index.type, items, file)
    rows = list(zip(users.to_pylist(), index.to_pylist(), items.to_pylist(), strict=True))
    grouped: dict[Any, dict[int, list[Any]]] = {}
    for user, place, basket in sorted(rows, key=lambda row: row[:2]):
        grouped.setdefault(user, {}).setdefault(place, []).extend(basket)
    baskets = [list(by_place.values()) for by_place in grouped.values()]
    notes = []
    if others := [name for name in table.column_names if name not in NEEDED]:
        notes.append(f"Not looked at: {', '.join(others)}. All rows of {file} count as known history.")
    if twice := len(rows) - sum(map(len, baskets)):
        notes.append(f"{twice:,} rows repeat a {USER_ID} and {BASKET_INDEX}: their items were put into one basket.")
    return Baskets(list(grouped), users.type, baskets, item_type, notes)


def _read(file: Path) -> pa.Table:
    try:
        table = pq.read_table(file)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"{file} cannot be read as Parquet ({error}). Write it with {', '.join(NEEDED)}.") from error
    if missing := [name for name in NEEDED if name not in table.column_names]:
        raise DataError(
            f"{file} has no column {', '.join(missing)}; it has {', '.join(table.column_names)}. Rename or add it."
        )
    if not len(table):
        raise DataError(f"{file} has no rows. Put at least one basket into it.")
    return table


def _check_types(user: pa.DataType, index: pa.DataType, items: pa.Array, file: Path) -> pa.DataType:
    if not _names(user):
        raise DataError(f"{file}: {USER_ID} is {user}. Write whole numbers or words.")
    if not pa.types.is_integer(index):
        raise DataError(f"{file}: {BASKET_INDEX} is {index}. Write whole numbers that ascend with a user's baskets.")
    kind = items.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)) or not (
        _names(kind.value_type) or pa.types.is_null(kind.value_type)
    ):
        raise DataError(f"{file}: {ITEMS} is {kind}. Write a list of whole numbers or of words.")
    absent = items.null_count + pc.list_flatten(items).null_count
    if absent:
        raise DataError(
            f"{file}: {ITEMS} holds {absent} absent values. Leave them out; an empty basket is a list of none."
        )
    return kind.value_type


def _names(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _rows(lists: Lists, users: list[Any], items: "Items[Any]", schema: pa.Schema) -> pa.Table:
    columns = [
        pa.array([users[owner] for owner in lists.owner.tolist()], schema.field(USER_ID).type),
        pa.array(lists.place + 1, pa.int64()),
        pa.array([items.names[item] for item in lists.item.tolist()], schema.field(ITEM_ID).type),
        pa.array(lists.score),
    ]
    return pa.table(columns, schema=schema)
