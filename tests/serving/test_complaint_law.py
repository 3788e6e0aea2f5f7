"""A later complaint never lowers predicted dissatisfaction by itself: drawn stories, through the real service.

Each story is told of two customers, once without the complaint and once with it, wherever it comes in.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.customer.state import decode
from features.home import Home
from features.log.event_log import EventLog
from serving.service import DecisionService
from tests.serving.core.test_bundles import write_bundle
from tests.training.rated_texts import HAPPY, UNHAPPY, rated_texts
from training.dissatisfaction import train_dissatisfaction
from training.params import DissatisfactionParams

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=60)
number = count()

praise = st.sampled_from([*HAPPY, "thanks, all is well", "kiitos", "ok"])
said = st.one_of(
    praise,
    st.sampled_from([*UNHAPPY, "order 1234", "hello again", "", "   ", "😡", "😊", "не пришло", "ممتاز"]),
    st.lists(st.sampled_from([*HAPPY, *UNHAPPY]), min_size=2, max_size=3).map(". ".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
)
kinds = st.sampled_from(["comment", "review", "complaint"])
stories = st.lists(st.tuples(st.integers(0, 40), kinds, said), max_size=4)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DecisionService]:
    model = train_dissatisfaction(rated_texts(400, 1), DissatisfactionParams()).model
    home = Home.open(tmp_path_factory.mktemp("home"))
    write_bundle(home, learned=[lambda folder: model.save(folder, None, {})])
    service = DecisionService(home)
    yield service
    service.close()


def event(who: str, day: int, kind: str, text: str) -> dict[str, Any]:
    """A piece of feedback; a review comes with a middling score."""
    payload = {"kind": kind, "text": text} | ({"score": 3} if kind == "review" else {})
    at = (NOON + timedelta(days=day)).isoformat()
    return {
        "event_id": f"e{next(number)}", "type": "feedback", "customer_id": who, "occurred_at": at, "payload": payload,
    }  # fmt: skip


def predicted(service: DecisionService, who: str, day: int) -> tuple[float, bool]:
    """The newest score as of the end of a story, 0 where there is none, and whether she is held for it on a day."""
    with EventLog(service.home) as log:
        found = log.state_of(who)
    if found is None:  # she has not said anything yet
        return 0.0, False
    scores = decode(found[1]).scores
    held = service.customer(who, NOON + timedelta(days=day, seconds=1))["holds"]
    return max((one.value for one in scores[-1:]), default=0.0), "predicted" in {hold["kind"] for hold in held}


@settings(max_examples=25, deadline=None)
@given(story=stories, words=said, after=st.integers(0, 5), first=st.booleans())
def test_a_complaint_after_all_else_lowers_neither_the_score_nor_the_hold(
    service: DecisionService, story: list[tuple[int, str, str]], words: str, after: int, first: bool
) -> None:
    """`first`: the complaint comes in before what was written earlier."""
    without, with_it = (f"c{next(number)}" for _ in range(2))
    last = max((day for day, _, _ in story), default=0) + after
    complaint = event(with_it, last, "complaint", words)
    earlier = [event(with_it, *told) for told in story]
    batches = [[complaint], earlier] if first else [earlier, [complaint]]
    for batch in [[event(without, *told) for told in story], *batches]:
        results = service.ingest(batch, LATER) if batch else []
        assert all(one.status == "accepted" for one in results), results
    score, held = predicted(service, without, last)
    worse, still = predicted(service, with_it, last)
    assert still or not held
    assert first or worse >= score


def test_a_complaint_can_raise_it_so_the_law_says_something(service: DecisionService) -> None:
    for who, words in (("calm", "order 1234"), ("cross", UNHAPPY[0])):
        service.ingest([event(who, 0, "comment", HAPPY[2])], LATER)
        service.ingest([event(who, 1, "complaint", words)], LATER)
    assert predicted(service, "cross", 1)[0] > max(predicted(service, "calm", 1)[0], 0.6)
    assert predicted(service, "cross", 1)[1]
