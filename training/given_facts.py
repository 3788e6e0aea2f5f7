"""Facts in whatever columns a table has, as a matrix of numbers.

Numbers stay numbers; of moments the days between each two count, since lateness is a difference; words with few values
become one column each. What a column is was decided where the model learned, so a later table gives the same columns.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.inputs.scoring import Matrix
from training.metrics import Array

MOST_VALUES, FEWEST_ROWS = 30, 20  # of a column of words; rows that share a value worth a column
MOST_MOMENTS = 8
IS_MOMENT = 0.9  # of the words in a column that read as one


@dataclass(frozen=True)
class GivenFacts:
    """What the columns are: each is used as a number, as a moment, or by the values it often has."""

    numbers: tuple[str, ...]
    moments: tuple[str, ...]
    values: tuple[tuple[str, str], ...]  # (column, value)

    @classmethod
    def of(cls, table: pa.Table, columns: Iterable[str]) -> "GivenFacts":
        """Look at the given columns; those that can tell nothing are left out."""
        numbers, moments, values = [], [], []
        for name in columns:
            column = table[name]
            if (
                pa.types.is_integer(column.type)
                or pa.types.is_floating(column.type)
                or pa.types.is_boolean(column.type)
            ):
                numbers.append(name)
            elif pa.types.is_temporal(column.type):
                moments.append(name)
            elif _is_text(column.type):
                if _reads_as_moments(column):
                    moments.append(name)
                else:
                    values += [(name, value) for value in _frequent(column)]
        return cls(tuple(numbers), tuple(moments[:MOST_MOMENTS]), tuple(values))

    @property
    def names(self) -> list[str]:
        """Names of the matrix's columns."""
        between = [f"days from {a} to {b}" for a, b in combinations(self.moments, 2)]
        return [
            *self.numbers,
            *between,
            *(f"no {name}" for name in self.moments),
            *(f"{c} is {v}" for c, v in self.values),
        ]

    def missing_from(self, table: pa.Table) -> list[str]:
        """Columns that the facts need and the table lacks."""
        needed = dict.fromkeys([*self.numbers, *self.moments, *(column for column, _ in self.values)])
        return [name for name in needed if name not in table.column_names]

    def matrix(self, table: pa.Table) -> Matrix:
        """`[rows, names]`, NaN where absent."""
        days = {name: _days(table[name]) for name in self.moments}
        columns = [_numbers(table[name]) for name in self.numbers]
        columns += [days[b] - days[a] for a, b in combinations(self.moments, 2)]
        columns += [np.isnan(days[name]).astype(np.float64) for name in self.moments]
        columns += [_equals(table[name], value) for name, value in self.values]
        return np.column_stack(columns) if columns else np.empty((len(table), 0))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind))


def _reads_as_moments(column: pa.ChunkedArray) -> bool:
    told = _words(column).drop_null()
    return len(told) > 0 and np.isfinite(_days(told)).mean() >= IS_MOMENT


def _frequent(column: pa.ChunkedArray) -> Sequence[str]:
    counted = _words(column).drop_null().value_counts()
    often = [one["values"].as_py() for one in counted if one["counts"].as_py() >= FEWEST_ROWS]
    return sorted(often) if len(counted) <= MOST_VALUES else []


def _days(column: pa.ChunkedArray) -> Array:
    """Days since 1970, NaN for what is absent or no moment; without a zone, UTC."""
    if not pa.types.is_temporal(column.type):
        import pandas as pd

        read = pd.to_datetime(_words(column).to_pandas(), utc=True, format="ISO8601", errors="coerce")
        column = pa.chunked_array([pa.array(read, pa.timestamp("us", "UTC"))])
    micros = pc.cast(pc.cast(column, pa.timestamp("us")), pa.int64())
    return _numbers(micros) / 86_400e6


def _numbers(column: pa.ChunkedArray) -> Array:
    values = pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False) if len(column) else np.empty(0)
    return np.asarray(values, np.float64)


def _equals(column: pa.ChunkedArray, value: str) -> Array:
    return _numbers(pc.cast(pc.fill_null(pc.equal(_words(column), value), False), pa.int8()))


def _words(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.cast(column, pa.string())
