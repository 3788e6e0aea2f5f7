"""The product's next-offer model alone: learned by the product's own steps, and the scores it gives its candidates."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.measure import Spent, spent
from benchmarks.product import PARAMS, describe_model
from benchmarks.purchases import Purchases
from benchmarks.yardsticks.orders import Orders, Scorer
from features.home import Home
from features.inputs.candidates import SOURCES, ItemTable
from features.inputs.scoring import read_model
from training.params import read_params


@dataclass(frozen=True)
class ProductRanker:
    """Scored candidates of everyone known: `rows` has customer, item (numbers of `Purchases`), source bits, score."""

    rows: pd.DataFrame
    spent: dict[str, Spent]
    model: str

    def scorer(self, orders: Orders) -> Scorer:
        """Scores of every item of `orders`, minus infinity for what is no candidate."""
        who, what, kept = _placed(self.rows, orders)
        order = np.argsort(who, kind="stable")
        score = self.rows["score"].to_numpy()[kept][order]
        who, what = who[order], what[order]
        start = np.searchsorted(who, np.arange(len(orders.customers) + 1))

        def scores(wanted: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
            found = np.full((len(wanted), len(orders.items)), -np.inf)
            for row, customer in enumerate(wanted.tolist()):
                own = slice(start[customer], start[customer + 1])
                found[row, what[own]] = score[own]
            return found

        return scores

    def candidate_recall(self, truth: pd.DataFrame) -> dict[str, float]:
        """Share of the items bought that were candidates, mean over customers: of all sources, and of each alone."""
        told = truth.merge(self.rows[["customer", "item", "source"]], how="left", on=["customer", "item"])
        bits = told["source"].fillna(0).to_numpy(np.int64)
        found = {"all": bits > 0} | {name: (bits & bit) > 0 for bit, name in SOURCES.items()}
        return {name: float(pd.Series(hit).groupby(told["customer"]).mean().mean()) for name, hit in found.items()}


def run_ranker(
    root: Path, *, source: str, path: Path, as_of: datetime, now: datetime
) -> Callable[[Purchases], ProductRanker]:
    """Ingest, prepare and train the next offer as of `as_of` by the product's own steps, scoring everyone's candidates.

    What it returns names customers and items by the numbers of a `Purchases`, which need not be in memory meanwhile.
    """
    from training.purchases import load_purchases
    from training.ranker import candidate_frame
    from training.retrieval import connect, histories

    home, training = learn_ranker(root, source=source, path=path, as_of=as_of, now=now)
    with spent() as scoring:
        folder = home.models / "next_offer"
        model, table = read_model(folder, "ranker"), ItemTable.load(folder / "items.npz")
        with connect(load_purchases(home)) as con:
            customers, bought = histories(con, as_of, table)
        frame = candidate_frame(bought, table, as_of)
        score = model.raw(frame.inputs, frame.names)
    names, items = np.array(customers, object), table.item_id.astype(object)
    return lambda purchases: ProductRanker(
        pd.DataFrame(
            {
                "customer": _numbers(names[frame.customer], purchases.customer_ids),
                "item": _numbers(items[frame.item], purchases.item_ids),
                "source": frame.source.astype(np.int64),
                "score": score,
            }
        ),
        {"training": training, "scoring everyone": scoring},
        describe_model(model.spec),
    )


def learn_ranker(root: Path, *, source: str, path: Path, as_of: datetime, now: datetime) -> tuple[Home, Spent]:
    """A home whose `models/next_offer` was learned as of `as_of` by the product's own steps, and what learning took."""
    from pipelines.ingest import ingest
    from pipelines.retraining.next_offer import train_next_offer
    from pipelines.retraining.prepare import prepare

    home, params = Home.open(root), read_params(PARAMS)
    ingest(home, source, path, now=now, progress=None)
    prepare(home, as_of, params)
    with spent() as training:
        train_next_offer(home, params)
    return home, training


def _numbers(names: npt.NDArray[np.object_], ids: npt.NDArray[np.object_]) -> npt.NDArray[np.int64]:
    """The number of each name among `ids`; -1 where it is not there."""
    return pd.Index(ids).get_indexer(pd.Index(names)).astype(np.int64)


def _placed(rows: pd.DataFrame, orders: Orders) -> tuple[npt.NDArray[Any], ...]:
    """Rows of customers and items in `orders`, and which of `rows` have both."""
    kept = (rows["customer"].isin(orders.customers) & rows["item"].isin(orders.items)).to_numpy()
    who = np.searchsorted(orders.customers, rows["customer"].to_numpy()[kept])
    what = np.searchsorted(orders.items, rows["item"].to_numpy()[kept])
    return who, what, kept
