"""docs/catalogue.md says every column with what it costs where it is not said, and its example is a catalogue."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest

from features.catalogue import ITEM_SCHEMA, RELATIONS, load_items
from features.catalogue_checks import COSTS
from features.home import Home
from pipelines.catalogue import import_items
from serving.api.items import StockChange
from serving.core.items import Articles
from serving.stock import Became

PAGE = (Path(__file__).parents[2] / "docs" / "catalogue.md").read_text("utf-8")
AUTUMN, DECEMBER = datetime(2026, 10, 12, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


def table_rows(heading: str) -> list[list[str]]:
    part = PAGE.partition(f"\n{heading}\n")[2].partition("\n## ")[0]
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in part.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row] for row in rows]


def test_every_column_is_documented_with_what_it_costs_where_it_is_not_said() -> None:
    rows = {row[0].strip("`"): row[3] for row in table_rows("## Columns")}
    assert list(rows) == ITEM_SCHEMA.names
    assert {name: rows[name] for name in COSTS} == COSTS


def test_every_relation_and_every_answer_is_documented() -> None:
    assert tuple(row[0].strip("`") for row in table_rows("## Relations")) == RELATIONS
    for status in get_args(Became):
        assert f"`{status}`" in PAGE


@pytest.fixture
def home(tmp_path: Path) -> Home:
    text = next(one for one in re.findall(r"```\n(.*?)```", PAGE, re.S) if one.startswith("item_id,"))
    path = tmp_path / "items.csv"
    path.write_text(text, "utf-8")
    home = Home.open(tmp_path / "home")
    report = import_items(home, path, now=AUTUMN)
    assert report.taken and not report.warnings
    return home


def test_the_example_is_a_catalogue_of_which_what_is_said_is_true(home: Home) -> None:
    autumn, december = (Articles.of(load_items(home, at)) for at in (AUTUMN, DECEMBER))
    assert autumn.showable("tyre-w-28", 10) and not autumn.showable("tune-up", 10)
    assert autumn.showable("tune-up", 4) and not autumn.showable("tyre-w-28", 4)
    assert autumn.replacements("tyre-w-27") == ["tyre-w-28"]
    assert autumn.services == {"bike-7": ["tune-up"]}
    assert (autumn.by_id["bike-7"].price, december.by_id["bike-7"].price) == (89900, 79900)


def test_the_words_of_the_stock_example_can_be_read() -> None:
    sent = json.loads(re.search(r"-d '\n(.*?)'\n```", PAGE, re.S).group(1))  # type: ignore[union-attr]
    assert [StockChange.model_validate(one).in_stock for one in sent] == [False, True]


def test_the_commands_do_what_the_page_says(home: Home, cli: Callable[..., Any], tmp_path: Path) -> None:
    assert cli("catalogue", "check")["fault_count"] == 0
    assert cli("catalogue", "show")["items"] == 4
    assert cli("catalogue", "show", "bike-7")["services"] == ["tune-up"]
    assert cli("catalogue", "stock", "tyre-w-28", "--out")["status"] == "recorded"
    shown = cli("catalogue", "show", "tyre-w-28")
    assert (shown["in_stock"], shown["told"]["in_stock"], shown["now"]["in_stock"]) == (False, False, True)
    assert "tahdikas catalogue import" in cli("catalogue", "stock", "tyre-w-29", "--in", code=2)["message"]
    out = tmp_path / "out.csv"
    assert cli("catalogue", "export", out)["rows"] == 5
    assert cli("catalogue", "import", out, "--check")["taken"] is False
    out.write_text("item_id,price\nlamp,1.50\n", "utf-8")
    refused = cli("catalogue", "import", out, code=1)
    assert refused["fault_count"] == 1 and "line 2 (lamp): price '1.50'" in refused["faults"][0]


@pytest.fixture
def cli(home: Home, capsys: Any, monkeypatch: Any) -> Callable[..., Any]:
    from pipelines.cli import main

    def run(*words: Any, code: int = 0) -> Any:
        monkeypatch.setattr("sys.argv", ["tahdikas", "--home", str(home.root), *map(str, words), "--json"])
        with pytest.raises(SystemExit) as ended:
            main()
        out = capsys.readouterr()
        assert (ended.value.code or 0) == code, out
        return json.loads(out.out)

    return run
