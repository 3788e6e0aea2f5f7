"""What a source converter is: raw files of one shop's system in, canonical events and catalogue items out."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from features.log.rejects import Reason, Reject, SourceBatch

__all__ = ["Reason", "Reject", "Source", "SourceBatch"]


class Source(Protocol):
    """A kind of input `tahdikas ingest --source NAME` understands.

    `lag` is the declared delay between an event and our learning of it, where the raw data do not say (received_at =
    occurred_at + lag); it is shown in every report. `missing` says in plain words what this source cannot tell.
    """

    @property
    def name(self) -> str: ...

    @property
    def lag(self) -> timedelta: ...

    @property
    def missing(self) -> tuple[str, ...]: ...

    def batches(self, path: Path) -> Iterator[SourceBatch]:
        """Events in batches of some ten thousand rows, with the rows that could not be converted.

        Raises `SourceError` where the file as a whole is not what it was said to be (absent, truncated, undecodable, a
        column missing), naming file, place and remedy; nothing of it is then kept.
        """
        ...

    def items(self, path: Path) -> pa.Table | None:
        """Catalogue rows (`features.catalogue.ITEM_SCHEMA`), or None if the source has none."""
        ...

    def total_rows(self, path: Path) -> int | None:
        """How many raw rows there are, for progress; None if that is not known without reading everything."""
        ...
