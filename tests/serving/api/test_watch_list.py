"""The watch list: whatever silences a customer stands on it, what is overdue for a person first, page by page."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from features.customer.holds import RELEASE_CODES
from features.home import Home
from features.log.store import connect, transaction
from serving.api import create_app
from serving.core.ends import RELEASES_FI
from serving.settings import ServingSettings
from tests.conftest import Client

from .conftest import NOON
from .lookout import WAYS, WithLookout
from .shop import Clock, case, event, purchase


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=WAYS)
def client(
    request: pytest.FixtureRequest,
    home: Home,
    clock: Clock,
    start: Callable[..., Client],
    key: Callable[..., dict[str, str]],
) -> Iterator[Client | WithLookout]:
    """Both ways: an app that looks at everybody, and one with a lookout, which need not."""
    settings = ServingSettings(watch_minutes=0)  # whom a round found quiet is not read again at once
    app = create_app(home, clock=clock, settings=settings, lookout=request.param == WAYS[1])
    client = start(app, **key("admin"))
    if request.param == WAYS[0]:
        yield client
        return
    with closing(WithLookout(client, home, clock)) as kept:
        yield kept
    assert app.state.wiring.desk.looks == 0


def watch(client: Client | WithLookout, **params: Any) -> dict[str, Any]:
    answer = client.get("/v1/holds", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def names(page: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["customer_id"], one["kind"]) for one in page["entries"]]


def rating(name: str, customer: str) -> dict[str, Any]:
    return event(name, "feedback", customer, NOON, kind="rating", score=1)


def test_what_a_person_should_have_looked_at_comes_first_and_is_marked(
    client: Client | WithLookout, clock: Clock
) -> None:
    """T9: the exchange is past its fourteen days, the ratings end by themselves."""
    client.post("/v1/events", json=[case("c", "aino", "r-1"), rating("f", "bertta")])
    page = watch(client)
    assert names(page) == [("bertta", "bad_rating"), ("aino", "open_case")] and page["past_review"] == 0
    clock.pass_days(13.9)
    assert watch(client)["past_review"] == 0
    clock.pass_days(0.1)
    page = watch(client)
    assert names(page) == [("aino", "open_case"), ("bertta", "bad_rating")] and page["past_review"] == 1
    first = page["entries"][0]
    assert first["past_review"] and "2026-09-15" in first["ends"] and "15.9.2026" in first["ends_fi"]
    assert names(watch(client, past_review=True)) == [("aino", "open_case")]
    clock.pass_days(300)
    assert ("aino", "open_case") in names(watch(client)), "it is never dropped silently"


def test_filters(client: Client | WithLookout) -> None:
    client.post("/v1/events", json=[case("c", "aino", "r-1", kind="complaint"), rating("f", "bertta")])
    assert names(watch(client, kind="bad_rating")) == [("bertta", "bad_rating")]
    assert len(watch(client, min_severity=3)["entries"]) == 2 and watch(client, min_severity=5)["total"] == 0
    answer = client.get("/v1/holds", params={"kind": "grudge"})
    assert answer.status_code == 422 and "open_case" in answer.json()["errors"][0]["remedy"]


@pytest.mark.parametrize("client", WAYS[:1], indirect=True)
def test_pages_hold_together_while_things_happen(client: Client | WithLookout, clock: Clock) -> None:
    """All pages are of one moment: who was on the list then is met once, whatever comes in between."""
    client.post("/v1/events", json=[rating(f"f-{n}", f"c-{n}") for n in range(7)])
    met, after = [], None
    for _ in range(4):
        page = watch(client, limit=2, **({"after": after} if after else {}))
        met += [one["customer_id"] for one in page["entries"]]
        after = page["next"]
        clock.pass_days(0.001)
        assert page["as_of"].startswith("2026-09-01T12:00:00")
    assert met == [f"c-{n}" for n in range(7)] and after is None


def test_who_was_held_by_nothing_at_the_last_look_is_looked_at_again_once_something_happened(
    client: Client | WithLookout,
) -> None:
    past = NOON - timedelta(days=40)
    closed = case("d", "aino", "r-1", past, status="closed")
    client.post("/v1/events", json=[case("c", "aino", "r-1", past), closed])
    assert watch(client)["total"] == 0
    client.post("/v1/events", json=case("e", "aino", "r-2"))
    assert names(watch(client)) == [("aino", "open_case")]


def test_silence_that_no_hold_explains_is_on_it(home: Home, client: Client | WithLookout) -> None:
    client.post("/v1/events", json=[purchase("p", "aino"), purchase("q", "bertta"), purchase("r", "cecilia")])
    client.post("/v1/events", json=case("x", "aino", "r-1") | {"schema_version": 99})
    with closing(connect(home)) as run, transaction(run):
        run.execute("update state set body = substr(body, 1, 20) where customer_id = 'bertta'")
    page = watch(client, kind="state_unknown")
    assert {one["customer_id"]: one["state_status"] for one in page["entries"]} == {
        "aino": "unknown:rejected_event",
        "bertta": "unknown:corrupt",
    }
    assert all(one["past_review"] and one["text_fi"] and one["ends_fi"] for one in page["entries"])


def test_customers_held_by_an_incident_alone_are_on_it(client: Client | WithLookout) -> None:
    shipped = event("d", "delivery", "aino", NOON - timedelta(days=3), order_id="o", status="shipped", carrier="posti")
    client.post("/v1/events", json=shipped)
    body = {"rule": {"carrier": "posti"}, "person": "maija", "reason": "strike"}
    client.post("/v1/incidents", json=body)
    assert names(watch(client)) == [("aino", "incident")]


def test_every_end_has_its_words_in_both_languages() -> None:
    assert set(RELEASES_FI) == set(RELEASE_CODES)
