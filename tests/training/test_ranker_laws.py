"""What must hold of the next offer on any shop: nothing is learned from chance or the future, order is no matter."""

from dataclasses import replace

import numpy as np
import pytest

from features.errors import DataError
from features.inputs.candidates import CandidateFrame
from features.inputs.scoring import next_items
from tests.training.offer_groups import Rows, offer_groups
from tests.training.shops import day, lines, rhythmic
from training.metrics import paired_bootstrap
from training.params import OfferParams, Trees
from training.ranker import OfferRows, baselines, candidate_frame, fit_ranker, train_offers
from training.retrieval import connect, histories, item_table

PARAMS = OfferParams(k=5, trees=Trees(num_leaves=15, learning_rate=0.1, rounds=60, min_data_in_leaf=20))


def _shuffled(group: OfferRows, generator: np.random.Generator) -> OfferRows:
    """What was bought, given to other customers at random."""
    to, wide = generator.permutation(len(group.customers)), 10**6
    bought = to[group.bought[0]], group.bought[1]
    truth = np.isin(group.frame.customer * wide + group.frame.item, bought[0] * wide + bought[1]).astype(float)
    return replace(group, truth=truth, bought=bought)


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_truth_ranks_no_better_than_popularity(seed: int) -> None:
    generator = np.random.default_rng(seed)
    groups = [_shuffled(g, generator) for g in offer_groups(rhythmic())]
    found = train_offers(groups, PARAMS)
    assert found.chosen in baselines()
    assert not paired_bootstrap(found.lists["ranker"].ndcg, found.lists["popular"].ndcg).better


def test_a_planted_input_of_the_future_is_refused() -> None:
    def planted(group: OfferRows) -> OfferRows:
        inputs = group.frame.inputs.copy()
        noise = np.random.default_rng(0).normal(0, 0.05, len(inputs))
        inputs[:, group.frame.names.index("trend")] = group.truth + noise
        return replace(group, frame=CandidateFrame(group.frame.customer, group.frame.item, group.frame.source, inputs))

    honest = offer_groups(rhythmic())
    assert train_offers(honest, PARAMS).chosen
    with pytest.raises(DataError, match=r"trend.*as of the cutoff"):
        train_offers([planted(g) for g in honest], PARAMS)


def test_the_order_of_the_rows_is_no_matter() -> None:
    rows = rhythmic(60)
    mixed = [rows[i] for i in np.random.default_rng(3).permutation(len(rows))]
    told = []
    for some in (rows, mixed):
        groups = offer_groups(some, 2)
        model = fit_ranker(groups, PARAMS).model
        frame = groups[0].frame
        told.append((frame.inputs.tobytes(), frame.item.tolist(), model.raw(frame.inputs, frame.names).tobytes()))
    assert told[0] == told[1]


def test_scores_follow_their_rows() -> None:
    groups = offer_groups(rhythmic(60), 2)
    model, inputs = fit_ranker(groups, PARAMS).model, groups[0].frame.inputs
    to = np.random.default_rng(4).permutation(len(inputs))
    names = groups[0].frame.names
    assert model.raw(inputs[to], names).tolist() == model.raw(inputs, names)[to].tolist()


def _turns(customers: int = 120) -> Rows:
    """Soap and salt every 20 days each, in turn, ten days apart; bread every day."""
    rows = []
    for c in range(customers):
        for n in range(200):
            now = n + c / customers
            basket = ["bread"] + ["soap"] * ((n + c) % 20 == 0) + ["salt"] * ((n + c) % 20 == 10)
            rows += [(f"c{c:03d}", f"o{c:03d}-{n}", item, 100, round(now, 3)) for item in basket]
    return rows


def test_what_was_bought_today_waits_unless_its_rhythm_is_daily() -> None:
    """Whoever bought soap today is shown the salt that is due sooner; the daily bread comes first all the same."""
    params = PARAMS.model_copy(update={"window_days": 8, "k": 3})
    rows = _turns()
    model = fit_ranker(offer_groups(rows, 3, as_of=day(198), window_days=8), params).model
    with connect(lines(rows)) as con:
        table = item_table(con, day(198))
        names, bought = histories(con, day(198), table)
    at = np.full(len(names), day(198).timestamp())
    ranked = next_items(model, table, bought, at, 3)
    index = table.index
    today = [c for c in range(len(names)) if (197 + c) % 20 in (0, 10)]
    assert len(today) == 12
    for c in today:
        just, due = ("soap", "salt") if (197 + c) % 20 == 0 else ("salt", "soap")
        places = ranked.items[c].tolist()
        assert places[0] == index["bread"]
        assert places.index(index[due]) < places.index(index[just]), (c, just)


def test_repeated_lines_of_a_basket_change_nothing() -> None:
    rows = rhythmic(40)
    told = []
    for some in (rows, [row for row in rows for _ in range(3)]):
        with connect(lines(some)) as con:
            table = item_table(con, day(150))
            _, bought = histories(con, day(150), table)
        told.append(candidate_frame(bought, table, day(150)).inputs.tobytes())
    assert told[0] == told[1]


@pytest.mark.parametrize(
    "rows",
    [
        [("ada", str(n), "xyz"[n % 3], 100, 5.0 * n) for n in range(40)],
        [(f"c{n % 30}", str(n), "only", 100, n / 2) for n in range(400)],
        [(f"c{n % 60}", str(n), f"i{n}", 100, n / 2) for n in range(395)] + [("c1", "p", "i2", 100, 180.0)],
    ],
    ids=["one_customer", "one_item", "nobody_repeats"],
)
def test_where_there_is_too_little_to_rank_by_a_simple_rule_is_taken_or_the_remedy_told(rows: Rows) -> None:
    try:
        found = train_offers(offer_groups(rows), PARAMS)
    except DataError as error:
        assert "Ingest" in str(error)
    else:
        assert found.chosen in baselines()
        assert np.isfinite(found.probability).all()


def test_nobody_has_no_candidates() -> None:
    with connect(lines(rhythmic(40))) as con:
        table = item_table(con, day(150))
        _, bought = histories(con, day(150), table)
    assert len(candidate_frame(bought.take(np.empty(0, np.int64)), table, day(150)).item) == 0
