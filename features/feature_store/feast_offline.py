"""Feast's offline store on DuckDB with our own point-in-time join behind the same feature services.

Everything else is Feast's DuckDB store; of snapshots, only the parts that are whole and listed are read by either.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from feast import FeatureView, FileSource, RepoConfig
from feast.data_source import DataSource
from feast.infra.offline_stores.duckdb import DuckDBOfflineStore, DuckDBOfflineStoreConfig
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage
from feast.infra.offline_stores.ibis import pull_latest_from_table_or_query_ibis
from feast.infra.offline_stores.offline_store import RetrievalJob, RetrievalMetadata
from feast.infra.registry.base_registry import BaseRegistry
from feast.saved_dataset import SavedDatasetStorage
from feast.types import Float64, Int64, String, UnixTimestamp

from features.columns import EVENT_TIMESTAMP
from features.errors import DataError
from features.feature_store.point_in_time import History, check_spine, joined_names
from features.feature_store.point_in_time_duckdb import Spine, join_engine, join_query, spine_columns
from features.feature_store.snapshots import BATCH, STATE, snapshot_files, snapshot_glob
from features.home import Home

ROWS_AT_ONCE = 50_000
_SQL_TYPES: dict[Any, str] = {Int64: "bigint", Float64: "double", String: "varchar", UnixTimestamp: "timestamptz"}


class PointInTimeOfflineStoreConfig(DuckDBOfflineStoreConfig):
    """Settings of the offline store."""

    type: str = "features.feature_store.feast_offline.PointInTimeOfflineStore"
    root: str | None = None
    """The data folder, whose snapshots are read by their lists; None: sources are read as they name files."""
    memory_gb: float | None = 1.5
    """What DuckDB may keep in memory before it spills to the disk; None: DuckDB's own choice."""
    threads: int | None = None
    """None: as many as there are cores."""


class PointInTimeOfflineStore(DuckDBOfflineStore):
    """Training rows exact to the microsecond, in the spine's order, from a pandas or Arrow table, a file or a query."""

    @staticmethod
    def get_historical_features(
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: Spine | pd.DataFrame,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = False,
    ) -> "PointInTimeJob":
        """Nothing is read but the spine's column names until the job is asked for rows."""
        frame = isinstance(entity_df, pd.DataFrame)
        spine = pa.Table.from_pandas(entity_df, preserve_index=False) if frame else entity_df
        if not isinstance(spine, pa.Table | Path | str):
            raise DataError(f"A spine is a pandas or Arrow table, a Parquet path or a query, not {type(spine)}.")
        views = [(history_of(view, feature_refs, filter_by_created_timestamp), view) for view in feature_views]
        return PointInTimeJob(config, spine, feature_refs, views, full_feature_names)

    @staticmethod
    def pull_latest_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None,
        start_date: datetime,
        end_date: datetime,
    ) -> RetrievalJob:
        """Feast's own, over the files that count."""
        return pull_latest_from_table_or_query_ibis(
            config=config,
            data_source=data_source,
            join_key_columns=join_key_columns,
            feature_name_columns=feature_name_columns,
            timestamp_field=timestamp_field,
            created_timestamp_column=created_timestamp_column,
            start_date=start_date,
            end_date=end_date,
            data_source_reader=lambda source, _: _read(config, source),
            data_source_writer=lambda *_: None,
        )


