"""Feast's offline store on Spark with our own point-in-time join: the same rows as on DuckDB, on many machines."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
from feast import FeatureView, RepoConfig
from feast.infra.offline_stores.contrib.spark_offline_store.spark import (
    SparkOfflineStore,
    SparkOfflineStoreConfig,
    SparkRetrievalJob,
    get_spark_session_or_start_new_with_repoconfig,
)
from feast.infra.offline_stores.offline_store import RetrievalMetadata
from feast.infra.registry.base_registry import BaseRegistry

from features.columns import EVENT_TIMESTAMP
from features.errors import DataError
from features.feature_store.feast_offline import history_of
from features.feature_store.point_in_time_spark import joined_frame

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from features.feature_store.point_in_time_duckdb import Spine

_PLACE = "tahdikas_place_in_the_spine"


class PointInTimeSparkOfflineStoreConfig(SparkOfflineStoreConfig):
    """Settings of the offline store; those of Feast's."""

    type: str = "features.feature_store.feast_offline_spark.PointInTimeSparkOfflineStore"


class PointInTimeSparkOfflineStore(SparkOfflineStore):
    """Training rows from a Spark frame, a query, a Parquet path, or a pandas or Arrow table.

    A pandas or Arrow table gets its rows back in its order; those of the others have none.
    """

    @staticmethod
    def get_historical_features(
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: "Spine | pd.DataFrame | DataFrame",
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = False,
        **_: Any,
    ) -> "PointInTimeSparkJob":
        """Nothing runs until the job is asked for rows."""
        session = get_spark_session_or_start_new_with_repoconfig(config.offline_store)
        histories = [history_of(view, feature_refs, filter_by_created_timestamp) for view in feature_views]
        tables = [session.sql(f"select * from {_table(view)}") for view in feature_views]
        spine, placed = _spine_frame(session, entity_df)
        joined = joined_frame(spine, list(zip(histories, tables, strict=True)), full=full_feature_names)
        keys = [name for name in spine.columns if name not in (EVENT_TIMESTAMP, _PLACE)]
        metadata = RetrievalMetadata(features=feature_refs, keys=keys)
        return PointInTimeSparkJob(session, joined, config, full_feature_names, metadata, placed=placed)


class PointInTimeSparkJob(SparkRetrievalJob):
    """Joined rows as a Spark frame, or brought to this process."""

    def __init__(
        self, session: Any, joined: "DataFrame", config: RepoConfig, full: bool, metadata: Any, *, placed: bool
    ) -> None:
        super().__init__(session, "", full, config, metadata=metadata)
        self._joined = joined.orderBy(_PLACE).drop(_PLACE) if placed else joined

    def to_spark_df(self) -> "DataFrame":
        """The rows, not run yet."""
        return self._joined

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:
        return self._joined.toArrow()

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:
        frame: pd.DataFrame = self._joined.toArrow().to_pandas(split_blocks=True, self_destruct=True)
        return frame


def _spine_frame(session: Any, spine: Any) -> tuple["DataFrame", bool]:
    """The spine as a Spark frame, and whether its rows carry their places."""
    if isinstance(spine, str):
        return session.sql(spine), False
    if isinstance(spine, Path):
        return session.read.parquet(str(spine)), False
    table = pa.Table.from_pandas(spine, preserve_index=False) if isinstance(spine, pd.DataFrame) else spine
    if not isinstance(table, pa.Table):
        frame: DataFrame = spine
        return frame, False
    place = pa.array(range(table.num_rows), pa.int64())
    return session.createDataFrame(table.append_column(_PLACE, place)), True


def _table(view: FeatureView) -> str:
    if view.batch_source is None:
        raise DataError(f"{view.name} has no source. Declare one.")
    return str(view.batch_source.get_table_query_string())
