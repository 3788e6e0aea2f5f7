"""Who took what, in order: owners' baskets side by side, as arrays.

An owner is a customer with her orders, or a session, whose every view is a basket of one. Items are whole numbers below
`size`; `Items` names them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from features.errors import DataError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Name = TypeVar("Name", int, str)


@dataclass(frozen=True)
class Items(Generic[Name]):
    """The items known, ascending: an item's number is its place."""

    names: list[Name]

    @classmethod
    def of(cls, rows: Iterable[Iterable[Name]]) -> "Items[Name]":
        """All items of some rows."""
        return cls(sorted({name for row in rows for name in row}))

    @cached_property
    def number(self) -> dict[Name, int]:
        """Number of each item."""
        return {name: number for number, name in enumerate(self.names)}

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class Sequences:
    """Baskets of many owners, oldest first within an owner.

    Owner i's baskets are rows `owner_start[i]:owner_start[i + 1]`, basket b's items `item[basket_start[b]:
    basket_start[b + 1]]`, each item once a basket and ascending. `size` is the number of items there are.
    """

    owner_start: Ints
    basket_start: Ints
    item: Ints
    size: int

    def __post_init__(self) -> None:
        """Raises `DataError` where the arrays do not fit together."""
        if self.owner_start[-1] != len(self.basket_start) - 1 or self.basket_start[-1] != len(self.item):
            raise DataError(
                f"Sequences of {self.owner_start[-1]} baskets and {self.basket_start[-1]} items came with "
                f"{len(self.basket_start) - 1} and {len(self.item)}. Build them with Sequences.of."
            )
        lowest, highest = (self.item.min(), self.item.max()) if len(self.item) else (0, -1)
        if lowest < 0 or highest >= self.size:
            raise DataError(f"Items must be numbers from 0 to {self.size - 1}; got {lowest}..{highest}.")

    @classmethod
    def of(cls, owners: Sequence[Sequence[Iterable[Name]]], items: Items[Name]) -> "Sequences":
        """Owners as lists of baskets of item names, oldest first; names unknown to `items` are left out.

        A basket of which nothing is known stays, empty: it still was a visit.
        """
        number = items.number
        baskets = [sorted({number[n] for n in basket if n in number}) for owner in owners for basket in owner]
        return cls(_starts(len(owner) for owner in owners), _starts(map(len, baskets)), _flat(baskets), len(items))

    @classmethod
    def of_sessions(cls, sessions: Sequence[Sequence[Name]], items: Items[Name]) -> "Sequences":
        """Sessions as lists of viewed items, oldest first: each view a basket of one; unknown items are left out."""
        number = items.number
        known = [[number[n] for n in session if n in number] for session in sessions]
        starts = _starts(map(len, known))
        return cls(starts, np.arange(starts[-1] + 1), _flat(known), len(items))

    def __len__(self) -> int:
        return len(self.owner_start) - 1

    @property
    def baskets(self) -> int:
        """How many baskets there are."""
        return len(self.basket_start) - 1

    @cached_property
    def basket_of(self) -> Ints:
        """Basket of each item row."""
        return np.repeat(np.arange(self.baskets), np.diff(self.basket_start))

    @cached_property
    def owner_of_basket(self) -> Ints:
        """Owner of each basket."""
        return np.repeat(np.arange(len(self)), np.diff(self.owner_start))

    @cached_property
    def owner(self) -> Ints:
        """Owner of each item row."""
        return self.owner_of_basket[self.basket_of]

    @cached_property
    def baskets_ago(self) -> Ints:
        """How many baskets of the same owner are newer than the one of each item row: 0 is the last."""
        return (self.owner_start[1:] - 1)[self.owner] - self.basket_of

    def take(self, owners: Ints) -> "Sequences":
        """The given owners only, in that order."""
        baskets = _ranges(self.owner_start[owners], self.owner_start[owners + 1])
        rows = _ranges(self.basket_start[baskets], self.basket_start[baskets + 1])
        return Sequences(
            _starts(np.diff(self.owner_start)[owners]),
            _starts(np.diff(self.basket_start)[baskets]),
            self.item[rows],
            self.size,
        )

    def before_last(self) -> tuple["Sequences", "Sequences"]:
        """Every owner's baskets but her last, and the last alone; owners without a basket have none in both."""
        number = np.arange(self.baskets)
        last = number == (self.owner_start[1:] - 1)[self.owner_of_basket]
        return self._kept(~last), self._kept(last)

    def _kept(self, baskets: npt.NDArray[np.bool_]) -> "Sequences":
        counts = np.bincount(self.owner_of_basket[baskets], minlength=len(self))
        rows = baskets[self.basket_of]
        return Sequences(_starts(counts), _starts(np.diff(self.basket_start)[baskets]), self.item[rows], self.size)


def _starts(lengths: Iterable[int]) -> Ints:
    counted = np.fromiter(lengths, np.int64)
    return np.concatenate([[0], np.cumsum(counted)]).astype(np.int64)


def _flat(rows: Sequence[Sequence[int]]) -> Ints:
    return np.fromiter((number for row in rows for number in row), np.int64)


def _ranges(first: Ints, after: Ints) -> Ints:
    """The whole numbers of `[first[i], after[i])`, one range after the other."""
    lengths = after - first
    starts = np.cumsum(lengths) - lengths
    return np.asarray(np.repeat(first - starts, lengths) + np.arange(lengths.sum()), np.int64)
