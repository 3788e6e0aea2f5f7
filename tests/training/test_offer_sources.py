"""What a source is worth to the next offer: one planted, one absent, one that tells nothing."""

from dataclasses import replace

import numpy as np
import pytest

from features.inputs.candidates import CandidateFrame
from tests.training.offer_groups import offer_groups
from tests.training.shops import rhythmic
from training import offer_sources
from training.offer_sources import OFFER_SOURCES, offer_source_worth
from training.params import OfferParams, Trees
from training.ranker import NAMES

PARAMS = OfferParams(k=5, trees=Trees(num_leaves=15, learning_rate=0.1, rounds=30, min_data_in_leaf=20))


def _with_telling_prices(rows):
    """The same candidates, whose price says, through noise, which of them will be bought."""
    inputs, draw = rows.frame.inputs.copy(), np.random.default_rng(int(rows.cutoff.timestamp()))
    inputs[:, NAMES.index("price")] = rows.truth + draw.normal(0, 0.3, len(rows.truth))
    frame = CandidateFrame(rows.frame.customer, rows.frame.item, rows.frame.source, inputs)
    return replace(rows, frame=frame)


def test_every_source_input_is_a_model_input():
    assert {name for names in OFFER_SOURCES.values() for name in names} <= set(NAMES)


def test_planted_prices_are_worth_it_and_categories_that_nobody_told_are_not_there():
    groups = offer_groups(rhythmic(120))
    told, honest = (
        offer_source_worth([_with_telling_prices(g) for g in groups], PARAMS),
        offer_source_worth(groups, PARAMS),
    )
    assert set(told) == set(honest) == {"prices"}
    assert told["prices"].better
    assert not honest["prices"].better


def test_one_window_says_nothing():
    assert offer_source_worth(offer_groups(rhythmic(60), 1), PARAMS) == {}


def test_of_many_customers_some_are_drawn_the_same_each_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(offer_sources, "MOST_CUSTOMERS", 50)
    groups = offer_groups(rhythmic(120))
    first, second = (offer_source_worth(groups, PARAMS) for _ in range(2))
    assert first == second
