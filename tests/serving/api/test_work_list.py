"""The work list: for whom a person is the next best action, each once, with all there is to do, by urgency."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from features.home import Home
from serving.api import create_app
from serving.desk.tasks import KINDS
from tests.conftest import Client

from .conftest import NOON
from .lookout import WAYS, WithLookout
from .shop import Clock, case, event, purchase

DAYS = timedelta(days=1)


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
    app = create_app(home, clock=clock, lookout=request.param == WAYS[1])
    client = start(app, **key("admin"))
    if request.param == WAYS[0]:
        yield client
        return
    with closing(WithLookout(client, home, clock)) as kept:
        yield kept
    assert app.state.wiring.desk.looks == 0


def told(client: Client | WithLookout, *events: dict[str, Any]) -> None:
    assert client.post("/v1/events", json=list(events)).status_code == 200


def work(client: Client | WithLookout, **params: Any) -> dict[str, Any]:
    answer = client.get("/v1/work-list", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def who(page: dict[str, Any]) -> list[tuple[str, list[str]]]:
    return [(one["customer_id"], [task["kind"] for task in one["tasks"]]) for one in page["entries"]]


def chased(customer: str, times: int, ago: timedelta = 4 * DAYS, **more: Any) -> list[dict[str, Any]]:
    """An exchange opened some time ago, asked about so many times since."""
    begun, name = NOON - ago, f"r-{customer}"
    asks = [
        case(f"{customer}-{n}", customer, name, begun + timedelta(hours=n + 1), status="customer_asked")
        for n in range(times)
    ]
    return [case(f"{customer}-c", customer, name, begun, **more), *asks]


def resolved_badly(customer: str) -> list[dict[str, Any]]:
    name = f"r-{customer}"
    return [
        case(f"{customer}-c", customer, name, NOON - 3 * DAYS),
        case(f"{customer}-r", customer, name, NOON - 2 * DAYS, status="resolved"),
        event(f"{customer}-f", "feedback", customer, NOON - DAYS, kind="csat", score=1, case_id=name),
    ]


def predicted(customer: str) -> dict[str, Any]:
    payload = {"model": "dissatisfaction", "version": "3", "value": 0.83, "reason": "late, third contact"}
    return event(f"{customer}-s", "score", customer, NOON - DAYS, **payload)


def test_t3_whoever_is_to_be_called_is_first_and_after_the_call_her_case_remains(
    client: Client | WithLookout, clock: Clock
) -> None:
    told(client, *chased("aino", 2), *resolved_badly("bertta"), *chased("cecilia", 0), purchase("p", "dora", NOON, 100))
    page = work(client)
    bertta = ("bertta", ["call", "bad_resolution"])
    assert who(page) == [("aino", ["call", "open_case"]), bertta, ("cecilia", ["open_case"])]
    assert page["kinds"] == {"call": 2, "bad_resolution": 1, "open_case": 2} and page["total"] == 3
    call, open_case = page["entries"][0]["tasks"]
    assert call["action_id"] == "staff_call" and call["text_fi"].startswith("Soita hänelle") and not call["quiet_now"]
    assert open_case["asked"] == 2 and open_case["days_open"] == 4 and open_case["case_id"] == "r-aino"
    assert open_case["text"] == "Bring to an end: exchange r-aino; open for 4 days; she had to ask 2 times"
    assert open_case["text_fi"] == "Hoida loppuun: vaihto r-aino; auki 4 päivää; hän on joutunut kysymään 2 kertaa"

    made = event("call", "contact", "aino", NOON, action_id="staff_call", status="sent") | {"channel": "phone"}
    told(client, made)
    assert who(work(client))[:2] == [bertta, ("aino", ["open_case"])], "she was called; her case is open all the same"
    assert who(work(client, kind="call")) == [bertta]
    told(client, case("done", "aino", "r-aino", NOON, status="resolved"))
    assert [name for name, _ in who(work(client))] == ["bertta", "cecilia"]


def test_who_gives_nobody_anything_to_do_is_not_there(client: Client | WithLookout) -> None:
    told(
        client,
        purchase("p", "happy", NOON - DAYS, 900),
        event("f", "feedback", "unhappy", NOON - DAYS, kind="rating", score=1),
        case("r", "sending", "r-1", NOON - DAYS, kind="return"),
        case("q", "asking", "r-2", NOON - DAYS, kind="question"),
    )
    assert work(client)["entries"] == [], "held by a rating, an ordinary return or nothing: no person has to act"


def test_the_call_rows_are_the_call_list(client: Client | WithLookout) -> None:
    past = NOON - 100 * DAYS
    told(
        client,
        *chased("cheap", 2), *chased("dear", 2), *chased("grave", 3), *chased("mild", 1),
        purchase("p-1", "cheap", past, 1_000), purchase("p-2", "dear", past, 90_000),
    )  # fmt: skip
    calls = [one["customer_id"] for one in client.get("/v1/call-list").json()["calls"]]
    rows = work(client, kind="call")["entries"]
    assert [one["customer_id"] for one in rows] == calls == ["grave", "dear", "cheap"]
    assert rows[1]["value"] == 90_000 and rows[1]["severity"] == 4
    assert rows[1]["cases"][0]["asked"] == 2 and rows[1]["holds"][0]["kind"] == "open_case"


def test_a_broken_promise_is_told_in_days_and_words(client: Client | WithLookout) -> None:
    told(client, *chased("aino", 0, promised_by=(NOON - DAYS).isoformat()))
    ((task,),) = [one["tasks"] for one in work(client)["entries"]]
    assert task["late"] and task["promised_by"] == "2026-08-31T12:00:00Z"
    assert "promised by 2026-08-31, late" in task["text"] and "luvattu 31.8.2026, myöhässä" in task["text_fi"]


def test_what_waits_for_her_says_so(client: Client | WithLookout) -> None:
    told(client, *chased("aino", 0), case("w", "aino", "r-aino", NOON - DAYS, status="waiting_customer"))
    ((task,),) = [one["tasks"] for one in work(client)["entries"]]
    assert task["text"].startswith("Help her answer: exchange r-aino")


def test_a_hold_past_its_review_and_a_prediction(client: Client | WithLookout, clock: Clock) -> None:
    told(client, predicted("aino"), purchase("p", "dora", NOON - DAYS, 900))
    ((task,),) = [one["tasks"] for one in work(client)["entries"]]
    assert task["kind"] == "predicted" and "late, third contact" in task["detail"] and task["severity"] == 1
    wish = {"review_at": (NOON + DAYS).isoformat(), "person": "maija", "reason": "moving house"}
    assert client.post("/v1/customers/dora/holds", json=wish).status_code == 201
    assert "dora" not in [name for name, _ in who(work(client))], "not before its review"
    clock.pass_days(1)
    page = work(client)
    assert who(page) == [("dora", ["review"]), ("aino", ["predicted"])]
    review = page["entries"][0]["tasks"][0]
    assert review["hold_id"] and review["detail"] == "moving house" and "Tarkista" in review["text_fi"]


def test_a_rejected_event_that_silences_her_is_to_be_put_right(client: Client | WithLookout) -> None:
    broken = case("bad", "aino", "r-1", NOON, kind="exchange") | {"occurred_at": "yesterday"}
    assert client.post("/v1/events", json=broken).status_code == 422
    told(client, *chased("bertta", 2))
    page = work(client)
    assert who(page) == [("bertta", ["call", "open_case"]), ("aino", ["quarantine"])], "a call comes before all"
    (task,) = page["entries"][1]["tasks"]
    assert len(task["rejected"]) == 1 and task["severity"] == 5 and "tahdikas quarantine" in task["text"]
    told(client, case("bad", "aino", "r-1", NOON, kind="return"))
    assert who(work(client)) == [("bertta", ["call", "open_case"])], "put right: an ordinary return"


def test_what_only_an_incident_holds_is_nobodys_task(client: Client | WithLookout, clock: Clock) -> None:
    told(
        client,
        event("d", "delivery", "aino", NOON - DAYS, order_id="o-1", status="shipped", carrier="posti"),
        event("d2", "delivery", "bertta", NOON - DAYS, order_id="o-2", status="shipped", carrier="posti"),
        *chased("bertta", 0),
    )
    rule = {"carrier": "posti", "since": (NOON - 2 * DAYS).isoformat()}
    wish = {"incident_id": "strike", "rule": rule, "person": "maija", "reason": "strike"}
    answer = client.post("/v1/incidents", json=wish)
    assert answer.status_code < 300, answer.text
    clock.pass_days(5)
    assert "incident" in {one["kind"] for one in client.get("/v1/holds").json()["entries"] if one["past_review"]}
    assert who(work(client)) == [("bertta", ["open_case"])], "past its review too: the incident is the shop's task"


def test_an_open_case_stays_there_when_its_hold_was_released_by_hand(
    client: Client | WithLookout, clock: Clock
) -> None:
    told(client, *chased("aino", 0))
    (hold,) = work(client)["entries"][0]["holds"]
    gone = {"person": "maija", "reason": "she wants to hear from us"}
    answer = client.request("DELETE", f"/v1/customers/aino/holds/{hold['hold_id']}", json=gone)
    assert answer.status_code == 200, answer.text
    for hours in (2, 0.1, 0.1):  # everybody is read anew after an hour, and who is of no concern not again at once
        clock.pass_days(hours / 24)
        page = work(client)
        assert who(page) == [("aino", ["open_case"])] and page["entries"][0]["holds"] == []


def test_filters_pick_customers_by_any_of_their_tasks(client: Client | WithLookout) -> None:
    told(client, *chased("aino", 2), *chased("bertta", 0), predicted("bertta"), predicted("cecilia"))
    assert who(work(client, kind="predicted")) == [("bertta", ["open_case", "predicted"]), ("cecilia", ["predicted"])]
    assert [name for name, _ in who(work(client, min_severity=3))] == ["aino"]
    assert work(client, kind="predicted", min_severity=2)["total"] == 0, "one task has to be both"
    answer = client.get("/v1/work-list", params={"kind": "chore"})
    assert answer.status_code == 422 and "bad_resolution" in answer.json()["errors"][0]["remedy"]


@pytest.mark.parametrize("client", WAYS[:1], indirect=True)
@pytest.mark.parametrize("kind", [None, *KINDS])
def test_pages_are_one_list_in_one_order_whatever_comes_in_between(
    client: Client | WithLookout, clock: Clock, kind: str | None
) -> None:
    """A law: the pages make up the whole, each customer once; a filter leaves the order as it is."""
    names = [f"c-{n:02d}" for n in range(9)]
    for n, name in enumerate(names):
        told(client, *chased(name, n % 4), *([predicted(name)] if n % 2 else []), *resolved_badly(f"b-{name}")[: n % 4])
    filters = {"kind": kind} if kind else {}
    everyone = [one["customer_id"] for one in work(client, limit=100)["entries"]]
    whole = work(client, **filters, limit=100)
    met: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = work(client, **(after or filters), limit=2)
        met += page["entries"]
        clock.pass_days(0.01)
        told(client, *chased(f"new-{len(met)}", 3))
        if page["next"] is None:
            break
        after = {"after": page["next"]}
        assert page["total"] == whole["total"]
    assert met == whole["entries"] and len({one["customer_id"] for one in met}) == len(met)
    mine = [one["customer_id"] for one in met]
    assert [name for name in everyone if name in mine] == mine


def test_a_key_without_care_may_not_read_it(home: Home, start: Callable[..., Client], key: Callable[..., Any]) -> None:
    assert start(create_app(home), **key("decide")).get("/v1/work-list").status_code == 403