class PointInTimeJob(RetrievalJob):
    """Joined rows, made when asked for: streamed, as one table, or into a Parquet file."""

    def __init__(
        self,
        config: RepoConfig,
        spine: Spine,
        refs: Sequence[str],
        views: Sequence[tuple[History, FeatureView]],
        full_names: bool,
    ) -> None:
        self._config, self._spine, self._views, self._full = config, spine, views, full_names
        with self._engine() as connection:
            names = list(spine_columns(connection, spine))
        told = [history for history, _ in views]
        check_spine(names, told)
        self._names = [*names, *(name for own in joined_names(names, told, full=full_names) for name in own)]
        self._metadata = RetrievalMetadata(features=list(refs), keys=[n for n in names if n != EVENT_TIMESTAMP])

    @contextmanager
    def batches(self, rows: int = ROWS_AT_ONCE) -> Iterator[pa.RecordBatchReader]:
        """A reader of the joined rows, so many at a time; its schema is that of the result."""
        with self._engine() as connection:
            columns = spine_columns(connection, self._spine)
            views = [(history, self._files(view), _sql_types(view)) for history, view in self._views]
            reader = connection.sql(join_query(connection, columns, views)).to_arrow_reader(rows)
            schema = self._schema(reader.schema)
            renamed = (pa.RecordBatch.from_arrays(_cast(batch, schema), schema=schema) for batch in reader)
            yield pa.RecordBatchReader.from_batches(schema, renamed)

    def write_parquet(self, path: Path) -> int:
        """Write the joined rows to one file, a batch at a time, and say how many there are."""
        draft, written = path.with_name(f".{path.name}.draft"), 0
        try:
            with self.batches() as reader, pq.ParquetWriter(draft, reader.schema, compression="zstd") as writer:
                for batch in reader:
                    writer.write_batch(batch)
                    written += batch.num_rows
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        return written

    def persist(self, storage: SavedDatasetStorage, allow_overwrite: bool = False, timeout: int | None = None) -> None:
        """Feast's saved data sets, as one Parquet file; raises `FileExistsError` rather than overwriting unasked."""
        assert isinstance(storage, SavedDatasetFileStorage), "Feast's DuckDB store saves files"
        path = Path(storage.file_options.uri)
        if path.exists() and not allow_overwrite:
            raise FileExistsError(f"{path} is there already. Remove it, or allow overwriting.")
        self.write_parquet(path)

    @property
    def full_feature_names(self) -> bool:
        """Whether all features carry their view's name."""
        return self._full

    @property
    def on_demand_feature_views(self) -> list[Any]:
        """None: Feast would run code it keeps in its registry."""
        return []

    @property
    def metadata(self) -> RetrievalMetadata:
        """What was asked for."""
        return self._metadata

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:
        with self.batches() as reader:
            return reader.read_all()

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:
        frame: pd.DataFrame = self._to_arrow_internal().to_pandas(split_blocks=True, self_destruct=True)
        return frame

    def _files(self, view: FeatureView) -> list[Path]:
        assert view.batch_source is not None, "history_of refuses such a view"
        return source_files(self._config, view.batch_source)

    def _schema(self, found: pa.Schema) -> pa.Schema:
        """The result's names; an Arrow spine's columns keep their types."""
        kept = list(self._spine.schema.types) if isinstance(self._spine, pa.Table) else []
        types = [*kept, *found.types[len(kept) :]]
        return pa.schema(list(zip(self._names, types, strict=True)))

    @contextmanager
    def _engine(self) -> Iterator[Any]:
        settings = self._config.offline_store
        try:
            with join_engine(self._config.repo_path, settings.memory_gb, settings.threads) as connection:
                yield connection
        except duckdb.Error as error:
            raise DataError(
                f"The point-in-time join failed: {error} Look at the spine's columns; build torn snapshots again."
            ) from error


def history_of(view: FeatureView, refs: Sequence[str], known_by_created: bool) -> History:
    """What the join must know of a view of which the features in `refs` (`view:feature`) are wanted.

    Raises `DataError` for what is not joined here: renamed columns, features made on demand, views without a source.
    """
    source = view.batch_source
    if source is None or source.field_mapping:
        raise DataError(f"{view.name} has no source, or one that renames columns. Name the columns as the features.")
    name = str(view.projection.name_to_use())  # type: ignore[no-untyped-call]
    keys = view.projection.join_key_map or {column.name: column.name for column in view.entity_columns}
    return History(
        view=name,
        keys=tuple(keys.items()),
        event=source.timestamp_field,
        created=source.created_timestamp_column or None,
        ttl=view.ttl,
        features=tuple(ref.split(":")[1] for ref in refs if ref.split(":")[0] == name),
        ordering=tuple(feature.name for feature in view.features),
        known_by_created=known_by_created,
    )


def source_files(config: RepoConfig, source: DataSource) -> list[Path]:
    """The Parquet files of a source: of snapshots those that are whole and listed; of another, its path's.

    Such a path is a folder, a file, or a folder with a pattern of files; relative ones start at Feast's folder.
    """
    assert isinstance(source, FileSource), "features/feature_store/feast_sources.py makes these"
    if config.offline_store.root is not None:
        home = Home(Path(config.offline_store.root))
        for kind in (BATCH, STATE):
            if source.path == snapshot_glob(home, kind):
                return snapshot_files(home, kind)
    path = Path(config.repo_path or ".") / source.path
    return sorted(path.rglob("*.parquet") if path.is_dir() else path.parent.glob(path.name))


def _read(config: RepoConfig, source: DataSource) -> Any:
    files = source_files(config, source)
    if not files:
        raise DataError(f"There are no files of {source.name}. Build them with `tahdikas snapshots`.")
    return ibis.duckdb.connect().read_parquet([str(file) for file in files], hive_partitioning=False)


def _sql_types(view: FeatureView) -> dict[str, str]:
    return {feature.name: _SQL_TYPES.get(feature.dtype, "varchar") for feature in view.features}


def _cast(batch: pa.RecordBatch, schema: pa.Schema) -> list[pa.Array]:
    return [
        column if column.type == kind else column.cast(kind)
        for column, kind in zip(batch.columns, schema.types, strict=True)
    ]
