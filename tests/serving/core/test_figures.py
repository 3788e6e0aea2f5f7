"""Arbitration, contact weights and draws, by hand and by law."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from serving.core import contact
from serving.core.arbitration import expected_gain, ranks, retention_response
from serving.core.exploration import arm_of, bucket_of, chances, draw, seed_of, uniforms
from serving.core.question import Contact

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
WEIGHTS = {"email": 1.0, "web": 0.02}


def test_expected_gain_is_the_formula():
    def gain(**changed):
        usual = {"response": 0.5, "incremental": 0.1, "margin": 1000, "incentive_cost": 0, "contact_cost": 0}
        values = {"lever": 1, "context_weight": 1} | usual | changed
        return expected_gain(**{name: np.array([[float(v)]]) for name, v in values.items()})[0, 0]

    assert gain() == 100
    assert gain(contact_cost=30) == 70
    assert gain(lever=2, context_weight=0.5, contact_cost=30) == 70
    assert gain(incentive_cost=300) == 100 - 150, "charged on everyone who uses it, not on those it won alone"


def test_a_retention_offer_pays_those_who_would_have_stayed_and_gains_only_those_it_keeps():
    response, gained = retention_response(np.array([0.0, 0.5, 1.0]), 0.2)
    assert response.tolist() == pytest.approx([1.0, 0.6, 0.2])
    assert gained.tolist() == pytest.approx([0.0, 0.1, 0.2])


def test_ranks_by_gain_ties_in_catalogue_order_blocked_nought():
    gain = np.array([[1.0, 5.0, 5.0, 9.0]])
    assert ranks(gain, np.array([[True, True, True, False]])).tolist() == [[3, 1, 2, 0]]


def test_the_counter_weighs_channels_and_counts_a_decision_once():
    contacts = [
        Contact(NOW - timedelta(days=1), "a", "email", decision_id="d1"),
        Contact(NOW - timedelta(days=1), "b", "email", decision_id="d1"),
        Contact(NOW - timedelta(days=2), "a", "web"),
        Contact(NOW - timedelta(days=7), "a", "email"),
        Contact(NOW + timedelta(days=1), "a", "email"),
    ]
    week, fortnight = timedelta(days=7), timedelta(days=14)
    assert contact.used(contacts, since=NOW - week, until=NOW, weights=WEIGHTS) == 1.02
    assert contact.used(contacts, since=NOW - fortnight, until=NOW, weights=WEIGHTS) == 2.02


def test_the_cap_frees_when_enough_contacts_have_left_the_window():
    week = timedelta(days=7)
    contacts = [Contact(NOW - timedelta(days=d), "a", "email") for d in (1, 3, 6, 8)]

    def frees(room):
        return contact.frees_at(contacts, NOW, week, NOW, WEIGHTS, room) - NOW.timestamp()

    assert frees(2.0) == timedelta(days=1).total_seconds(), "the one of six days ago leaves tomorrow"
    assert frees(1.0) == timedelta(days=4).total_seconds()
    assert frees(0.0) == timedelta(days=6).total_seconds()
    assert frees(-0.5) == float("inf"), "no room however long one waits"


def test_fifty_web_views_of_weight_a_fiftieth_fill_a_cap_of_one_exactly():
    seen = [Contact(NOW - timedelta(minutes=i), "a", "web") for i in range(50)]
    spent = contact.used(seen[:49], since=NOW - timedelta(days=7), until=NOW, weights=WEIGHTS)
    assert not contact.over_cap(spent, 0.02, 1)
    spent = contact.used(seen, since=NOW - timedelta(days=7), until=NOW, weights=WEIGHTS)
    assert contact.over_cap(spent, 0.02, 1)


ROWS = st.integers(1, 6).flatmap(
    lambda m: st.tuples(
        hnp.arrays(np.float64, (3, m), elements=st.floats(-1e6, 1e6)),
        hnp.arrays(np.bool_, (3, m)).map(lambda a: a | ~a.any(axis=1, keepdims=True)),
        hnp.arrays(np.bool_, (3, m)),
        hnp.arrays(np.float64, 3, elements=st.floats(0, 1)),
        hnp.arrays(np.float64, 3, elements=st.floats(0, 1, exclude_max=True)),
    )
)


@given(ROWS)
def test_probabilities_sum_to_one_and_a_blocked_action_is_never_drawn(rows):
    gain, allowed, firm, epsilon, uniform = rows
    odds = chances(gain, allowed, epsilon, firm)
    assert odds.sum(axis=1) == pytest.approx(1.0, abs=1e-12)
    assert (odds[~allowed] == 0).all()
    drawn = draw(odds, uniform)
    assert odds[np.arange(3), drawn].min() > 0


def test_draws_come_as_often_as_their_probability_says():
    odds = chances(np.array([[3.0, 2.0, 1.0]]), np.array([[True, True, True]]), np.array([0.3]), np.zeros((1, 3), bool))
    assert odds.tolist() == [pytest.approx([0.8, 0.1, 0.1])]
    uniform = np.array([uniforms(seed_of("s", str(i)), 1)[0] for i in range(20_000)])
    found = np.bincount(draw(np.repeat(odds, len(uniform), axis=0), uniform), minlength=3) / len(uniform)
    assert found == pytest.approx([0.8, 0.1, 0.1], abs=0.01)


def test_nobodys_case_is_an_experiment():
    firm = np.array([[True, False]])
    assert chances(np.array([[5.0, 1.0]]), firm | True, np.array([0.5]), firm).tolist() == [[1.0, 0.0]]


def test_seeds_and_arms_depend_on_salt_and_customer_only():
    assert seed_of("a", "b") == seed_of("a", "b") != seed_of("ab", "")
    shares = (("holdout", 0.2), ("control", 0.1))
    arms = [arm_of("salt", f"c{i}", shares) for i in range(5_000)]
    assert arms == [arm_of("salt", f"c{i}", shares) for i in range(5_000)]
    assert arms.count("holdout") / 5_000 == pytest.approx(0.2, abs=0.02)
    assert arms.count("control") / 5_000 == pytest.approx(0.1, abs=0.02)
    assert arms != [arm_of("other", f"c{i}", shares) for i in range(5_000)]


def test_a_bucket_is_closed_at_its_start():
    day = 86_400.0
    midnight = datetime(2026, 9, 1, tzinfo=UTC)
    assert bucket_of(midnight, day) == bucket_of(midnight + timedelta(hours=23, minutes=59), day)
    assert bucket_of(midnight - timedelta(microseconds=1), day) == bucket_of(midnight, day) - 1
