"""Each gate by hand: who is blocked, who is not."""

import numpy as np
import pytest
from msgspec.structs import replace

from serving.core.gates import BITS, GATES, NAMES, Asked, evaluate, names_of


@pytest.fixture
def open_doors(catalogue):
    """One customer before whom no gate is closed."""
    m = len(catalogue)
    every, none = np.ones((1, m), dtype=bool), np.zeros((1, m), dtype=bool)
    yes, no = np.array([True]), np.array([False])
    features = np.ones((1, len(catalogue.features)))
    return Asked(
        catalogue=catalogue, features=features, treatment=np.zeros((1, m), dtype=np.int64), shown=every, readable=yes,
        granted=every, objects=no, held=none, told=none, empty=none, over_cap=no, reserves=no, holdout=no,
        outdated=none, unfit=none, over_action_cap=none, quiet=no, silent=no, reached=every, unanswered=no,
        unsampled=none, answered=none,
    )  # fmt: skip


def blocked(asked, gate):
    """The actions a gate blocks, by name."""
    bits = evaluate(asked)[0]
    return {a.action for a, mask in zip(asked.catalogue.actions, bits, strict=True) if mask & BITS[gate]}


def seen(asked, **features):
    """The same with some features as given."""
    rows = asked.features.copy()
    for name, value in features.items():
        rows[:, asked.catalogue.features.index(name)] = value
    return replace(asked, features=rows)


def of_category(catalogue, *categories):
    return {a.action for a in catalogue.actions if a.category in categories}


def test_the_bits_are_a_contract_that_only_grows_at_the_end():
    assert NAMES == (
        "placement", "state_unknown", "consent", "profiling_objection", "hold", "eligibility", "applicability",
        "suitability", "no_items", "contact_cap", "already_told", "outranked", "service_first", "holdout",
        "validity", "quiet_hours", "action_cap", "comes_later", "not_sampled", "already_known",
        "unanswered",
    )  # fmt: skip
    assert names_of(BITS["hold"] | BITS["holdout"]) == ("hold", "holdout")
    assert set(GATES) == set(NAMES) and all(gate.__doc__ for gate in GATES.values())


@pytest.mark.parametrize(
    ("gate", "change"),
    [
        ("state_unknown", {"readable": np.array([False])}),
        ("contact_cap", {"over_cap": np.array([True])}),
        ("holdout", {"holdout": np.array([True])}),
        ("quiet_hours", {"quiet": np.array([True])}),
    ],
)
def test_clearance_cap_and_holdout_stop_sales_and_care_and_nothing_else(open_doors, catalogue, gate, change):
    assert blocked(open_doors, gate) == set()
    assert blocked(replace(open_doors, **change), gate) == of_category(catalogue, "sales", "care")


def test_consent_never_stops_service(open_doors, catalogue):
    refused = replace(open_doors, granted=np.zeros((1, len(catalogue)), dtype=bool))
    assert blocked(refused, "consent") == of_category(catalogue, "sales", "care")


def test_an_objection_to_profiling_stops_what_is_personal_and_leaves_the_popular(open_doors, catalogue):
    stopped = blocked(replace(open_doors, objects=np.array([True])), "profiling_objection")
    assert stopped == {a.action for a in catalogue.actions if a.personal}
    assert "popular_items" not in stopped and "recommended_items" in stopped


def test_a_place_shows_its_categories_and_what_has_a_form_for_it(open_doors, catalogue):
    shown = np.array([[a.category != "sales" for a in catalogue.actions]])
    assert blocked(replace(open_doors, shown=shown), "placement") == of_category(catalogue, "sales")
    formless = replace(open_doors, treatment=np.full((1, len(catalogue)), -1))
    assert blocked(formless, "placement") == {a.action for a in catalogue.actions} - {"no_action"}


def test_conditions_stop_where_they_are_not_met(open_doors):
    never_bought = seen(open_doors, orders_total=0.0)
    assert "recommended_items" in blocked(never_bought, "applicability")
    assert "second_purchase_nurture" in blocked(never_bought, "eligibility")
    staying = seen(open_doors, churn_probability=0.1)
    assert blocked(staying, "suitability") >= {"win_back_discount"}


def test_a_persons_call_outranks_everything_but_silence(open_doors, catalogue):
    grave = seen(open_doors, unresolved_severity=4.0)
    assert blocked(open_doors, "outranked") == set(), "at severity 1 it does not apply"
    assert blocked(grave, "outranked") == {a.action for a in catalogue.actions} - {"staff_call", "no_action"}


def test_service_that_applies_goes_first_where_it_is_reserved(open_doors, catalogue):
    due = seen(open_doors, max_case_severity=2.0)
    assert blocked(due, "service_first") == set()
    reserved = replace(due, reserves=np.array([True]))
    assert blocked(reserved, "service_first") == of_category(catalogue, "sales", "care")
    nothing_due = seen(reserved, **dict.fromkeys(catalogue.features, np.nan))
    assert blocked(nothing_due, "service_first") == set()


def test_no_action_passes_every_gate_whatever_is_closed(open_doors, catalogue):
    m = len(catalogue)
    unknown = np.full((1, len(catalogue.features)), np.nan)
    shut = Asked(
        catalogue=catalogue, features=unknown, treatment=np.full((1, m), -1), shown=np.zeros((1, m), dtype=bool),
        readable=np.array([False]), granted=np.zeros((1, m), dtype=bool), objects=np.array([True]),
        held=np.ones((1, m), dtype=bool), told=np.ones((1, m), dtype=bool), empty=np.ones((1, m), dtype=bool),
        over_cap=np.array([True]), reserves=np.array([True]), holdout=np.array([True]),
        outdated=np.ones((1, m), dtype=bool), unfit=np.ones((1, m), dtype=bool),
        over_action_cap=np.ones((1, m), dtype=bool), quiet=np.array([True]),
        silent=np.array([True]), reached=np.zeros((1, m), dtype=bool), unanswered=np.array([True]),
        unsampled=np.ones((1, m), dtype=bool), answered=np.ones((1, m), dtype=bool),
    )  # fmt: skip
    bits = evaluate(shut)[0]
    assert bits[catalogue.no_action] == 0
    assert (np.delete(bits, catalogue.no_action) > 0).all()
