"""Result files and the page made from all of them: `benchmarks/results/*.json` -> `docs/benchmarks.md`.

A result is one JSON object: `title`, `order`, `command`, `machine`, `measured_on`, and `parts`, a list of
`{"text": paragraph}`, `{"heading": words}`, `{"table": {"columns": [...], "rows": [[...]]}}` and
`{"figure": {"path": file in docs/figures, "caption": words}}`; `facts` keeps the bare numbers for machines.
Anything that measures writes one with `write_result`; nobody edits the page by hand.
"""

import json
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.measure import machine

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"
FIGURES = ROOT / "docs" / "figures"

INTRODUCTION = """# Benchmarks

Made by `python -m benchmarks.report` from `benchmarks/results/*.json`; do not edit. Each part says which command
measured it and on what machine. A **win** is a paired 95 % bootstrap interval over customers (over whole shops where a
part says so) that excludes zero, a **loss** one that excludes it on the other side; everything else is **parity**.
Losses are shown like wins.
"""


def write_result(
    name: str, *, title: str, order: int, command: str, today: date, parts: list[dict[str, Any]], facts: dict[str, Any]
) -> Path:
    """Write `results/<name>.json` and the page anew; returns the file."""
    result = {
        "title": title,
        "order": order,
        "command": command,
        "measured_on": today.isoformat(),
        "machine": machine(),
        "parts": parts,
        "facts": facts,
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    write_page()
    return path


def write_page() -> Path:
    """Write `docs/benchmarks.md` from all result files."""
    found = [json.loads(path.read_text("utf-8")) for path in sorted(RESULTS.glob("*.json"))]
    PAGE.write_text(render(found), encoding="utf-8")
    return PAGE


def render(results: list[dict[str, Any]]) -> str:
    """The page's Markdown, results in their `order`.

    >>> render([]) == INTRODUCTION
    True
    """
    return "\n".join([INTRODUCTION, *(_section(result) for result in sorted(results, key=_place))]).rstrip("\n") + "\n"


def _place(result: dict[str, Any]) -> tuple[int, str]:
    return int(result["order"]), str(result["title"])


def _section(result: dict[str, Any]) -> str:
    on = result["machine"]
    where = f"{on['cores']} cores ({on['processor']}), {on['memory_gb']} GB, Python {on['python']}"
    head = f"## {result['title']}\n\n`{result['command']}`, measured on {result['measured_on']} with {where}.\n"
    return "\n".join([head, *(_part(part) for part in result["parts"])])


def _part(part: dict[str, Any]) -> str:
    if "heading" in part:
        return f"### {part['heading']}\n"
    if "text" in part:
        return f"{part['text']}\n"
    if "figure" in part:
        return f"![{part['figure']['caption']}](figures/{part['figure']['path']})\n"
    columns, rows = part["table"]["columns"], part["table"]["rows"]
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


if __name__ == "__main__":
    write_page()
