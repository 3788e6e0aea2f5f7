"""The next offer on a made-up shop whose customers have favourites in turn."""

import numpy as np
import pytest

from features.errors import DataError
from features.inputs import scoring
from features.inputs.scoring import next_items
from tests.training.offer_groups import offer_groups
from tests.training.shops import day, lines, rhythmic
from training.learners import model_text
from training.params import OfferParams, Trees
from training.ranker import baselines, fit_ranker, to_learn_from, train_offers
from training.retrieval import connect, histories, item_table

PARAMS = OfferParams(k=5, trees=Trees(num_leaves=15, learning_rate=0.1, rounds=60, min_data_in_leaf=20))


def test_it_is_never_worse_than_its_best_baseline_and_calibrated() -> None:
    found = train_offers(offer_groups(rhythmic()), PARAMS)
    assert found.scores["champion"]["ndcg"] >= max(found.scores[name]["ndcg"] for name in baselines()) - 0.01
    assert found.candidate_recall > 0.9
    assert found.scores["champion"]["ece"] < 0.05


def test_without_an_earlier_window_a_baseline_is_chosen() -> None:
    found = train_offers(offer_groups(rhythmic(), 1), PARAMS)
    assert found.chosen in baselines()
    assert found.fitted.boosters == {}


def test_the_same_rows_give_the_same_text() -> None:
    groups = offer_groups(rhythmic(80))
    first, second = (train_offers(groups, PARAMS) for _ in range(2))
    assert first.fitted.spec == second.fitted.spec
    assert first.calibration == second.calibration
    for name, booster in first.fitted.boosters.items():
        assert booster.model_to_string() == second.fitted.boosters[name].model_to_string()


def test_one_customer_alone_is_ranked_as_in_a_batch() -> None:
    rows = rhythmic(80)
    model = train_offers(offer_groups(rows), PARAMS).fitted.model
    with connect(lines(rows)) as con:
        table = item_table(con, day(200))
        names, everyone = histories(con, day(200), table)
    at = np.full(len(names), day(200).timestamp())
    batch = next_items(model, table, everyone, at, 5)
    for i in range(0, len(names), 7):
        alone = next_items(model, table, everyone.take(np.array([i])), at[:1], 5)
        assert alone.items[0].tolist() == batch.items[i].tolist()
        assert alone.probabilities[0].tolist() == batch.probabilities[i].tolist()
        assert (np.diff(alone.probabilities[0]) <= 0).all()


def test_a_window_in_which_nobody_bought() -> None:
    quiet = [row for row in rhythmic(40) if row[4] < 150]
    with pytest.raises(DataError, match="nobody bought"):
        train_offers(offer_groups(quiet, 1), PARAMS)


def test_rows_that_teach_nothing_are_left_out_and_change_nothing() -> None:
    groups = offer_groups(rhythmic(60), 2, window_days=3)  # too short for most to come back
    thin = [to_learn_from(group) for group in groups]
    assert 0 < sum(len(group.truth) for group in thin) < sum(len(group.truth) for group in groups)
    assert [group.orders.tolist() for group in thin] == [group.orders.tolist() for group in groups]
    whole, less = (fit_ranker(some, OfferParams()).boosters for some in (groups, thin))
    assert {name: model_text(one) for name, one in whole.items()} == {n: model_text(one) for n, one in less.items()}


def test_a_batch_in_parts_gets_what_its_rows_get_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    (group,) = offer_groups(rhythmic(30), 1)
    model = fit_ranker([group], OfferParams()).model
    whole = model.raw(group.frame.inputs, group.frame.names)
    monkeypatch.setattr(scoring, "ROWS_AT_ONCE", 7)
    assert model.raw(group.frame.inputs, group.frame.names).tolist() == whole.tolist()
    assert len(np.unique(whole)) > 1
