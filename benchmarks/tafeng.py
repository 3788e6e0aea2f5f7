"""The last basket of every Ta-Feng customer, ours beside counts, ALS and TIFU-KNN: an order of baskets, no times.

All but the last basket is known. Settings were chosen one basket further back; the last baskets are scored here alone.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from scipy import sparse

from benchmarks.comparison import OURS, compare_baskets, verdict_words
from benchmarks.data import shared_data
from benchmarks.measure import Spent, median_seconds, spent
from benchmarks.report import write_result
from benchmarks.yardsticks.als import Als, BasketAls
from benchmarks.yardsticks.order_alone import top_lists
from benchmarks.yardsticks.tifu import Tifu, tifu_lists
from features.recommenders.base import Lists, best
from features.recommenders.sequences import Items, Sequences
from training.baskets import Learned, learn_baskets
from training.metrics import ece

K = 10
FADE = 0.9  # of the fading yardstick: the best of 0.5 to 0.9 one basket further back


def run(now: datetime) -> bool:
    """Measure and write the result; False, with a printed reason, where the data are absent."""
    folder = shared_data("tafeng")
    if folder is None:
        print("tafeng: skipped, tafeng is absent from the data folder", file=sys.stderr)  # noqa: T201
        return False
    known, then = read(folder / "baskets.parquet").before_last()
    with spent() as learning:
        learned = learn_baskets(known)
    with spent() as scoring:
        scores = learned.recommender.scores(known)
        ours = best(scores, K)
    lists, costs = _yardsticks(known)
    lists = {OURS: _frame(ours), **lists}
    costs = {f"{OURS}, learning": learning, f"{OURS}, lists of all": scoring, **costs}
    one = median_seconds(lambda: best(learned.recommender.scores(known.take(np.array([7]))), K), 9)
    _report(now, known, then, lists, _candidate_recall(scores, then), _calibration(ours, then), learned, costs, one)
    return True


def read(file: Path) -> Sequences:
    """All baskets by customer and number; the target is each customer's last."""
    table = pq.read_table(file).sort_by([("user_id", "ascending"), ("basket_index", "ascending")])
    baskets = table["items"].to_pylist()
    users = table["user_id"].to_numpy()
    starts = np.flatnonzero(np.diff(users, prepend=users[0] - 1))
    owners = [baskets[a:b] for a, b in zip(starts, [*starts[1:], len(users)], strict=True)]
    assert np.array_equal(table["is_target"].to_numpy(zero_copy_only=False), np.diff(users, append=-1) != 0)
    return Sequences.of(owners, Items.of(baskets))


def lines(of: Sequences) -> pd.DataFrame:
    """One row an item: customer, basket, item."""
    return pd.DataFrame({"customer": of.owner, "basket": of.basket_of, "item": of.item})


def _yardsticks(known: Sequences) -> tuple[dict[str, pd.DataFrame], dict[str, Spent]]:
    bought = lines(known)
    found: dict[str, pd.DataFrame] = {}
    costs = {
        name: Spent() for name in ("counts, four lists", "ALS (implicit), learning", "ALS (implicit), lists of all")
    }
    with spent() as costs["counts, four lists"]:
        found |= top_lists(bought, K, fade=FADE)
    with spent() as costs["ALS (implicit), learning"]:
        als = BasketAls.fit(bought, len(known), known.size, Als(seed=0))
    with spent() as costs["ALS (implicit), lists of all"]:
        found["ALS (implicit)"] = als.lists(np.arange(len(known)), K)
    costs["ALS (implicit), list of one"] = Spent(median_seconds(lambda: als.lists(np.array([7]), K), 9))
    with spent() as costs["TIFU-KNN"]:
        found["TIFU-KNN"] = tifu_lists(bought, K, Tifu())
    return found, costs


def _frame(lists: Lists) -> pd.DataFrame:
    return pd.DataFrame({"customer": lists.owner, "item": lists.item, "place": lists.place})


def _candidate_recall(scores: sparse.csr_array, then: Sequences) -> float:
    """Share of what was bought that has any score, mean over customers."""
    found = np.asarray(scores[then.owner, then.item]).ravel() > 0
    return float(np.mean(np.bincount(then.owner, found) / np.bincount(then.owner)))


