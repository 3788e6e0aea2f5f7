"""Where Feast reads snapshots from: files for its DuckDB store, a view of the session for its Spark store.

Each of the two stores refuses the other's kind of source; one factory makes them, so that nothing else need know.
"""

from typing import TYPE_CHECKING

import pyarrow as pa
from feast import FileSource
from feast.data_format import ParquetFormat
from feast.data_source import DataSource

from features.columns import CREATED_TIMESTAMP, CUSTOMER_ID, EVENT_TIMESTAMP
from features.columns import TIME as INSTANT
from features.customer.state_features import STATE_FEATURES
from features.feature_store.batch import BATCH_FEATURES, FLOAT, INT, TEXT, TIME
from features.feature_store.snapshots import BATCH, STATE, snapshot_files, snapshot_glob
from features.home import Home

if TYPE_CHECKING:
    from features.feature_store.engines.spark import SparkEngine

_ARROW = {INT: pa.int64(), FLOAT: pa.float64(), TEXT: pa.string(), TIME: INSTANT}


def offline_store(home: Home, spark: "SparkEngine | None") -> dict[str, str]:
    """Feast's setting of the store that goes with the sources; Spark's uses the engine's session, being the active."""
    if spark is None:
        return {"type": "features.feature_store.feast_offline.PointInTimeOfflineStore", "root": str(home.root)}
    return {"type": "features.feature_store.feast_offline_spark.PointInTimeSparkOfflineStore"}


def snapshot_source(home: Home, kind: str, spark: "SparkEngine | None") -> DataSource:
    """The snapshots of a kind that there are now: for Spark's store where its engine is given, else for DuckDB's."""
    name = f"{kind}_snapshots"
    if spark is None:
        return FileSource(
            name=name,
            path=snapshot_glob(home, kind),
            file_format=ParquetFormat(),
            timestamp_field=EVENT_TIMESTAMP,
            created_timestamp_column=CREATED_TIMESTAMP,
        )
    from feast.infra.offline_stores.contrib.spark_offline_store.spark_source import SparkSource

    spark.read(snapshot_files(home, kind), snapshot_schema(kind).empty_table()).createOrReplaceTempView(name)
    return SparkSource(
        name=name, table=name, timestamp_field=EVENT_TIMESTAMP, created_timestamp_column=CREATED_TIMESTAMP
    )


def snapshot_schema(kind: str) -> pa.Schema:
    """The columns of the snapshots of a kind."""
    features = {
        BATCH: {name: _ARROW[spec.dtype] for name, spec in BATCH_FEATURES.items()},
        STATE: dict.fromkeys(STATE_FEATURES, pa.float64()),
    }[kind]
    keys = {CUSTOMER_ID: pa.string(), EVENT_TIMESTAMP: INSTANT}
    return pa.schema([*keys.items(), *features.items(), (CREATED_TIMESTAMP, INSTANT)])
