"""The files of an export while they are made: whoever drops out at the last moment is taken out of them again."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.columns import CUSTOMER_ID
from pipelines.list_files import ListFile, Sheet, sheet_of
from serving.campaign_lists import LIST_SCHEMA


class ExportFiles:
    """`list.csv` and `list.parquet` in a folder, written sheet by sheet. Of the rows only the customers are kept in
    memory.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "list"
        self._file = ListFile(self._path, LIST_SCHEMA)
        self._customers: list[pa.ChunkedArray] = []  # of each row group

    def write(self, rows: Sheet) -> None:
        """Append rows."""
        self._file.write(rows)
        if rows.table.num_rows:
            self._customers.append(rows.table[CUSTOMER_ID])

    def close(self) -> None:
        """End both files, which can be read now."""
        self._file.close()

    @property
    def count(self) -> int:
        """How many rows are in them."""
        return sum(map(len, self._customers))

    def with_any(self, about: set[str] | None) -> list[int]:
        """The row groups with rows of any of these customers; None: all."""
        if about is None:
            return list(range(len(self._customers)))
        return [i for i, some in enumerate(self._customers) if about and pc.any(_is_any(some, about)).as_py()]

    def rows(self, groups: list[int], about: set[str] | None) -> Iterator[pa.Table]:
        """The rows of these customers in row groups."""
        file = pq.ParquetFile(self._path.with_suffix(".parquet"))
        for group in groups:
            rows = file.read_row_group(group)
            yield rows if about is None else rows.filter(_is_any(rows[CUSTOMER_ID], about))

    def leave_out(self, gone: set[str]) -> None:
        """Write both files again without these customers; what is about others is copied as it is."""
        old, ends, changed = self._path, self._file.ends, set(self.with_any(gone))
        file = pq.ParquetFile(old.with_suffix(".parquet"))
        self._path = old.with_name("rest")
        self._file, self._customers = ListFile(self._path, LIST_SCHEMA), []
        with old.with_suffix(".csv").open("rb") as lines:
            for group in range(file.num_row_groups):
                rows = file.read_row_group(group)
                if group in changed:
                    self.write(sheet_of(rows.filter(pc.invert(_is_any(rows[CUSTOMER_ID], gone)))))
                else:
                    lines.seek(ends[group])
                    self.write(Sheet(rows, lines.read(ends[group + 1] - ends[group]).decode()))
        self.close()
        for kind in (".csv", ".parquet"):
            self._path.with_suffix(kind).replace(old.with_suffix(kind))
        self._path = old


def _is_any(customers: pa.ChunkedArray, those: set[str]) -> pa.ChunkedArray:
    """Which of the customers are among those."""
    return pc.is_in(customers, pa.array(those, pa.string()))
