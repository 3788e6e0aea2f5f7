"""Three ways to score a shop's customers, each in a process of its own: ours, ALS of `implicit`, and `mlflow.pyfunc`.

`python -m benchmarks.scoring_ways WAY FOLDER` prints one JSON object. The folder holds the product's ranker, its item
table and `histories.npz`. One thread everywhere; times are those of the processor, so that what else the machine does
counts for little.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import spent
from features.inputs.candidates import Histories, ItemHistory, ItemTable, candidates, candidates_of
from features.inputs.scoring import Model, evaluate, next_items, rank, read_model

K, ASKED, BLOCK, REPEATS = 10, 300, 1000, 3
Told = dict[str, float]


def each_us(call: Callable[[int], Any], asked: int) -> float:
    """The median microseconds of a call over so many customers, after a round that is not counted."""
    return side_by_side_us({"": call}, asked)[""]


def side_by_side_us(calls: dict[str, Callable[[int], Any]], asked: int) -> Told:
    """`each_us` of several calls that take turns, customer by customer."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for counted in (False, True):
        for i in range(asked):
            for name, call in calls.items():
                start = time.process_time_ns()
                call(i)
                if counted:
                    found[name].append(time.process_time_ns() - start)
    return {name: statistics.median(times) / 1e3 for name, times in found.items()}


def all_seconds(call: Callable[[], Any]) -> Told:
    """The median seconds of some whole passes, and the highest memory of this process in them."""
    seconds, peaks = [], []
    for _ in range(REPEATS):
        start = time.process_time()
        with spent() as cost:
            call()
        seconds.append(time.process_time() - start)
        peaks.append(cost.peak_mb)
    return {"seconds": statistics.median(seconds), "peak_mb": max(peaks)}


def blocks(customers: int) -> list[np.ndarray]:
    """Rows of customers a block at a time, as the product scores them."""
    return [np.arange(first, min(first + BLOCK, customers)) for first in range(0, customers, BLOCK)]


def save_histories(histories: Histories, file: Path) -> None:
    """Arrays, for the processes that score."""
    np.savez(file, **vars(histories))


def read(folder: Path) -> tuple[Model, ItemTable, Histories]:
    """The ranker, the item table and everybody's histories."""
    with np.load(folder / "histories.npz", allow_pickle=False) as arrays:
        everyone = Histories(**dict(arrays))
    return read_model(folder, "ranker"), ItemTable.load(folder / "items.npz"), everyone


def live_history(everyone: Histories, table: ItemTable, i: int) -> ItemHistory:
    """One customer as the live state tells of her: items by name."""
    own = slice(everyone.start[i], everyone.start[i + 1])
    return ItemHistory(
        items=table.item_id[everyone.item[own]].tolist(),
        counts=everyone.count[own],
        last_at=everyone.last_at[own],
        first_at=everyone.first_at[own],
        orders=everyone.orders[i],
        first_order_at=everyone.first_order_at[i],
        last_order_at=everyone.last_order_at[i],
    )


def spread(customers: int, wanted: int) -> np.ndarray:
    """Rows of so many customers, evenly over all."""
    return np.unique(np.linspace(0, customers - 1, min(wanted, customers)).astype(np.int64))


def ours(folder: Path) -> dict[str, Any]:
    """From what she bought to her list: one customer by her items' names, everybody a thousand at a time."""
    model, table, everyone = read(folder)
    now, n = float(table.as_of), len(everyone)
    people = [live_history(everyone, table, i) for i in spread(n, ASKED)]
    at = np.array([now])
    laid = [Histories.of([one], table) for one in people]
    frames = [candidates_of(one, table, at) for one in laid]

    def everybody() -> None:
        for rows in blocks(n):
            next_items(model, table, everyone.take(rows), np.full(len(rows), now), K)

    asked = len(people)
    return {
        "one_us": each_us(lambda i: next_items(model, table, Histories.of([people[i]], table), at, K), asked),
        "candidates_us": each_us(lambda i: candidates_of(laid[i], table, at), asked),
        "trees_us": each_us(lambda i: model.raw_of(frames[i]), asked),
        "rank_us": each_us(lambda i: rank(model, table, frames[i], 1, K), asked),
        "rows": float(np.mean([len(frame.item) for frame in frames])),
        "all": all_seconds(everybody),
    }


def als(folder: Path) -> dict[str, Any]:
    """ALS of `implicit`, which scores every item: from stored factors, and from factors made anew of her purchases."""
    from scipy import sparse

    from benchmarks.yardsticks.als import Als, fit_als

    _, table, everyone = read(folder)
    n = len(everyone)
    counts = sparse.csr_matrix((everyone.count, everyone.item, everyone.start), shape=(n, len(table)))
    with spent() as learning:
        model = fit_als(counts, Als(regularization=1.0))
    people = spread(n, ASKED)

    def lists(who: Any, *, anew: bool) -> Any:
        return model.recommend(who, counts[who], N=K, filter_already_liked_items=False, recalculate_user=anew)

    return {
        "learning": vars(learning),
        "one_us": each_us(lambda i: lists(people[i], anew=False), len(people)),
        "one_anew_us": each_us(lambda i: lists(people[i], anew=True), len(people)),
        "all": all_seconds(lambda: lists(np.arange(n), anew=False)),
        "all_anew": all_seconds(lambda: lists(np.arange(n), anew=True)),
    }


def pyfunc(folder: Path) -> dict[str, Any]:
    """The ranker's trees for items on the same candidates: our predictor on arrays, `mlflow.pyfunc` on pandas rows."""
    from benchmarks.yardsticks.pyfunc import load_pyfunc

    model, table, everyone = read(folder)
    now, n = float(table.as_of), len(everyone)
    part = next(p for p in [model.spec, *model.spec.get("parts", ())] if p["kind"] == "lightgbm")
    frames = [candidates(everyone.take(np.array([i])), table, np.array([now])) for i in spread(n, ASKED)]
    whole = [candidates(everyone.take(rows), table, np.full(len(rows), now)) for rows in blocks(n)]
    ways: dict[str, Callable[[Any], Any]] = {
        "ours": lambda frame: evaluate(part, model.boosters, frame.inputs, frame.names),
        "pyfunc": load_pyfunc(folder / part["file"], part["inputs"], signed=False),
        "pyfunc_signed": load_pyfunc(folder / part["file"], part["inputs"], signed=True),
    }
    for name, predict in ways.items():
        assert np.allclose(predict(frames[0]), ways["ours"](frames[0]), rtol=1e-12), f"{name} predicts otherwise"
    return {
        "rows": sum(len(frame.item) for frame in whole),
        "block_rows": statistics.median(len(frame.item) for frame in whole),
        "one_us": side_by_side_us(_on(ways, frames), len(frames)),
        "block_us": side_by_side_us(_on(ways, whole), len(whole)),
    }


def _on(ways: dict[str, Callable[[Any], Any]], frames: list[Any]) -> dict[str, Callable[[int], Any]]:
    return {name: lambda i, predict=predict: predict(frames[i]) for name, predict in ways.items()}  # type: ignore[misc]


WAYS: dict[str, Callable[[Path], dict[str, Any]]] = {"ours": ours, "als": als, "pyfunc": pyfunc}

if __name__ == "__main__":
    print(json.dumps(WAYS[sys.argv[1]](Path(sys.argv[2]))))  # noqa: T201
