"""All that batch snapshots are made of, opened on one engine: the events, links, categories and erasures of a log."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

from features.catalogue import ITEM_SCHEMA
from features.columns import CUSTOMER_ID, EVENT_SCHEMA, TIME
from features.feature_store import touched
from features.feature_store.engines import Engine
from features.home import Home
from features.log.event_log import LINK_SCHEMA, EventLog
from features.log.lake import LakeFile, checked_paths

SEEN = {
    "links": pa.schema([("anonymous_id", pa.string()), (CUSTOMER_ID, pa.string())]),
    "items": pa.schema([("item_id", pa.string()), ("category", pa.string()), ("valid_from", TIME)]),
    "erased": pa.schema([(CUSTOMER_ID, pa.string()), ("anonymous_id", pa.string())]),
}
CUSTOMERS = pa.schema([(CUSTOMER_ID, pa.string())])


@dataclass
class Sources:
    """All that batch snapshots are made of, opened on one engine."""

    home: Home
    engine: Engine
    scratch: Path
    files: list[LakeFile]
    facts: int
    catalogue: str
    events: Any
    links: Any
    items: Any | None
    erased: Any
    silent: bool
    """Whether visitors whom nobody may know are among the erased."""
    touched: dict[datetime, Path | None] = field(default_factory=dict)
    """By cutoff, whom this building computed again: a folder of customer_id; None stands for everyone."""

    @property
    def position(self) -> int:
        """The newest run of the lake."""
        return max((file.run for file in self.files), default=0)

    def lake(self, position: int) -> str:
        """A hash of the files up to a run."""
        sums = sorted(file.sha256 for file in self.files if file.run <= position)
        return sha256("\n".join(sums).encode()).hexdigest()

    def since(self, position: int) -> Any:
        """The events of runs after a position."""
        paths = [self.home.root / file.path for file in self.files if file.run > position]
        return self.engine.parquet(paths, EVENT_SCHEMA.empty_table())

    def seen(self, what: str, at: datetime) -> Any:
        """What a snapshot at `at` sees of `links`, `items` or `erased`."""
        if what == "links":
            return touched.links_seen(self.links, at)
        if what == "erased":
            return self.erased
        if self.items is None:
            return ibis.memtable(SEEN["items"].empty_table())
        return touched.items_seen(self.items, at)

    def compute(self, events: Any, present: Mapping[datetime, Iterable[str]]) -> Any:
        """Batch features by `events` at cutoffs, by the types of event the log holds, without anybody erased."""
        if self.silent:
            events = touched.of_nobody_erased(events, self.erased)
        given = self.engine.compute(events, self.links, self.items, sorted(present), presence=touched.presence(present))
        return given.anti_join(self.erased, CUSTOMER_ID)

    def folder(self) -> Path:
        """A new scratch folder."""
        return Path(tempfile.mkdtemp(dir=self.scratch))


@contextmanager
def sources(home: Home, log: EventLog, engine: Engine, scratch: Path) -> Iterator[Sources]:
    """Open all that batch snapshots are made of; raises `DataError` if a lake file is gone or was cut."""
    folder = Path(tempfile.mkdtemp(dir=scratch))
    facts, files = log.position(), log.listed_files()
    events = engine.parquet(checked_paths(home, files), EVENT_SCHEMA.empty_table())
    log.write_links(folder / "links.parquet")
    links = engine.parquet([folder / "links.parquet"], LINK_SCHEMA.empty_table())
    gone = folder / "erased"
    gone.mkdir()
    engine.write(touched.erased(events, links), gone)
    erased = engine.parquet(sorted(gone.glob("*.parquet")), SEEN["erased"].empty_table())
    yield Sources(
        home,
        engine,
        folder,
        files,
        facts,
        sha256(home.catalogue.read_bytes()).hexdigest() if home.catalogue.exists() else "",
        events,
        links,
        engine.parquet([home.catalogue], ITEM_SCHEMA.empty_table()) if home.catalogue.exists() else None,
        erased,
        bool(engine.rows(erased.filter(erased.anonymous_id.notnull()).limit(1))),
    )
