"""What Feast is told: the customer, her two feature views, and one feature service a model."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from feast import Entity, FeatureService, FeatureView, Field
from feast.types import Float64, Int64, PrimitiveFeastType, String, UnixTimestamp
from feast.value_type import ValueType

from features.columns import CUSTOMER_ID
from features.customer.view import STATE_FEATURES
from features.feature_store.batch import BATCH_FEATURES, FLOAT, INT, TEXT, TIME
from features.feature_store.feast_sources import snapshot_source
from features.feature_store.online.records import BATCH_VIEW
from features.feature_store.snapshots import BATCH, STATE
from features.home import Home

if TYPE_CHECKING:
    from features.feature_store.engines.spark import SparkEngine

STATE_VIEW = "customer_state"
SERVICES = {"churn_v1": (BATCH_VIEW, STATE_VIEW), "next_offer_v1": (BATCH_VIEW, STATE_VIEW)}
FOR_EVER = timedelta(0)  # Feast: unlimited; lapsed customers are the ones we model

_TYPES: dict[str, PrimitiveFeastType] = {INT: Int64, FLOAT: Float64, TEXT: String, TIME: UnixTimestamp}


def definitions(home: Home, spark: "SparkEngine | None" = None) -> list[Any]:
    """Entity, views and services over the snapshots under `home`, as Spark reads them where its engine is given."""
    customer = Entity(name="customer", join_keys=[CUSTOMER_ID], value_type=ValueType.STRING)
    batch = FeatureView(
        name=BATCH_VIEW,
        entities=[customer],
        ttl=FOR_EVER,
        schema=[_key(), *(Field(name=s.name, dtype=_TYPES[s.dtype]) for s in BATCH_FEATURES.values())],
        source=snapshot_source(home, BATCH, spark),
        online=True,
    )
    state = FeatureView(
        name=STATE_VIEW,
        entities=[customer],
        ttl=FOR_EVER,
        schema=[_key(), *(Field(name=name, dtype=Float64) for name in STATE_FEATURES)],
        source=snapshot_source(home, STATE, spark),
        online=False,  # the live end is the state itself, viewed at the moment of the decision
    )
    views = {BATCH_VIEW: batch, STATE_VIEW: state}
    services = [FeatureService(name=name, features=[views[v] for v in of]) for name, of in SERVICES.items()]
    return [customer, batch, state, *services]


def _key() -> Field:
    return Field(name=CUSTOMER_ID, dtype=String)
