"""Feast's online store and compute engine over our packed records (`features/feature_store/online.py`).

The engine goes from the offline store's Arrow table straight to packed records; Feast's own way would make one protobuf
a cell. Both write only what is at least as new as what is there.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from feast import Entity, FeatureView, RepoConfig
from feast.infra.common.materialization_job import MaterializationJobStatus, MaterializationTask
from feast.infra.compute_engines.local.compute import LocalComputeEngine
from feast.infra.compute_engines.local.job import LocalMaterializationJob
from feast.infra.online_stores.online_store import OnlineStore
from feast.infra.registry.base_registry import BaseRegistry
from feast.protos.feast.types.EntityKey_pb2 import EntityKey as EntityKeyProto
from feast.protos.feast.types.Value_pb2 import Value as ValueProto
from feast.repo_config import FeastConfigBaseModel
from feast.types import Float64, Int64, String, UnixTimestamp

from features.columns import CUSTOMER_ID, EVENT_TIMESTAMP, TIME
from features.feature_store.online import OnlineFeatures, OnlineWriter, RecordSchema
from features.home import Home

_KINDS: dict[Any, str] = {Int64: "int64", Float64: "float64", String: "string", UnixTimestamp: "timestamp"}
_PROTO_FIELDS = {
    "int64": "int64_val",
    "float64": "double_val",
    "string": "string_val",
    "timestamp": "unix_timestamp_val",
}
_NO_TIME = -(2**63)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class PackedOnlineStoreConfig(FeastConfigBaseModel):
    """Settings of the packed online store."""

    type: Literal["features.feature_store.feast_online.PackedOnlineStore"] = (
        "features.feature_store.feast_online.PackedOnlineStore"
    )
    root: str
    """The data folder; records lie in its online database."""


def record_schema(view: FeatureView) -> RecordSchema:
    """Names and types of a view's features, in order."""
    return RecordSchema(tuple(f.name for f in view.features), tuple(_KINDS[f.dtype] for f in view.features))


class PackedOnlineStore(OnlineStore):
    """One packed record a customer and view."""

    def online_write_batch(
        self,
        config: RepoConfig,
        table: FeatureView,
        data: list[tuple[EntityKeyProto, dict[str, ValueProto], datetime, datetime | None]],
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Write Feast's rows (`push`, or another engine); times lose what is below the second, as Feast's values do."""
        schema = record_schema(table)
        writer = OnlineWriter(_home(config).online_db)
        try:
            writer.write(
                table.name,
                schema,
                (
                    (_customer(key), _micros(at), _micros(created) if created else 0, _from_proto(schema, values))
                    for key, values, at, created in data
                ),
            )
        finally:
            writer.close()
        if progress:
            progress(len(data))

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKeyProto],
        requested_features: list[str] | None = None,
    ) -> list[tuple[datetime | None, dict[str, ValueProto] | None]]:
        """Feast's read; a record that is damaged or of another schema is not found."""
        schema = record_schema(table)
        reader = OnlineFeatures(_home(config), view=table.name, expected_schema=schema.hash, deadline_seconds=5.0)
        try:
            records = reader.read([_customer(key) for key in entity_keys])
        finally:
            reader.close()
        wanted = set(requested_features or schema.names)
        return [
            (None, None)
            if record is None or record.problem
            else (record.event_time, _to_proto(schema, record.values, wanted))
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
        """Make the database; drop the records of deleted views."""
        writer = OnlineWriter(_home(config).online_db)
        for view in tables_to_delete:
            writer.drop_view(view.name)
        writer.close()

    def teardown(self, config: RepoConfig, tables: Sequence[FeatureView], entities: Sequence[Entity]) -> None:
        """Drop the records of all given views."""
        self.update(config, tables, [], [], [], partial=False)


class ArrowComputeEngine(LocalComputeEngine):
    """Materializes a view from the offline store's Arrow table to packed records, in one transaction."""

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
            table = job.to_arrow()
            writer = OnlineWriter(_home(self.repo_config).online_db)
            try:
                writer.write(view.name, schema, _packed_rows(table, schema, source.created_timestamp_column))
            finally:
                writer.close()
        except Exception as error:  # Feast raises it from the job
            return LocalMaterializationJob(job_id=job_id, status=MaterializationJobStatus.ERROR, error=error)
        return LocalMaterializationJob(job_id=job_id, status=MaterializationJobStatus.SUCCEEDED)


def _packed_rows(
    table: pa.Table, schema: RecordSchema, created: str
) -> Iterator[tuple[str, int, int, list[int | float | str | None]]]:
    for batch in table.to_batches(max_chunksize=10_000):
        columns = [
            _micros_of(batch[name]) if kind == "timestamp" else batch[name].to_pylist()
            for name, kind in zip(schema.names, schema.types, strict=True)
        ]
        heads = batch[CUSTOMER_ID].to_pylist(), _micros_of(batch[EVENT_TIMESTAMP]), _micros_of(batch[created])
        for customer, at, sequence, *values in zip(*heads, *columns, strict=True):
            yield customer, at, sequence, values


def _micros_of(column: pa.Array) -> list[Any]:
    micros: list[Any] = column.cast(TIME).cast(pa.int64()).to_pylist()
    return micros


def _micros(at: datetime) -> int:
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MICROSECOND


def _customer(key: EntityKeyProto) -> str:
    return str(key.entity_values[0].string_val)


def _from_proto(schema: RecordSchema, values: dict[str, ValueProto]) -> list[int | float | str | None]:
    return [_cell(kind, values.get(name)) for name, kind in zip(schema.names, schema.types, strict=True)]


def _cell(kind: str, cell: ValueProto | None) -> int | float | str | None:
    """Absent is an empty cell, or what Feast makes of a missing pandas time or number."""
    if cell is None or cell.WhichOneof("val") is None:
        return None
    value: int | float | str = getattr(cell, _PROTO_FIELDS[kind])
    if value != value or (kind == "timestamp" and value == _NO_TIME):
        return None
    return int(value) * 1_000_000 if kind == "timestamp" else value


def _to_proto(schema: RecordSchema, values: dict[str, Any], wanted: set[str]) -> dict[str, ValueProto]:
    cells = {}
    for name, kind in zip(schema.names, schema.types, strict=True):
        if name in wanted:
            value = values[name]
            cells[name] = cell = ValueProto()
            if value is not None:
                setattr(cell, _PROTO_FIELDS[kind], int(value) if kind == "timestamp" else value)
    return cells


def _home(config: RepoConfig) -> Home:
    return Home(Path(config.online_store.root))
