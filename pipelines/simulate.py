"""Simulates a shop: its events and catalogue as a source would export them, and the truth behind them, apart."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.columns import EVENT_SCHEMA
from features.errors import DataError
from pipelines.shop.catalogue import Catalogue, items_table, make_catalogue
from pipelines.shop.chunk import Chunk, live_chunk
from pipelines.shop.log import month_tables
from pipelines.shop.parameters import PARAMETERS, Parameters
from pipelines.shop.truth import truth_tables

CHUNK = 10_000
DEFAULT_START = date(2024, 11, 1)
DEFAULT_DAYS = 730
DICTIONARY = [f.name for f in EVENT_SCHEMA if f.type == pa.string() and f.name not in ("event_id", "facts")]


@dataclass
class SimulationReport:
    """What was simulated; `events` counts rows by type, the planted duplicates included."""

    customers: int
    seed: int
    start: date
    days: int
    items: int = 0
    rows: int = 0
    events: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def end(self) -> date:
        """The first day after the simulated time."""
        return self.start + timedelta(days=self.days)

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps({**asdict(self), "end": self.end}, default=str)

    def __str__(self) -> str:
        kinds = ", ".join(f"{n:,} {t}" for t, n in sorted(self.events.items(), key=lambda e: -e[1]))
        return (
            f"Simulated {self.customers:,} customers of a shop of {self.items} items from {self.start} to {self.end}: "
            f"{self.rows:,} events ({self.rows / self.customers:.0f} a customer) in {self.seconds:.1f} s: {kinds}"
        )


def simulate(
    out: Path,
    *,
    customers: int,
    seed: int,
    start: date = DEFAULT_START,
    days: int = DEFAULT_DAYS,
    progress: Callable[[int], None] | None = None,
    parameters: Parameters = PARAMETERS,
) -> SimulationReport:
    """Write `out`/events/*.parquet, `out`/items.parquet and `out`/truth/*.parquet; the same arguments, the same bytes.

    Events are what the shop has learnt before midnight UTC of `start` + `days`. `progress` is called with the number of
    customers done so far. Earlier contents of those three are replaced. Raises `DataError` for impossible sizes.
    """
    if customers < 1 or days < 28:
        raise DataError(
            f"A shop of {customers} customers over {days} days cannot be simulated: ask for >= 1 and >= 28."
        )
    began = time.perf_counter()
    for folder in (out / "events", out / "truth"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    shop, *seeds = np.random.SeedSequence(seed).spawn(1 + -(-customers // CHUNK))
    catalogue = make_catalogue(np.random.default_rng(shop))
    pq.write_table(items_table(catalogue, start), out / "items.parquet", compression="zstd")
    report = SimulationReport(customers, seed, start, days, items=catalogue.size)
    with ThreadPoolExecutor(1) as writer:
        pending: Future[None] | None = None
        for number, child in enumerate(seeds):
            first = number * CHUNK
            chunk = live_chunk(
                child,
                catalogue,
                parameters,
                start=start,
                days=days,
                number=number,
                first=first,
                size=min(CHUNK, customers - first),
            )
            if pending:
                pending.result()
            pending = writer.submit(_write, out, chunk, catalogue, report)
            if progress:
                progress(first + chunk.customers.size)
        if pending:
            pending.result()
    report.events = dict(sorted(report.events.items()))
    report.seconds = time.perf_counter() - began
    return report


def _write(out: Path, chunk: Chunk, catalogue: Catalogue, report: SimulationReport) -> None:
    for name, table in _files(chunk, catalogue, report):
        pq.write_table(
            table,
            out / name,
            compression="zstd",
            compression_level=1,
            use_dictionary=DICTIONARY if name.startswith("events") else True,
        )


def _files(chunk: Chunk, catalogue: Catalogue, report: SimulationReport) -> Iterator[tuple[str, pa.Table]]:
    part = f"part-{chunk.number:03d}"
    for month, table, counts in month_tables(chunk):
        report.rows += table.num_rows
        for event_type, count in counts.items():
            report.events[event_type] = report.events.get(event_type, 0) + count
        yield f"events/{month}-{part}.parquet", table
    for name, table in truth_tables(chunk, catalogue):
        yield f"truth/{name}-{part}.parquet", table
