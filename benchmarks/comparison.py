"""Ours beside the yardsticks: one table a task, each row with its paired difference, interval and verdict."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.measure import verdict
from training.metrics import Difference, auc, brier, ece, log_loss, paired_bootstrap, score_lists

Floats = npt.NDArray[np.float64]
OURS = "Tahdikas"
DRAWS = 2000


def compare_probabilities(
    happened: npt.NDArray[Any], scores: dict[str, Floats]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The table and its bare numbers; `scores` are probabilities per method, ours among them or not."""
    truth = happened.astype(float)
    facts: dict[str, Any] = {}
    for name, p in scores.items():
        facts[name] = {
            "auc": auc(truth, p),
            "brier": brier(truth, p),
            "log_loss": log_loss(truth, p),
            "ece": ece(truth, p),
        }
        if OURS in scores and name != OURS:
            facts[name]["ours_better_by"] = {
                "auc": told(paired_bootstrap(scores[OURS], p, truth=truth, metric=auc, draws=DRAWS)),
                "brier": told(paired_bootstrap(scores[OURS], p, truth=truth, metric=_less_brier, draws=DRAWS)),
            }
    return _table(facts, {"auc": "AUC", "brier": "Brier", "ece": "ECE"}, ("auc", "brier")), facts


def compare_baskets(
    lists: dict[str, pd.DataFrame], truth: pd.DataFrame, k: int = 10
) -> tuple[dict[str, Any], dict[str, Any]]:
    """As `compare_probabilities`, for lists (customer, item, place) against the items bought (customer, item)."""
    bought = (truth["customer"].to_numpy(np.int64), truth["item"].to_numpy(np.int64))
    scored = {
        name: score_lists(
            (ranked["customer"].to_numpy(np.int64), ranked["item"].to_numpy(np.int64), ranked["place"].to_numpy()),
            bought,
            k,
        )
        for name, ranked in lists.items()
    }
    facts: dict[str, Any] = {}
    for name, found in scored.items():
        facts[name] = {
            "recall": float(found.recall.mean()),
            "ndcg": float(found.ndcg.mean()),
            "mrr": float(found.mrr.mean()),
        }
        if OURS in scored and name != OURS:
            facts[name]["ours_better_by"] = {
                "recall": told(paired_bootstrap(scored[OURS].recall, found.recall, draws=DRAWS)),
                "ndcg": told(paired_bootstrap(scored[OURS].ndcg, found.ndcg, draws=DRAWS)),
            }
    names = {"recall": f"Recall@{k}", "ndcg": f"NDCG@{k}", "mrr": f"MRR@{k}"}
    return _table(facts, names, ("recall", "ndcg")), facts


def verdict_words(facts: dict[str, Any]) -> str:
    """One sentence a figure: against which yardsticks ours wins, is at parity, loses."""
    rivals = {name: f["ours_better_by"] for name, f in facts.items() if "ours_better_by" in f}
    if not rivals:
        return "Only the yardsticks were measured."
    sentences = []
    for figure in next(iter(rivals.values())):
        by_word: dict[str, list[str]] = {"win": [], "parity": [], "loss": []}
        for name, better in rivals.items():
            by_word[better[figure]["verdict"]].append(name)
        told = [f"**{word}** against {', '.join(names)}" for word, names in by_word.items() if names]
        sentences.append(f"{figure}: {'; '.join(told)}.")
    return " ".join(sentences)


def _less_brier(truth: npt.NDArray[Any], p: npt.NDArray[Any]) -> float:
    return -brier(truth, p)


def told(difference: Difference) -> dict[str, Any]:
    """A difference as bare facts with its verdict."""
    return {
        "value": difference.value,
        "low": difference.low,
        "high": difference.high,
        "verdict": verdict(difference),
        "text": str(difference),
    }


def _table(facts: dict[str, Any], names: dict[str, str], compared: tuple[str, ...]) -> dict[str, Any]:
    rivals = any("ours_better_by" in f for f in facts.values())
    columns = ["", *names.values()]
    columns += [f"{OURS} better by, {names[figure]}" for figure in compared] if rivals else []
    cell: Callable[[dict[str, Any], str], str] = lambda f, figure: (  # noqa: E731
        f"{f['ours_better_by'][figure]['text']} {f['ours_better_by'][figure]['verdict']}"
        if "ours_better_by" in f
        else ""
    )
    rows = [
        [f"**{name}**" if name == OURS else name]
        + [f"{f[figure]:.4f}" for figure in names]
        + ([cell(f, figure) for figure in compared] if rivals else [])
        for name, f in facts.items()
    ]
    return {"table": {"columns": columns, "rows": rows}}
