"""Churn by recency, by frequency, by a logistic of log-RFM and returns, by BG/NBD, and by boosted trees.

Churn: no purchase in [cutoff, cutoff + horizon). Population: everyone with at least one purchase before the cutoff.
The supervised ones learn at the train cutoff, whose labels are over by the test cutoff, and never see what follows it.
"""

from dataclasses import dataclass
from datetime import datetime

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.purchases import DAY_SECONDS, Purchases
from training.bgnbd import BgNbd, fit_bgnbd

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

WEEK_DAYS = 7.0
LOG_RFM = ["recency_days", "orders", "paid", "age_days", "returns"]
WINDOWS = (7, 28, 91)


@dataclass(frozen=True)
class ChurnScores:
    """Probabilities of churn per yardstick, `[customers]`, in the order of `customers` (numbers of `Purchases`)."""

    customers: npt.NDArray[np.int64]
    churned: Flags
    scores: dict[str, Floats]
    bgnbd: BgNbd


def rfm(purchases: Purchases, cutoff: datetime) -> pd.DataFrame:
    """One row a customer who bought before the cutoff, indexed by customer number, sorted.

    recency_days, age_days since the last and first order; orders; paid (major units); returns; days (distinct days with
    an order); first_day, last_day (whole days, for BG/NBD); orders_7d, orders_28d, orders_91d; items.
    """
    past = purchases.before(cutoff)
    moment = cutoff.timestamp()
    orders = past.lines.groupby(["customer", "order"], sort=True).agg(at=("at", "first"), paid=("paid", "sum"))
    orders = orders.reset_index()
    orders["day"] = np.floor(orders["at"] / DAY_SECONDS)
    of = orders.groupby("customer", sort=True)
    found = pd.DataFrame(
        {
            "recency_days": (moment - of["at"].max()) / DAY_SECONDS,
            "age_days": (moment - of["at"].min()) / DAY_SECONDS,
            "orders": of.size().astype(float),
            "paid": of["paid"].sum() / 100,
            "days": of["day"].nunique().astype(float),
            "first_day": of["day"].min(),
            "last_day": of["day"].max(),
            "items": past.lines.groupby("customer")["item"].nunique().astype(float),
        }
    )
    found["returns"] = past.returns.groupby("customer").size().reindex(found.index, fill_value=0).astype(float)
    for days in WINDOWS:
        recent = orders[orders["at"] >= moment - days * DAY_SECONDS].groupby("customer").size()
        found[f"orders_{days}d"] = recent.reindex(found.index, fill_value=0).astype(float)
    return found


def churned(purchases: Purchases, customers: npt.ArrayLike, cutoff: datetime, horizon_days: int) -> Flags:
    """True for customers without an order in [cutoff, cutoff + horizon)."""
    came = purchases.within(cutoff, horizon_days)["customer"].unique()
    return ~np.isin(np.asarray(customers), came)


def score_yardsticks(
    purchases: Purchases, *, train: datetime, test: datetime, horizon_days: int, seed: int = 7
) -> ChurnScores:
    """All yardsticks, for everyone who bought before `test`; `ValueError` if train labels reach beyond `test`."""
    if train.timestamp() + horizon_days * DAY_SECONDS > test.timestamp():
        raise ValueError(f"Labels of {train:%Y-%m-%d} + {horizon_days} days are not known by {test:%Y-%m-%d}.")
    then, now = rfm(purchases, train), rfm(purchases, test)
    lapsed = churned(purchases, then.index, train, horizon_days)
    model = fit_bgnbd(*weeks(now, test))
    scores = {
        "recency": _logistic(then, now, lapsed, ["recency_days"]),
        "frequency": _logistic(then, now, lapsed, ["orders"]),
        "BG/NBD": model.silent(*weeks(now, test), ahead=horizon_days / WEEK_DAYS),
        "boosted trees": _trees(then, now, lapsed, seed),
        "logistic on log-RFM + returns": _logistic(then, now, lapsed, LOG_RFM),
    }
    return ChurnScores(now.index.to_numpy(np.int64), churned(purchases, now.index, test, horizon_days), scores, model)


def weeks(frame: pd.DataFrame, cutoff: datetime) -> tuple[Floats, Floats, Floats]:
    """(x, t_x, T) of BG/NBD in weeks, from the frame of `rfm`: an order day counts once."""
    today = cutoff.timestamp() / DAY_SECONDS
    x = frame["days"].to_numpy() - 1
    t_x = (frame["last_day"] - frame["first_day"]).to_numpy() / WEEK_DAYS
    return x, t_x, (today - frame["first_day"]).to_numpy() / WEEK_DAYS


def _logistic(then: pd.DataFrame, now: pd.DataFrame, lapsed: Flags, names: list[str]) -> Floats:
    """A logistic on log1p of the named columns; with one column its order is that column's own."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(_logs(then, names), lapsed)
    return np.asarray(model.predict_proba(_logs(now, names))[:, 1])


def _logs(frame: pd.DataFrame, names: list[str]) -> Floats:
    return np.asarray(np.log1p(np.maximum(frame[names].to_numpy(), 0)))


def _trees(then: pd.DataFrame, now: pd.DataFrame, lapsed: Flags, seed: int) -> Floats:
    """Small LightGBM, untuned: log-RFM, returns, items, order days, and orders of the last 7, 28 and 91 days."""
    names = [*LOG_RFM, "items", "days", *(f"orders_{days}d" for days in WINDOWS)]
    settings = {
        "objective": "binary",
        "num_leaves": 15,
        "learning_rate": 0.05,
        "min_data_in_leaf": 20,
        "seed": seed,
        "deterministic": True,
        "num_threads": 1,
        "verbose": -1,
    }
    model = lgb.train(settings, lgb.Dataset(then[names].to_numpy(), lapsed.astype(float)), num_boost_round=100)
    return np.asarray(model.predict(now[names].to_numpy()))
