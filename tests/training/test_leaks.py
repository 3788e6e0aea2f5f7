"""An input that knows the future is refused by every model that learns from inputs; a strong honest one is not.

Models of people: `people_contract.py`; the next offer: `test_ranker_laws.py`.
"""

from dataclasses import replace

import numpy as np
import pytest

from features.errors import DataError
from tests.training.drawn_arms import drawn
from tests.training.rated_texts import rated_texts
from training.dissatisfaction import RatedTexts, train_dissatisfaction
from training.leaks import FEWEST, leak_in
from training.metrics import Array, auc
from training.params import DissatisfactionParams
from training.response import train_response
from training.uplift import train_uplift
from training.uplift_learners import UpliftRows

PLANTED = 0.05  # noise on top of the truth


def knowing(truth: Array, noise: float = PLANTED, seed: int = 0) -> Array:
    """The truth, a little blurred."""
    return np.asarray(truth + np.random.default_rng(seed).normal(0, noise, len(truth)))


def planted(rows: UpliftRows, noise: float = PLANTED) -> UpliftRows:
    """The last input knows the outcome."""
    return replace(rows, inputs=np.column_stack([rows.inputs[:, :-1], knowing(rows.outcome, noise)]))


def planted_fact(rated: RatedTexts) -> RatedTexts:
    """The first fact knows the score."""
    return replace(rated, facts=np.column_stack([knowing(rated.truth), rated.facts[:, 1:]]))


def test_response_refuses_it() -> None:
    with pytest.raises(DataError, match=r"The input noise alone tells who responded .*leave it out"):
        train_response(planted(drawn(2000)), "spring")


def test_uplift_refuses_it() -> None:
    with pytest.raises(DataError, match=r"The input noise alone tells who responded .*leave it out"):
        train_uplift(planted(drawn(2000)))


def test_dissatisfaction_refuses_it() -> None:
    rated = rated_texts(500, 1)
    with pytest.raises(DataError, match=f"{rated.names[0]} alone tells who is dissatisfied .*FEEDBACK_FACTS"):
        train_dissatisfaction(planted_fact(rated), DissatisfactionParams())


def test_a_strong_honest_input_is_welcome() -> None:
    rows = planted(drawn(2000), noise=0.35)
    assert 0.9 < auc(rows.outcome, rows.inputs[:, -1]) < 0.99
    assert train_response(rows, "spring").scores["champion"]["auc"] > 0.9


def test_absence_alone_can_be_the_leak_and_few_rows_say_nothing() -> None:
    truth = np.repeat([0.0, 1.0], FEWEST)
    absent = np.where(truth > 0.5, np.nan, 3.0)[:, None]
    assert leak_in(absent, truth, ["returned_at"], seed=0) == ("returned_at", 1.0)
    assert leak_in(absent[1:], truth[1:], ["returned_at"], seed=0) is None
