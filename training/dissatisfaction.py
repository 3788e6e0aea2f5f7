"""The shop's model of dissatisfaction: learned from its older rated texts, judged on its newest, then from all.

The threshold follows from two stated costs: that of an unhappy customer who is missed, and that of silence nobody
needed. It is the one that would have cost least on texts that the model had not seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import lightgbm
import numpy as np

from features.inputs.dissatisfaction import Dissatisfaction
from features.inputs.satisfaction import Satisfaction
from features.inputs.scoring import Matrix
from training.leaks import refuse_leaks
from training.learners import model_text
from training.metrics import Array, Difference, auc, brier, ece, paired_bootstrap
from training.params import DissatisfactionParams
from training.satisfaction import FEWEST, train_satisfaction
from training.text_sources import spread_by_part, text_source_worth

FEWEST_NEWEST = 10  # texts of each kind among the newest, to judge by
FEWEST_OF_A_LANGUAGE = 20


@dataclass(frozen=True)
class RatedTexts:
    """Texts with what their writers said in numbers, oldest first; `facts` is `[n, len(names)]`, NaN being absent.

    `ids` tell texts apart without saying what is in them, `written` are the moments in epoch seconds; either may be
    left out.
    """

    texts: Sequence[str]
    truth: Array  # 1 for the dissatisfied
    languages: Sequence[str]  # "" where unknown
    facts: Matrix
    names: Sequence[str]
    ids: Sequence[str] = ()
    written: Sequence[float] = ()

    def __len__(self) -> int:
        return len(self.texts)

    def rows(self, chosen: slice) -> "RatedTexts":
        """Some of them."""
        columns = self.texts[chosen], self.truth[chosen], self.languages[chosen], self.facts[chosen]
        return RatedTexts(*columns, self.names, self.ids[chosen], self.written[chosen])


@dataclass(frozen=True)
class DissatisfactionResult:
    """The model to use, flat figures on the newest texts, and what was decided, in words.

    `newest` are the texts it was judged on, `probability` and `seed_words` what the model chosen, fitted to older texts
    only, and the seed words say of them. `source_worth` is how much AUC is lost on them without the text or a source of
    facts, `importance` what the log-odds go by.
    """

    model: Dissatisfaction
    chosen: str  # seed_words, text, or text_and_facts
    newest: RatedTexts
    probability: Array
    seed_words: Array
    metrics: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    source_worth: dict[str, Difference] = field(default_factory=dict)
    importance: dict[str, float] = field(default_factory=dict)

    @property
    def trees_text(self) -> str | None:
        """LightGBM's text of the trees over facts, None without them."""
        trees = self.model.model.trees
        return model_text(trees) if isinstance(trees, lightgbm.Booster) else None


def train_dissatisfaction(rated: RatedTexts, params: DissatisfactionParams) -> DissatisfactionResult:
    """Learn from all but the newest share, choose the threshold there out of fold, judge on the newest, refit to all.

    With too few texts of either kind, or where what was learned is worse than them, the seed words judge, and the
    policy's threshold alone holds.
    """
    cut = len(rated) - round(len(rated) * params.newest_share)
    older, newest = rated.rows(slice(cut)), rated.rows(slice(cut, None))
    seeds = Satisfaction().probability(newest.texts)
    by_seeds = Dissatisfaction(Satisfaction()), "seed_words", newest, seeds, seeds
    if _rarer(older) < FEWEST or _rarer(newest) < FEWEST_NEWEST:
        told = (
            f"{len(rated)} rated texts: {_rarer(older)} of the rarer kind among the older, {_rarer(newest)} among the "
            f"newest, but {FEWEST} and {FEWEST_NEWEST} are needed. Seed words alone judge what customers write."
        )
        return DissatisfactionResult(*by_seeds, {"texts": len(rated)}, [told])
    what = "who is dissatisfied"
    refuse_leaks(rated.facts, rated.truth, rated.names, seed=params.seed, what=what, where="FEEDBACK_FACTS")
    learned = train_satisfaction(older.texts, older.truth, older.facts, older.names, seed=params.seed)
    if learned.model.text is None:
        return DissatisfactionResult(*by_seeds, {"texts": len(rated)}, learned.notes)
    threshold = cheapest_threshold(older.truth, learned.probability, params.miss_cost, params.silence_cost)
    p = learned.model.probability(newest.texts, newest.facts if learned.model.trees is not None else None)
    metrics = {"texts": float(len(rated)), "threshold": threshold} | _judged(p, seeds, newest, threshold, params)
    if metrics["auc_over_seed_words_high"] < 0:
        told = f"What was learned is worse than seed words on the newest {len(newest)} texts, so these judge."
        return DissatisfactionResult(*by_seeds, metrics, [told])
    whole = train_satisfaction(rated.texts, rated.truth, rated.facts, rated.names, seed=params.seed)
    chosen = "text_and_facts" if whole.model.trees is not None else "text"
    return DissatisfactionResult(
        model=Dissatisfaction(whole.model, threshold),
        chosen=chosen,
        newest=newest,
        probability=p,
        seed_words=seeds,
        metrics=metrics,
        notes=whole.notes,
        source_worth=text_source_worth(learned, older, newest, seed=params.seed),
        importance=spread_by_part(whole.model, newest),
    )


