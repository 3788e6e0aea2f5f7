"""The feed of new holds: whatever holds a customer, the sender who reads it is told, and told once."""

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from features.home import Home
from features.log.store import connect, transaction
from serving.api import create_app
from serving.core.policy import DEFAULT_POLICY
from tests.conftest import Client

from .conftest import NOON
from .shop import Clock, case, event, purchase

SOON, EARLIER = (NOON + timedelta(days=2)).isoformat(), NOON - timedelta(days=5)
LINK = {"event_id": "l", "type": "identity", "customer_id": "aino", "anonymous_id": "v-1",
        "occurred_at": NOON.isoformat(), "payload": {"action": "link"}}  # fmt: skip
REJECTED = event("x", "case", "aino", NOON) | {"schema_version": 99}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(home: Home, clock: Clock, start: Callable[..., Client], key: Callable[..., dict[str, str]]) -> Client:
    return start(create_app(home, clock=clock), **key("admin"))


class Sender:
    """Reads the feed and keeps the cursor."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.cursor: str | None = None

    def read(self, limit: int = 100) -> list[str]:
        """The customers of the next page."""
        params: dict[str, Any] = {"limit": limit} | ({"after": self.cursor} if self.cursor else {})
        answer = self.client.get("/v1/holds/feed", params=params)
        assert answer.status_code == 200, answer.text
        self.cursor, self.page = answer.json()["next"], answer.json()
        return [one["customer_id"] for one in self.page["customers"]]


@pytest.fixture
def sender(client: Client) -> Sender:
    return Sender(client)


def post(client: Client, *events: dict[str, Any]) -> None:
    assert client.post("/v1/events", json=list(events)).status_code in (200, 207, 422)


def test_an_event_holds_her_and_is_told_once(client: Client, sender: Sender) -> None:
    post(client, purchase("p", "aino", EARLIER), purchase("q", "bertta", EARLIER))
    assert sender.read() == []
    post(client, case("c", "aino", "r-1"))
    assert sender.read() == ["aino"] and sender.page["customers"][0]["holds"][0]["hold_id"] == "open_case:r-1"
    assert sender.read() == [] and sender.read() == []


def test_one_received_late_is_told(client: Client, clock: Clock, sender: Sender) -> None:
    sender.read()
    clock.pass_days(3)
    assert sender.read() == []
    post(client, event("f", "feedback", "aino", EARLIER, kind="rating", score=1))
    assert sender.read() == ["aino"]


@pytest.mark.parametrize(
    "promise",
    [
        event("d", "delivery", "aino", EARLIER, order_id="o", status="promised", promised_at=SOON),
        case("c", "aino", "r-1", EARLIER, kind="question", promised_by=SOON),
    ],
)
def test_a_promise_that_passes_is_told_though_nothing_happened(
    client: Client, clock: Clock, sender: Sender, promise: dict[str, Any]
) -> None:
    post(client, promise)
    assert sender.read() == []
    clock.pass_days(1.9)
    assert sender.read() == []
    clock.pass_days(0.2)
    assert sender.read() == ["aino"]
    clock.pass_days(1)
    assert sender.read() == []


def test_a_promise_that_passes_within_the_hour_is_told(client: Client, clock: Clock, sender: Sender) -> None:
    """Who was held by nothing at one reading is not left unread until the promise has passed."""
    soon = (NOON + timedelta(minutes=30)).isoformat()
    post(client, event("d", "delivery", "aino", EARLIER, order_id="o", status="promised", promised_at=soon))
    assert sender.read() == []
    clock.pass_days(20 / 1440)
    assert sender.read() == []
    clock.pass_days(11 / 1440)
    assert sender.read() == ["aino"]


def test_a_return_that_becomes_overdue_is_told_again_for_it_covers_more(
    client: Client, clock: Clock, sender: Sender
) -> None:
    post(client, case("c", "aino", "r-1", EARLIER, kind="return", promised_by=SOON))
    assert sender.read() == ["aino"]
    clock.pass_days(3)
    assert sender.read() == ["aino"] and sender.page["customers"][0]["holds"][0]["kind"] == "open_case"


def test_a_merge_is_told(client: Client, sender: Sender) -> None:
    post(client, purchase("p", "aino", EARLIER), case("c", "anonymous:v-1", "r-1"))
    assert sender.read() == ["anonymous:v-1"]
    post(client, LINK)
    assert sender.read() == ["aino"]


def test_an_unlink_that_takes_a_release_away_is_told(client: Client, clock: Clock, sender: Sender) -> None:
    """The release came in under the visitor's id: without it, what it released holds again."""
    post(client, case("c", "aino", "r-1", EARLIER), LINK)
    release = {"action": "release", "hold_id": "open_case:r-1", "person": "maija"}
    post(client, event("h", "hold", "anonymous:v-1", NOON, **release))
    assert sender.read() == []
    post(client, LINK | {"event_id": "u", "customer_id": "bertta"})
    assert "aino" in sender.read()


