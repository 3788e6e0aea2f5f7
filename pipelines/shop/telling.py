"""Turns arrays of what happened into tables of canonical events."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.shop.arrays import Floats, Ints

STORE_TOUCHPOINTS = ("store_visit", "pickup")


@dataclass(frozen=True)
class Coded:
    """A text column as numbers of `values`; -1 is absent."""

    codes: Ints
    values: tuple[str, ...]

    def column(self) -> pa.Array:
        """The texts."""
        return pa.array(self.values, pa.string()).take(pa.array(self.codes, mask=self.codes < 0))


@dataclass(frozen=True)
class Told:
    """Events of one type, one row each.

    `at` in days from the shop's first day; `who` numbers the chunk's customers and `device` its devices, -1 for none.
    """

    type: str
    at: Floats
    who: Ints
    device: Ints
    channel: Coded
    touchpoint: Coded
    payload: dict[str, pa.Array]


def tell(
    event_type: str,
    at: Floats,
    who: Ints,
    channel: str | Coded,
    touchpoint: str | Coded,
    device: Ints | None = None,
    **payload: Any,
) -> Told:
    """Events from arrays; texts given as one string apply to all rows, None payloads are left out."""
    return Told(
        type=event_type,
        at=at,
        who=who,
        device=np.full(len(at), -1, dtype=np.int64) if device is None else device,
        channel=_coded(channel, len(at)),
        touchpoint=_coded(touchpoint, len(at)),
        payload={name: _column(value, len(at)) for name, value in payload.items() if value is not None},
    )


def _coded(value: str | Coded, size: int) -> Coded:
    return Coded(np.zeros(size, dtype=np.int64), (value,)) if isinstance(value, str) else value


def _column(value: Any, size: int) -> pa.Array:
    if isinstance(value, Coded):
        return value.column()
    if isinstance(value, str | bool):
        return pa.repeat(value, size)
    return pa.array(value)


def numbered(prefix: str, numbers: Ints) -> pa.Array:
    """Ids such as o1000042."""
    return pc.binary_join_element_wise(prefix, pa.array(numbers).cast(pa.string()), "")


def lists(values: pa.Array, counts: Ints) -> pa.Array:
    """Consecutive `values` cut into lists of the given lengths."""
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values)
