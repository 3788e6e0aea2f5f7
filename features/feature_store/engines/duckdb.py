"""DuckDB: batch features on one machine, in bounded memory; what does not fit is spilled to the disk."""

import shutil
import tempfile
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import ibis

from features.catalogue import ITEM_SCHEMA
from features.columns import EVENT_SCHEMA
from features.feature_store.batch import compute, cutoffs_with_windows
from features.feature_store.batch_relations.known import PRESENCE_SCHEMA
from features.log.event_log import LINK_SCHEMA

_INPUT = "tahdikas_input_"
ROWS_A_GROUP = 100_000


class DuckDBEngine:
    """One DuckDB in this process. `memory_gb` bounds what it keeps in memory (None: DuckDB's own choice)."""

    name = "duckdb"

    def __init__(self, scratch: Path, *, memory_gb: float | None = None, threads: int | None = None) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        self._spill = Path(tempfile.mkdtemp(prefix=".spill-", dir=scratch))
        settings: dict[str, Any] = {"temp_directory": str(self._spill), "preserve_insertion_order": False}
        if memory_gb is not None:
            settings["memory_limit"] = f"{memory_gb}GB"
        if threads is not None:
            settings["threads"] = threads
        self._numbers = count()
        self.connection = ibis.duckdb.connect(**settings)

    def parquet(self, files: Sequence[Path], empty: Any) -> Any:
        """See `Engine`."""
        if not files:
            return ibis.memtable(empty)
        return self.connection.read_parquet([str(file) for file in files], hive_partitioning=False)

    def compute(self, events: Any, links: Any, items: Any | None, cutoffs: Sequence[datetime], *, presence: Any) -> Any:
        """See `Engine`. The query is put together once in a process; making its text takes longer than a small shop."""
        number = next(self._numbers)
        given = {"events": events, "links": links, "presence": presence, "cutoffs": cutoffs_with_windows(cutoffs)}
        for name, table in {**given, **({} if items is None else {"items": items})}.items():
            self.connection.create_view(f"{_INPUT}{number}_{name}", table)
        query = _query(items is not None).replace(_INPUT, f"{_INPUT}{number}_")
        self.connection.raw_sql(f"create view {_INPUT}{number}_features as {query}")
        return self.connection.table(f"{_INPUT}{number}_features")

    def write(self, expression: Any, folder: Path, *, order_by: Sequence[str] = ()) -> None:
        """See `Engine`; writes one part."""
        view = self.connection.create_view(ibis.util.gen_name("written"), expression)
        order = f" order by {', '.join(order_by)}" if order_by else ""
        path = str(folder / "part-00000.parquet").replace("'", "''")
        self.connection.raw_sql(
            f"copy (select {_exact(expression.schema())} from {view.get_name()}{order}) to '{path}'"
            f" (format parquet, compression zstd, row_group_size {ROWS_A_GROUP})"
        )
        self.connection.raw_sql(f"drop view {view.get_name()}")

    def rows(self, expression: Any) -> list[dict[str, Any]]:
        """See `Engine`."""
        found: list[dict[str, Any]] = self.connection.to_pyarrow(expression).to_pylist()
        return found

    def close(self) -> None:
        """See `Engine`."""
        self.connection.disconnect()
        shutil.rmtree(self._spill, ignore_errors=True)


@cache
def _query(with_items: bool) -> str:
    """The SQL of `batch.compute` over tables that are named `_INPUT` and what they are."""
    with closing(duckdb.connect()) as raw:
        connection = ibis.duckdb.from_connection(raw)
        schemas = {"events": EVENT_SCHEMA, "links": LINK_SCHEMA, "presence": PRESENCE_SCHEMA, "items": ITEM_SCHEMA}
        for name, schema in schemas.items():
            raw.register(f"{_INPUT}{name}", schema.empty_table())
        raw.register(f"{_INPUT}cutoffs", connection.to_pyarrow(cutoffs_with_windows([])))
        made = {name: connection.table(f"{_INPUT}{name}") for name in (*schemas, "cutoffs")}
        items = made["items"] if with_items else None
        expression = compute(made["events"], made["links"], items, made["cutoffs"], presence=made["presence"])
        return f"select {_exact(expression.schema())} from ({connection.compile(expression)})"


def _exact(schema: Any) -> str:
    """Columns as the types Ibis says they have: DuckDB sums integers to 128 bits, which Parquet keeps as floats."""
    return ", ".join(f'"{n}"::bigint as "{n}"' if kind.is_int64() else f'"{n}"' for n, kind in schema.items())
