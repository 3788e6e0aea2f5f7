"""A clock that jumps two days to and fro: no hold is loosened by it, no cap, and no answer is given anew."""

import os
import signal
from contextlib import closing
from datetime import timedelta

import pytest
from regular_customer import NOON
from served import Asker, behind, event, misses, regulars, rows, served, shop_to_serve, sold

from serving.api import create_app
from serving.security import KeyStore
from serving.settings import ServingSettings

HOUR = 1 / 24
JUMPS_HOURS = (0, 48, 0, -48, 0, 48, -48)
SETTINGS = ServingSettings(watch_minutes=0, requests_per_second=0)


def case(event_id, who, kind, status, days=HOUR):
    return event(event_id, "case", who, days=days, case_id=f"of {who}", kind=kind, status=status)


HELD = {
    "open_return": [case("h1", "open_return", "return", "opened")],
    "open_case": [case("h2", "open_case", "exchange", "opened")],
    "cooling": [
        case("h3", "cooling", "exchange", "opened", 3),
        case("h4", "cooling", "exchange", "resolved"),
    ],
    "open_complaint": [event("h5", "feedback", "open_complaint", days=HOUR, kind="complaint")],
    "bad_rating": [event("h6", "feedback", "bad_rating", days=HOUR, kind="rating", score=1)],
    "late_delivery": [
        event("h7", "delivery", "late_delivery", days=6, order_id="d", status="shipped",
              promised_at=(NOON - timedelta(days=4)).isoformat()),
        event("h8", "browse", "late_delivery", days=HOUR, action="view", session_id="s"),
    ],
    "friction": [event("h9", "friction", "friction", days=HOUR, kind="payment_error")],
    "predicted": [event("h10", "score", "predicted", days=HOUR, model="dissatisfaction", version="1", value=0.9)],
    "staff": [
        event("h11", "hold", "staff", days=HOUR, action="add", hold_id="h", person="liisa", reason="She called.",
              review_at=(NOON + timedelta(days=9)).isoformat())
    ],
}  # fmt: skip
"""Per kind of hold what opened it. Those that end by days last more than the two that the clock jumps."""


@pytest.fixture
def jumping(tmp_path, start):
    """A running service, and a function that sets its clock: so many hours from noon."""
    home = shop_to_serve(tmp_path / "home")
    now = [NOON]
    _, key = KeyStore(home).create("shop", ["admin"], now=NOON)
    app = create_app(home, clock=lambda: now[0], settings=SETTINGS)
    client = start(app, authorization=f"Bearer {key}")

    def jump(hours):
        now[0] = NOON + timedelta(hours=hours)
        return now[0]

    return client, jump


def letter(client, who, key=None):
    """The answer to a question for a letter to her."""
    headers = {} if key is None else {"idempotency-key": key}
    asked = {"customer_id": who, "channel": "email", "placement": "email"}
    answer = client.post("/v1/decisions", json=asked, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def told(client, events):
    answer = client.post("/v1/events", json=events)
    assert answer.status_code == 200 and {one["status"] for one in answer.json()["results"]} == {"accepted"}


@pytest.mark.parametrize("kind", HELD)
def test_no_jump_loosens_a_hold(jumping, kind):
    client, jump = jumping
    told(client, list(regulars([kind])))
    before = letter(client, kind)
    assert sold(before)
    told(client, HELD[kind])
    assert [hold["kind"] for hold in letter(client, kind)["holds"]] == [kind.replace("cooling", "open_case")]
    for hours in JUMPS_HOURS:
        jump(hours)
        assert not sold(letter(client, kind)), hours
        rechecked = client.post("/v1/recheck", json={"decision_ids": [before["decision_id"]]}).json()["results"]
        assert not rechecked[0]["allowed"], hours


def test_no_jump_makes_room_in_the_cap(jumping):
    """Two days are less than the week in which three letters may go."""
    client, jump = jumping
    sent = 0
    for n, hours in enumerate(JUMPS_HOURS * 2):
        at = jump(hours)
        answer = letter(client, "aino")
        if sold(answer):
            who = {"type": "contact", "customer_id": "aino", "channel": "email", "occurred_at": at.isoformat()}
            of = {"action_id": answer["actions"][0]["action_id"], "decision_id": answer["decision_id"]}
            told(client, [{"event_id": f"letter {n}", **who, "payload": {**of, "status": "sent"}}])
            sent += 1
    assert 2 <= sent <= 3


def test_no_jump_gives_a_key_a_second_answer_and_each_can_be_taken_again(jumping):
    client, jump = jumping
    jump(48)
    ahead = letter(client, "aino", "a letter")
    assert sold(ahead)
    for hours in JUMPS_HOURS:
        jump(hours)
        again = letter(client, "aino", "a letter")
        assert again["decision_id"] in (None, ahead["decision_id"])
        assert not sold(again) or again["actions"] == ahead["actions"]
        replayed = client.get(f"/v1/decisions/{ahead['decision_id']}/replay")
        assert replayed.status_code == 200 and replayed.json()["exact"], replayed.text


def test_killed_and_started_again_two_days_off_it_sells_to_nobody_held_and_loses_nothing(tmp_path):
    home = shop_to_serve(tmp_path / "home")
    acknowledged, decided = [], {}
    names = list(HELD)
    for life, hours in enumerate((0, 48, -48)):
        with served(home, NOON + timedelta(hours=hours)) as service, closing(Asker(service)) as asker:
            if life == 0:
                events = [*regulars(names), *(one for of_kind in HELD.values() for one in of_kind)]
            else:
                events = [event(f"seen {life}", "browse", "aino", days=-hours / 24, action="view", session_id="s")]
            assert asker.tell(events) == (200, ["accepted"] * len(events))
            acknowledged += [one["event_id"] for one in events]
            for who in names:
                status, answer = asker.ask("POST", "/v1/decisions", {"customer_id": who, "channel": "email",
                                           "placement": "email"}, **{"idempotency-key": f"{who} {life}"})  # fmt: skip
                assert status == 200 and not sold(answer), (who, hours)
                decided[f"{who} {life}"] = answer["decision_id"]
            os.kill(service.pid, signal.SIGKILL)
    assert misses(home, acknowledged) == {} and behind(home) == 0
    assert decided == dict(rows(home, "select key, decision_id from idempotency join decisions using (decision_id)"))
