"""Reading a shop's own catalogue file, CSV or Parquet, into rows, with every cell that cannot be read.

CSV: UTF-8, commas, a header line; empty for "not said"; money as whole minor units; true or false; lists with a bar
between entries (a|b); a moment as 2026-10-01 (00:00 UTC) or 2026-10-01T08:00:00Z. Parquet: the same columns, typed.
"""

import csv
import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq

from features.catalogue import ITEM_SCHEMA
from features.catalogue_checks import Fault
from features.columns import ITEM_ID
from features.errors import SourceError
from pipelines.catalogue_cells import read_cells
from pipelines.sources.flat_csv import check_text
from pipelines.sources.flat_parquet import read_parquet

SCHEMA = pa.schema(
    [pa.field(f.name, pa.list_(pa.int64()) if f.name == "season_months" else f.type) for f in ITEM_SCHEMA]
)
"""As `ITEM_SCHEMA`, with months wide enough for any number that a file may hold."""

_BLOCK_BYTES = 1 << 22


@dataclass(frozen=True)
class CatalogueFile:
    """Rows with `SCHEMA`, unreadable cells null, those cells as faults, and where each row stands in the file."""

    items: pa.Table
    faults: list[Fault] = field(default_factory=list)
    lines: Sequence[int] | None = None

    def place(self, row: int) -> str:
        """A row's place in words."""
        return f"row {row + 1}" if self.lines is None else f"line {self.lines[row]}"


def read_catalogue(path: Path, progress: Callable[[int], None] | None = None) -> CatalogueFile:
    """The file's rows; `progress` is told how many were read. Raises `SourceError` for a file broken as a whole."""
    if path.suffix not in (".csv", ".parquet"):
        raise SourceError(f"{path} ends in {path.suffix!r}. A catalogue is read as .csv or .parquet: save it as one.")
    if not path.is_file():
        raise SourceError(f"There is no file {path}. Check the name.")
    file = (_from_csv if path.suffix == ".csv" else _from_parquet)(path, progress or (lambda _: None))
    if not file.items.num_rows:
        raise SourceError(f"{path} holds no item. Export it again.")
    return file


def count_rows(path: Path) -> int | None:
    """About how many rows there are, for a progress bar; None where that cannot be told."""
    try:
        if path.suffix == ".parquet":
            return int(pq.read_metadata(path).num_rows)
        with path.open("rb") as file:
            return max(0, sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b"")) - 1)
    except (pa.ArrowException, OSError):
        return None


def _from_parquet(path: Path, progress: Callable[[int], None]) -> CatalogueFile:
    parts, done = [], 0
    for batch in read_parquet(path, SCHEMA, (ITEM_ID,)):
        parts.append(_filled(batch.events))
        done += batch.events.num_rows
        progress(done)
    return CatalogueFile(pa.concat_tables(parts) if parts else SCHEMA.empty_table())


def _from_csv(path: Path, progress: Callable[[int], None]) -> CatalogueFile:
    check_text(path, table=True)
    names = _header(path)
    parts: list[pa.Table] = []
    faults: list[Fault] = []
    lines = _Lines(path)
    done = 0
    try:
        for block in _blocks(path, names):
            lines.read(block)
            typed = {}
            for name in names:
                typed[name], wrong = read_cells(block[name].combine_chunks(), SCHEMA.field(name).type)
                for row, error in wrong:
                    who = block[ITEM_ID][row].as_py()
                    value = repr(block[name][row].as_py())
                    faults.append(Fault("", done + row, who, name, value, error.problem, error.remedy))
            parts.append(_filled(pa.table(typed)))
            done += block.num_rows
            progress(done)
    except pa.ArrowInvalid as error:
        raise SourceError(
            f"{path} is broken ({str(error)[:300]}). Nothing of it was taken; export it again, whole, or mend commas "
            "and quotes at that place."
        ) from error
    file = CatalogueFile(pa.concat_tables(parts) if parts else SCHEMA.empty_table(), faults, lines.numbers)
    placed = [Fault(file.place(f.row), f.row, f.item_id, f.column, f.value, f.problem, f.remedy) for f in faults]
    return CatalogueFile(file.items, sorted(placed, key=lambda fault: fault.row), lines.numbers)


def _blocks(path: Path, names: Sequence[str]) -> Iterator[pa.Table]:
    with pc_csv.open_csv(
        path,
        read_options=pc_csv.ReadOptions(
            block_size=_BLOCK_BYTES, use_threads=False, column_names=list(names), skip_rows=1
        ),
        parse_options=pc_csv.ParseOptions(newlines_in_values=True),
        convert_options=pc_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
        ),
    ) as reader:
        for batch in reader:
            yield pa.table(batch)


class _Lines:
    """The line on which each row begins; None where blank lines leave that open."""

    def __init__(self, path: Path) -> None:
        text = path.read_bytes()
        self._countable = b"\n\n" not in text and b"\n\r\n" not in text
        self._next = 2
        self._found: list[int] = []

    def read(self, block: pa.Table) -> None:
        """The next rows."""
        if not self._countable:
            return
        more = [pc.fill_null(pc.count_substring(column, "\n"), 0).to_numpy() for column in block.columns]
        for inside in sum(more[1:], more[0]).tolist():
            self._found.append(self._next)
            self._next += 1 + inside

    @property
    def numbers(self) -> list[int] | None:
        """All so far."""
        return self._found if self._countable else None


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        names = [name.strip() for name in next(csv.reader(file), [])]
    unknown = [name for name in names if name not in SCHEMA.names]
    if unknown:
        near = difflib.get_close_matches(unknown[0], SCHEMA.names, 1)
        hint = f" Is {unknown[0]!r} meant as {near[0]!r}?" if near else ""
        raise SourceError(
            f"{path}, line 1: unknown columns {unknown}.{hint} Rename them, or leave them out; known are "
            f"{', '.join(SCHEMA.names)}, with commas between them."
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or ITEM_ID not in names:
        what = f"columns {twice} are there twice" if twice else "there is no column item_id"
        raise SourceError(f"{path}, line 1: {what}. Correct the header; nothing was taken.")
    return names


def _filled(items: pa.Table) -> pa.Table:
    """With all columns of `SCHEMA`, absent ones null."""
    given = set(items.column_names)
    columns = [items[f.name] if f.name in given else pa.nulls(items.num_rows, f.type) for f in SCHEMA]
    return pa.table(columns, schema=pa.schema([f.with_nullable(True) for f in SCHEMA]))
