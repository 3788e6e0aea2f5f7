"""Seasons learned from sales: how much more or less of a category is bought in each month than in the year's mean."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from features.errors import BundleError

IN_SEASON, OUT_OF_SEASON = 1.3, 0.35
"""From which index on a category is in season, and below which it is out of it; what is flat is neither."""
_REMEDY = "Promote again, or roll back to another bundle."


@dataclass(frozen=True)
class Seasons:
    """The index of each category path and month, `[n, 12]` with January first and mean 1; flat where nothing is known.

    A path that is not here has the season of the nearest path above it.
    """

    category: npt.NDArray[np.str_] = field(default_factory=lambda: np.empty(0, "<U1"))
    index: npt.NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 12), np.float32))

    def __len__(self) -> int:
        return len(self.category)

    def at(self, category: str | None, month: int) -> float:
        """The index of a category in a month, 1..12."""
        path = category or ""
        while path:
            months = self._months.get(path)
            if months is not None:
                return months[month - 1]
            path = path.rpartition("/")[0]
        return 1.0

    @cached_property
    def _months(self) -> Mapping[str, list[float]]:
        return dict(zip(self.category.tolist(), self.index.tolist(), strict=True))

    def save(self, file: Path) -> None:
        """Write both arrays, uncompressed; the same seasons give the same bytes."""
        np.savez(file, category=self.category, index=self.index)

    @classmethod
    def load(cls, file: Path) -> "Seasons":
        """Read what `save` wrote; raises `BundleError` for anything else."""
        try:
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                seasons = cls(arrays["category"], arrays["index"])
        except (OSError, KeyError, ValueError, EOFError, BadZipFile) as error:
            raise BundleError(f"{file} has no seasons ({error}). {_REMEDY}") from error
        if seasons.index.shape != (len(seasons.category), 12) or not (seasons.index >= 0).all():
            raise BundleError(f"{file} has no index of twelve months for each category. {_REMEDY}")
        return seasons
