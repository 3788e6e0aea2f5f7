"""The next offer on a made-up shop whose customers have favourites in turn."""

from datetime import timedelta

import numpy as np
import pytest

from features.errors import DataError
from features.inputs.scoring import next_items
from tests.training.shops import day, lines, rhythmic
from training.params import OfferParams, Trees
from training.ranker import OfferRows, baselines, offer_rows, train_offers
from training.retrieval import bought_between, connect, histories, item_table

PARAMS = OfferParams(k=5, trees=Trees(num_leaves=15, learning_rate=0.1, rounds=60, min_data_in_leaf=20))


def _groups(rows: list[tuple[str, str, str, int, float]], cutoffs: int = 3) -> list[OfferRows]:
    groups = []
    with connect(lines(rows)) as con:
        for g in range(1, cutoffs + 1):
            cutoff = day(200) - timedelta(days=28 * g)
            table = item_table(con, cutoff)
            names, own = histories(con, cutoff, table)
            truth = bought_between(con, names, table, cutoff, cutoff + timedelta(days=28), day(200))
            groups.append(offer_rows(names, own, table, cutoff, truth))
    return groups


def test_it_is_never_worse_than_its_best_baseline_and_calibrated() -> None:
    found = train_offers(_groups(rhythmic()), PARAMS)
    assert found.scores["champion"]["ndcg"] >= max(found.scores[name]["ndcg"] for name in baselines()) - 0.01
    assert found.candidate_recall > 0.9
    assert found.scores["champion"]["ece"] < 0.05


def test_without_an_earlier_window_a_baseline_is_chosen() -> None:
    found = train_offers(_groups(rhythmic(), 1), PARAMS)
    assert found.chosen in baselines()
    assert found.fitted.boosters == {}


def test_shuffled_truth_is_not_learned() -> None:
    groups = _groups(rhythmic())
    generator = np.random.default_rng(0)
    mixed = []
    for g in groups:
        to = generator.permutation(len(g.customers))
        size = 10**6
        truth = np.isin(g.frame.customer * size + g.frame.item, to[g.bought[0]] * size + g.bought[1]).astype(float)
        mixed.append(OfferRows(g.cutoff, g.customers, g.frame, truth, (to[g.bought[0]], g.bought[1]), g.recent_buyers))
    honest, lost = train_offers(groups, PARAMS), train_offers(mixed, PARAMS)
    assert lost.scores["champion"]["recall"] < honest.scores["champion"]["recall"] / 2


def test_the_same_rows_give_the_same_text() -> None:
    groups = _groups(rhythmic(80))
    first, second = (train_offers(groups, PARAMS) for _ in range(2))
    assert first.fitted.spec == second.fitted.spec
    assert first.calibration == second.calibration
    for name, booster in first.fitted.boosters.items():
        assert booster.model_to_string() == second.fitted.boosters[name].model_to_string()


def test_one_customer_alone_is_ranked_as_in_a_batch() -> None:
    rows = rhythmic(80)
    model = train_offers(_groups(rows), PARAMS).fitted.model
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
        train_offers(_groups(quiet, 1), PARAMS)
