"""A retraining as one writes it in an afternoon: the log's Parquet in pandas, churn by LightGBM, popularity.

`python -m benchmarks.yardsticks.plain_retrain HOME` prints one JSON object. Counts by type of event over 30, 90 and 365
days, recency, tenure and spending at a cutoff; horizon, population and the cutoff that judges are the product's. It
learns a horizon earlier. No calibration, no choice, no intervals, no checks, no texts, no sessions, no states of cases;
what was received late is taken as known, what visitors did before they were known is left out.
"""

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq

from training.metrics import auc

COLUMNS = ["customer_id", "type", "occurred_at", "lines"]
WINDOWS_DAYS = (30, 90, 365)
HALF_LIFE_DAYS = 30.0


def retrain(home: Path) -> dict[str, Any]:
    """The AUC of churn on the newest cutoff, how many customers that has, and the ten most popular items."""
    prepared = json.loads((home / "models" / "prepared.json").read_text("utf-8"))
    horizon, as_of = timedelta(days=prepared["horizon_days"]), pd.Timestamp(prepared["as_of"])
    newest = pd.Timestamp(prepared["churn_cutoffs"][0])
    log = read_log(home)
    rows, told = _rows(log, newest - horizon, horizon)
    inputs, truth = _rows(log, newest, horizon)
    settings = {"objective": "binary", "num_leaves": 31, "learning_rate": 0.05, "num_threads": 1, "verbose": -1}
    trees = lightgbm.train(settings, lightgbm.Dataset(rows, told), 200)
    score = np.asarray(trees.predict(inputs.reindex(columns=rows.columns, fill_value=0.0)))
    return {"auc": auc(truth, score), "customers": len(inputs), "popular": popular(log, as_of)}


def read_log(home: Path) -> pd.DataFrame:
    """All events of known customers, `COLUMNS`."""
    files = sorted((home / "lake").glob("day=*/*.parquet"))
    parts = [pq.read_table(file, columns=COLUMNS, partitioning=None).to_pandas() for file in files]
    log: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return log.dropna(subset=["customer_id"])


def popular(log: pd.DataFrame, as_of: pd.Timestamp) -> list[str]:
    """The ten items bought most, a purchase halved every 30 days."""
    bought = log[(log["type"] == "purchase") & (log["occurred_at"] < as_of)]
    lines = bought[["occurred_at", "lines"]].explode("lines")
    weight = 0.5 ** ((as_of - lines["occurred_at"]).dt.total_seconds() / 86_400 / HALF_LIFE_DAYS)
    items = lines["lines"].map(lambda line: line["item_id"])
    return [str(item) for item in weight.groupby(items).sum().nlargest(10).index]


def _rows(log: pd.DataFrame, cutoff: pd.Timestamp, horizon: timedelta) -> tuple[pd.DataFrame, npt.NDArray[np.float64]]:
    """Inputs of everybody who had bought by the cutoff, and 1 for each who did not buy in the horizon after it."""
    past = log[log["occurred_at"] < cutoff]
    orders = past[past["type"] == "purchase"]
    by_customer = orders.groupby("customer_id")["occurred_at"]
    spent = orders["lines"].map(lambda lines: sum(line["quantity"] * line["unit_price"] for line in lines))
    told = {
        "recency": (cutoff - by_customer.max()).dt.total_seconds(),
        "tenure": (cutoff - by_customer.min()).dt.total_seconds(),
        "orders": by_customer.size(),
        "spent": spent.groupby(orders["customer_id"]).sum(),
    }
    for days in WINDOWS_DAYS:
        recent = past[past["occurred_at"] >= cutoff - timedelta(days=days)]
        counts = recent.groupby(["customer_id", "type"]).size().unstack(fill_value=0)
        told |= {f"{kind}_{days}d": counts[kind] for kind in counts}
    inputs = pd.DataFrame(told).reindex(by_customer.size().index).fillna(0.0).sort_index(axis="columns")
    after = log[(log["type"] == "purchase") & (log["occurred_at"] >= cutoff) & (log["occurred_at"] < cutoff + horizon)]
    return inputs, (~inputs.index.isin(after["customer_id"])).astype(np.float64)


if __name__ == "__main__":
    print(json.dumps(retrain(Path(sys.argv[1]))))  # noqa: T201
