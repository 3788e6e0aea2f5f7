"""Raw CSV tables of a public data set as DuckDB views: every value as text, every row with its number."""

import csv
from pathlib import Path

import duckdb

from features.errors import SourceError
from pipelines.sources.flat_csv import check_text
from pipelines.sources.relation import sql_text


def raw_files(folder: Path, names: tuple[str, ...], remedy: str) -> list[Path]:
    """The files of these names. Raises `SourceError` naming those that are absent."""
    if not folder.is_dir():
        raise SourceError(f"{folder} is not a folder. {remedy}")
    absent = [name for name in names if not (folder / name).is_file()]
    if absent:
        raise SourceError(f"The folder {folder} lacks {', '.join(absent)}. {remedy}")
    return [folder / name for name in names]


def view(con: duckdb.DuckDBPyConnection, name: str, file: Path, columns: str, remedy: str) -> None:
    """A view `name` with `row` (from 1, without the header) and the columns (apart by spaces), as text.

    Quoted values may hold line ends, a byte order mark may come first, the columns stand in any order and others beside
    them. Raises `SourceError` for a file that is cut, not UTF-8, or lacks a column.
    """
    check_text(file, table=True)
    with file.open(encoding="utf-8-sig", newline="") as lines:
        header = next(csv.reader(lines))
    absent = [column for column in columns.split() if column not in header]
    if absent or len(set(header)) < len(header):
        problem = f"lacks the column(s) {', '.join(absent)}" if absent else "names a column twice"
        raise SourceError(f"{file}, line 1, {problem}; it has {', '.join(header)}. {remedy}")
    quoted = ", ".join("'" + column.replace("'", "''") + "': 'VARCHAR'" for column in header)
    con.execute(
        f"CREATE VIEW {name} AS SELECT row_number() OVER () AS row, {', '.join(columns.split())} FROM read_csv("
        f"{sql_text(file)}, header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"', "
        f"columns = {{{quoted}}}, strict_mode = true, null_padding = false)"
    )


def broken(error: duckdb.Error, remedy: str) -> SourceError:
    """What DuckDB found wrong while it read CSV, as an error with the remedy."""
    lines = [line.strip() for line in str(error).splitlines()]
    file = next((line.removeprefix("file = ") for line in lines if line.startswith("file = ")), "a file")
    return SourceError(f"{file} is broken ({' '.join(lines[:3])[:300]}). Nothing more of it was taken. {remedy}")
