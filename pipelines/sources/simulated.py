"""The simulated shop as a source: what `pipelines.simulate` exported as its log and catalogue, never its truth."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.catalogue import ITEM_SCHEMA
from features.columns import EVENT_SCHEMA
from features.errors import SourceError
from pipelines.sources.base import SourceBatch

BATCH_ROWS = 200_000
_NAME = re.compile(r"(\d{4}-\d{2})-part-(\d+)\.parquet")


class Simulated:
    """Reads a folder written by `tahdikas simulate`."""

    name = "simulated"
    lag = timedelta(0)
    missing: tuple[str, ...] = ()

    def batches(self, path: Path) -> Iterator[SourceBatch]:
        """The log in order of months, some whole files a batch; raises `SourceError` for what is not such a folder."""
        waiting: list[pa.Table] = []
        rows = 0
        for file in _files(path):
            table = _read(file, EVENT_SCHEMA)
            if waiting and rows + table.num_rows > BATCH_ROWS:
                yield SourceBatch(pa.concat_tables(waiting))
                waiting, rows = [], 0
            waiting.append(table)
            rows += table.num_rows
        if waiting:
            yield SourceBatch(pa.concat_tables(waiting))

    def items(self, path: Path) -> pa.Table:
        """The shop's catalogue."""
        return _read(path / "items.parquet", ITEM_SCHEMA)

    def total_rows(self, path: Path) -> int:
        """Rows of the log, from the files' footers."""
        return sum(_footer(file).num_rows for file in _files(path))


def _files(path: Path) -> list[Path]:
    files = sorted(f for f in (path / "events").glob("*.parquet") if _NAME.fullmatch(f.name))
    if not files:
        raise SourceError(
            f"{path} holds no simulated shop (no events/YYYY-MM-part-NNN.parquet). "
            "Make one with `tahdikas simulate --out DIR`, and name that DIR."
        )
    return files


def _footer(file: Path) -> pq.FileMetaData:
    try:
        return pq.read_metadata(file)
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceError(f"{file} cannot be read ({error}). Simulate the shop again into an empty folder.") from error


def _read(file: Path, schema: pa.Schema) -> pa.Table:
    try:
        table = pq.read_table(file)
        return table.select(schema.names).cast(schema)
    except (pa.ArrowInvalid, KeyError, ValueError, OSError) as error:
        raise SourceError(f"{file} cannot be read ({error}). Simulate the shop again into an empty folder.") from error
