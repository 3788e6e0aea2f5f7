"""Incidents: which rules can be read, whom each affects, and how declarations fold."""

import json
import random

import pytest
from customer_facts import case, day, delivery, fact, purchase, rating, state_of

from features.customer.hold_rules import MAX_DAYS
from features.customer.incidents import LOOKBACK_DAYS, affects, incidents_of, read_rule, telling
from features.customer.kept import KEPT_COUNTS, KEPT_DAYS
from features.instants import to_us

DECLARED = 30


def incident(on=DECLARED, **rule):
    """An incident declared on a day; instants in its rule are days."""
    for name in ("since", "orders_between"):
        if name in rule:
            rule[name] = (
                [day(d).isoformat() for d in rule[name]] if name == "orders_between" else day(rule[name]).isoformat()
            )
    told = {"action": "declare", "hold_id": "I1", "person": "liisa", "rule": json.dumps(rule)}
    (found,) = incidents_of([fact("incident", on, origin="", **told)])
    return found


def friction(on, touchpoint="pickup"):
    return fact("friction", on, kind="out_of_stock", touchpoint=touchpoint)


ON_THE_WEB = purchase(10, "O1", ("boots", 1, 9900))
BY_POSTI = delivery(11, "shipped", "O1", carrier="posti")

AFFECTED = {
    "her order came by the carrier": ({"carrier": "posti"}, [ON_THE_WEB, BY_POSTI]),
    "however it is written": ({"carrier": "Posti"}, [ON_THE_WEB, BY_POSTI]),
    "the delivery is all that is known": ({"carrier": "posti"}, [BY_POSTI]),
    "another carrier took over": ({"carrier": "posti"}, [BY_POSTI, delivery(12, "shipped", "O1", carrier="jakelu")]),
    "her order was made in the channel": ({"channel": "web"}, [ON_THE_WEB]),
    "on the first instant": ({"orders_between": (10, 12)}, [ON_THE_WEB]),
    "one order meets all": ({"carrier": "posti", "channel": "web", "orders_between": (9, 11)}, [ON_THE_WEB, BY_POSTI]),
    "since then": ({"since": 10}, [ON_THE_WEB]),
    "since then, by the carrier": ({"carrier": "posti", "since": 10}, [ON_THE_WEB, BY_POSTI]),
    "friction at the touchpoint": ({"touchpoint": "pickup"}, [friction(5)]),
    "a good word given there": ({"touchpoint": "pickup"}, [rating(5, 5, touchpoint="pickup")]),
    "a complaint given there": ({"touchpoint": "pickup"}, [fact("feedback", 5, kind="complaint", touchpoint="pickup")]),
    "friction there since then": ({"touchpoint": "pickup", "since": 5}, [friction(5)]),
    "friction there in between": ({"touchpoint": "pickup", "orders_between": (5, 6)}, [friction(5)]),
    "an order in between, no friction": ({"touchpoint": "pickup", "orders_between": (9, 11)}, [ON_THE_WEB]),
    "friction since, orders in between": (
        {"touchpoint": "pickup", "since": 20, "orders_between": (1, 2)},
        [friction(25)],
    ),
}
SPARED = {
    "nothing happened": ({"carrier": "posti"}, []),
    "another carrier": ({"carrier": "posti"}, [ON_THE_WEB, delivery(11, "shipped", "O1", carrier="jakelu")]),
    "no carrier told": ({"carrier": "posti"}, [ON_THE_WEB, delivery(11, "shipped", "O1")]),
    "another channel": ({"channel": "store"}, [ON_THE_WEB]),
    "the last instant is out": ({"orders_between": (9, 10)}, [ON_THE_WEB]),
    "before": ({"since": 10.25}, [ON_THE_WEB]),
    "one order by the carrier, another in the channel": (
        {"carrier": "posti", "channel": "store"},
        [ON_THE_WEB, BY_POSTI, purchase(10, "O2", ("tea", 1, 500), channel="store")],
    ),
    "a delivery alone is of no channel": ({"carrier": "posti", "channel": "web"}, [BY_POSTI]),
    "friction elsewhere": ({"touchpoint": "pickup"}, [friction(5, "checkout"), friction(5, None)]),
    "friction there before": ({"touchpoint": "pickup", "since": 5.25}, [friction(5)]),
    "friction there outside": ({"touchpoint": "pickup", "orders_between": (6, 7)}, [friction(5)]),
    "an order, where only a touchpoint is named": ({"touchpoint": "pickup", "since": 1}, [ON_THE_WEB, BY_POSTI]),
    "a case, which is no feedback": ({"touchpoint": "pickup"}, [case(5, "opened", touchpoint="pickup")]),
}


