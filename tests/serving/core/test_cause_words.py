"""Causes of a prediction in two languages; what others wrote stays as it is."""

import pytest

from features.customer.facts_at_feedback import FEEDBACK_FACTS
from features.inputs.dissatisfaction import Judged
from serving.core.cause_words import CAUSES, told_causes


def test_every_fact_of_the_model_has_words():
    assert tuple(CAUSES) == FEEDBACK_FACTS
    assert all(english and finnish for english, finnish in CAUSES.values())


@pytest.mark.parametrize("words", [(), ("rikki",), ("late", "!!", "😡")])
@pytest.mark.parametrize("facts", [(), ("late_orders",), ("case_asks", "open_cases", "orders_total")])
def test_what_the_model_says_is_told_in_full(words, facts):
    reason = Judged(0.834, words, facts).reason
    english, finnish = told_causes("dissatisfaction 20260801-f71dda76dbfc: 0.83" + (f" ({reason})" if reason else ""))
    assert "83 %" in english and "83 %" in finnish
    assert all(word in english and word in finnish for word in words)
    assert all(CAUSES[name][0] in english and CAUSES[name][1] in finnish for name in facts)


@pytest.mark.parametrize("detail", [
    "dissatisfaction 1: 0.83 (a late parcel; a third contact)",
    "dissatisfaction 1: 0.83 (words: late; facts: shoe_size)",
    "",
])  # fmt: skip
def test_what_others_wrote_is_left_as_it_is(detail):
    assert told_causes(detail) is None
