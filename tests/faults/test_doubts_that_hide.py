"""A rejected event leaves her in doubt however broken it is, and nothing but its own correction clears the doubt."""

import pytest
from regular_customer import NOON, sells

BAD = {"case_id": "c", "kind": "exchange", "status": "openend"}
VIEW = {"action": "view", "session_id": "s"}


def told(event_id="e", event_type="case", customer_id="aino", payload=BAD, **more):
    return {"event_id": event_id, "type": event_type, "customer_id": customer_id, "occurred_at": NOON.isoformat(),
            "payload": payload} | more  # fmt: skip


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return {"status": value}


@pytest.mark.parametrize(
    "event",
    [
        told(customer_id=None, payload=BAD | {"customer_id": "aino"}),
        told(customer_id="ai\ud800no"),
        told(event_type="ca\ud800se"),
        told(event_id="e\ud800"),
        told(payload=nested(5_000)),
        told(event_type="contact", payload={"action_id": "letter", "status": "Unsubscribe"}),
        told(event_type="contact", payload={"action_id": "letter", "status": ["unsubscribe"]}),
    ],
    ids=["id in the payload", "half a character", "in the type", "in the event id", "nested", "capital", "list"],
)
def test_however_broken_it_is_it_leaves_her_in_doubt_and_keeps_nobody_else_out(shop, event):
    results = shop.service.ingest([event, told("good", "browse", "bo", VIEW)], NOON)
    assert [r.status for r in results] == ["rejected", "accepted"]
    answer = shop.ask()
    assert answer.state_status == "unknown:rejected_event" and not sells(answer)


@pytest.mark.parametrize("number", [17, 17.0])
def test_an_id_sent_as_a_number_is_her_id(shop, number):
    shop.service.ingest([told(customer_id=number)], NOON)
    assert shop.ask(customer_id="17").state_status == "unknown:rejected_event"


def test_both_ids_that_a_broken_link_names_are_in_doubt(shop):
    link = told(event_type="identity", customer_id=None, anonymous_id="v1", payload={"external_id": "card"})
    shop.service.ingest([link], NOON)
    for visitor in ("v1", "card"):
        answer = shop.ask(customer_id=None, anonymous_id=visitor)
        assert answer.state_status == "unknown:rejected_event", visitor


def test_a_visitor_s_id_written_as_the_answers_write_it_is_hers(shop):
    shop.service.ingest([told(customer_id=None, anonymous_id="anonymous:v1")], NOON)
    assert shop.ask(customer_id=None, anonymous_id="v1").state_status == "unknown:rejected_event"


@pytest.mark.parametrize("other", [("browse", "bo"), ("browse", "aino"), ("case", "bo")])
@pytest.mark.parametrize("together", [True, False])
def test_another_event_under_the_same_id_clears_nothing(shop, other, together):
    """Two systems that each count from 1."""
    kind, customer = other
    second = told(
        event_type=kind, customer_id=customer, payload=VIEW if kind == "browse" else BAD | {"status": "opened"}
    )
    for batch in ([told(), second],) if together else ([told()], [second]):
        shop.service.ingest(batch, NOON)
    assert shop.ask().state_status == "unknown:rejected_event"


def test_a_profile_that_no_store_takes_is_rejected_alone(shop):
    profile = told(event_type="profile", payload={"facts": {"time_zone": "\ud800"}})
    assert [r.status for r in shop.service.ingest([profile], NOON)] == ["rejected"]
    assert sells(shop.ask())
