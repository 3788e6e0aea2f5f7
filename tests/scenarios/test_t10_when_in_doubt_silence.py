"""T10: when in doubt, silence; service still goes out."""

import os
from contextlib import closing
from datetime import timedelta

import pytest

from features.log import quarantine
from features.log.store import connect


def damage_state(shop, customer, body):
    """Overwrite the stored state of a customer behind the shop's back."""
    with closing(connect(shop.home)) as connection:
        changed = connection.execute("update state set body = ? where customer_id = ?", (body, customer)).rowcount
    assert changed == 1


def state_of(shop, customer):
    with closing(connect(shop.home)) as connection:
        (body,) = connection.execute("select body from state where customer_id = ?", (customer,)).fetchone()
    return body


def test_t10_a_corrupt_state_means_no_offer_and_says_so(shop):
    shop.regular("aino")
    assert shop.front_page("aino").sells
    body = state_of(shop, "aino")
    for damage in (b"", body[:-7], os.urandom(len(body)), b"\x00" * len(body)):
        damage_state(shop, "aino", damage)
        answer = shop.front_page("aino")
        assert not answer.sells, damage[:20]
        assert answer["state_status"].startswith("unknown:")
        assert answer["no_action_reason"]["code"] == "state_unknown"


def test_t10_a_state_that_lags_behind_the_log_means_no_offer(shop):
    shop.regular("aino")
    yesterday = state_of(shop, "aino")
    shop.happens("case", "aino", case_id="x", kind="exchange", status="opened")
    with closing(connect(shop.home)) as connection:
        connection.execute(
            "update state set body = ?, position = position - 1 where customer_id = ?", (yesterday, "aino")
        )
    answer = shop.front_page("aino")
    assert not answer.sells
    assert answer["state_status"].startswith("unknown:")


def test_t10_a_store_that_cannot_be_read_means_no_offer(shop):
    shop.regular("aino")
    connection = connect(shop.home)
    connection.execute("alter table state rename to state_gone")
    connection.close()
    answer = shop.front_page("aino")
    assert not answer.sells
    assert answer["state_status"].startswith("unknown:")


def test_t10_a_future_dated_state_means_no_offer(shop):
    shop.wait(days=30)
    shop.regular("aino")
    shop.now -= timedelta(days=30)  # the clock of this host went back: what we know is from its future
    answer = shop.front_page("aino")
    assert not answer.sells
    assert answer["state_status"].startswith("unknown:")


def test_t10_a_required_source_gone_quiet_means_no_offer(shop):
    shop.requires_source("api", within_hours=48)
    shop.regular("aino")
    shop.wait(hours=47)
    assert shop.front_page("aino").sells
    shop.wait(hours=2)
    answer = shop.front_page("aino")
    assert not answer.sells
    assert "api" in answer["no_action_reason"]["text"]


def test_t10_service_still_goes_out(shop):
    shop.regular("aino")
    shop.happens("case", "aino", case_id="x", kind="exchange", status="opened")
    assert "case_status" in shop.front_page("aino").actions
    shop.requires_source("never-heard-of", within_hours=1)
    answer = shop.front_page("aino")
    assert answer["state_status"].startswith("unknown:")
    assert not answer.sells
    assert "case_status" in answer.actions, "what we do know of her open case is still told"


@pytest.fixture
def garbled(shop):
    """Something about Aino came in that nobody could read: perhaps a complaint."""
    shop.regular("aino")
    shop.regular("venla")
    told = {"event_id": "c-1", "type": "case", "customer_id": "aino", "payload": {"case_id": "case-1"}}
    assert shop.post(told | {"occurred_at": shop.now.isoformat()})["status"] == "rejected"
    shop.wait(seconds=1)
    return shop


def test_t10_an_event_about_her_that_was_refused_means_no_offer_until_a_person_has_looked(garbled):
    for answer in (garbled.front_page("aino"), garbled.email("aino")):
        assert not answer.sells
        assert answer["state_status"] == "unknown:rejected_event"
    assert garbled.front_page("venla").sells, "the others are none of it"
    garbled.wait(days=30)
    assert not garbled.front_page("aino").sells, "time does not make it readable"

    (entry,) = quarantine.entries(garbled.home)
    quarantine.dismiss(garbled.home, entry.id, person="maija", reason="a test of the sender's", now=garbled.now)
    assert garbled.front_page("aino").sells


def test_t10_a_refused_visit_is_no_reason_for_silence(shop):
    shop.regular("aino")
    told = {"event_id": "b-1", "type": "browse", "customer_id": "aino", "payload": {"action": "view"}}
    assert shop.post(told | {"occurred_at": shop.now.isoformat()})["status"] == "rejected"
    assert shop.front_page("aino").sells, "a page view holds nobody, read or unread"
