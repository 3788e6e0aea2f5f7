"""Laws: the order and the door of arrival make no difference; weeks add up; intervals hold the figure."""

import tempfile
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.experience.figures import LEAST, Values, difference, estimate, ratio

from .shop import NOW, Event, Shop

PEOPLE = st.sampled_from(["aino", "elli", "iida", "~v", "~w"])
DAYS = st.integers(0, 59)


def events(draw: st.DrawFn, root: Path) -> list[Event]:
    """Some events of a few people, with ratings, complaints, searches, links and now and then an erasure."""
    shop = Shop(root)
    for _ in range(draw(st.integers(1, 25))):
        who, ago = draw(PEOPLE), draw(DAYS)
        match draw(st.integers(0, 6)):
            case 0:
                shop.rates(
                    who, draw(st.integers(1, 5)), ago, draw(st.sampled_from(["support", "pickup"])), text="words"
                )
            case 1:
                shop.tells("feedback", who, ago, None, kind="complaint", case_id=draw(st.sampled_from(["k1", "k2"])))
            case 2:
                shop.tells("case", who, ago, "support", case_id="k1", kind="complaint", status="opened")
            case 3:
                shop.searches(who, draw(st.sampled_from(["kayak", "boots"])), ago, draw(st.integers(0, 1)), session=who)
            case 4:
                shop.looks(who, "boots", ago, session=who)
            case 5 if who.startswith("~"):
                shop.links(who, draw(st.sampled_from(["aino", "elli"])), ago)
            case 6 if draw(st.integers(0, 9)) == 0:
                shop.tells("erasure", who, ago)
    return shop.events


def told(root: Path, way: list[tuple[str, list[Event]]]) -> Any:
    shop = Shop(root)
    for door, part in way:
        if door == "history":
            shop.imported(part)
        else:
            shop.told(part)
        if door == "flush":
            shop.flushed()
    asked = shop.experience
    reports: list[msgspec.Struct] = [asked.touchpoints(NOW, 29), asked.demand(NOW, 29, 1)]
    return [msgspec.to_builtins(report) for report in reports]


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_in_whatever_order_and_by_whatever_door_it_comes_the_report_is_the_same(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        known = data.draw(st.composite(lambda draw: events(draw, Path(folder) / "words"))())
        order = data.draw(st.permutations(known))
        cut = data.draw(st.integers(0, len(order)))
        doors = st.sampled_from(["live", "history", "flush"])
        way = [(data.draw(doors), part) for part in (order[:cut], order[cut:]) if part]
        first = told(Path(folder) / "a", [("live", known)] if known else [])
        assert told(Path(folder) / "b", way) == first
        for one in first[0]["touchpoints"]:
            assert sum(week["events"] for week in one["weeks"]) == one["events"]
            assert sum(week["complaints"] for week in one["weeks"]) == one["complaints"]["events"]
            assert sum(week["frictions"] for week in one["weeks"]) == sum(kind["events"] for kind in one["frictions"])
            assert max(week["people"] for week in one["weeks"]) <= one["people"] <= one["events"]


UNITS = st.lists(st.floats(0, 1), min_size=LEAST, max_size=40)


def values(given_: list[float]) -> Values:
    return Values(len(given_), sum(given_), sum(value**2 for value in given_))


@given(UNITS, UNITS)
def test_an_interval_holds_its_figure_and_is_never_nothing(now: list[float], before: list[float]) -> None:
    found = estimate(values(now))
    assert found is not None and 0 <= found.low <= found.value <= found.high <= 1 and found.low < found.high
    change = difference(values(now), values(before))
    assert change.change is not None and change.low is not None and change.high is not None
    assert change.low <= change.change <= change.high and change.low < change.high
    back = difference(values(before), values(now))
    opposite = {"rising": "falling", "falling": "rising", "unclear": "unclear"}
    assert back.direction == opposite[change.direction]


@given(st.integers(0, 500), st.integers(0, 500))
def test_a_ratio_holds_its_figure(now: int, before: int) -> None:
    found = ratio(now, before)
    assert (found.direction == "too_few") == (now + before < LEAST)
    if found.change is not None and found.low is not None:
        assert found.low <= found.change and (found.high is None or found.change <= found.high)
        assert found.direction != "rising" or now > before
        assert found.direction != "falling" or now < before
