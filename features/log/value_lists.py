"""Statements about many values: some hundred at a time, a mark for each.

>>> [f"id in ({marks(part)})" for part in parts(["a", "b", "c"], 2)]
['id in (?,?)', 'id in (?)']
"""

from collections.abc import Iterator, Sequence, Sized
from typing import TypeVar

T = TypeVar("T")


def parts(values: Sequence[T], size: int = 500) -> Iterator[Sequence[T]]:
    """The values in their order, at most `size` at a time."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def marks(values: Sized, mark: str = "?") -> str:
    """A mark for each value, commas between."""
    return ",".join([mark] * len(values))
