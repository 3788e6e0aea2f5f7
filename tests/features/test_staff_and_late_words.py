"""People's words and late ones: holds added twice, releases before and after, causes that grow worse, late facts."""

import pytest
from customer_facts import case, day, delivery, fact, holds_on, kinds_on, rating, seen_on

from features.customer.incidents import incidents_of


def add(on, hold_id="S1", **more):
    return fact("hold", on, action="add", hold_id=hold_id, person="liisa", **{"review_at": day(30)} | more)


def release(on, hold_id="S1", **more):
    return fact("hold", on, action="release", hold_id=hold_id, person="liisa", **more)


def test_a_hold_added_again_under_its_id_adds_to_the_first_and_one_release_ends_both():
    facts = [add(0, channels=["email"]), add(5, channels=["web"], review_at=day(40))]
    assert [(h.hold_id, h.covers.channels, h.review_at) for h in holds_on(6, *facts)] == [
        ("S1", ("email",), day(30)),
        ("S1", ("web",), day(40)),
    ]
    assert kinds_on(8, *facts, release(8)) == []


def test_a_release_ends_what_was_there_not_what_comes_later():
    assert kinds_on(1, release(0), add(1)) == ["staff"]
    assert kinds_on(9, add(0), release(4), add(9)) == ["staff"]
    assert kinds_on(9, add(0), release(4)) == []


def test_a_release_heard_of_before_the_hold_ends_it_all_the_same():
    assert kinds_on(9, release(4, known=4), add(0, known=8)) == []


def test_released_twice_it_ended_the_first_time():
    facts = [case(0, "opened"), case(1, "closed"), rating(2, 1, touchpoint=None, case_id="C1")]
    released = [release(on, "bad_resolution:C1") for on in (5, 20)]
    assert seen_on(21, *facts, *released).recovery_until == day(35)
    worse = rating(10, 1, touchpoint=None, case_id="C1")
    assert kinds_on(19, *facts, worse, *released)[0] == "bad_resolution"
    assert seen_on(21, *facts, worse, *released).recovery_until == day(50)


WORSE = {
    # what holds her, the hold that a person lets go, what makes it worse, the hold then
    "she asks again": ([case(0, "opened")], "open_case:C1", case(6, "customer_asked"), "open_case:C1"),
    "it is reopened": (
        [case(0, "opened"), case(1, "resolved")],
        "open_case:C1",
        case(6, "reopened"),
        "open_case:C1",
    ),
    "it becomes a complaint": (
        [case(0, "opened")],
        "open_case:C1",
        case(6, "waiting_shop", "complaint"),
        "open_complaint:C1",
    ),
    "it is rated badly again": (
        [case(0, "opened"), case(1, "closed"), rating(2, 2, case_id="C1", touchpoint=None)],
        "bad_resolution:C1",
        rating(6, 2, case_id="C1", touchpoint=None),
        "bad_resolution:C1",
    ),
    "the late parcel is late again": (
        [delivery(0, "promised", promised=1)],
        "late_delivery:O1",
        delivery(6, "delayed", promised=9),
        "late_delivery:O1",
    ),
    "the late parcel fails": (
        [delivery(0, "promised", promised=1)],
        "late_delivery:O1",
        delivery(6, "failed"),
        "open_case:delivery:O1",
    ),
    "a model is sure again": (
        [fact("score", 0, model="dissatisfaction", version="1", value=0.9)],
        "predicted:dissatisfaction:aino",
        fact("score", 6, model="dissatisfaction", version="1", value=0.8),
        "predicted:dissatisfaction:aino",
    ),
}


def ids_on(on, *facts):
    return [hold.hold_id for hold in holds_on(on, *facts)]


@pytest.mark.parametrize(("facts", "hold_id", "worse", "then"), WORSE.values(), ids=WORSE)
def test_a_released_hold_comes_back_when_its_cause_grows_worse(facts, hold_id, worse, then):
    released = [*facts, release(4, hold_id)]
    assert hold_id in ids_on(3, *facts)
    assert hold_id not in ids_on(5, *released)
    assert then in ids_on(6, *released, worse)


def test_a_return_released_on_time_is_held_again_once_it_is_late():
    facts = [case(0, "opened", "return", promised=5), release(1, "open_return:C1")]
    assert kinds_on(5, *facts) == []
    assert kinds_on(5.25, *facts) == ["open_case"]


def lockers(*steps):
    told = {"hold_id": "lockers", "person": "liisa"}
    rule = {"rule": '{"touchpoint": "pickup"}'}
    return incidents_of(
        fact("incident", on, origin="", action=action, **told, **(rule if action == "declare" else {}))
        for on, action in steps
    )


def met(on):
    return fact("friction", on, kind="out_of_stock", touchpoint="pickup")


def test_one_let_go_of_an_incident_is_held_again_when_she_meets_it_again():
    incidents = lockers((1, "declare"))
    facts = [met(0), release(3, "incident:lockers")]
    assert [h.hold_id for h in holds_on(2, *facts, incidents=incidents)] == ["incident:lockers"]
    assert holds_on(3, *facts, incidents=incidents) == []
    assert [h.hold_id for h in holds_on(4, *facts, met(4), incidents=incidents)] == ["incident:lockers"]


def test_an_incident_declared_again_begins_anew_and_is_one_hold():
    again = lockers((1, "declare"), (5, "close"), (9, "declare"), (11, "declare"))
    assert [(i.declared_at < 0, i.closed_at is None) for i in again] == [(False, False), (False, False), (False, True)]
    seen = {on: [h.ends_at for h in holds_on(on, met(0), incidents=again)] for on in (1, 5, 9, 11, 24, 25)}
    assert seen == {1: [day(15)], 5: [], 9: [day(23)], 11: [day(25)], 24: [day(25)], 25: []}


def test_a_close_without_a_declaration_and_one_told_before_it_change_nothing():
    assert lockers((1, "close")) == ()
    (incident,) = lockers((1, "close"), (2, "declare"))
    assert incident.closed_at is None


def test_a_late_fact_counts_from_when_it_happened():
    late = case(0, "customer_asked", known=20)
    on_time = [case(-1, "opened"), case(2, "resolved")]
    assert [h.severity for h in holds_on(3, *on_time, late)] == [3]
    assert holds_on(3, *on_time, late) == holds_on(3, late, *reversed(on_time))
