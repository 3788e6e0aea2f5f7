"""Lists as files: Parquet, and CSV that a spreadsheet cannot take for formulas."""

import csv
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


class ListFile:
    """Rows written as `path`.parquet and, with `csv_too`, as `path`.csv that a spreadsheet cannot take for formulas."""

    def __init__(self, path: Path, schema: pa.Schema, *, csv_too: bool = True) -> None:
        self._schema = schema
        self._parquet = pq.ParquetWriter(path.with_suffix(".parquet"), schema, compression="zstd")
        self._file = path.with_suffix(".csv").open("w", encoding="utf-8-sig", newline="") if csv_too else None
        if self._file is not None:
            csv.writer(self._file, quoting=csv.QUOTE_NONNUMERIC).writerow(schema.names)

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Append rows, keyed by the schema's names."""
        if not rows:
            return
        self._parquet.write_table(pa.Table.from_pylist(list(rows), schema=self._schema))
        if self._file is not None:
            lines = [[cell(row[name]) for name in self._schema.names] for row in rows]
            csv.writer(self._file, quoting=csv.QUOTE_NONNUMERIC).writerows(lines)

    def close(self) -> None:
        """End both files; the CSV is on disk."""
        self._parquet.close()
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()


def cell(value: Any) -> str | float:
    """A CSV cell: text that begins like a formula gets an apostrophe before it, lists are joined by ` | `.

    >>> cell("=HYPERLINK(1)"), cell(["+1", "tea"]), cell(None), cell(0.25)
    ("'=HYPERLINK(1)", "'+1 | tea", '', 0.25)
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, datetime):
        return value.isoformat()
    text = " | ".join(str(one) for one in value) if isinstance(value, list) else str(value)
    text = text.replace("\x00", "")
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
