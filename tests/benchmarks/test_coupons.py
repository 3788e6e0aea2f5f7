"""The comparison of coupon scores, its table and its sentences, on a small shop."""

import numpy as np
import pytest

from benchmarks.comparison import OURS
from benchmarks.coupon_figures import Truth
from benchmarks.coupon_words import (
    calibration_table,
    importance_words,
    probability_words,
    protocol_words,
    table,
    tried_words,
)
from benchmarks.coupons import compare, some
from features.coupons.shop import redeemed
from tests.training.coupon_shops import STARTS, favouring
from training.coupons import CampaignRows, ended_rows, train_coupons


@pytest.fixture(scope="module")
def rows() -> list[CampaignRows]:
    return ended_rows(favouring(), 200)


def test_what_knows_the_truth_wins_and_what_is_said_agrees(rows: list[CampaignRows]) -> None:
    truth = Truth.of(rows[-2:])
    noise = np.random.default_rng(0).random(len(truth.used))
    facts = compare(truth, {OURS: 0.1 + 0.8 * truth.used, "noise": noise, "logistic on both": np.full(len(noise), 0.5)})
    assert facts[OURS]["auc"] == 1
    for rival in ("noise", "logistic on both"):
        assert {found["verdict"] for found in facts[rival]["ours_better_by"].values()} == {"win"}
    assert facts["logistic on both"]["brier_better_by"]["verdict"] == "win"
    assert facts["logistic on both"]["auc"] == 0.5
    assert "Brier better than that of logistic on both by +0.2" in probability_words(facts)
    tenths = calibration_table(truth.used, {"noise": noise, "one for all": np.full(len(noise), 0.5)})["table"]
    assert [len(row) for row in tenths["rows"]] == [len(tenths["columns"])] * 2
    assert tenths["rows"][1][1] == f"50.000 / {100 * truth.used.mean():.3f}"
    shown = table(facts, 10)["table"]
    assert shown["columns"][3] == "Recall@10"
    assert all(len(row) == len(shown["columns"]) for row in shown["rows"])


def test_campaigns_left_out_take_their_scores_with_them(rows: list[CampaignRows]) -> None:
    scores = {OURS: np.concatenate([r.truth for r in rows])}
    truth, kept = some(rows, scores, [r.campaign.start >= STARTS[3] for r in rows])
    np.testing.assert_array_equal(kept[OURS], truth.used)
    assert len(truth.used) == sum(len(r.truth) for r in rows[3:])


def test_words_count_what_there_is(rows: list[CampaignRows]) -> None:
    shop = favouring()
    uses = sum(redeemed(r.campaign, shop.redemptions).sum() for r in rows[3:])
    said = protocol_words(rows[:3], rows[3:], last_day=STARTS[4] + 1)
    assert f"{uses:.0f} used" in said
    assert "of which 1 were still running" in said
    result = train_coupons(rows[:4])
    assert f"Taken: **{result.chosen}**" in tried_words(result)
    assert sum(result.importance.values()) == pytest.approx(1)
    assert next(iter(result.importance)) in importance_words(result)
