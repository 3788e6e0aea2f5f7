"""What text and facts are worth to the model of dissatisfaction: planted in one, absent from the other."""

import numpy as np
import pytest

from features.customer.facts_at_feedback import FEEDBACK_FACTS
from tests.training.rated_texts import rated_texts
from training.dissatisfaction import train_dissatisfaction
from training.params import DissatisfactionParams
from training.text_sources import FACT_SOURCES


def test_every_fact_has_one_source():
    assert sorted(name for names in FACT_SOURCES.values() for name in names) == sorted(FEEDBACK_FACTS)


def test_where_the_words_tell_everything_the_text_is_worth_it_and_facts_are_not_told():
    result = train_dissatisfaction(rated_texts(600, 1), DissatisfactionParams())
    assert set(result.source_worth) == {"text"}
    assert result.source_worth["text"].low > 0.3
    assert set(result.importance) == {"learned words", "seed words"}
    assert sum(result.importance.values()) == pytest.approx(1)


def test_where_late_orders_tell_everything_delivery_is_worth_it_and_the_text_is_not():
    result = train_dissatisfaction(rated_texts(800, 2, tells=False, late_tells=True), DissatisfactionParams())
    assert result.chosen == "text_and_facts"
    assert set(result.source_worth) == {"text", "delivery"}, "the other facts are the same for everybody"
    assert result.source_worth["delivery"].low > 0.2
    assert result.source_worth["text"].value < 0.05
    assert max(result.importance, key=result.importance.__getitem__) == "late_orders"
    assert np.isclose(sum(result.importance.values()), 1)
