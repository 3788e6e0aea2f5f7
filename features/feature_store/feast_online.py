"""Feast's online store and compute engine over our packed records (`features/feature_store/online`).

The engine goes from the offline store straight to packed records, a batch of rows at a time; Feast's own way would make
one protobuf a cell. Both write only what is at least as new as what is there.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import ibis
import pyarrow as pa
import pyarrow.dataset as ds
from feast import Entity, FeatureView, RepoConfig
from feast.infra.common.materialization_job import MaterializationJobStatus, MaterializationTask
from feast.infra.compute_engines.local.compute import LocalComputeEngine
from feast.infra.compute_engines.local.job import LocalMaterializationJob
from feast.infra.online_stores.online_store import OnlineStore as FeastOnlineStore
from feast.infra.registry.base_registry import BaseRegistry
from feast.protos.feast.types.EntityKey_pb2 import EntityKey as EntityKeyProto
from feast.protos.feast.types.Value_pb2 import Value as ValueProto
from feast.repo_config import FeastConfigBaseModel

from features.columns import CUSTOMER_ID, EVENT_TIMESTAMP
from features.feature_store.feast_cells import KINDS, customer_of, from_proto, micros, to_proto
from features.feature_store.online.arrow_rows import micros_of, rows_of
from features.feature_store.online.complete import others_write
from features.feature_store.online.reading import OnlineFeatures
from features.feature_store.online.records import RecordSchema
from features.feature_store.online.store import OnlineStore, open_online
from features.feature_store.online.writing import OnlineWriter
from features.feature_store.settings import OnlineSettings, load_settings
from features.home import Home
from features.instants import to_us

_ROWS_AT_ONCE = 10_000
_READ_DEADLINE_SECONDS = 5.0  # who reads through Feast has waited for Feast already


class PackedOnlineStoreConfig(FeastConfigBaseModel):
    """Settings of the packed online store."""

    type: Literal["features.feature_store.feast_online.PackedOnlineStore"] = (
        "features.feature_store.feast_online.PackedOnlineStore"
    )
    root: str
    """The data folder; SQLite's records lie in its online database."""
    settings: OnlineSettings | None = None
    """Which store, and how; None: as `config/feature_store.yaml` in the data folder says."""


def record_schema(view: FeatureView) -> RecordSchema:
    """Names and types of a view's features, in order."""
    return RecordSchema(tuple(f.name for f in view.features), tuple(KINDS[f.dtype] for f in view.features))


