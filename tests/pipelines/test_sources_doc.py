from pathlib import Path

import pytest

from pipelines.ingest import SOURCES
from pipelines.sources.base import Source

PAGE = " ".join((Path(__file__).parents[2] / "docs" / "sources.md").read_text("utf-8").split())


@pytest.mark.parametrize("source", [s for s in SOURCES.values() if s.missing], ids=lambda source: source.name)
def test_the_page_says_what_each_source_lacks(source: Source) -> None:
    assert f"## {source.name}" in PAGE
    assert [lack for lack in source.missing if lack not in PAGE] == []