def _calibration(ours: Lists, then: Sequences) -> dict[str, float]:
    """Of the listed items: the mean chance told, the share bought, and the calibration error."""
    taken = np.isin(ours.owner * then.size + ours.item, then.owner * then.size + then.item).astype(np.float64)
    return {"told": float(ours.score.mean()), "bought": float(taken.mean()), "ece": ece(taken, ours.score)}


def truth_parts(known: Sequences, then: Sequences) -> dict[str, pd.DataFrame]:
    """What was bought: all, what she had had before, and what was new to her."""
    truth = lines(then)[["customer", "item"]]
    again = np.isin(then.owner * then.size + then.item, known.owner * known.size + known.item)
    return {"all": truth, "repeat": truth[again], "new": truth[~again]}


def beyond(lists: pd.DataFrame, known: Sequences) -> dict[str, float]:
    """Share of all items that anybody is shown; mean share of customers who had what is shown; share new to her."""
    had = np.unique(known.owner * known.size + known.item)
    buyers = np.bincount(had % known.size, minlength=known.size) / len(known)
    item = lists["item"].to_numpy()
    return {
        "coverage": len(np.unique(item)) / int((buyers > 0).sum()),
        "buyers": float(buyers[item].mean()),
        "new": float(1 - np.isin(lists["customer"].to_numpy() * known.size + item, had).mean()),
    }


def _report(
    now: datetime,
    known: Sequences,
    then: Sequences,
    lists: dict[str, pd.DataFrame],
    recall: float,
    calibration: dict[str, float],
    learned: Learned,
    costs: dict[str, Spent],
    one_seconds: float,
) -> None:
    truth = truth_parts(known, then)
    words = {
        "all": "Everything that was bought",
        "repeat": "Of that, what she had had before (same lists: what is new takes places from it)",
        "new": "Of that, what was new to her (same lists: what she had takes places from it)",
    }
    parts: list[dict[str, Any]] = [
        {
            "text": f"{len(known):,} customers with {known.baskets:,} known baskets; the truth is each one's last, "
            f"{len(truth['all']):,} items, {len(truth['repeat']) / len(truth['all']):.0%} of which she had had before. "
            "Lists of ten; NDCG against the ideal over the whole truth. TIFU-KNN has its paper's settings for this "
            "data. Equal counts go by popularity in the personal yardsticks, which makes them harder to beat than the "
            "published ones. Settings of ours were chosen on the basket before the last. No times are known, so that "
            "lessons of different customers lie at different dates. "
            f"Ours: {learned.told} Its candidates hold {recall:.1%} of what was bought (mean over customers)."
        }
    ]
    facts: dict[str, Any] = {
        "candidate_recall": recall,
        "calibration": calibration,
        "costs": {name: vars(cost) for name, cost in costs.items()},
        "one_customer_seconds": one_seconds,
    }
    for part, title in words.items():
        table, facts[part] = compare_baskets(lists, truth[part], K)
        parts += [{"heading": title}, table, {"text": verdict_words(facts[part])}]
    facts["beyond"] = {name: beyond(ranked, known) for name, ranked in lists.items()}
    bought = beyond(truth["all"], known)
    parts += [
        {"heading": "What the lists are like, and what they cost"},
        {
            "text": "Coverage: items listed for anybody, of all known ones. Buyers: mean share of customers who had "
            f"what is listed; of what was bought it is {bought['buyers']:.1%}."
        },
        {
            "table": {
                "columns": ["", "coverage", "buyers", "new to her"],
                "rows": [
                    [name, f"{b['coverage']:.1%}", f"{b['buyers']:.1%}", f"{b['new']:.1%}"]
                    for name, b in facts["beyond"].items()
                ],
            }
        },
        {
            "text": f"Chances of listed items: told {calibration['told']:.3f}, bought {calibration['bought']:.3f}, "
            f"calibration error {calibration['ece']:.3f}. Seconds and peak memory of this process, one core: "
            + "; ".join(f"{name} {_cost(cost)}" for name, cost in costs.items())
            + f". One customer's list by ours: {one_seconds * 1000:.0f} ms."
        },
    ]
    write_result(
        "tafeng",
        title="Ta-Feng: the next basket by order alone",
        order=22,
        command="python -m benchmarks tafeng",
        today=now.date(),
        parts=parts,
        facts=facts,
    )


def _cost(cost: Spent) -> str:
    return str(cost) if cost.peak_mb else f"{cost.seconds * 1000:.1f} ms"


if __name__ == "__main__":
    sys.exit(0 if run(datetime.now(UTC)) else 1)
