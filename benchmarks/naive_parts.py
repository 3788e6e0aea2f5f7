"""What the naive stack serves: Feast's store filled, and two LightGBM models learned, from the same shop as ours.

The models are as large as ours (trees and leaves of params.yaml) and learn from the same snapshots and purchases: who
does not buy in 90 days, and which of the hundred most bought items she buys in 28. They are good enough to be timed;
nobody's quality is compared here.
"""

import contextlib
import io
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.load.shop import CANDIDATES, Shop
from benchmarks.naive import HELD, OBJECTS, VIEW
from features.feature_store.snapshots import BATCH, snapshot, snapshot_cutoffs
from features.home import Home

HORIZON, WINDOW = timedelta(days=90), timedelta(days=28)
ITEM_INPUTS = ("item_buyers", "item_recent", "item_price")
FEAST = """project: naive
provider: local
registry: {folder}/registry.db
online_store:
  type: sqlite
  path: {folder}/online.db
offline_store:
  type: file
entity_key_serialization_version: 3
"""


def naive_parts(shop: Shop, folder: Path) -> None:
    """Write everything `benchmarks.naive` needs into the folder."""
    from training.purchases import load_purchases

    folder.mkdir()
    purchases = load_purchases(shop.home).to_pandas()
    cutoffs = snapshot_cutoffs(shop.home, BATCH)
    learned_at = max(at for at in cutoffs if at + HORIZON <= cutoffs[-1])
    then, now = _features(shop.home, learned_at), _features(shop.home, cutoffs[-1])
    inputs = [name for name in then.columns if name != "customer_id" and then[name].notna().any()]
    _learn_churn(then, inputs, purchases, learned_at, folder)
    _learn_ranker(then, inputs, purchases, learned_at, folder)
    _items(purchases, cutoffs[-1]).to_parquet(folder / "items.parquet")
    _fill_feast(now[["customer_id", *inputs]].merge(_standing(shop), on="customer_id"), folder, cutoffs[-1])


def _features(home: Home, at: datetime) -> pd.DataFrame:
    """The numbers of the snapshot, customer by customer."""
    kept = snapshot(home, BATCH, at)
    assert kept is not None
    frame = pd.concat([pd.read_parquet(file) for file in kept.files], ignore_index=True)
    return pd.concat([frame[["customer_id"]], frame.select_dtypes("number").astype("float64")], axis=1)


def _standing(shop: Shop) -> pd.DataFrame:
    """Who is held and who objects now, as a nightly job would have put it beside the features."""
    from contextlib import closing

    from serving.core.question import Request
    from serving.service import DecisionService

    def asked(customer: str) -> Request:
        return Request(customer_id=customer, channel="web", placement="front_page", now=shop.moment)

    with closing(DecisionService(shop.home)) as service:
        read = service.read([asked(customer) for customer in shop.cast.customers])
    held = [float(any(hold.blocks("sales", "", "web") for hold in one.holds)) for one in read]
    objects = [float(one.consent("marketing", "web") in ("withdrawn", "objected")) for one in read]
    return pd.DataFrame({"customer_id": [one.customer_key for one in read], HELD: held, OBJECTS: objects})


def _items(purchases: pd.DataFrame, at: datetime) -> pd.DataFrame:
    """The hundred items most customers had bought by then."""
    known = purchases[purchases["occurred_at"] < at]
    recent = known[known["occurred_at"] >= at - timedelta(days=60)].groupby("item_id")["customer_id"].nunique()
    items = known.groupby("item_id").agg(item_buyers=("customer_id", "nunique"), item_price=("paid", "mean"))
    items["item_recent"] = recent.reindex(items.index).fillna(0)
    most = items.sort_values("item_buyers", ascending=False, kind="stable").head(CANDIDATES)
    return most.astype("float64").reset_index()


def _learn_churn(frame: pd.DataFrame, inputs: list[str], purchases: pd.DataFrame, at: datetime, folder: Path) -> None:
    after = purchases[(purchases["occurred_at"] >= at) & (purchases["occurred_at"] < at + HORIZON)]
    left = ~frame["customer_id"].isin(after["customer_id"])
    _learn(frame[inputs], left.to_numpy(), leaves=8, rounds=300, into=folder / "churn")
    (folder / "churn_inputs.json").write_text(json.dumps(inputs), "utf-8")


def _learn_ranker(frame: pd.DataFrame, inputs: list[str], purchases: pd.DataFrame, at: datetime, folder: Path) -> None:
    after = purchases[(purchases["occurred_at"] >= at) & (purchases["occurred_at"] < at + WINDOW)]
    bought = set(zip(after["customer_id"], after["item_id"], strict=True))
    people = frame[frame["customer_id"].isin(after["customer_id"])]
    pairs = people.merge(_items(purchases, at), how="cross")
    wanted = [(c, i) in bought for c, i in zip(pairs["customer_id"], pairs["item_id"], strict=True)]
    both = [*ITEM_INPUTS, *inputs]
    _learn(pairs[both], np.array(wanted), leaves=15, rounds=200, into=folder / "ranker")
    (folder / "ranker_inputs.json").write_text(json.dumps(both), "utf-8")


def _learn(rows: pd.DataFrame, wanted: Any, *, leaves: int, rounds: int, into: Path) -> None:
    import lightgbm
    import mlflow.lightgbm

    told = {"objective": "binary", "num_leaves": leaves, "learning_rate": 0.05, "verbosity": -1, "num_threads": 1}
    model = lightgbm.train(told | {"seed": 7}, lightgbm.Dataset(rows, wanted), rounds)
    mlflow.lightgbm.save_model(model, str(into), pip_requirements=["lightgbm"])


def _fill_feast(frame: pd.DataFrame, folder: Path, at: datetime) -> None:
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource
    from feast.types import Float64, String
    from feast.value_type import ValueType

    (folder / "feature_store.yaml").write_text(FEAST.format(folder=folder), "utf-8")
    frame = frame.assign(event_timestamp=pd.Timestamp(at))
    frame.to_parquet(folder / "features.parquet")
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
    names = [name for name in frame.columns if name not in ("customer_id", "event_timestamp")]
    view = FeatureView(
        name=VIEW,
        entities=[customer],
        ttl=timedelta(0),
        schema=[Field(name="customer_id", dtype=String), *(Field(name=name, dtype=Float64) for name in names)],
        source=FileSource(path=str(folder / "features.parquet"), timestamp_field="event_timestamp"),
        online=True,
    )
    store = FeatureStore(repo_path=str(folder))
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        store.apply([customer, view])
        store.write_to_online_store(VIEW, frame)