@pytest.mark.parametrize(("rule", "facts"), AFFECTED.values(), ids=AFFECTED)
def test_it_affects_her(rule, facts):
    assert affects(incident(**rule), state_of(*facts), day(DECLARED))


@pytest.mark.parametrize(("rule", "facts"), SPARED.values(), ids=SPARED)
def test_it_does_not_affect_her(rule, facts):
    assert not affects(incident(**rule), state_of(*facts), day(DECLARED))


def test_what_happens_later_is_not_known_yet():
    by_posti = incident(carrier="posti")
    assert not affects(by_posti, state_of(ON_THE_WEB, BY_POSTI), day(10.75))
    assert affects(by_posti, state_of(ON_THE_WEB, BY_POSTI), day(11))
    handed_over = state_of(
        ON_THE_WEB, delivery(11, "promised", "O1", promised=15), delivery(13, "shipped", "O1", carrier="posti")
    )
    assert not affects(by_posti, handed_over, day(12))
    assert affects(by_posti, handed_over, day(13))


def test_what_is_long_past_at_the_declaration_is_not_meant():
    old = state_of(friction(0), ON_THE_WEB)
    assert affects(incident(on=LOOKBACK_DAYS, touchpoint="pickup"), old, day(LOOKBACK_DAYS))
    assert not affects(incident(on=LOOKBACK_DAYS + 1, touchpoint="pickup"), old, day(LOOKBACK_DAYS + 1))
    assert not affects(incident(on=LOOKBACK_DAYS + 11, channel="web"), old, day(LOOKBACK_DAYS + 11))


def test_the_fold_keeps_every_order_that_an_incident_may_still_reach():
    assert KEPT_DAYS["orders"] >= LOOKBACK_DAYS + MAX_DAYS
    many = [purchase(on, f"O{on}", ("tea", 1, 500)) for on in range(3 * KEPT_COUNTS["orders"])]
    many.append(purchase(LOOKBACK_DAYS, "last", ("tea", 1, 500)))
    state = state_of(*many)
    assert affects(incident(on=LOOKBACK_DAYS, orders_between=(0, 1)), state, day(LOOKBACK_DAYS))
    assert [len(o.items) for o in state.orders[-11:]] == [0] + [1] * 10


@pytest.mark.parametrize(("rule", "words"), [
    ("{}", "says nothing"),
    ("[]", "Expected `object`"),
    ('{"shop": "kallio"}', "unknown field `shop`; known are carrier, channel"),
    ('{"channel": "fax"}', "'fax' is not one of web"),
    ('{"carrier": " "}', "carrier is empty"),
    ('{"carrier": 7}', "Expected `str"),
    ('{"since": "yesterday"}', "RFC3339"),
    ('{"since": "2026-03-01T12:00:00"}', "timezone"),
    ('{"orders_between": ["2026-03-01T12:00:00Z"]}', "length 2"),
    ('{"orders_between": ["2026-03-02T12:00:00Z", "2026-03-01T12:00:00Z"]}', "ends before it begins"),
])  # fmt: skip
def test_a_rule_that_makes_no_sense_is_refused_in_words(rule, words):
    with pytest.raises(ValueError, match=words):
        read_rule(rule)


def test_facts_in_any_order_and_repeated_give_the_same_incidents():
    told = [
        fact("incident", on, origin="", hold_id=i, action=action, person="liisa", rule='{"carrier": "posti"}')
        for on, i, action in ((1, "A", "declare"), (2, "B", "declare"), (3, "A", "close"), (4, "A", "declare"))
    ]
    found = incidents_of(told)
    assert [(i.incident_id, i.closed_at) for i in found] == [("A", to_us(day(3))), ("B", None), ("A", None)]
    for seed in range(10):
        shuffled = [*told, *told[:2], case(0, "opened")]
        random.Random(seed).shuffle(shuffled)
        assert incidents_of(shuffled) == found


def test_an_incident_is_told_of_as_long_as_it_can_matter():
    (open_one,) = [incident(carrier="posti")]
    assert telling([open_one], to_us(day(DECLARED + 2 * MAX_DAYS))) == ()
    assert telling([open_one], to_us(day(DECLARED + 2 * MAX_DAYS - 1))) == (open_one,)


def test_a_rule_of_an_older_program_affects_nobody():
    told = {"action": "declare", "person": "liisa", "rule": '{"store": "kallio"}'}
    assert incidents_of([fact("incident", 0, origin="", **told)]) == ()
