"""Yardsticks that rank every item, and parts of lists, on shops small enough to work out by hand."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from benchmarks.next_basket import CHOSEN
from benchmarks.parts_of_lists import beyond_hits, top_lists, truth_parts
from benchmarks.product_ranker import ProductRanker
from benchmarks.purchases import DAY_SECONDS, Purchases
from benchmarks.yardsticks import baskets
from benchmarks.yardsticks.frequency import personal_popular, popularity
from benchmarks.yardsticks.orders import Orders, read_orders
from benchmarks.yardsticks.tifu import Tifu, customer_vectors, tifu

CUTOFF = datetime(2024, 3, 1, tzinfo=UTC)


def shop(told: list[tuple[int, int, str]]) -> Purchases:
    """Orders as (customer, days before the cutoff, items by letter: a is 0)."""
    rows = [
        (who, order, ord(item) - ord("a"), CUTOFF.timestamp() - days * DAY_SECONDS)
        for order, (who, days, items) in enumerate(told)
        for item in items
    ]
    lines = pd.DataFrame(rows, columns=["customer", "order", "item", "at"]).sort_values(["at", "order"], kind="stable")
    lines = lines.assign(known=lines["at"], paid=100).reset_index(drop=True)
    return Purchases(lines, lines[:0], np.arange(9, dtype=object), np.arange(26, dtype=object))


def drawn(customers: int = 30, seed: int = 0) -> Purchases:
    """Customers with favourites of their own and a common taste."""
    generator = np.random.default_rng(seed)
    told = []
    for who in range(customers):
        taste = generator.dirichlet(np.linspace(3, 0.2, 20))
        for days in generator.choice(200, generator.integers(1, 9), replace=False) + 1:
            items = generator.choice(20, generator.integers(1, 6), replace=False, p=taste * 0.9 + 0.1 / 20)
            told.append((who, int(days), "".join(chr(ord("a") + i) for i in items)))
    return shop(told)


@pytest.fixture
def small() -> Orders:
    return read_orders(shop([(0, 30, "ab"), (0, 20, "a"), (0, 10, "ac"), (1, 15, "bc"), (1, -2, "d")]), CUTOFF, least=1)


def test_orders_stop_at_the_cutoff_and_leave_rare_items_out(small: Orders) -> None:
    assert small.items.tolist() == [0, 1, 2], "d was bought after the cutoff only"
    assert small.counts().toarray().tolist() == [[3, 1, 1], [0, 1, 1]]
    told = shop([(0, 30, "ab"), (0, 20, "a"), (1, 9, "c")])
    rare = read_orders(told, CUTOFF, least=2)
    assert rare.items.tolist() == [0]
    assert rare.customers.tolist() == [0, 1], "who bought only rare items is still known"


def test_tifu_vectors_by_hand(small: Orders) -> None:
    found = customer_vectors(small, Tifu(groups=2, r_b=0.5, r_g=0.1)).toarray()
    # three baskets in two groups: the first one, the last two; weights .1/2, 1/2 * .5/2, 1/2 * 1/2
    first, second, third = 0.05, 0.125, 0.25
    assert found[0].tolist() == pytest.approx([first + second + third, first, third])
    found = customer_vectors(small, Tifu(groups=2, r_b=0.5, r_g=0.1, spread=True)).toarray()
    # the first two, the last one; weights .1/2 * .5/2, .1/2 * 1/2, 1/2
    first, second, third = 0.0125, 0.025, 0.5
    assert found[0].tolist() == pytest.approx([first + second + third, first, third])
    assert found[1].tolist() == pytest.approx([0, 1, 1]), "one basket is one group"


def test_tifu_mixes_in_the_nearest_others(small: Orders) -> None:
    settings = Tifu(k=1, groups=2, r_b=0.5, r_g=0.1, alpha=0.6)
    own = customer_vectors(small, settings).toarray()
    found = tifu(small, settings)(np.array([1]))
    assert found[0].tolist() == pytest.approx((0.6 * own[1] + 0.4 * own[0]).tolist())
    alone = read_orders(shop([(0, 5, "ab")]), CUTOFF, least=1)
    assert tifu(alone, Tifu())(np.array([0])).tolist() == [[1, 1]], "nobody else: her own vector"


def test_scores_of_counts_give_the_lists_of_counts() -> None:
    purchases = drawn()
    orders = read_orders(purchases, CUTOFF, least=1)
    everyone = np.arange(len(orders.customers))
    lists = baskets.score_yardsticks(purchases, CUTOFF, 10, half_life_days=40)
    for name, scorer in {
        "popularity": popularity(orders),
        "personal + popular": personal_popular(orders),
        "faded personal + popular": personal_popular(orders, 40),
    }.items():
        found = top_lists(scorer, orders, everyone, 10)["all"]
        both = found.merge(lists[name], on=["customer", "place"], suffixes=("", "_wanted"), validate="one_to_one")
        assert len(both) == len(found) == len(lists[name])
        who, scores = np.searchsorted(orders.customers, both["customer"]), scorer(everyone)
        what, wanted = (np.searchsorted(orders.items, both[c]) for c in ("item", "item_wanted"))
        assert scores[who, what].tolist() == pytest.approx(scores[who, wanted].tolist(), abs=1e-9), "but for last ties"


@pytest.mark.parametrize("name", CHOSEN)
def test_every_yardstick_prefers_what_is_bought_to_what_is_not(name: str) -> None:
    """Two kinds of customers who never buy what the other kind buys: nobody is shown the other kind's items first."""
    told = [(who, days, "abc" if who % 2 else "xyz") for who in range(8) for days in range(1, 40, 9 + who)]
    orders = read_orders(shop(told), CUTOFF, least=1)
    scores = CHOSEN[name](orders)(np.arange(8))
    assert scores.shape == (8, 6)
    assert np.isfinite(scores).all()
    if name != "popularity":
        for who in range(8):
            own = orders.counts()[[who]].toarray()[0] > 0
            assert scores[who, own].min() > scores[who, ~own].max()


