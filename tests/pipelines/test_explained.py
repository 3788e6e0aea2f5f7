"""docs/decisions-explained.md is what the command prints, and its figures add up."""

import math
import re

import pytest

from pipelines.explained.page import COMMAND, PAGE, explained_page

NUMBER = r"(-?[\d.e+-]+)"
FILLED_IN = re.compile(
    rf"^\w+ +{NUMBER} x {NUMBER} x \({NUMBER} x {NUMBER} - {NUMBER} x {NUMBER}\) - {NUMBER} = {NUMBER}$", re.MULTILINE
)


@pytest.fixture(scope="module")
def page():
    return explained_page()


def test_the_page_is_up_to_date(page):
    assert PAGE.read_text("utf-8") == page, f"run `{COMMAND} > docs/{PAGE.name}`"


def test_it_says_the_same_every_time(page):
    assert explained_page() == page


def test_the_formula_with_its_numbers_gives_the_gain(page):
    found = [tuple(map(float, line)) for line in FILLED_IN.findall(page)]
    assert len(found) > 5
    for weight, lever, incremental, margin, response, incentive, cost, gain in found:
        counted = weight * lever * (incremental * margin - response * incentive) - cost
        assert math.isclose(counted, gain, rel_tol=1e-3), "the numbers are rounded to four figures"


def test_the_story_has_what_it_teaches(page):
    assert "**no difference**" in page
    for word in ("`open_case` (4)", "`staff_call`", "`bad_resolution` (4)", "`recommended_items`", "case_status"):
        assert word in page
