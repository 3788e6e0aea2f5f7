"""What silence costs: who is silent and how long, what was kept back, counted once a day, and what cannot be told."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from features.catalogue import ITEM_SCHEMA, merge_items
from features.home import Home
from serving.api import create_app
from serving.core.policy import DEFAULT_POLICY
from serving.desk.silence_worth import LEAST, Assigned, worth
from serving.settings import ServingSettings
from tests.conftest import Client

from .conftest import NOON
from .shop import Clock, case, event, purchase

LONG_AGO = NOON - timedelta(days=40)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(home: Home, clock: Clock, start: Callable[..., Client], key: Callable[..., dict[str, str]]) -> Client:
    rows = [
        dict.fromkeys(ITEM_SCHEMA.names)
        | {"item_id": f"item-{n}", "title": f"Thing {n}", "category": "things", "price": 2_000 + n, "margin": 900}
        | {"in_stock": True, "consumable": True, "valid_from": datetime(2025, 1, 1, tzinfo=NOON.tzinfo)}
        for n in range(3)
    ]
    merge_items(home, pa.Table.from_pylist(rows, schema=ITEM_SCHEMA))
    home.config.mkdir(exist_ok=True)
    text = DEFAULT_POLICY.read_text().replace("arms: {holdout: 0.05", "arms: {holdout: 0.0")
    (home.config / "policy.yaml").write_text(text)
    settings = ServingSettings(decision_deadline_ms=20_000)
    return start(create_app(home, clock=clock, settings=settings), **key("admin"))


def decide(client: Client, customer: str, **more: Any) -> dict[str, Any]:
    body = {"customer_id": customer, "channel": "web", "placement": "product_page"} | more
    found: dict[str, Any] = client.post("/v1/decisions", json=body).json()
    return found


def policy_in_force(client: Client) -> str:
    found: str = client.get("/v1/health/ready").json()["versions"]["policy"]
    return found


def silence(client: Client, **params: Any) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    answer = client.get("/v1/silence", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json(), {kind["kind"]: kind for kind in answer.json()["kinds"]}


def test_who_is_silent_and_for_how_long(client: Client, clock: Clock) -> None:
    told = [case("a", "aino", "r-1", NOON - timedelta(days=2)), case("b", "bertta", "r-2", NOON - timedelta(days=4))]
    client.post("/v1/events", json=[*told, purchase("p", "cecilia", LONG_AGO)])
    whole, kinds = silence(client)
    assert whole["silent_now"] == 2 and kinds["open_case"]["silent_now"] == 2
    assert kinds["open_case"]["mean_days"] == pytest.approx(3) and kinds["open_case"]["median_days"] == pytest.approx(3)
    assert kinds["friction"]["silent_now"] == 0 and kinds["friction"]["mean_days"] is None
    clock.pass_days(11)
    assert silence(client)[1]["open_case"]["past_review"] == 1


def test_what_a_hold_kept_back_counts_once_a_day(client: Client, clock: Clock) -> None:
    client.post("/v1/events", json=[purchase("p", "aino", LONG_AGO), case("c", "aino", "r-1")])
    lost, *_ = [decide(client, "aino") for _ in range(3)]
    why = client.get(f"/v1/decisions/{lost['decision_id']}").json()
    gain = why["withheld"]["expected_gain"]
    assert why["withheld"]["gates"] == ["hold", "service_first"] and gain > 0
    clock.pass_days(0.001)
    whole, kinds = silence(client)
    assert whole["decisions"] == 3 and whole["margin_withheld"] == pytest.approx(gain) and whole["is_estimate"]
    assert kinds["open_case"]["margin_withheld_alone"] == pytest.approx(gain)
    clock.pass_days(1)
    decide(client, "aino")
    clock.pass_days(0.001)
    assert silence(client)[0]["margin_withheld"] > 1.5 * gain
    assert silence(client, days=1)[0]["decisions"] == 1


def test_what_service_would_have_outdone_anyway_is_not_counted(client: Client, clock: Clock) -> None:
    """The front page reserves service: her case would be shown there, hold or not."""
    client.post("/v1/events", json=[purchase("p", "aino", LONG_AGO), case("c", "aino", "r-1")])
    decide(client, "aino", placement="front_page")
    clock.pass_days(0.001)
    whole, _ = silence(client)
    assert whole["decisions"] == 1 and whole["margin_withheld"] == 0


def test_of_two_kinds_neither_alone_kept_it_back(client: Client, clock: Clock) -> None:
    rated = event("f", "feedback", "aino", NOON, kind="rating", score=1)
    client.post("/v1/events", json=[purchase("p", "aino", LONG_AGO), case("c", "aino", "r-1"), rated])
    decide(client, "aino")
    clock.pass_days(0.001)
    whole, kinds = silence(client)
    assert (
        whole["margin_withheld"] == kinds["open_case"]["margin_withheld"] == kinds["bad_rating"]["margin_withheld"] > 0
    )
    assert kinds["open_case"]["margin_withheld_alone"] == kinds["bad_rating"]["margin_withheld_alone"] == 0


def test_without_chance_the_worth_of_predicted_silence_cannot_be_told(client: Client) -> None:
    predicted = silence(client)[0]["predicted"]
    assert predicted["difference"] is None and "predicted_release" in predicted["reason"]


def test_with_a_share_let_go_it_says_how_many_are_missing(home: Home, client: Client, clock: Clock) -> None:
    policy, before = home.config / "policy.yaml", policy_in_force(client)
    policy.write_text(policy.read_text().replace("predicted_release: 0.0", "predicted_release: 0.2"))
    while policy_in_force(client) == before:  # the service's rounds may just be reading it, and nobody waits for them
        time.sleep(0.01)
    score = [
        event(f"s-{n}", "score", f"c-{n}", NOON, model="dissatisfaction", version="1", value=0.9) for n in range(8)
    ]
    client.post("/v1/events", json=score)
    for n in range(8):
        decide(client, f"c-{n}")
    clock.pass_days(15)
    predicted = silence(client)[0]["predicted"]
    assert predicted["released"] + predicted["held"] == 8 and "are needed" in predicted["reason"]


def test_a_known_difference_is_found_inside_its_interval() -> None:
    """Let go, half of them buy for 1,000; held, a quarter do: 250 more, drawn with chances of 0.2 and 0.8."""
    random = np.random.default_rng(1)
    assigned = {f"c-{n}": Assigned(NOON, bool(random.random() < 0.2), 0.0) for n in range(4_000)}
    assigned = {c: a._replace(chance=0.2 if a.released else 0.8) for c, a in assigned.items()}
    margins = {c: 1_000.0 * (random.random() < (0.5 if a.released else 0.25)) for c, a in assigned.items()}
    found = worth(assigned, margins, NOON + timedelta(days=14))
    assert found.difference is not None and found.low is not None and found.high is not None
    assert found.low < 250 < found.high and found.high - found.low < 150
    early = worth(assigned, margins, NOON + timedelta(days=13))
    assert early.difference is None and early.released == 0, "their days are not over"
    few = dict(list(assigned.items())[:LEAST])
    assert worth(few, margins, NOON + timedelta(days=14)).reason is not None
