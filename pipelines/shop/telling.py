"""Tells what happened as canonical events: arrays now, texts only for the rows that reach the log."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.shop.arrays import Floats, Ints


@dataclass(frozen=True)
class Coded:
    """A column as numbers of `values`; -1 is absent."""

    codes: Ints
    values: tuple[str, ...] | pa.Array


@dataclass(frozen=True)
class Numbered:
    """Ids such as o1000042: a prefix and a number."""

    prefix: str
    numbers: Ints


Column: TypeAlias = Coded | Numbered | str | bool | pa.Array


@dataclass(frozen=True)
class Told:
    """Events of one type, one row each.

    `at` in days from the shop's first day; `who` numbers the chunk's customers and `device` its devices, -1 for none.
    """

    type: str
    at: Floats
    who: Ints
    device: Ints
    channel: str | Coded
    touchpoint: str | Coded
    payload: dict[str, Column]


def tell(
    event_type: str,
    at: Floats,
    who: Ints,
    channel: str | Coded,
    touchpoint: str | Coded,
    device: Ints | None = None,
    **payload: Column | None,
) -> Told:
    """Events from arrays; a single text applies to all rows, None payloads are left out."""
    nowhere = np.full(len(at), -1, dtype=np.int64)
    told = {name: value for name, value in payload.items() if value is not None}
    return Told(event_type, at, who, nowhere if device is None else device, channel, touchpoint, told)


def only(told: Told, rows: Ints) -> Told:
    """Some of the events told."""
    channel, touchpoint = (
        c if isinstance(c, str) else Coded(c.codes[rows], c.values) for c in (told.channel, told.touchpoint)
    )
    payload = {name: c if isinstance(c, str | bool) else rows_of(c, rows) for name, c in told.payload.items()}
    return Told(told.type, told.at[rows], told.who[rows], told.device[rows], channel, touchpoint, payload)


def rows_of(column: Column, rows: Ints) -> pa.Array:
    """The given rows of a column as an Arrow array."""
    if isinstance(column, Coded):
        codes = column.codes[rows]
        values = pa.array(column.values, pa.string()) if isinstance(column.values, tuple) else column.values
        return values.take(pa.array(codes, mask=codes < 0))
    if isinstance(column, Numbered):
        return pc.binary_join_element_wise(column.prefix, pa.array(column.numbers[rows]).cast(pa.string()), "")
    if isinstance(column, str | bool):
        return pa.repeat(column, len(rows))
    return column.take(pa.array(rows))


def written(column: Column, size: int) -> pa.Array:
    """All rows of a column of `size` rows."""
    return rows_of(column, np.arange(size))


def is_value(column: str | Coded, value: str, rows: Ints) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Which of the given rows hold `value`."""
    if isinstance(column, str):
        return np.full(len(rows), column == value)
    same = np.array([v == value for v in column.values])
    return np.asarray(same[column.codes[rows]] & (column.codes[rows] >= 0))


def lists(values: pa.Array, counts: Ints) -> pa.Array:
    """Consecutive `values` cut into lists of the given lengths."""
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values)
