"""Answers kept for a while: the same as worked out anew, whatever was kept before."""

from dataclasses import replace

import numpy as np
import pytest

from serving.core.remembered import KEPT, MANY, Remembered
from serving.core.scorer import WithoutModel


def told(remembered, keys, models="m"):
    """The answers to some keys, and what had to be worked out for them."""
    asked = []

    def work_out(places):
        asked.extend(keys[place] for place in places)
        return [f"{models}{keys[place]}" for place in places]

    return remembered.of(models, keys, work_out), asked


def test_what_was_asked_lately_is_not_worked_out_again():
    remembered = Remembered()
    assert told(remembered, [1, 2]) == (["m1", "m2"], [1, 2])
    assert told(remembered, [2, 3, 1]) == (["m2", "m3", "m1"], [3])
    assert told(remembered, []) == ([], [])


def test_other_models_know_nothing_of_it():
    remembered = Remembered()
    told(remembered, [1])
    assert told(remembered, [1], models="n") == (["n1"], [1])
    assert told(remembered, [1]) == (["m1"], [1])


def test_who_is_asked_for_again_stays_and_the_rest_is_forgotten():
    remembered = Remembered()
    for key in range(3 * KEPT):
        told(remembered, [key, -1])
    assert told(remembered, [-1])[1] == []
    assert all(told(remembered, [key])[1] == [key] for key in range(KEPT))


def test_a_list_is_not_kept():
    remembered = Remembered()
    assert told(remembered, list(range(MANY)))[1] == list(range(MANY))
    assert told(remembered, [0])[1] == [0]


class Guess(WithoutModel):
    """Items and a chance of leaving that follow from all that is told of her."""

    uses_inputs = True

    def churn(self, inputs, names):
        return np.nan_to_num(inputs).sum(axis=1) % 1

    def next_items(self, histories, at, k):
        found = super().next_items(histories, at, k)
        return [
            [one._replace(probability=float(sum(map(np.sum, (h.counts, h.last_at, h.first_at)))) % 1) for one in items]
            for h, items in zip(histories, found, strict=True)
        ]


@pytest.mark.parametrize("changed", ["counts", "last_at", "first_at", "units", "last_units", "orders", "items"])
def test_whatever_changes_is_seen_by_the_next_decision(shop, one, policy, changed):
    before = replace(shop.history(coffee=3, tea=2), units=np.array([4.0, 2.0]), last_units=np.ones(2))
    more = {"orders": 5.0, "items": ["coffee", "boots"]}.get(changed)
    after = replace(before, **{changed: np.array(getattr(before, changed)) + 1.25 if more is None else more})
    models = Guess(shop.ARTICLES)
    for bought in (before, after, before):
        found = one(shop.ask(), shop.regular(history=bought), scorer=models)
        anew = one(shop.ask(), shop.regular(history=bought), scorer=models, policy=replace(policy))
        assert found == anew
