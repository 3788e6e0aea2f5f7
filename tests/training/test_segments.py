"""Figures by segment: whom each holds, what is told of it, and when nothing is."""

import numpy as np
import pytest

from training.metrics import auc
from training.segments import list_segments, people_segments, segments_of, value_segments


def test_everybody_is_in_one_segment_of_each_kind():
    orders = np.array([0.0, 1, 2, 4, 5, 90, np.nan])
    languages = np.array(["fi", "", "fi", "sv", "", "fi", "sv"])
    browses = np.array([True, False, True, True, False, True, True])
    masks = segments_of(orders, languages, browses)
    assert masks["first_purchase"].tolist() == [False, True, False, False, False, False, False]
    assert masks["few_purchases"].sum() == 2 and masks["regulars"].sum() == 2 and masks["no_purchase"].sum() == 2
    kinds = (
        ("no_purchase", "first_purchase", "few_purchases", "regulars"),
        ("language_fi", "language_sv", "language_unknown"),
        ("browsing", "no_browsing"),
    )
    for kind in kinds:
        assert np.sum([masks[name] for name in kind], axis=0).tolist() == [1] * 7
    assert set(segments_of(np.ones(3))) == {"all", "first_purchase"}, "what is not known makes no segment"


def test_a_model_that_is_wrong_of_one_language_shows_it_there_alone():
    draw = np.random.default_rng(1)
    n = 3000
    languages = np.where(draw.random(n) < 0.3, "sv", "fi")
    probability = draw.uniform(0.1, 0.7, n)
    truth = (draw.random(n) < probability + 0.2 * (languages == "sv")).astype(float)
    rows = {row["segment"]: row for row in people_segments(truth, probability, np.full(n, 7.0), languages, None)}
    assert set(rows) == {"all", "regulars", "language_fi", "language_sv"}
    assert rows["language_sv"]["gap_low"] > 0.1, "more often than predicted"
    assert rows["language_fi"]["gap_low"] < 0 < rows["language_fi"]["gap_high"]
    swedish = languages == "sv"
    assert rows["language_sv"]["value"] == auc(truth[swedish], probability[swedish])
    assert rows["language_sv"]["n"] == swedish.sum()


def test_a_small_segment_tells_its_size_and_no_figure():
    orders = np.repeat([1.0, 9.0], [49, 51])
    truth = np.tile([0.0, 1.0], 50)
    rows = {row["segment"]: row for row in people_segments(truth, truth * 0.5, orders, None, None)}
    assert rows["first_purchase"]["n"] == 49
    assert all(np.isnan(rows["first_purchase"][key]) for key in ("value", "low", "predicted", "observed", "gap_low"))
    assert rows["regulars"]["value"] == 1.0
    spent = {row["segment"]: row for row in value_segments(truth * 900, truth * 800 + orders, orders, None, None)}
    assert np.isnan(spent["first_purchase"]["value"]) and spent["regulars"]["value"] > 0.9


def test_lists_count_customers_who_bought_and_weigh_rows_of_one_customer_together():
    customer = np.repeat(np.arange(120), 30)  # thirty calibrated rows each, all of one customer alike
    truth = np.repeat((np.arange(120) % 3 == 0).astype(float), 30)
    bought_by = np.arange(0, 120, 2)
    ndcg = np.linspace(0, 1, 60)
    masks = {"all": np.full(120, True), "odd": np.arange(120) % 2 == 1}
    whole, odd = list_segments(ndcg, bought_by, truth, np.full(3600, 1 / 3), customer, masks)
    assert whole["n"] == 60 and whole["value"] == pytest.approx(0.5)
    assert odd["n"] == 0 and np.isnan(odd["value"])
    assert whole["gap_high"] - whole["gap_low"] > 0.15, "as wide as 120 customers tell, not 3,600 rows"