def test_an_incident_is_told_for_everyone_it_affects_then_and_later(client: Client, sender: Sender) -> None:
    def shipped(name: str, customer: str) -> dict[str, Any]:
        return event(name, "delivery", customer, EARLIER, order_id=name, status="shipped", carrier="posti")

    post(client, shipped("d", "aino"), purchase("p", "bertta", EARLIER))
    assert sender.read() == []
    body = {"rule": {"carrier": "posti"}, "person": "maija", "reason": "strike", "incident_id": "strike"}
    assert client.post("/v1/incidents", json=body).status_code == 201
    assert sender.read() == ["aino"] and Sender(client).read() == ["aino"]
    post(client, shipped("e", "bertta"))
    assert sender.read() == ["bertta"] and Sender(client).read() == ["aino", "bertta"]


def test_an_event_in_doubt_is_told(client: Client, sender: Sender) -> None:
    post(client, purchase("p", "aino", EARLIER))
    assert sender.read() == []
    post(client, REJECTED)
    assert sender.read() == ["aino"]
    assert sender.page["customers"][0]["state_status"] == "unknown:rejected_event"
    assert sender.read() == []


def test_a_change_of_the_policy_tells_everybody_held(home: Home, client: Client, sender: Sender) -> None:
    score = event("s", "score", "aino", NOON, model="dissatisfaction", version="1", value=0.65)
    post(client, score, case("c", "bertta", "r-1"))
    assert sender.read() == ["bertta"]
    home.config.mkdir(exist_ok=True)
    text = DEFAULT_POLICY.read_text().replace("predicted_at: 0.7", "predicted_at: 0.65")
    (home.config / "policy.yaml").write_text(text)
    assert sender.read() == ["aino", "bertta"]
    assert sender.read() == []


def test_a_clock_set_back_tells_everybody_held(client: Client, clock: Clock, sender: Sender) -> None:
    post(client, case("c", "aino", "r-1", EARLIER), case("d", "aino", "r-1", NOON, status="closed"))
    clock.pass_days(10)
    assert sender.read() == []
    clock.pass_days(-8)
    assert sender.read() == ["aino"], "the cool-down is not over by this clock"


def test_by_a_clock_set_back_her_record_is_dated_ahead_and_that_is_told(
    client: Client, clock: Clock, sender: Sender
) -> None:
    post(client, purchase("p", "aino", NOON))
    clock.pass_days(1)
    assert sender.read() == []
    clock.pass_days(-2)
    assert sender.read() == ["aino"] and sender.page["customers"][0]["state_status"] == "unknown:future_dated"


def test_a_torn_record_is_told_to_whoever_begins(home: Home, client: Client, sender: Sender) -> None:
    post(client, purchase("p", "aino", EARLIER))
    with closing(connect(home)) as run, transaction(run):
        run.execute("update state set body = substr(body, 1, 20)")
    assert sender.read() == ["aino"] and sender.page["customers"][0]["state_status"] == "unknown:corrupt"


def test_a_record_torn_meanwhile_is_told_within_ten_minutes(
    home: Home, client: Client, clock: Clock, sender: Sender
) -> None:
    post(client, purchase("p", "aino", EARLIER))
    assert sender.read() == []
    with closing(connect(home)) as run, transaction(run):
        run.execute("update state set body = substr(body, 1, 20)")
    clock.pass_days(11 / 1440)
    assert sender.read() == ["aino"]


def test_a_silent_source_holds_everyone_and_is_said_so(home: Home, client: Client, sender: Sender) -> None:
    home.config.mkdir(exist_ok=True)
    text = DEFAULT_POLICY.read_text().replace("required_sources: {}", "required_sources: {till: 24}")
    (home.config / "policy.yaml").write_text(text)
    sender.read()
    assert "till" in sender.page["everyone"]["text"] and "till" in sender.page["everyone"]["text_fi"]


def test_pages_of_one_sweep_tell_everybody_once_and_what_comes_meanwhile_after(client: Client, sender: Sender) -> None:
    names = [f"c-{n}" for n in range(7)]
    post(client, *(case(f"e-{name}", name, f"r-{name}") for name in names))
    first = sender.read(limit=3)
    assert first == names[:3] and sender.page["more"]
    post(client, case("late", "a-1", "r-late"))  # sorts before what was told already
    assert sender.read(limit=3) == names[3:6] and sender.read(limit=3) == names[6:] and not sender.page["more"]
    assert sender.read() == ["a-1"]


def test_a_cursor_of_another_store_tells_everybody(client: Client, sender: Sender, tmp_path: Any) -> None:
    post(client, case("c", "aino", "r-1"), purchase("p", "bertta", EARLIER))
    sender.read()
    from serving.desk.cursors import from_text, to_text
    from serving.desk.feed import FeedCursor

    told = from_text(str(sender.cursor), FeedCursor).told
    assert told is not None
    elsewhere = type(told)(told.position, "of another", told.at, told.rules, told.doubts)
    sender.cursor = to_text(FeedCursor(elsewhere))
    assert sender.read() == ["aino"]


@pytest.mark.parametrize("cursor", ["nonsense", "k", "a" * 500])
def test_what_is_no_cursor_is_refused_with_the_remedy(client: Client, cursor: str) -> None:
    answer = client.get("/v1/holds/feed", params={"after": cursor})
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "after"
    assert "leave it out" in answer.json()["errors"][0]["remedy"]
