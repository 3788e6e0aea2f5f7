"""docs/experience.md says every rule, penalty and limit as the code has it."""

import re
from pathlib import Path

from serving.experience.demand import MIN_PEOPLE
from serving.experience.estimating import PENALTIES, SCORE_HALF_LIFE_DAYS, TROUBLE_HALF_LIFE_DAYS
from serving.experience.figures import LEAST
from serving.experience.places import PLACES, UNNAMED
from serving.experience.searches import CIRCLE
from serving.experience.stories import LONGEST_TEXT
from serving.experience.told import AMOUNTS_TO

PAGE = (Path(__file__).parents[3] / "docs" / "experience.md").read_text("utf-8")


def rows(heading: str) -> list[tuple[str, str]]:
    """The rows of the table under a head line."""
    body = PAGE.split(heading, 1)[1].split("\n\n", 1)[0]
    return re.findall(r"^\| `([^`]+)` \| ([^|]+) \|$", body, re.MULTILINE)


def test_where_events_without_a_touchpoint_count() -> None:
    assert rows("| touchpoint | an event that is |") == [(one.touchpoint, one.words) for one in PLACES]
    assert f"`{UNNAMED}`" in PAGE


def test_what_counts_as_trouble() -> None:
    assert sorted(name for name, _ in rows("| counts as trouble | when |")) == sorted(AMOUNTS_TO)


def test_the_estimate() -> None:
    assert rows("| what went wrong | penalty |") == [(name, f"{penalty:g}") for name, penalty in PENALTIES.items()]
    assert f"w = 0.5 ^ (age / {SCORE_HALF_LIFE_DAYS} days)" in PAGE
    assert f"f = 0.5 ^ (age / {TROUBLE_HALF_LIFE_DAYS} days)" in PAGE


def test_the_limits() -> None:
    numbers = {3: "three"}
    assert f"Of fewer than {LEAST} people nothing is told" in PAGE
    assert f"Terms of fewer than {MIN_PEOPLE} people are counted, not told" in PAGE
    assert f"in circles: {numbers[CIRCLE]} searches or more in a row" in PAGE
    assert f"cut to {LONGEST_TEXT} characters" in PAGE
