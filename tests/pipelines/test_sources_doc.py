from pathlib import Path

import pytest

from pipelines.sources.base import Source
from pipelines.sources.complete_journey import CompleteJourney
from pipelines.sources.online_retail import OnlineRetail

PAGE = " ".join((Path(__file__).parents[2] / "docs" / "sources.md").read_text("utf-8").split())


@pytest.mark.parametrize("source", [OnlineRetail(), CompleteJourney()], ids=lambda source: source.name)
def test_the_page_says_what_each_source_lacks(source: Source) -> None:
    assert f"## {source.name}" in PAGE
    assert [lack for lack in source.missing if lack not in PAGE] == []
