"""What the splits of Hillstrom's test say: mean Qini, paired differences, claims, as tables and words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t as student

from benchmarks.comparison import OURS, told, verdict_words
from benchmarks.measure import Spent
from training.metrics import Array, Difference, Floats
from training.qini import EffectOrder, Part, interval_of, mean_scores
from training.uplift_learners import UpliftRows, average_effect

DRAWS = 300
TEST_TO_TRAIN = 0.3 / 0.7


@dataclass(frozen=True)
class OutcomeFigures:
    """All that was found for one outcome; `methods` as `compare` gives them."""

    rows: UpliftRows
    methods: dict[str, dict[str, Any]]
    chosen: list[str]
    claimed: int
    claimed_of_noise: int

    def facts(self) -> dict[str, Any]:
        """Bare numbers."""
        return {
            "methods": self.methods,
            "chosen": self.chosen,
            "claimed": self.claimed,
            "claimed_of_noise": self.claimed_of_noise,
        }


def compare(orders: Mapping[str, Sequence[Part]], customers: Array) -> dict[str, dict[str, Any]]:
    """Per method: Qini over splits, what the better half brings, and how much ours is better, in two intervals."""
    drawn = {name: mean_scores(parts, customers, DRAWS) for name, parts in orders.items()}
    by_split = {name: np.array([float(order.score()) for order, _ in parts]) for name, parts in orders.items()}
    facts: dict[str, dict[str, Any]] = {}
    for name, parts in orders.items():
        own = interval_of(drawn[name])
        facts[name] = {
            "qini": own.value,
            "low": own.low,
            "high": own.high,
            "sd_of_splits": float(by_split[name].std(ddof=1)),
            "half": float(np.mean([_half(order) for order, _ in parts])),
        }
        if name != OURS:
            facts[name]["ours_better_by"] = {"Qini": told(interval_of(drawn[OURS] - drawn[name]))}
            splits = over_splits(by_split[OURS] - by_split[name])
            facts[name] |= {"over_splits": str(splits), "better_over_splits": splits.better}
    return facts


def _half(order: EffectOrder) -> float:
    """Share of the gained responses that the half with the highest effects brings."""
    reached, gained = order.curve()
    return float(np.interp(reached[-1] / 2, reached, gained) / gained[-1])


def over_splits(differences: Floats) -> Difference:
    """Mean and 95 % interval over repeated splits, widened since they share rows (Nadeau and Bengio, 2003)."""
    k = len(differences)
    error = float(np.sqrt(differences.var(ddof=1) * (1 / k + TEST_TO_TRAIN)))
    mean, reach = float(differences.mean()), float(student.ppf(0.975, k - 1)) * error
    return Difference(mean, mean - reach, mean + reach)


def parts_of(figures: Mapping[str, OutcomeFigures], splits: int, shuffled: int, cost: Spent) -> list[dict[str, Any]]:
    """The page's parts."""
    rows = next(iter(figures.values())).rows
    parts: list[dict[str, Any]] = [
        {
            "text": f"{len(rows):,} customers, half of them drawn to get the women's e-mail (the file holds 70 % of "
            f"the two arms). {splits} random splits, 70 % learned from, 30 % judged. Qini: the normalised score of "
            "scikit-uplift, 0 for a lottery, 1 for an order that nobody could know. Intervals and verdicts: bootstrap "
            "over customers, each draw counting the same customers in all splits and for both methods; the models stay "
            "as fitted. Beside it the interval over splits, widened because splits share customers. Yardsticks are "
            "untuned: LightGBM and scikit-learn's logistic as they come. Ours chooses inside each 70 % between a "
            "logistic line with interactions, an X- and a DR-learner on LightGBM, and a mean; how strongly these are "
            "held back was set once, by cross-validation in the 70 % of four other splits, whose customers are of "
            f"course judged here too. Took: {cost}, yardsticks and bootstrap included."
        }
    ]
    for outcome, found in figures.items():
        parts += [{"heading": f"Did she {WORDS[outcome]}?"}, _table(found), {"text": _words(found, splits, shuffled)}]
    return parts


WORDS = {"visit": "visit the site in the two weeks after", "conversion": "buy in the two weeks after"}


def _table(found: OutcomeFigures) -> dict[str, Any]:
    columns = ["", "mean Qini", "95 %", "sd of splits", "gain kept by mailing the better half"]
    columns += [f"{OURS} better by, customers drawn", "over splits"]
    rows = []
    for name, f in found.methods.items():
        row = [f"**{name}**" if name == OURS else name, f"{f['qini']:.4f}", f"{f['low']:+.4f} to {f['high']:+.4f}"]
        row += [f"{f['sd_of_splits']:.4f}", f"{f['half']:.0%}"]
        better = f.get("ours_better_by")
        row += [f"{better['Qini']['text']} {better['Qini']['verdict']}", f["over_splits"]] if better else ["", ""]
        rows.append(row)
    return {"table": {"columns": columns, "rows": rows}}


def uncertain_wins(methods: dict[str, dict[str, Any]]) -> str:
    """Names the wins that the wider interval over splits does not confirm."""
    names = [
        name
        for name, f in methods.items()
        if name != OURS and f["ours_better_by"]["Qini"]["verdict"] == "win" and not f["better_over_splits"]
    ]
    return f" Over splits the interval includes zero against {', '.join(names)}: no firm win there." if names else ""


def _words(found: OutcomeFigures, splits: int, shuffled: int) -> str:
    rows = found.rows
    rates = [rows.outcome[rows.treated == arm].mean() for arm in (1, 0)]
    kinds = ", ".join(f"{name} {found.chosen.count(name)}" for name in sorted(set(found.chosen)))
    return (
        f"{verdict_words(found.methods)}{uncertain_wins(found.methods)} {rates[0]:.2%} with the e-mail, {rates[1]:.2%} "
        f"without: it adds {average_effect(rows):.2%} on average. Chosen in the {splits} splits: {kinds}. An uplift "
        f"was claimed in {found.claimed} of {splits}; with the treatment shuffled, where there is none, in "
        f"{found.claimed_of_noise} of {shuffled} (chance: one in forty)."
    )