def test_parts_of_lists_and_of_the_truth(small: Orders) -> None:
    found = top_lists(popularity(small), small, np.array([0, 1]), 2)
    assert found["all"].to_numpy().tolist() == [[0, 0, 0], [0, 1, 1], [1, 0, 0], [1, 1, 1]], "b before c: equal counts"
    assert found["repeat"]["item"].tolist() == [0, 1, 1, 2]
    assert found["new"].to_numpy().tolist() == [[1, 0, 0]], "customer 0 has had everything"
    truth = truth_parts(pd.DataFrame({"customer": [0, 1, 1, 7], "item": [0, 0, 3, 0]}), small)
    assert {part: rows.to_numpy().tolist() for part, rows in truth.items()} == {
        "all": [[0, 0], [1, 0]],
        "repeat": [[0, 0]],
        "new": [[1, 0]],
    }, "item 3 and customer 7 are not ranked"


def test_what_lists_are_like_by_hand(small: Orders) -> None:
    lists = pd.DataFrame({"customer": [0, 0, 1, 1], "item": [0, 1, 1, 0], "place": [0, 1, 0, 1]})
    found = beyond_hits(lists, pd.DataFrame({"customer": [0], "item": [1]}), small, np.array([0, 1, 1]))
    assert found == pytest.approx(
        {
            "coverage": 2 / 3,
            "distinct": 2 / 4,
            "entropy": 1.0,
            "buyers_listed": (0.5 + 1 + 1 + 0.5) / 4,
            "buyers_bought": 1.0,
            "new": 1 / 4,
        }
    )


def test_the_products_candidates_are_all_that_it_lists(small: Orders) -> None:
    rows = pd.DataFrame({"customer": [0, 1, 1], "item": [1, 2, 25], "source": [1, 2, 4], "score": [0.5, 0.2, 0.9]})
    ours = ProductRanker(rows, {}, "")
    scores = ours.scorer(small)(np.array([1, 0]))
    assert scores.tolist() == [[-np.inf, -np.inf, 0.2], [-np.inf, 0.5, -np.inf]]
    assert top_lists(ours.scorer(small), small, np.array([0, 1]), 2)["all"]["item"].tolist() == [1, 2]
    truth = pd.DataFrame({"customer": [0, 0, 1], "item": [0, 1, 2]})
    assert ours.candidate_recall(truth) == {"all": 0.75, "personal": 0.25, "neighbour": 0.5, "popular": 0.0}
