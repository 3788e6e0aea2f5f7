"""Lists as files: Parquet, and CSV that a spreadsheet cannot take for formulas."""

import csv
import io
import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


class Sheet(NamedTuple):
    """Some rows of a list as they are written: an Arrow table, and the lines of the CSV ("" where none is wanted)."""

    table: pa.Table
    lines: str


def sheet(rows: Sequence[dict[str, Any]], schema: pa.Schema, *, csv_too: bool = True) -> Sheet:
    """Rows, keyed by the schema's names, ready to be written."""
    cells = ([cell(row[name]) for name in schema.names] for row in rows)
    return Sheet(pa.Table.from_pylist(list(rows), schema=schema), _lines(cells) if csv_too else "")


def sheet_of(rows: pa.Table) -> Sheet:
    """The rows of a list, ready to be written again."""
    return Sheet(rows, _lines(zip(*(map(cell, column.to_pylist()) for column in rows.columns), strict=True)))


def rows_of(rows: pa.Table | pa.RecordBatch, places: Sequence[int]) -> pa.Table:
    """The rows in these places."""
    return pa.table(rows).take(pa.array(places, pa.int64()))


def _lines(rows: Iterable[Iterable[Any]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_NONNUMERIC).writerows(rows)
    return text.getvalue()


class ListFile:
    """A list written as `path`.parquet and, with `csv_too`, as `path`.csv that a spreadsheet cannot take for
    formulas."""

    def __init__(self, path: Path, schema: pa.Schema, *, csv_too: bool = True) -> None:
        self._parquet = pq.ParquetWriter(path.with_suffix(".parquet"), schema, compression="zstd")
        self._file = path.with_suffix(".csv").open("wb") if csv_too else None
        if self._file is not None:
            head = io.StringIO(newline="")
            csv.writer(head, quoting=csv.QUOTE_NONNUMERIC).writerow(schema.names)
            self._file.write(head.getvalue().encode("utf-8-sig"))
            self.ends = [self._file.tell()]
            """Where in the CSV the head ends, and each sheet: as many of them as the Parquet has row groups."""

    def write(self, rows: Sheet) -> None:
        """Append rows: a row group."""
        if rows.table.num_rows:
            self._parquet.write_table(rows.table, row_group_size=rows.table.num_rows)
            if self._file is not None:
                self._file.write(rows.lines.encode())
                self.ends.append(self._file.tell())

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
