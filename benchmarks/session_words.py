"""Tables and sentences of the session benchmark: figures per prefix, intervals over whole sessions."""

from typing import Any

import numpy as np

from benchmarks.measure import Spent, verdict
from features.recommenders.sequences import Floats, Ints
from training.metrics import Array, Difference, paired_bootstrap

OURS = "Tahdikas"
PUBLISHED = ("COTREC, published, not rerun", 56.17, 29.97)
FIGURES = {"p": "P@20", "mrr": "MRR@20"}

Pair = tuple[Floats, Floats]


def figures_table(found: dict[str, Pair], session: Ints) -> tuple[dict[str, Any], dict[str, Any]]:
    """P@20 and MRR@20 in percent with 95 % intervals, and how much ours is better than each."""
    facts: dict[str, Any] = {}
    for name, values in found.items():
        facts[name] = {
            figure: _told(over_sessions(own, np.zeros(len(own)), session))
            for figure, own in zip(FIGURES, values, strict=True)
        }
        if name != OURS:
            facts[name]["ours_better_by"] = {
                figure: _told(over_sessions(ours, theirs, session))
                for figure, ours, theirs in zip(FIGURES, found[OURS], values, strict=True)
            }
    rows = [_row(name, fact) for name, fact in facts.items()]
    rows.append([PUBLISHED[0], f"{PUBLISHED[1]:.2f}", "", f"{PUBLISHED[2]:.2f}", ""])
    columns = ["method", FIGURES["p"], "ours better by", FIGURES["mrr"], "ours better by"]
    return {"table": {"columns": columns, "rows": rows}}, facts


def over_sessions(ours: Floats, theirs: Floats, session: Ints) -> Difference:
    """The difference of means per prefix, in percent, with an interval over sessions drawn with replacement."""
    n = np.bincount(session)
    summed = [np.bincount(session, values) for values in (ours, theirs)]
    return paired_bootstrap(summed[0], summed[1], truth=n, metric=_percent, draws=2000)


def _percent(prefixes: Array, values: Array) -> float:
    return float(100 * values.sum() / prefixes.sum())


def _told(difference: Difference) -> dict[str, Any]:
    return {**vars(difference), "verdict": verdict(difference)}


def _row(name: str, fact: dict[str, Any]) -> list[str]:
    cells = [f"**{name}**" if name == OURS else name]
    for figure in FIGURES:
        own = fact[figure]
        cells.append(f"{own['value']:.2f} [{own['low']:.2f}, {own['high']:.2f}]")
        better = fact.get("ours_better_by", {}).get(figure)
        cells.append(
            f"{better['value']:+.2f} [{better['low']:+.2f}, {better['high']:+.2f}] {better['verdict']}"
            if better
            else ""
        )
    return cells


def parts_table(found: dict[str, Pair], repeated: Array) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same figures for targets that were in the prefix and for new ones."""
    facts = {
        name: {
            part: {figure: float(100 * values[kept].mean()) for figure, values in zip(FIGURES, pair, strict=True)}
            for part, kept in (("repeat", repeated), ("discovery", ~repeated))
        }
        for name, pair in found.items()
    }
    rows = [
        [name, *(f"{fact[part][figure]:.2f}" for part in ("repeat", "discovery") for figure in FIGURES)]
        for name, fact in facts.items()
    ]
    share = float(repeated.mean())
    columns = ["method", *(f"{part}, {word}" for part in (f"repeat ({share:.1%})", f"discovery ({1 - share:.1%})")
                           for word in FIGURES.values())]  # fmt: skip
    return {"table": {"columns": columns, "rows": rows}}, {"share_repeated": share, **facts}


def wins_words(facts: dict[str, Any]) -> str:
    """Against which yardsticks ours wins, is at parity, loses; and how it stands beside the published figure."""
    told = []
    for number, (figure, title) in enumerate(FIGURES.items(), start=1):
        words = [f"{fact['ours_better_by'][figure]['verdict']} against {name}"
                 for name, fact in facts.items() if name != OURS]  # fmt: skip
        own = facts[OURS][figure]
        beside = "above" if own["low"] > PUBLISHED[number] else "below" if own["high"] < PUBLISHED[number] else "around"
        told.append(f"{title}: {', '.join(words)}; our interval lies {beside} COTREC's published {PUBLISHED[number]}.")
    return " ".join(told)


def protocol_words(sessions: int, prefixes: int, of_sessions: int) -> str:
    """The split and how it is judged."""
    return (
        f"{sessions:,} sessions to learn from; {prefixes:,} beginnings of {of_sessions:,} later sessions, each ranked "
        "once by what stands in it alone. P@20 is the share whose next item is among the first 20, MRR@20 the mean of "
        "1 / its rank, 0 beyond 20; both in percent. Intervals are drawn over whole sessions, since the beginnings of "
        "one session hang together. Settings of ours and of VS-KNN (cosine, idf, the 5,000 newest sessions, of which "
        "500 vote) were chosen on the newest 4,700 sessions of the training file, learned from those before; session "
        "popularity ranks equal counts as first viewed, the rule of several that has the best MRR here."
    )


def cost_words(costs: dict[str, Spent], one_seconds: float, prefixes: int, known: dict[str, float]) -> str:
    """Time, memory, candidates, calibration."""
    speeds = [f"{name} {cost.seconds:.0f} s" for name, cost in costs.items() if name != "learning"]
    return (
        f"Learning took {costs['learning']}, on one core. All {prefixes:,} prefixes, learning of the yardsticks "
        f"included: {', '.join(speeds)}; one alone {one_seconds * 1000:.0f} ms (median). "
        f"{known['candidate_recall']:.1%} of targets are among the {known['candidates']:.0f} items scored for a prefix "
        "(popular ones that fill up included), which caps P. Scores are chances: the first of each list has "
        f"{known['first_score']:.3f} on average and is right in {known['first_right']:.3f}; expected calibration error "
        f"over all lists {known['ece']:.4f}. Nothing is known of times within a session, prices or categories in this "
        "split."
    )
