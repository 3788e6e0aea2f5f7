"""Figures of amounts and of several cutoffs, on numbers small enough to work out by hand."""

import numpy as np
import pytest

from benchmarks.amount_figures import compare_amounts, deciles, interval_scores, mae, rank_correlation, rmse
from benchmarks.several_cutoffs import Scored, pooled
from training.metrics import auc


def test_errors_and_order() -> None:
    truth, p = np.array([0.0, 10.0, 20.0]), np.array([3.0, 6.0, 20.0])
    assert mae(truth, p) == pytest.approx(7 / 3)
    assert rmse(truth, p) == pytest.approx(np.sqrt(25 / 3))
    assert rank_correlation(truth, p) == pytest.approx(1)
    assert rank_correlation(truth, -p) == pytest.approx(-1)
    assert rank_correlation(truth, np.ones(3)) == 0


def test_an_interval_is_charged_for_its_width_and_five_times_what_it_misses_by_at_80_percent() -> None:
    score = interval_scores(np.array([5.0, 12.0, 0.0]), np.full(3, 1.0), np.full(3, 10.0), 0.8)
    assert score.tolist() == pytest.approx([9.0, 9 + 10 * 2, 9 + 10 * 1])


def test_the_better_amounts_win_in_pairs() -> None:
    draw = np.random.default_rng(0)
    truth = draw.exponential(100, 400)
    table, facts = compare_amounts(truth, {"ours": truth + draw.normal(0, 5, 400), "all": np.full(400, 100.0)}, "ours")
    assert {facts["all"]["ours_better_by"][figure]["verdict"] for figure in ("mae", "rmse")} == {"win"}
    assert [row[0] for row in table["table"]["rows"]] == ["**ours**", "all"]
    _, tenths = deciles(truth, {"ours": truth})
    assert len(tenths["ours"]) == 10
    assert tenths["ours"][0] == {
        "predicted": pytest.approx(np.sort(truth)[:40].mean()),
        "spent": tenths["ours"][0]["spent"],
    }


def test_several_cutoffs_are_averaged_and_a_customer_is_drawn_with_all_her_rows() -> None:
    draw = np.random.default_rng(1)
    groups = []
    for n in (300, 200):
        truth = draw.integers(0, 2, n).astype(float)
        good = np.clip(0.5 + 0.3 * (truth - 0.5) + draw.normal(0, 0.2, n), 0.01, 0.99)
        groups.append(Scored(np.arange(n), truth, {"ours": good, "same": good, "blind": np.full(n, 0.5)}))
    _, facts = pooled(groups, "ours", draws=100)
    assert facts["ours"]["auc"] == pytest.approx(np.mean([auc(g.truth, g.scores["ours"]) for g in groups]))
    assert facts["same"]["ours_better_by"]["auc"] | {"text": ""} == {
        "value": 0, "low": 0, "high": 0, "verdict": "parity", "text": "",
    }  # fmt: skip
    assert facts["blind"]["ours_better_by"]["auc"]["verdict"] == "win"
    assert facts["blind"]["ours_better_by"]["brier"]["verdict"] == "win"
