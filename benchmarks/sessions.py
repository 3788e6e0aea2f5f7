"""What is viewed next in a session, on RetailRocket's published split: ours beside session popularity and VS-KNN.

Learned from the training file alone, settings chosen on its newest sessions; every test prefix is ranked once. Hits and
reciprocal ranks are per prefix, their intervals over whole sessions, as the prefixes of one session hang together.
"""

import statistics
import sys
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from scipy import sparse

from benchmarks.data import shared_data
from benchmarks.measure import Spent, median_seconds, spent
from benchmarks.report import write_result
from benchmarks.session_words import OURS, cost_words, figures_table, parts_table, protocol_words, wins_words
from benchmarks.yardsticks.vs_knn import VsKnn, session_popularity
from features.recommenders.base import Lists, Recommender, best, look_up
from features.recommenders.sequences import Floats, Ints, Items, Sequences
from training.metrics import ece
from training.sessions import learn_sessions

K = 20
ONES = 200
"""Prefixes ranked one by one, for the speed of a single answer."""


@dataclass(frozen=True)
class Case:
    """The split: whole sessions, prefixes and what followed, by item number."""

    known: Sequences
    asked: Sequences
    target: Ints
    session: Ints  # of each prefix

    @classmethod
    def read(cls, folder: Path) -> "Case":
        """Prefixes of one session stand one after the other in the test file, the longest first."""
        train, test = pq.read_table(folder / "train.parquet"), pq.read_table(folder / "test.parquet")
        train = train.sort_by("session_id")
        sessions, prefixes = train["items"].to_pylist(), test["items"].to_pylist()
        target = test["target"].to_pylist()
        items: Items[int] = Items.of(sessions)
        if missing := set(target) - set(items.number):
            raise AssertionError(f"{len(missing)} targets are in no training session: not the published split")
        starts = [a != [*b, then] for a, b, then in zip(prefixes, prefixes[1:], target[1:], strict=False)]
        return cls(
            Sequences.of_sessions(sessions, items),
            Sequences.of_sessions(prefixes, items),
            np.array([items.number[item] for item in target]),
            np.cumsum([False, *starts]),
        )

    @property
    def repeated(self) -> Any:
        """Whether each target was already in its prefix, `[prefixes]`."""
        own = sparse.csr_array((np.ones(len(self.asked.item)), (self.asked.owner, self.asked.item)),
                               shape=(len(self.asked), self.asked.size))  # fmt: skip
        return look_up(own, np.arange(len(self.asked)), self.target) > 0


@dataclass(frozen=True)
class Found:
    """Of one method: hit and reciprocal rank of each prefix, and what was shown."""

    hit: Floats
    reciprocal: Floats
    shown: Ints  # the items of all lists

    @classmethod
    def of(cls, prefix: Ints, item: Ints, place: Ints, case: Case) -> "Found":
        """From the rows of all lists, places from 0."""
        right = (item == case.target[prefix]) & (place < K)
        hit, reciprocal = np.zeros(len(case.target)), np.zeros(len(case.target))
        hit[prefix[right]] = 1.0
        reciprocal[prefix[right]] = 1 / (place[right] + 1)
        return cls(hit, reciprocal, item)


