"""One point of the growth curve: a made-up shop of some size, its item table learned from all, lists for a sample.

`python -m benchmarks.scoring_growth CUSTOMERS ITEMS FOLDER` prints one JSON object. The folder holds a ranker; its
trees are not this shop's, which changes no time. Five blocks of a thousand customers, evenly over all, are scored.
"""

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.made_up_purchases import DAYS, START, made_up_purchases
from benchmarks.measure import spent
from benchmarks.scoring_ways import ASKED, K, blocks, each_us, live_history, spread
from features.inputs.candidates import Histories, candidates_of
from features.inputs.scoring import next_items, rank, read_model
from training.retrieval import connect, histories, item_table

SEED, SCORED_BLOCKS = 20240601, 5


def point(customers: int, items: int, folder: Path) -> dict[str, Any]:
    """Seconds and peak megabytes of the item table and of everybody's histories; microseconds a customer."""
    model, as_of = read_model(folder, "ranker"), START + timedelta(days=DAYS)
    now = as_of.timestamp()
    purchases = made_up_purchases(customers, items, SEED)
    with connect(purchases) as con:
        with spent() as learning:
            table = item_table(con, as_of)
        with spent() as telling:
            _, everyone = histories(con, as_of, table)
    every = blocks(customers)
    sample = [every[i] for i in spread(len(every), SCORED_BLOCKS)]
    at = [np.full(len(rows), now) for rows in sample]
    taken = [everyone.take(rows) for rows in sample]
    people = [Histories.of([live_history(everyone, table, i)], table) for i in spread(customers, ASKED)]
    one = np.array([now])
    laid = [candidates_of(history, table, when) for history, when in zip(taken, at, strict=True)]
    size = len(sample[0])
    return {
        "customers": customers,
        "items": items,
        "lines": len(purchases),
        "items_sold": len(table),
        "table": vars(learning),
        "histories": vars(telling),
        "neighbours": len(table.neighbour_item) / len(table),
        "rows": sum(len(one.item) for one in laid) / sum(map(len, sample)),
        "scored": sum(map(len, sample)),
        "one_us": each_us(lambda i: next_items(model, table, people[i], one, K), len(people)),
        "one_candidates_us": each_us(lambda i: candidates_of(people[i], table, one), len(people)),
        "block_us": each_us(lambda i: next_items(model, table, everyone.take(sample[i]), at[i], K), len(sample)) / size,
        "candidates_us": each_us(lambda i: candidates_of(taken[i], table, at[i]), len(sample)) / size,
        "trees_us": each_us(lambda i: rank(model, table, laid[i], size, K), len(sample)) / size,
    }


if __name__ == "__main__":
    print(json.dumps(point(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))))  # noqa: T201
