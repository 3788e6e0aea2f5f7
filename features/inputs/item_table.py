"""What is known of each item as of a moment: who buys it, what it costs, what goes with it. See docs/bundle.md."""

from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from features.errors import BundleError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST_POPULAR = 30  # items that are candidates of everybody
ITEM_INPUTS = ("recent_buyers", "buyers", "trend", "popular_rank", "repeat_rate", "gap_days", "price")


@dataclass(frozen=True)
class ItemTable:
    """What is known per item as of `as_of`; the arrays are described in docs/bundle.md."""

    item_id: npt.NDArray[np.str_]
    buyers: npt.NDArray[np.float32]
    recent_buyers: npt.NDArray[np.float32]
    repeat_rate: npt.NDArray[np.float32]
    gap_days: npt.NDArray[np.float32]
    price: npt.NDArray[np.float32]
    category: npt.NDArray[np.int32]
    categories: npt.NDArray[np.str_]
    popular: npt.NDArray[np.int32]
    neighbour_start: npt.NDArray[np.int64]
    neighbour_item: npt.NDArray[np.int32]
    neighbour_score: npt.NDArray[np.float32]
    as_of: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.item_id)

    @cached_property
    def index(self) -> dict[str, int]:
        """Row of each item id."""
        return {item: row for row, item in enumerate(self.item_id.tolist())}

    @cached_property
    def names(self) -> list[str]:
        """The item id of each row."""
        return list(self.index)

    @cached_property
    def popular_place(self) -> Floats:
        """Place of each item among the popular ones, NaN for the rest."""
        place = np.full(len(self), np.nan)
        place[self.popular] = np.arange(len(self.popular))
        return place

    @cached_property
    def shown(self) -> Ints:
        """The rows of the most popular items: candidates of everybody."""
        return self.popular[:MOST_POPULAR].astype(np.int64)

    @cached_property
    def neighbours(self) -> Ints:
        """How many neighbours each item has."""
        return np.diff(self.neighbour_start)

    @cached_property
    def inputs(self) -> npt.NDArray[np.float32]:
        """`ITEM_INPUTS` of every item, worked out once: a decision must not take longer in a larger shop."""
        told = {
            "recent_buyers": np.log1p(self.recent_buyers),
            "buyers": np.log1p(self.buyers),
            "trend": ratio(self.recent_buyers, self.buyers),
            "popular_rank": self.popular_place,
            "repeat_rate": self.repeat_rate,
            "gap_days": self.gap_days,
            "price": np.log1p(self.price),
        }
        return np.column_stack([told[name] for name in ITEM_INPUTS]).astype(np.float32)

    def save(self, file: Path | BinaryIO) -> None:
        """Write all arrays, uncompressed; the same table gives the same bytes."""
        np.savez(file, **{f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def load(cls, file: Path) -> "ItemTable":
        """Read what `save` wrote; raises `BundleError` for anything else."""
        try:
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                table = cls(**{f.name: arrays[f.name] for f in fields(cls)})
        except (OSError, KeyError, ValueError, EOFError, BadZipFile) as error:
            raise BundleError(
                f"{file} is not an item table ({error}). Promote again, or roll back to another bundle."
            ) from error
        if len(table.neighbour_start) != len(table) + 1 or table.neighbour_start[-1] != len(table.neighbour_item):
            raise BundleError(f"{file} has neighbours for other items. Promote again, or roll back to another bundle.")
        return table


def ratio(above: npt.NDArray[Any], below: npt.NDArray[Any]) -> Floats:
    """`above / below`, NaN where `below` is not positive."""
    return np.asarray(above / np.where(below > 0, below, np.nan), np.float64)