def run(now: datetime) -> bool:
    """Measure and write the result; False, with a printed reason, where the data are absent."""
    folder = shared_data("retailrocket_sessions")
    if folder is None:
        print("sessions: skipped, retailrocket_sessions is absent from the data folder", file=sys.stderr)  # noqa: T201
        return False
    case = Case.read(folder)
    with spent() as learning:
        learned = learn_sessions(case.known)
    costs = {"learning": learning}
    ours, known = _ours(learned.recommender, case, costs)
    found = {OURS: ours, **_yardsticks(case, costs)}
    one = _one_by_one(learned.recommender, case)
    table, facts = figures_table({name: (f.hit, f.reciprocal) for name, f in found.items()}, case.session)
    shown_table, shown_facts = _shown(found, case)
    halves, halves_facts = parts_table({n: (f.hit, f.reciprocal) for n, f in found.items()}, case.repeated)
    write_result(
        "sessions",
        title="The next item of a session on RetailRocket",
        order=28,
        command="python -m benchmarks sessions",
        today=now.date(),
        parts=[
            {"text": protocol_words(len(case.known), len(case.target), int(case.session[-1]) + 1)},
            {"text": learned.told},
            table,
            {"text": wins_words(facts)},
            {"text": "Targets that the prefix already holds, and new ones:"},
            halves,
            shown_table,
            {"text": cost_words(costs, one, len(case.target), known)},
        ],
        facts={
            "figures": facts,
            "parts": halves_facts,
            "shown": shown_facts,
            "known": known,
            "costs": {name: vars(cost) for name, cost in costs.items()},
            "one_prefix_ms": one * 1000,
        },
    )
    return True


def _ours(recommender: Recommender, case: Case, costs: dict[str, Spent]) -> tuple[Found, dict[str, float]]:
    """Our lists; the share of targets among all that was scored, and how far scores are chances."""
    with spent() as cost:
        scores = recommender.scores(case.asked)
        lists = best(scores, K)
    costs[OURS] = cost
    among = look_up(scores, np.arange(len(case.target)), case.target) > 0
    right = (lists.item == case.target[lists.owner]).astype(np.float64)
    first = lists.place == 0
    known = {
        "candidate_recall": float(among.mean()),
        "candidates": scores.nnz / len(case.target),
        "ece": ece(right, lists.score),
        "first_score": float(lists.score[first].mean()),
        "first_right": float(right[first].mean()),
    }
    return Found.of(lists.owner, lists.item, lists.place, case), known


def _yardsticks(case: Case, costs: dict[str, Spent]) -> dict[str, Found]:
    sessions, prefixes = _lists(case.known), _lists(case.asked)
    lists = {}
    with spent() as costs["session popularity"]:
        lists["session popularity"] = session_popularity(sessions, prefixes, K)
    with spent() as costs["VS-KNN"]:
        lists["VS-KNN"] = VsKnn(sessions).lists(prefixes, K)
    return {name: _found(ranked, case) for name, ranked in lists.items()}


def _lists(of: Sequences) -> list[list[int]]:
    ends = of.basket_start[of.owner_start]
    views = of.item.tolist()
    return [views[first:after] for first, after in pairwise(ends)]


def _found(ranked: list[list[int]], case: Case) -> Found:
    lengths = np.array([len(one) for one in ranked])
    place = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    item = np.array([item for one in ranked for item in one], np.int64)
    return Found.of(np.repeat(np.arange(len(ranked)), lengths), item, place, case)


def _one_by_one(recommender: Recommender, case: Case) -> float:
    """Median seconds to rank one prefix alone, for about `ONES` of them."""
    return statistics.median(
        median_seconds(partial(_list_of, recommender, case.asked.take(np.array([row]))), 1)
        for row in range(0, len(case.target), len(case.target) // ONES)
    )


def _list_of(recommender: Recommender, one: Sequences) -> Lists:
    return best(recommender.scores(one), K)


def _shown(found: dict[str, Found], case: Case) -> tuple[dict[str, Any], dict[str, Any]]:
    """How much of the catalogue is shown, and its mean views in the training file."""
    views = np.bincount(case.known.item, minlength=case.known.size)
    facts = {
        name: {"coverage": len(np.unique(f.shown)) / case.known.size, "views": float(views[f.shown].mean())}
        for name, f in found.items()
    }
    facts["what was viewed next"] = {
        "coverage": len(np.unique(case.target)) / case.known.size,
        "views": float(views[case.target].mean()),
    }
    rows = [[name, f"{f['coverage']:.1%}", f"{f['views']:.0f}"] for name, f in facts.items()]
    return {"table": {"columns": ["", "catalogue shown", "mean views of what is shown"], "rows": rows}}, facts
