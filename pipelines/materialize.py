"""Features for training and for serving: snapshots at cutoffs, and the newest of them to the online store."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from features.customer.hold_rules import HoldRules
from features.errors import DataError
from features.feature_store.engines import Engine
from features.feature_store.engines.duckdb import DuckDBEngine
from features.feature_store.engines.spark import SparkEngine
from features.feature_store.engines.spark_session import SparkSettings
from features.feature_store.settings import load_settings
from features.feature_store.snapshots import BATCH, STATE, Snapshot, snapshot
from features.home import Home
from features.log.event_log import EventLog
from features.log.lake import only_writer
from pipelines.bring_online import bring_online
from pipelines.snapshot_sources import sources
from pipelines.snapshots import build_batch
from pipelines.state_snapshots import build_state
from serving.core.policy import load_policy

Progress = Callable[[str], None]


def build_snapshots(
    home: Home,
    cutoffs: Sequence[datetime],
    progress: Progress | None = None,
    *,
    rules: HoldRules | None = None,
    kinds: Sequence[str] = (BATCH, STATE),
    increments: bool = True,
) -> list[Snapshot]:
    """Batch and state snapshots at each cutoff; returns them, batch ones first.

    A snapshot is kept while nothing that it should know changed, mended where little did, and made anew where code or
    rules changed; snapshots at other cutoffs that cannot be mended are removed, so that none can reach a training set.
    Live events count once they are in the lake (`EventLog.flush_live`). Without `increments` those at `cutoffs` are
    made whole. Raises `DataError` if a lake file is gone or was cut, `HomeError` if another process builds for longer
    than a minute.
    """
    say = progress or (lambda _: None)
    wanted = sorted({c.astimezone(UTC) for c in cutoffs})
    scratch = home.features / ".scratch"
    with EventLog(home) as log, only_writer(home, of="features"):
        shutil.rmtree(scratch, ignore_errors=True)  # what a killed building left
        with engine(home, scratch) as chosen, sources(home, log, chosen, scratch) as given:
            build_batch(given, wanted, say, increments=increments)
            if STATE in kinds:
                told = rules or load_policy(home).file.holds
                build_state(home, log, wanted, told, given.touched, say, spark=_as_spark(chosen), increments=increments)
        shutil.rmtree(scratch, ignore_errors=True)
    found = [snapshot(home, kind, cutoff) for kind in (BATCH, STATE) if kind in kinds for cutoff in wanted]
    return [one for one in found if one is not None]


@contextmanager
def engine(home: Home, scratch: Path) -> Iterator[Engine]:
    """The engine that `config/feature_store.yaml` names; it spills into `scratch`."""
    told = load_settings(home).offline
    chosen: Engine
    if told.engine == "spark":
        settings = SparkSettings(told.spark_master, told.memory_limit_gb, told.spark_conf, scratch=scratch)
        chosen = SparkEngine(settings)
    else:
        chosen = DuckDBEngine(scratch, memory_gb=told.memory_limit_gb)
    try:
        yield chosen
    finally:
        chosen.close()


def _as_spark(chosen: Engine) -> SparkEngine | None:
    return chosen if isinstance(chosen, SparkEngine) else None


def materialize(
    home: Home, as_of: datetime, *, whole: bool = False, progress: Progress | None = None, now: datetime | None = None
) -> int:
    """Make the batch features as of `as_of` the ones that serving reads; returns how many customers have some.

    Only what is new since the last time is computed and written where there was one shortly before; with `whole`, all
    is computed and written anew, which heals what was damaged. Records that are newer stay. `now` is the time of
    writing (None: the clock's). Raises `DataError` if nobody is known by then.
    """
    (one,) = build_snapshots(home, [as_of], progress, kinds=[BATCH], increments=not whole)
    if one.manifest.rows == 0:
        raise DataError(f"No customer is known as of {as_of:%Y-%m-%d %H:%M} UTC. Ingest events first, or ask later.")
    if progress:
        progress(f"Online features of {one.manifest.rows} customers")
    bring_online(home, one, now or datetime.now(UTC), whole=whole)
    return one.manifest.rows
