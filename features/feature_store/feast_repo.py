"""Feast, set up from code: no feature_store.yaml, no `feast apply` from a shell, a registry always rebuilt."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
from feast import FeatureStore, RepoConfig

from features.feature_store.definitions import definitions
from features.feature_store.feast_offline import PointInTimeJob
from features.feature_store.feast_sources import offline_store
from features.feature_store.point_in_time_duckdb import Spine
from features.home import Home

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from features.feature_store.engines.spark import SparkEngine


def repo_config(home: Home, spark: "SparkEngine | None" = None) -> RepoConfig:
    """DuckDB offline (Spark where its engine is given), packed records online, Arrow in between.

    The registry is a file under `home.feast`.
    """
    return RepoConfig(
        project="tahdikas",
        provider="local",
        registry=str(home.feast / "registry.db"),
        offline_store=offline_store(home, spark),
        online_store={"type": "features.feature_store.feast_online.PackedOnlineStore", "root": str(home.root)},
        batch_engine={"type": "features.feature_store.feast_online.ArrowComputeEngine"},
        entity_key_serialization_version=3,
        repo_path=home.feast,
    )


def feature_store(home: Home, spark: "SparkEngine | None" = None) -> FeatureStore:
    """The feature store with a registry made anew from `features/feature_store/definitions.py`.

    An existing registry is deleted, not read: Feast runs code it finds in one. With Spark's engine, history is read on
    its session, and sees the snapshots that there are now.
    """
    home.feast.mkdir(parents=True, exist_ok=True)
    (home.feast / "registry.db").unlink(missing_ok=True)
    store = FeatureStore(config=repo_config(home, spark))
    store.apply(definitions(home, spark))
    return store


def training_rows(store: FeatureStore, service: str, spine: Spine | pd.DataFrame) -> PointInTimeJob:
    """Point-in-time features of a service for a spine with customer_id and event_timestamp, made when asked for.

    Rows out are the spine's rows in their order, its columns kept; docs/training-sets.md says what each row sees.
    """
    frame = isinstance(spine, pd.DataFrame)  # of which Feast would make a copy
    rows: Any = pa.Table.from_pandas(spine, preserve_index=False) if frame else spine
    job: Any = store.get_historical_features(
        entity_df=rows, features=store.get_feature_service(service), filter_by_created_timestamp=True
    )
    found: PointInTimeJob = job
    return found


def historical(store: FeatureStore, service: str, spine: Any) -> pa.Table:
    """The same as one Arrow table, from a store on either engine."""
    return training_rows(store, service, spine).to_arrow()


def historical_frame(store: FeatureStore, service: str, spine: "DataFrame") -> "DataFrame":
    """The same for a store on Spark, from a frame to a frame: no row of either comes to this process."""
    rows: Any = spine  # Feast's types know of pandas and SQL alone
    job: Any = store.get_historical_features(
        entity_df=rows, features=store.get_feature_service(service), filter_by_created_timestamp=True
    )
    found: DataFrame = job.to_spark_df()
    return found


def materialize_view(store: FeatureStore, views: Sequence[str], start: datetime, end: datetime) -> None:
    """Write the newest rows of `views` with event timestamps in [start, end] to the online store."""
    store.materialize(start, end, feature_views=list(views))
