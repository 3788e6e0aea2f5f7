"""Feast, set up from code: no feature_store.yaml, no `feast apply` from a shell, a registry always rebuilt."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from feast import FeatureStore, RepoConfig

from features.feature_store.definitions import definitions
from features.home import Home


def repo_config(home: Home) -> RepoConfig:
    """DuckDB offline, packed records online, Arrow in between; the registry is a file under `home.feast`."""
    return RepoConfig(
        project="tahdikas",
        provider="local",
        registry=str(home.feast / "registry.db"),
        offline_store={"type": "duckdb"},
        online_store={"type": "features.feature_store.feast_online.PackedOnlineStore", "root": str(home.root)},
        batch_engine={"type": "features.feature_store.feast_online.ArrowComputeEngine"},
        entity_key_serialization_version=3,
        repo_path=home.feast,
    )


def feature_store(home: Home) -> FeatureStore:
    """The feature store with a registry made anew from `features/feature_store/definitions.py`.

    An existing registry is deleted, not read: Feast runs code it finds in one.
    """
    home.feast.mkdir(parents=True, exist_ok=True)
    (home.feast / "registry.db").unlink(missing_ok=True)
    store = FeatureStore(config=repo_config(home))
    store.apply(definitions(home))
    return store


def historical(store: FeatureStore, service: str, spine: Any) -> Any:
    """Point-in-time features of a service for a pandas `spine` of (customer_id, event_timestamp, ...).

    A row sees the latest snapshot with `event_timestamp` and `created_timestamp` at or before its own time. Rows come
    in any order.
    """
    job = store.get_historical_features(
        entity_df=spine, features=store.get_feature_service(service), filter_by_created_timestamp=True
    )
    return job.to_arrow()


def materialize_view(store: FeatureStore, views: Sequence[str], start: datetime, end: datetime) -> None:
    """Write the newest rows of `views` with event timestamps in [start, end] to the online store."""
    store.materialize(start, end, feature_views=list(views))
