"""The shop's catalogue: a file taken in whole or not at all, the one in place checked, written out again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq

from features.catalogue import as_items, changing, load_items, merged_with, put_items
from features.catalogue_checks import COSTS, Fault, faults_of, unsaid, warnings_of
from features.catalogue_loops import Loop, loops_of
from features.columns import ITEM_ID, TIME
from features.errors import DataError, SourceError
from features.home import Home
from pipelines.catalogue_file import read_catalogue

TOLD = 20
TOLD_JSON = 1000


@dataclass(frozen=True)
class CatalogueReport:
    """What was found in `rows` rows, and whether they are in the catalogue now (`taken`)."""

    name: str
    rows: int
    faults: list[str]
    warnings: list[str]
    unsaid: dict[str, int] = field(default_factory=dict)
    taken: bool = False
    new_items: int = 0
    items: int = 0
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """For machines; at most a thousand faults and warnings are named, all are counted."""
        told = {"faults": self.faults[:TOLD_JSON], "warnings": self.warnings[:TOLD_JSON]}
        counts = {"fault_count": len(self.faults), "warning_count": len(self.warnings)}
        return {"name": self.name, "rows": self.rows, "taken": self.taken, "new_items": self.new_items} | {
            "items": self.items, "seconds": round(self.seconds, 2), "unsaid": self.unsaid
        } | counts | told  # fmt: skip

    def __str__(self) -> str:
        if self.faults:
            return "\n".join([*_told(self.faults, "fault"), f"{self.name}: not in order. Correct the above."])
        lines = _told(self.warnings, "warning")
        for name, count in self.unsaid.items():
            lines.append(f"{count} of {self.rows} rows do not say {name}: {COSTS[name]}.")
        took = f"{self.rows} rows taken, {self.new_items} items new" if self.taken else f"{self.rows} rows in order"
        return "\n".join([*lines, f"{self.name}: {took}; {self.items} items in all. {self.seconds:.1f} s"])


def import_items(
    home: Home,
    path: Path,
    *,
    now: datetime,
    valid_from: datetime | None = None,
    check_only: bool = False,
    progress: Callable[[int], None] | None = None,
) -> CatalogueReport:
    """Take a file's rows into the catalogue, all or, where anything is wrong with any, none.

    Rows that name no valid_from get the one given. A row that says whether the item is in stock says it of now, or of
    its valid_from where that is later, unless it names its stock_at. Raises `SourceError` for a file broken as a whole.
    """
    started = perf_counter()
    file = read_catalogue(path, progress)
    items = _dated(file.items, valid_from, now)
    faults = [*file.faults, *faults_of(items, file.place)]
    with changing(home):
        old = load_items(home)
        merged, loops = old, list[Loop]()
        if not faults:
            merged = merged_with(old, as_items(items))
            loops = loops_of(merged)
        own = set(items[ITEM_ID].to_pylist())
        told = [f"{path}: {fault}" for fault in sorted(faults, key=lambda one: one.row)]
        told += [f"{path}: {_of_loop(loop)}" for loop in loops if own.intersection(loop.items)]
        warned = [str(one) for one in warnings_of(items, file.place, _ids(merged))] if not faults else []
        warned += [_of_loop(loop) for loop in loops if not own.intersection(loop.items)]
        if not told and not check_only:
            put_items(home, merged)
    return CatalogueReport(
        name=path.name,
        rows=items.num_rows,
        faults=told,
        warnings=warned,
        unsaid=unsaid(items),
        taken=not told and not check_only,
        new_items=len(_ids(merged)) - len(_ids(old)),
        items=len(_ids(merged)),
        seconds=perf_counter() - started,
    )


def refuse_faulty(items: pa.Table, name: str) -> None:
    """Raise `SourceError` with what is wrong with a source's items (any of the catalogue's columns), if anything is."""
    rows = as_items(items)
    found = [str(one) for one in faults_of(rows, lambda row: f"item row {row + 1}")]
    found = found or [_of_loop(loop) for loop in loops_of(rows)]
    if found:
        more = f" And {len(found) - 1} more." if len(found) > 1 else ""
        raise SourceError(f"{name}: {found[0]}{more} Nothing was taken.")


def check_catalogue(home: Home) -> CatalogueReport:
    """What is wrong with the catalogue in place, however it came there."""
    started = perf_counter()
    items = load_items(home)
    if not items.num_rows:
        raise DataError("There is no catalogue. Import one: tahdikas catalogue import FILE.")

    def place(row: int) -> str:
        since = items["valid_from"][row].as_py()
        return "the row without valid_from" if since is None else f"the row from {since:%Y-%m-%d %H:%M} on"

    faults: list[Fault] = faults_of(items, place)
    return CatalogueReport(
        name="catalogue",
        rows=items.num_rows,
        faults=[*map(str, faults), *(_of_loop(loop) for loop in loops_of(items))],
        warnings=[str(one) for one in warnings_of(items, place, _ids(items))],
        unsaid=unsaid(items),
        items=len(_ids(items)),
        seconds=perf_counter() - started,
    )


def export_items(home: Home, path: Path, at: datetime | None = None) -> int:
    """Write the catalogue as a file that `import_items` takes: every row, or each item as it is `at` a moment."""
    items = load_items(home, at)
    if path.suffix == ".parquet":
        pq.write_table(items, path, compression="zstd")
    elif path.suffix == ".csv":
        columns = {f.name: _as_text(items[f.name]) for f in items.schema}
        pc_csv.write_csv(pa.table(columns), path, pc_csv.WriteOptions(quoting_style="needed"))
    else:
        raise DataError(f"{path} ends in {path.suffix!r}. Name a .csv or a .parquet file.")
    return int(items.num_rows)


def _dated(items: pa.Table, valid_from: datetime | None, now: datetime) -> pa.Table:
    since = items["valid_from"]
    if valid_from is not None:
        since = pc.fill_null(since, pa.scalar(valid_from, TIME))
    moment = pa.scalar(now, TIME)
    read = pc.if_else(pc.fill_null(pc.greater(since, moment), False), since, moment)
    said = pc.if_else(pc.is_valid(items["in_stock"]), pc.coalesce(items["stock_at"], read), items["stock_at"])
    items = items.set_column(items.schema.get_field_index("valid_from"), "valid_from", since)
    return items.set_column(items.schema.get_field_index("stock_at"), "stock_at", said)


def _as_text(column: pa.ChunkedArray) -> Any:
    if pa.types.is_list(column.type):
        lists = column.combine_chunks()
        if pc.any(pc.match_substring(lists.values.cast(pa.string()), "|")).as_py():
            raise DataError("An item id has a bar in it, which CSV keeps between ids. Name a .parquet file instead.")
        texts = pa.ListArray.from_arrays(lists.offsets, lists.values.cast(pa.string()), mask=pc.is_null(lists))
        joined = pc.binary_join(texts, "|")
        return pc.if_else(pc.equal(joined, ""), None, joined)
    if column.type == TIME:
        return pc.strftime(column, "%Y-%m-%dT%H:%M:%SZ")
    return column


def _ids(items: pa.Table) -> Any:
    return pc.unique(items[ITEM_ID])


def _of_loop(loop: Loop) -> str:
    return f"{loop}: a loop. Take one of these {loop.relation} out."


def _told(found: list[str], kind: str) -> list[str]:
    more = [f"... and {len(found) - TOLD} more {kind}s"] if len(found) > TOLD else []
    return [*(f"{kind}: {one}" for one in found[:TOLD]), *more]
