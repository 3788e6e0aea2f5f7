"""Reading the Online Retail file, whichever of its three costumes it wears: CSV, XLSX or Parquet.

Every reader ends in the same DuckDB table `raw`: `row` (1-based, the header not counted) and the eight columns as text,
so that what cannot be understood can be kept word for word.
"""

import csv
import zipfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import SourceError
from pipelines.sources.relation import sql_text

COLUMNS = {
    "InvoiceNo": ("InvoiceNo", "Invoice"),
    "StockCode": ("StockCode",),
    "Description": ("Description",),
    "Quantity": ("Quantity",),
    "InvoiceDate": ("InvoiceDate",),
    "UnitPrice": ("UnitPrice", "Price"),
    "CustomerID": ("CustomerID", "Customer ID"),
    "Country": ("Country",),
}
"""Our column names, and the spellings of Online Retail and Online Retail II."""

REMEDY = "Download Online Retail again from the UCI repository, or name another file."
RAW_SCHEMA = pa.schema([("row", pa.int64()), *((name, pa.string()) for name in COLUMNS)])
_CHUNK = 50_000


def load_raw(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Make the table `raw` from a .csv, .xlsx or .parquet file, or from a folder of Parquet files.

    Raises `SourceError`, naming file, row and remedy, where the file is absent, cut off, not UTF-8 or lacks a column.
    """
    kind = _kind(path)
    if kind == ".parquet":
        _load_parquet(con, path)
        return
    con.register("none", RAW_SCHEMA.empty_table())
    con.execute("CREATE TABLE raw AS SELECT * FROM none")
    rows = _csv_rows(path) if kind == ".csv" else _xlsx_rows(path)
    for chunk in _chunks(path, rows):
        con.register("chunk", chunk)
        con.execute("INSERT INTO raw SELECT * FROM chunk")
        con.unregister("chunk")


def count_rows(path: Path) -> int | None:
    """Data rows of the file, from its metadata or its line ends; None where the workbook does not say."""
    kind = _kind(path)
    if kind == ".parquet":
        return sum(int(_parquet_metadata(file).num_rows) for file in _parquet_files(path))
    if kind == ".csv":
        with path.open("rb") as file:
            return max(0, sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b"")) - 1)
    return None


def _kind(path: Path) -> str:
    if not path.exists():
        raise SourceError(f"There is no file {path}. {REMEDY}")
    kind = ".parquet" if path.is_dir() else path.suffix.lower()
    if kind not in (".csv", ".xlsx", ".parquet"):
        raise SourceError(f"{path} ends in {path.suffix!r}; Online Retail is read as .csv, .xlsx or .parquet. {REMEDY}")
    return kind


def _parquet_files(path: Path) -> list[Path]:
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    if not files:
        raise SourceError(f"The folder {path} holds no .parquet file. {REMEDY}")
    return files


def _parquet_metadata(path: Path) -> Any:
    try:
        return pq.read_metadata(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceError(f"{path} is not a whole Parquet file ({error}). {REMEDY}") from error


def _load_parquet(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    files = _parquet_files(path)
    for file in files:
        names = _positions(file, _parquet_metadata(file).schema.to_arrow_schema().names)
        picks = ", ".join(f'"{found}"::VARCHAR AS "{name}"' for name, found in names.items())
        source = f"SELECT {picks} FROM read_parquet({sql_text(file)})"
        first = file == files[0]
        offset = "0" if first else "(SELECT coalesce(max(row), 0) FROM raw)"
        select = f"SELECT {offset} + row_number() OVER () AS row, * FROM ({source})"
        try:
            con.execute(f"CREATE TABLE raw AS {select}" if first else f"INSERT INTO raw {select}")
        except duckdb.Error as error:
            raise SourceError(f"{file} cannot be read to its end ({error}). {REMEDY}") from error


def _positions(path: Path, header: Iterable[str]) -> dict[str, str]:
    """Our column name -> the name it has in this file."""
    present = {str(name).strip().removeprefix("\ufeff"): str(name) for name in header}
    found = {name: next((present[s] for s in spellings if s in present), None) for name, spellings in COLUMNS.items()}
    absent = [name for name, spelling in found.items() if spelling is None]
    if absent:
        raise SourceError(
            f"{path}, row 1 (the header), lacks the column(s) {', '.join(absent)}; "
            f"it has {', '.join(present)}. {REMEDY}"
        )
    return {name: spelling for name, spelling in found.items() if spelling is not None}


def _csv_rows(path: Path) -> Iterator[list[str]]:
    reader = csv.reader(_decoded(path), strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise SourceError(f"{path} is cut off or malformed at line {reader.line_num} ({error}). {REMEDY}") from error


def _decoded(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield line.decode("utf-8")
            except UnicodeDecodeError as error:
                raise SourceError(
                    f"{path} is not UTF-8 text (byte {line[error.start]:#04x} in line {number}). "
                    "Convert it, for example: iconv -f LATIN1 -t UTF-8 old.csv > new.csv"
                ) from error


def _xlsx_rows(path: Path) -> Iterator[list[Any]]:
    from openpyxl import load_workbook  # imported here: only this costume needs it

    try:
        book = load_workbook(path, read_only=True, data_only=True)
        try:
            for sheet in book.worksheets:
                for row in sheet.iter_rows(values_only=True):
                    yield list(row)
        finally:
            book.close()
    except (zipfile.BadZipFile, KeyError, OSError, EOFError, ValueError, SyntaxError) as error:
        raise SourceError(f"{path} is not a whole Excel workbook ({error}). {REMEDY}") from error


def _chunks(path: Path, rows: Iterator[list[Any]]) -> Iterator[pa.Table]:
    header = next(rows, None)
    if header is None:
        raise SourceError(f"{path} is empty. {REMEDY}")
    labels = ["" if cell is None else str(cell) for cell in header]
    places = [labels.index(found) for found in _positions(path, labels).values()]
    body = (row for row in rows if row != header)  # a workbook repeats its header on every sheet
    done = 0
    while block := list(islice(body, _CHUNK)):
        for number, row in enumerate(block, start=done + 1):
            if len(row) != len(labels):
                raise SourceError(
                    f"{path}, data row {number}, has {len(row)} cells where the header has {len(labels)}: "
                    f"the file is cut off or malformed. {REMEDY}"
                )
        columns = [pa.array([_text(row[place]) for row in block], pa.string()) for place in places]
        numbers = pa.array(range(done + 1, done + len(block) + 1), pa.int64())
        yield pa.Table.from_arrays([numbers, *columns], schema=RAW_SCHEMA)
        done += len(block)


def _text(cell: Any) -> str | None:
    text = "" if cell is None else str(cell)
    return text if text.strip() else None
