"""What goes over the lines to a process that decides: answers as recorded, steps, faults; and who does it otherwise."""

import threading
from contextlib import contextmanager
from datetime import timedelta, timezone

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from regular_customer import NOON, Shop

from features.errors import DataError
from features.home import Home
from serving.core.question import Request
from serving.decider import Decider, Lines, answer_on
from serving.service import DecisionService

CUSTOMERS = ("aino", "bertta", "nobody")
HELSINKI = timezone(timedelta(hours=2))

questions = st.builds(
    Request,
    customer_id=st.sampled_from(CUSTOMERS),
    anonymous_id=st.sampled_from([None, "v-1"]),
    channel=st.just("web"),
    placement=st.just("front_page"),
    now=st.just(NOON),
    context=st.sampled_from([{}, {"page": "Ä ö € 漢", "cart": ["coffee"], "item": "boots"}]),
    n=st.integers(1, 5),
    mode=st.sampled_from(["serve", "simulate"]),
    send_at=st.sampled_from([None, NOON + timedelta(hours=3), (NOON + timedelta(days=2)).astimezone(HELSINKI)]),
    language=st.sampled_from([None, "fi"]),
)


@contextmanager
def decided_beside(home, lines):
    """The far ends of some lines, answered by a service of their own."""
    beside = DecisionService(home)
    thread = threading.Thread(target=answer_on, args=(lines.far, beside))
    thread.start()
    assert lines.ready(30)
    try:
        yield
    finally:
        lines.let_go()
        thread.join(30)
        assert not thread.is_alive()
        beside.close()
        for line in lines.far:
            line.close()


def lines_of(seconds=30.0):
    return Lines(2, decision_seconds=seconds, event_seconds=seconds)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    shop = Shop(Home.open(tmp_path_factory.mktemp("shop") / "home"))
    shop.happens("case", case_id="c", kind="exchange", status="opened")
    yield shop
    shop.service.close()


@pytest.fixture(scope="module")
def decider(shop):
    decider, lines = Decider(shop.service), lines_of()
    with decided_beside(shop.home, lines):
        decider.open(lines)
        yield decider
        decider.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(questions, min_size=1, max_size=4, unique_by=lambda one: one.customer_id))
def test_what_is_told_is_what_was_recorded(shop, decider, asked):
    for question, told in zip(asked, decider.decide_many(asked), strict=True):
        kept = shop.service.decision(told.decision_id)
        if question.mode == "simulate":
            assert kept is None
        else:
            assert told == msgspec.structs.replace(kept.bare(), latency_seconds=told.latency_seconds)
        assert told.n == question.n
        assert told.context == question.context


@pytest.mark.parametrize("hours", [0, 2, -11])
def test_a_retry_is_known_whoever_answered_first(shop, decider, hours):
    send_at = (NOON + timedelta(days=1)).astimezone(timezone(timedelta(hours=hours)))
    for first, then in ((decider, shop.service), (shop.service, decider)):
        key = f"{hours} {first is decider}"
        question = shop.question(send_at=send_at, idempotency_key=key)
        (told,), (again,) = first.decide_many([question]), then.decide_many([question])
        assert again.decision_id == told.decision_id


def test_what_is_degraded_there_is_told_here(shop, decider):
    shop.service.beside.degraded = []
    decider.decide_many([shop.question()])
    assert shop.service.beside.degraded == shop.service.degraded(shop.now) != []
    shop.service.beside.degraded = ["the bundle there is torn"]
    assert shop.service.health(shop.now).degraded.count("the bundle there is torn") == 1


def test_steps_and_the_moment_before_writing_are_told(shop, decider):
    steps, moments = [], []
    shop.service.steps.watch(lambda *step: steps.append(step))
    decider.before_writing = lambda: moments.append([name for name, _, _ in steps])
    decider.decide_many([shop.question(), shop.question(customer_id="bertta")])
    assert [(name, many) for name, _, many in steps] == [("read", 2), ("decide", 2), ("record", 2)]
    assert moments == [["read", "decide"]]
    assert all(0 < seconds < 30 for _, seconds, _ in steps)


def test_a_question_that_fails_raises_as_it_does_within_and_the_line_stays(shop, decider):
    for _ in range(3):
        with pytest.raises(DataError, match="no_such_place") as within:
            shop.service.decide_many([shop.question("no_such_place")])
        with pytest.raises(DataError) as beside:
            decider.decide_many([shop.question("no_such_place")])
        assert str(beside.value) == str(within.value)
    assert not decider.lost


def test_events_are_judged_alike_and_taken_once_whoever_takes_them(shop, decider):
    line = {"item_id": "coffee", "quantity": 1, "unit_price": 1000}
    plain = {"event_id": "plain", "type": "purchase", "customer_id": "bertta", "occurred_at": NOON.isoformat()}
    plain["payload"] = {"order_id": "b", "currency": "EUR", "lines": [line]}
    huge = plain | {"event_id": "more than a message says", "payload": {"lines": [line | {"quantity": 10**30}]}}
    beside = [decider.ingest([event], shop.now)[0] for event in (huge, plain, huge, plain)]
    assert [one.status for one in beside] == ["rejected", "accepted", "rejected", "duplicate"]
    within = shop.service.ingest([huge, plain], shop.now)
    assert [(one.status, one.reason, one.detail) for one in within] == [
        (one.status, one.reason, one.detail) for one in beside[2:]
    ]


@pytest.mark.parametrize("how", ["silent", "closed", "closed when asked", "torn", "of another version"])
def test_a_line_that_fails_is_done_without(shop, how):
    decider, lines, ended = Decider(shop.service), lines_of(0.2), []
    lines.end = lambda: ended.append(how)
    decider.open(lines)
    if how == "closed":
        for line in lines.far:
            line.close()
    elif how == "closed when asked":
        far = lines.far[0]
        closing = threading.Thread(target=lambda: (far.recv_bytes(), far.close()))
        closing.start()
    elif how == "torn":
        lines.far[0].send_bytes(b"")
    elif how == "of another version":
        lines.far[0].send_bytes(b"d\xc1")
    (told,) = decider.decide_many([shop.question()])
    assert shop.service.decision(told.decision_id) is not None
    assert (ended, decider.lost) == ([how], True)
    decider.decide_many([shop.question()])
    decider.ingest([], shop.now)
    assert len(ended) == 1
    lines.let_go()
    if how == "closed when asked":
        closing.join()
    for line in lines.far:
        line.close()
    decider.open(lines_of())
    assert not decider.lost
    decider.close()
