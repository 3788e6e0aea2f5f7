"""Where batch features are computed: DuckDB on one machine, Spark on many, from the same expressions."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

__all__ = ["Engine"]


class Engine(Protocol):
    """Runs Ibis expressions over Parquet files; what grows with customers stays in the engine and on the disk."""

    name: str

    def parquet(self, files: Sequence[Path], empty: Any) -> Any:
        """The rows of Parquet files as one Ibis table; those of `empty`, an Arrow table, where there are no files."""

    def compute(self, events: Any, links: Any, items: Any | None, cutoffs: Sequence[datetime], *, presence: Any) -> Any:
        """`batch.compute` over tables of this engine."""

    def write(self, expression: Any, folder: Path, *, order_by: Sequence[str] = ()) -> None:
        """Run an expression into Parquet parts `part-*.parquet` in a folder, in this order over all parts."""

    def rows(self, expression: Any) -> list[dict[str, Any]]:
        """Run an expression of a small result."""

    def close(self) -> None:
        """Let go of what the engine holds."""
