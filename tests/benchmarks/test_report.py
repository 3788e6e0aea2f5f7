import json
from typing import Any

from benchmarks.report import INTRODUCTION, PAGE, RESULTS, render


def result(**changes: Any) -> dict[str, Any]:
    return {
        "title": "Speed",
        "order": 1,
        "command": "python -m benchmarks speed",
        "measured_on": "2026-01-02",
        "machine": {"cores": 2, "processor": "abacus", "memory_gb": 4, "python": "3.11.7"},
        "parts": [
            {"heading": "One"},
            {"text": "Some words."},
            {"table": {"columns": ["", "ms"], "rows": [["ours", 1.5], ["theirs", 2]]}},
            {"figure": {"path": "a.png", "caption": "A figure"}},
        ],
        "facts": {},
    } | changes


def test_a_result_says_its_command_and_machine() -> None:
    assert render([result()]) == (
        INTRODUCTION + "\n## Speed\n\n"
        "`python -m benchmarks speed`, measured on 2026-01-02 with 2 cores (abacus), 4 GB, Python 3.11.7.\n\n"
        "### One\n\nSome words.\n\n"
        "|  | ms |\n| --- | --- |\n| ours | 1.5 |\n| theirs | 2 |\n\n"
        "![A figure](figures/a.png)\n"
    )


def test_results_stand_in_their_order() -> None:
    page = render([result(title="B", order=2), result(title="A", order=10), result(title="C", order=1)])
    assert [line for line in page.splitlines() if line.startswith("## ")] == ["## C", "## B", "## A"]


def test_the_page_is_what_the_results_say() -> None:
    found = [json.loads(path.read_text("utf-8")) for path in sorted(RESULTS.glob("*.json"))]
    assert PAGE.read_text("utf-8") == render(found), "run: python -m benchmarks.report"
