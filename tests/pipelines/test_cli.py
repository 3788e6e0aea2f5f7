"""The command line: it teaches, it speaks to machines, and a mistake ends with its remedy and nothing lost."""

import json
import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer.main

from pipelines.cli import app, main

ROOT = Path(__file__).parents[2]
HEADER = "event_id,type,customer_id,occurred_at,channel,order_id,currency,lines\n"


def line(number, price=690, quantity=1, when="2026-01-05T10:00:00Z"):
    """One purchase as a CSV row."""
    lines = json.dumps([{"item_id": "coffee", "quantity": quantity, "unit_price": price, "discount": 0}])
    return f'p{number},purchase,aino,{when},web,order-{number},EUR,"{lines.replace(chr(34), chr(34) * 2)}"\n'


@pytest.fixture
def tahdikas(capsys, monkeypatch):
    """Run a command as a person would; its output, or with `ok=False` that of its failure."""

    def run(home, *words, ok=True):
        monkeypatch.setattr(sys, "argv", ["tahdikas", "--home", str(home), *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        assert (ended.value.code in (0, None)) == ok, told
        return told.out if ok else told.out + told.err

    return run


def commands(group=None, path=()):
    """Every command with its words: ("campaign", "build")."""
    group = group or typer.main.get_command(app)
    for name, command in sorted(group.commands.items()):
        if getattr(command, "invoke_without_command", False):
            yield (*path, name), command
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def test_every_command_explains_itself_and_is_on_the_page():
    page = (ROOT / "docs" / "cli.md").read_text()
    for words, command in commands():
        assert command.help and len(command.help) > 20, words
        assert f"`tahdikas {' '.join(words)}" in page, f"docs/cli.md does not name {' '.join(words)}"
        for parameter in command.params:
            assert parameter.name == "help" or getattr(parameter, "help", None), (words, parameter.name)
    named = set(re.findall(r"`tahdikas ([a-z](?:[a-z-]+ ?)+)", page))
    known = {" ".join(words) for words, _ in commands()}
    assert {name.strip() for name in named} <= known


def test_an_empty_folder_says_where_to_start(tmp_path, tahdikas):
    assert "tahdikas demo" in tahdikas(tmp_path / "new", "status")
    assert json.loads(tahdikas(tmp_path / "new", "status", "--json"))["events"] == {}
    assert json.loads(tahdikas(tmp_path / "new", "--json", "status"))["customers"] == 0


def test_a_store_that_cannot_write_is_told_in_a_sentence(tmp_path, tahdikas):
    tahdikas(tmp_path, "key", "create", "shop", "--scope", "decide")
    with closing(sqlite3.connect(tmp_path / "live.db")) as store:
        store.execute("create trigger full before insert on api_keys begin select raise(abort, 'no [room] left'); end")
    assert "no [room] left" in tahdikas(tmp_path, "key", "create", "till", "--scope", "decide", ok=False)


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("promote",), "tahdikas retrain"),
        (("rollback",), "no earlier bundle"),
        (("score", "churn", "--out", "x.parquet", "--as-of", "2026-01-01"), "tahdikas promote"),
        (("retrain", "--as-of", "2026-01-01"), "Ingest purchases"),
        (("retrain", "--as-of", "next week"), "2026-10-31"),
        (("ingest", "online_retail", "nowhere.csv"), "nowhere.csv"),
        (("ingest", "amazon", "x.csv"), "online_retail"),
        (("campaign", "build"), "tahdikas ingest"),
        (("campaign", "export", "autumn"), "autumn"),
        (("why", "nobody"), "nobody"),
        (("decide", "nobody", "--placement", "moon"), "front_page"),
        (("key", "revoke", "none"), "none"),
        (("demo", "--source", "moon"), "simulated"),
    ],
)
def test_a_mistake_names_the_value_and_the_remedy(tmp_path, words, remedy, tahdikas):
    told = " ".join(tahdikas(tmp_path, *words, ok=False).split())
    assert remedy in told


def test_a_mistake_is_told_to_machines_as_json(tmp_path, tahdikas):
    told = json.loads(tahdikas(tmp_path, "promote", "--json", ok=False))
    assert told["error"] == "DataError" and "retrain" in told["message"]


def test_an_unknown_customer_still_gets_a_safe_answer(tmp_path, tahdikas):
    told = json.loads(tahdikas(tmp_path, "decide", "nobody", "--json"))
    assert told["state_status"] == "ok" and told["holds"] == []
    mail = json.loads(tahdikas(tmp_path, "decide", "nobody", "--channel", "email", "--placement", "email", "--json"))
    assert not [action for action in mail["actions"] if action["category"] in ("sales", "care")]


def test_an_unwritable_home_says_so(tmp_path, tahdikas):
    file = tmp_path / "file"
    file.write_text("in the way")
    assert "--home DIR" in tahdikas(file / "home", "status", ok=False)


def test_bad_input_is_quarantined_with_its_reason_and_comes_in_once_put_right(tmp_path, tahdikas):
    """Negative prices, a NaN score, events two days ahead, the same id with other content: none lost, none let in."""
    home = tmp_path / "home"
    good, negative = line(1), line(2, price=-5)
    ahead, other = line(3, when="2126-01-01T00:00:00Z"), line(1, price=700)
    (tmp_path / "in.csv").write_text(HEADER + good + negative + ahead + other)
    report = json.loads(tahdikas(home, "ingest", "canonical", tmp_path / "in.csv", "--json"))
    assert report["read"] == 4 and report["accepted"] == 1
    waiting = json.loads(tahdikas(home, "quarantine", "list", "--json"))
    assert len(waiting) == 3
    assert len({entry["reason"] for entry in waiting}) == 3
    assert any("-5" in entry["raw"] for entry in waiting)

    again = json.loads(tahdikas(home, "ingest", "canonical", tmp_path / "in.csv", "--json"))
    assert again["accepted"] == 0, "taking the same file twice changes nothing"

    correction = {entry["id"]: json.loads(entry["raw"]) for entry in waiting if "-5" in entry["raw"]}
    ((key, event),) = correction.items()
    event["payload"]["lines"][0]["unit_price"] = 5
    (tmp_path / "fixed.json").write_text(json.dumps({key: event}))
    told = json.loads(tahdikas(home, "quarantine", "replay", "--corrected", tmp_path / "fixed.json", "--json"))
    assert told["accepted"] == 1
    assert json.loads(tahdikas(home, "status", "--json"))["events"] == {"purchase": 2}


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        ((HEADER + line(1) + line(2)[:40]).encode(), "in.csv"),  # cut off in the middle of a row
        ((HEADER + line(1).replace("aino", "ainö")).encode("latin-1"), "UTF-8"),
        (b"event_id;type\n", "in.csv"),
        (b"", "in.csv"),
    ],
)
def test_a_broken_file_is_refused_whole(tmp_path, content, remedy, tahdikas):
    home = tmp_path / "home"
    (tmp_path / "in.csv").write_bytes(content)
    assert remedy in " ".join(tahdikas(home, "ingest", "canonical", tmp_path / "in.csv", ok=False).split())
    assert json.loads(tahdikas(home, "status", "--json"))["events"] == {}


def test_a_torn_parquet_file_is_refused_whole(tmp_path, tahdikas):
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({"event_id": ["a"] * 1000}), path)
    path.write_bytes(path.read_bytes()[:-100])
    assert "in.parquet" in tahdikas(tmp_path / "home", "ingest", "canonical", path, ok=False)