class PackedOnlineStore(FeastOnlineStore):
    """One packed record a customer and view."""

    def __init__(self) -> None:
        self._open: tuple[PackedOnlineStoreConfig, OnlineSettings, OnlineStore] | None = None

    def online_write_batch(
        self,
        config: RepoConfig,
        table: FeatureView,
        data: list[tuple[EntityKeyProto, dict[str, ValueProto], datetime, datetime | None]],
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Write Feast's rows (`push`, or another engine); times lose what is below the second, as Feast's values do."""
        schema = record_schema(table)
        rows = (
            (customer_of(key), micros(at), micros(created) if created else 0, from_proto(schema, values))
            for key, values, at, created in data
        )
        _, store = self._store(config)
        if data:
            others_write(store, table.name, max(micros(at) for _, _, at, _ in data))
        OnlineWriter(_home(config), store=store).write(table.name, schema, rows)
        if progress:
            progress(len(data))

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKeyProto],
        requested_features: list[str] | None = None,
    ) -> list[tuple[datetime | None, dict[str, ValueProto] | None]]:
        """Feast's read; a record that is damaged, expired or of another schema is not found."""
        schema = record_schema(table)
        settings, store = self._store(config)
        reader = OnlineFeatures(
            _home(config), view=table.name, expected_schema=schema.hash, settings=settings, store=store
        )
        records = reader.read([customer_of(key) for key in entity_keys], datetime.now(UTC))  # Feast passes no time
        wanted = set(requested_features or schema.names)
        return [
            (None, None)
            if record is None or record.problem
            else (record.event_time, to_proto(schema, record.values, wanted))
            for record in records
        ]

    def update(
        self,
        config: RepoConfig,
        tables_to_delete: Sequence[FeatureView],
        tables_to_keep: Sequence[FeatureView],
        entities_to_delete: Sequence[Entity],
        entities_to_keep: Sequence[Entity],
        partial: bool,
    ) -> None:
        """Drop the records of deleted views; the store makes itself at the first write."""
        _, store = self._store(config)
        writer = OnlineWriter(_home(config), store=store)
        for view in tables_to_delete:
            writer.drop_view(view.name)

    def teardown(self, config: RepoConfig, tables: Sequence[FeatureView], entities: Sequence[Entity]) -> None:
        """Drop the records of all given views, and let go of the store."""
        self.update(config, tables, [], [], [], partial=False)
        self._close()

    async def close(self) -> None:
        """Let go of the store."""
        self._close()

    def _store(self, config: RepoConfig) -> tuple[OnlineSettings, OnlineStore]:
        """Kept open from call to call, and opened anew when the configuration has changed."""
        asked: PackedOnlineStoreConfig = config.online_store
        settings = _settings(config)
        if self._open is None or self._open[:2] != (asked, settings):
            self._close()
            opened = open_online(_home(config), settings, read_deadline_seconds=_READ_DEADLINE_SECONDS)
            self._open = asked, settings, opened
        return settings, self._open[2]

    def _close(self) -> None:
        if self._open is not None:
            self._open[2].close()
            self._open = None


class ArrowComputeEngine(LocalComputeEngine):
    """Materializes a view from the offline store to packed records, batch by batch; doing it again changes nothing."""

    def _materialize_one(
        self, registry: BaseRegistry, task: MaterializationTask, **kwargs: Any
    ) -> LocalMaterializationJob:
        view = task.feature_view
        job_id = f"{view.name}-{task.start_time}-{task.end_time}"
        schema = record_schema(view)
        try:
            source = view.batch_source
            assert source is not None and source.created_timestamp_column is not None, (
                "features/feature_store/definitions.py"
            )
            job = self.offline_store.pull_latest_from_table_or_query(
                config=self.repo_config,
                data_source=source,
                join_key_columns=[CUSTOMER_ID],
                feature_name_columns=list(schema.names),
                timestamp_field=source.timestamp_field,
                created_timestamp_column=source.created_timestamp_column,
                start_date=task.start_time,
                end_date=task.end_time,
            )
            store = open_online(_home(self.repo_config), _settings(self.repo_config))
            writer = OnlineWriter(_home(self.repo_config), store=store)
            try:
                others_write(store, view.name, to_us(task.end_time))
                for batch in _batches(job, _home(self.repo_config).feast):
                    times = micros_of(batch[EVENT_TIMESTAMP]), micros_of(batch[source.created_timestamp_column])
                    writer.write(view.name, schema, rows_of(batch, schema, *times))
            finally:
                writer.close()
        except Exception as error:  # Feast raises it from the job
            return LocalMaterializationJob(job_id=job_id, status=MaterializationJobStatus.ERROR, error=error)
        return LocalMaterializationJob(job_id=job_id, status=MaterializationJobStatus.SUCCEEDED)


def _batches(job: Any, staging: Path) -> Iterator[pa.RecordBatch]:
    """A retrieval job's rows: through files in a folder that every host sees from Spark, streamed from DuckDB."""
    if hasattr(job, "to_spark_df"):
        with TemporaryDirectory(dir=staging) as folder:
            job.to_spark_df().write.parquet(f"{folder}/rows")
            yield from ds.dataset(f"{folder}/rows").to_batches(batch_size=_ROWS_AT_ONCE)
    else:  # Ibis 12 would call what DuckDB 2 no longer has
        engine = ibis.get_backend(job.table)
        yield from engine.con.sql(engine.compile(job.table)).to_arrow_reader(_ROWS_AT_ONCE)


def _home(config: RepoConfig) -> Home:
    return Home(Path(config.online_store.root))


def _settings(config: RepoConfig) -> OnlineSettings:
    given: OnlineSettings | None = config.online_store.settings
    return given or load_settings(_home(config)).online
