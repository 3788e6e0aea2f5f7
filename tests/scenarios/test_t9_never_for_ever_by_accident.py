"""T9: silence is never for ever by accident."""

from datetime import datetime, timedelta

import pytest
import yaml

from features.errors import ConfigError
from serving.core.policy import DEFAULT_POLICY, parse_policy


def unhappy(shop):
    """One customer for each kind of hold that one person's doings open, each in force."""
    shop.regular("aino")
    shop.case("aino", "opened", kind="return")
    shop.case("eeva", "opened", kind="exchange", case_id="case-2")
    shop.case("helmi", "opened", kind="complaint", case_id="case-3")
    shop.case("iiris", "opened", kind="warranty", case_id="case-4")
    shop.case("iiris", "resolved", kind="warranty", case_id="case-4")
    shop.rates("iiris", 1, case_id="case-4")
    shop.rates("kerttu", 1)
    promised = (shop.now + timedelta(minutes=1)).isoformat()
    shop.happens("delivery", "lempi", order_id="late", status="promised", promised_at=promised)
    shop.happens("friction", "maija", touchpoint="checkout", kind="payment_error")
    shop.happens("score", "saima", model="dissatisfaction", version="1", value=0.9)
    look_at = (shop.now + timedelta(days=7)).isoformat()
    shop.happens(
        "hold", "venla", action="add", hold_id="staff:1", person="maija", reason="promised her peace",
        review_at=look_at,
    )  # fmt: skip
    shop.wait(minutes=2)
    names = ["aino", "eeva", "helmi", "iiris", "kerttu", "lempi", "maija", "saima", "venla"]
    return {name: shop.front_page(name) for name in names}


def test_t9_every_hold_has_an_end_or_a_day_on_which_a_person_looks(shop):
    holds = [hold for answer in unhappy(shop).values() for hold in answer["holds"]]
    kinds = {hold["kind"] for hold in holds}
    assert kinds == set(PERSONAL), "each kind is in force for somebody"
    for hold in holds:
        assert hold["ends_at"] or hold["review_at"], hold["hold_id"]


PERSONAL = [
    "open_return", "open_case", "open_complaint", "bad_resolution", "bad_rating", "late_delivery", "friction",
    "predicted", "staff",
]  # fmt: skip


@pytest.mark.parametrize("kind", PERSONAL)
def test_t9_a_policy_with_a_hold_that_neither_ends_nor_is_reviewed_is_refused(kind):
    policy = yaml.safe_load(DEFAULT_POLICY.read_text(encoding="utf-8"))
    for ending in ("lasts_days", "review_days"):
        policy["holds"][kind].pop(ending, None)
    with pytest.raises(ConfigError, match=kind):
        parse_policy(yaml.safe_dump(policy))


def test_t9_a_person_cannot_ask_for_silence_without_saying_when_to_look_again(shop):
    shop.regular("aino")
    result = shop.http.post("/v1/events", json={
        "event_id": "h-1", "type": "hold", "customer_id": "aino", "occurred_at": shop.now.isoformat(),
        "payload": {"action": "add", "hold_id": "staff:1", "person": "maija", "reason": "peace"},
    }).json()["results"][0]  # fmt: skip
    assert result["status"] == "rejected" and result["reason"] == "missing_field"


def test_t9_one_past_its_review_date_still_holds(shop):
    answers = unhappy(shop)
    waiting = {
        name: hold["hold_id"]
        for name, answer in answers.items()
        for hold in answer["holds"]
        if hold["ends_at"] is None
    }  # fmt: skip
    assert set(waiting) == {"aino", "eeva", "helmi", "iiris", "lempi", "venla"}
    shop.wait(days=90)
    for name, hold_id in waiting.items():
        answer = shop.email(name)
        (hold,) = [hold for hold in answer["holds"] if hold["hold_id"] == hold_id]
        assert datetime.fromisoformat(hold["review_at"]) < shop.now
        assert not answer.sells, f"{name} is not forgotten, and not sold to"
    for name in ("maija", "saima"):
        assert shop.front_page(name).holds == set(), "what time heals, time has healed"


def watch_list(shop, **filters):
    """What staff see of everybody who is silent."""
    answer = shop.http.get("/v1/holds", params=filters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_t9_everyone_who_is_held_is_on_the_watch_list(shop):
    answers = unhappy(shop)
    listed = {(entry["customer_id"], entry["hold_id"]) for entry in watch_list(shop)["entries"]}
    assert listed == {(name, hold["hold_id"]) for name, answer in answers.items() for hold in answer["holds"]}
    assert watch_list(shop, past_review="true")["entries"] == [], "nothing waits for a person yet"


def test_t9_one_past_its_review_date_shows_on_it_until_it_ends(shop):
    shop.regular("aino")
    shop.case("aino", "opened")
    shop.wait(days=14, minutes=1)
    (entry,) = watch_list(shop, past_review="true")["entries"]
    assert entry["customer_id"] == "aino" and entry["past_review"]
    assert entry["ends"] and entry["ends_fi"]
    shop.wait(days=365)
    assert watch_list(shop, past_review="true")["total"] == 1, "a year later it is still there"
    assert not shop.front_page("aino").sells, "and still holds"

    shop.case("aino", "resolved")
    shop.rates("aino", 5, case_id="case-1")
    shop.wait(seconds=1)
    assert watch_list(shop)["entries"] == [] and shop.front_page("aino").sells


def test_t9_a_customer_whose_state_cannot_be_trusted_is_on_it_too(shop):
    shop.regular("aino")
    garbled = {"event_id": "c-1", "type": "case", "customer_id": "aino", "payload": {"case_id": "case-1"}}
    assert shop.post(garbled | {"occurred_at": shop.now.isoformat()})["status"] == "rejected"
    answer = shop.front_page("aino")
    assert answer["state_status"] == "unknown:rejected_event" and not answer.sells
    (entry,) = watch_list(shop)["entries"]
    assert (entry["customer_id"], entry["kind"]) == ("aino", "state_unknown")
