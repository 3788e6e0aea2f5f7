import numpy as np
import pandas as pd
import pytest

from benchmarks.comparison import OURS, compare_baskets, compare_probabilities, verdict_words
from benchmarks.main_job import offer_lists
from benchmarks.product import ProductRun, describe_model
from benchmarks.purchases import Purchases


def test_churn_is_compared_in_pairs_and_said_plainly() -> None:
    draw = np.random.default_rng(0)
    truth = draw.random(800) < 0.4
    good = np.clip(0.4 + 0.3 * (truth - 0.4) + draw.normal(0, 0.1, 800), 0.01, 0.99)
    scores = {OURS: good, "the same": good, "a constant": np.full(800, 0.4), "better": np.where(truth, 0.99, 0.01)}
    table, facts = compare_probabilities(truth, scores)
    assert [row[0] for row in table["table"]["rows"]] == [f"**{OURS}**", "the same", "a constant", "better"]
    assert facts["a constant"]["auc"] == 0.5
    assert {name: f["ours_better_by"]["brier"]["verdict"] for name, f in facts.items() if name != OURS} == {
        "the same": "parity",
        "a constant": "win",
        "better": "loss",
    }
    assert "brier: **win** against a constant; **parity** against the same; **loss** against better." in verdict_words(
        facts
    )


def test_baskets_are_compared_per_customer() -> None:
    truth = pd.DataFrame({"customer": np.repeat(np.arange(50), 2), "item": np.tile([1, 2], 50)})
    hits = pd.DataFrame({"customer": np.arange(50), "item": 1, "place": 0})
    misses = pd.DataFrame({"customer": np.arange(50), "item": -1, "place": 0})
    table, facts = compare_baskets({OURS: hits, "bad": misses}, truth)
    assert facts[OURS]["recall"] == 0.5
    assert facts[OURS]["ndcg"] == pytest.approx(1 / (1 + 1 / np.log2(3)))
    assert facts["bad"]["ours_better_by"]["recall"]["verdict"] == "win"
    assert table["table"]["columns"][1:3] == ["Recall@10", "NDCG@10"]


def test_without_ours_only_the_yardsticks_are_shown() -> None:
    table, facts = compare_probabilities(np.array([True, False]), {"recency": np.array([0.9, 0.1])})
    assert len(table["table"]["columns"]) == 4
    assert verdict_words(facts) == "Only the yardsticks were measured."


def test_an_offered_item_that_nobody_bought_keeps_its_place() -> None:
    shop = Purchases(pd.DataFrame(), pd.DataFrame(), np.array(["ann"], object), np.array(["cup", "pot"], object))
    ours = ProductRun({}, {"ann": ["pan", "pot"], "stranger": ["cup"]}, {}, {}, {}, {})
    assert offer_lists(ours, shop).values.tolist() == [[0, -1, 0], [0, 1, 1]]


def test_a_model_in_words() -> None:
    spec = {
        "kind": "mean",
        "parts": [{"kind": "logistic", "inputs": ["a"]}, {"kind": "lightgbm", "inputs": ["a", "b"]}],
    }
    assert describe_model(spec) == "mean of (logistic on 1 inputs, lightgbm on 2 inputs)"