def cheapest_threshold(truth: Array, probability: Array, miss_cost: float, silence_cost: float) -> float:
    """The probability from which holding costs least in all; of equals the lowest, since misses are the graver.

    Between two neighbouring probabilities every threshold costs the same: the one nearest to silence_cost /
    (silence_cost + miss_cost) is taken, which is the cheapest for calibrated probabilities (Elkan, 2001).

    >>> cheapest_threshold(np.array([0, 1, 0, 1]), np.array([0.1, 0.3, 0.4, 0.9]), miss_cost=3, silence_cost=1)
    0.25
    """
    order = np.argsort(probability, kind="stable")
    p, bad = np.asarray(probability)[order], np.asarray(truth)[order] > 0.5
    missed = np.concatenate([[0], np.cumsum(bad)])  # held from place i on: those before it are missed
    needless = (~bad).sum() - np.concatenate([[0], np.cumsum(~bad)])
    cost = miss_cost * missed + silence_cost * needless
    starts = np.flatnonzero(np.concatenate([[True], p[1:] > p[:-1]]))  # equal probabilities are held together
    places = np.concatenate([starts, [len(p)]])
    best = int(places[np.argmin(cost[places])])
    above = np.nextafter(p[best - 1], 1.0) if best else 0.0
    return float(np.clip(silence_cost / (silence_cost + miss_cost), above, p[best] if best < len(p) else 1.0))


def _rarer(rated: RatedTexts) -> int:
    return int(min(rated.truth.sum(), (1 - rated.truth).sum()))


def _judged(
    p: Array, seeds: Array, newest: RatedTexts, threshold: float, params: DissatisfactionParams
) -> dict[str, float]:
    """Figures of the newest texts, of which the model says `p` without having seen them, beside the seed words."""
    ahead = paired_bootstrap(p, seeds, truth=newest.truth, metric=auc, seed=params.seed)
    figures = {
        "newest": float(len(newest)),
        "auc": auc(newest.truth, p),
        "brier": brier(newest.truth, p),
        "ece": ece(newest.truth, p),
        "base_rate": float(newest.truth.mean()),
        "seed_words.auc": auc(newest.truth, seeds),
        "auc_over_seed_words": ahead.value,
        "auc_over_seed_words_low": ahead.low,
        "auc_over_seed_words_high": ahead.high,
    }
    spoken = np.array([language or "unknown" for language in newest.languages], dtype=np.str_)
    groups = {"": np.full(len(newest), True)}
    groups |= {f"{language}.": spoken == language for language in np.unique(spoken).tolist()}
    for name, inside in groups.items():
        if not name or inside.sum() >= FEWEST_OF_A_LANGUAGE:
            figures |= {f"{name}{key}": value for key, value in _errors(newest.truth[inside], p[inside], threshold)}
    return figures


def _errors(truth: Array, p: Array, threshold: float) -> list[tuple[str, float]]:
    """Share of the dissatisfied who are missed, and of the others who would be held; absent where there are none."""
    bad, held = truth > 0.5, p >= threshold
    rates = [("miss_rate", ~held[bad]), ("needless_rate", held[~bad])]
    return [(name, float(found.mean())) for name, found in rates if len(found)]
