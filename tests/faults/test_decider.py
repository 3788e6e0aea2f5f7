"""The process that decides beside the one that serves: whatever becomes of it, answers come, and nothing is lost."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from decided_beside import is_lost, runs, the_one, until, wait_for_work_beside
from regular_customer import NOON
from served import (
    SLACK_SECONDS,
    Asker,
    Service,
    event,
    exchange,
    misses,
    regulars,
    served,
    shop_to_serve,
    sold,
)

from features.home import Home

DEADLINE_SECONDS = 0.5


def viewed(event_id: str, **more: object):
    """She looks at something."""
    return event(event_id, "browse", "bertta", action="view", item_id="coffee", session_id="s", **more)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return shop_to_serve(tmp_path / "home", decision_deadline_ms=round(DEADLINE_SECONDS * 1000))


@pytest.fixture
def service(home: Home) -> Iterator[Service]:
    with served(home) as running:
        yield running


@pytest.fixture
def asker(service: Service) -> Iterator[Asker]:
    with closing(Asker(service)) as one:
        yield one


def test_killed_it_is_done_without_and_started_again(home: Home, service: Service, asker: Asker) -> None:
    told = list(regulars(["bertta", "cecilia"]))
    found = wait_for_work_beside(service, asker)
    for n in range(3):
        os.kill(found, signal.SIGKILL)
        more = [viewed(f"view {n} {k}") for k in range(5)]
        told += more
        assert asker.tell(told[-5:] if n else told)[0] == 200
        assert sold(asker.decide("bertta")), "she may be sold to, whoever decides"
        found = the_one(service, other_than=found)
    assert asker.tell([exchange("bertta")]) == (200, ["accepted"])
    assert not sold(asker.decide("bertta"))
    wait_for_work_beside(service, asker)
    assert not sold(asker.decide("bertta"))
    assert misses(home, [one["event_id"] for one in told]) == {}


def test_while_it_hangs_answers_are_silent_in_time_and_it_is_replaced(
    home: Home, service: Service, asker: Asker
) -> None:
    assert asker.tell(list(regulars(["bertta"])))[0] == 200
    found = wait_for_work_beside(service, asker)
    os.kill(found, signal.SIGSTOP)
    asker.slowest = 0.0
    answers = [asker.decide("bertta") for _ in range(3)]
    assert asker.slowest < DEADLINE_SECONDS + SLACK_SECONDS
    assert not sold(answers[0])
    assert answers[0]["state_status"] == "unknown:deadline"
    until(lambda: sold(asker.decide("bertta")), "decisions are made in the process that serves")
    until(lambda: not runs(found), "it is ended")
    assert the_one(service, other_than=found)


def test_it_is_named_while_it_is_lost(service: Service, asker: Asker) -> None:
    found = wait_for_work_beside(service, asker)
    told = service.processes()
    assert (told["worker"], told["decider"], told["lookout"]) == ([service.pid], [found], [])
    os.kill(found, signal.SIGKILL)
    asker.decide("nobody")
    assert is_lost(asker)
    until(lambda: not is_lost(asker), "it is back")


def test_one_that_cannot_start_is_told_and_tried_again(home: Home) -> None:
    with served(home) as service, closing(Asker(service)) as asker:
        found = the_one(service)
        for _ in range(2):
            os.kill(found, signal.SIGKILL)  # perhaps before it was ready
            found = the_one(service, other_than=found)
        os.kill(found, signal.SIGKILL)
        until(lambda: is_lost(asker), "it is told")
        until(lambda: not is_lost(asker), "it is there")
        assert asker.decide("nobody")["state_status"] == "ok"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_it_ends_with_the_service_and_not_before(home: Home, how: signal.Signals) -> None:
    with served(home) as service, closing(Asker(service)) as asker:
        found = wait_for_work_beside(service, asker)
        if (
            how is not signal.SIGKILL
        ):  # what reaches all of them, as from a terminal or a supervisor, is for the service
            os.kill(found, how)
            time.sleep(0.1)
            assert runs(found)
            assert asker.decide("nobody")["state_status"] == "ok"
        os.kill(service.pid, how)
        until(lambda: not runs(found), "it ends", 15)


def test_what_cannot_go_over_is_judged_all_the_same(home: Home, service: Service, asker: Asker) -> None:
    wait_for_work_beside(service, asker)
    words = [viewed("huge", shelf=10**30), viewed("negative", shelf=-(2**63) - 1), viewed("good")]
    beside = asker.tell(words)
    os.kill(the_one(service), signal.SIGKILL)
    within = asker.tell(words)
    assert [one == "rejected" for one in beside[1]] == [one == "rejected" for one in within[1]]
    assert (beside[1][2], within[1][2]) == ("accepted", "duplicate")


def test_what_is_refused_is_refused_in_the_same_words(service: Service, asker: Asker) -> None:
    wait_for_work_beside(service, asker)
    question = {"channel": "web", "placement": "no_such_place", "customer_id": "bertta"}
    beside = asker.ask("POST", "/v1/decisions", question)
    os.kill(the_one(service), signal.SIGKILL)
    assert asker.ask("POST", "/v1/decisions", question) == beside
    assert beside[0] == 422


def test_a_clock_far_ahead_goes_over_the_line_with_the_question(home: Home) -> None:
    ahead = NOON + timedelta(days=400)
    with served(home, ahead) as service, closing(Asker(service)) as asker:
        wait_for_work_beside(service, asker)
        told = asker.decide("nobody")["decided_at"]
        assert told.startswith(ahead.astimezone(UTC).date().isoformat()[:7])


def test_whoever_is_told_the_next_decision_heeds_it(home: Home, service: Service, asker: Asker) -> None:
    """Each way by which people or events ask for silence, of which one process is told and the other decides."""
    names = ["by staff", "by an incident", "by what was refused", "by a visitor"]
    assert asker.tell(list(regulars(names)))[0] == 200
    wait_for_work_beside(service, asker)

    def staff() -> None:
        wish = {"review_at": (NOON + timedelta(days=9)).isoformat(), "person": "maija", "reason": "Promised"}
        assert asker.ask("POST", "/v1/customers/by%20staff/holds", wish)[0] == 201

    def incident() -> None:
        shipped = {"order_id": "o0 by an incident", "status": "shipped", "carrier": "posti"}
        sent = event("d", "delivery", "by an incident", days=1, **shipped)
        assert asker.tell([sent]) == (200, ["accepted"])
        strike = {"rule": {"carrier": "posti"}, "person": "maija", "reason": "Strike"}
        assert asker.ask("POST", "/v1/incidents", strike)[0] == 201

    def refused() -> None:
        torn = event("torn", "case", "by what was refused", case_id="t", kind="no such kind", status="opened")
        assert asker.tell([torn])[1] == ["rejected"]

    def visitor() -> None:
        hers = exchange("x") | {"anonymous_id": "v-1"}
        del hers["customer_id"]
        link = event("link", "identity", "by a visitor", external_id="v-1", action="link")
        assert asker.tell([hers]) == (200, ["accepted"])
        assert asker.tell([link])[1] == ["accepted"]

    for name, way in zip(names, (staff, incident, refused, visitor), strict=True):
        assert sold(asker.decide(name)), name
        way()
        answer = asker.decide(name)  # an incident covers what is sent to her, not what she sees in the shop
        assert [hold["kind"] for hold in answer["holds"]] == ["incident"] if way is incident else not sold(answer), name
    before = asker.decide("nobody")["versions"]["policy"]
    with (home.config / "policy.yaml").open("a") as policy:
        policy.write("# another text\n")
    assert asker.decide("nobody")["versions"]["policy"] != before
