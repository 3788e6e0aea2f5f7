"""Experience in a terminal: tables with their curves, pictures, machine output, and texts that cannot steer it."""

import json
import sys
from datetime import UTC, datetime, timedelta

import pytest

from features.home import Home
from features.log.event_log import EventLog
from pipelines.cli import main
from pipelines.show_experience import plain, sparkline

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
AS_OF = "2026-09-01T12:00:00Z"
NASTY = "\x1b[31mred\x07 [bold]not[/bold] \u202egnorw\u202c\r\nend"


def event(event_id, type_, customer, days_ago, touchpoint, /, **payload):
    at = (NOW - timedelta(days=days_ago)).isoformat()
    return {"event_id": event_id, "type": type_, "customer_id": customer, "occurred_at": at, "channel": "web",
            "received_at": at, "touchpoint": touchpoint, "payload": payload}  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Eight people rate support, one of them in words that are no friend of terminals; two search for it too."""
    events = [event(f"f{n}", "feedback", f"c{n}", 3, "support", kind="rating", score=5) for n in range(7)]
    events.append(event("f7", "feedback", "c7", 3, "support", kind="rating", score=1, text=NASTY))
    for who in ("c1", "c2"):
        said = {"action": "search", "session_id": who, "query": NASTY, "result_count": 0}
        events.append(event(f"b-{who}", "browse", who, 2, "search", **said))
    root = tmp_path_factory.mktemp("home")
    with EventLog(Home.open(root), durable=False) as log:
        assert {result.status for result in log.append_live(events, source="test", now=NOW)} == {"accepted"}
    return root


@pytest.fixture
def tahdikas(home, capsys, monkeypatch):
    """Run a command as a person would, in a wide terminal; its output, or with `ok=False` that of its failure."""

    def run(*words, ok=True):
        monkeypatch.setenv("COLUMNS", "220")
        monkeypatch.setattr(sys, "argv", ["tahdikas", "--home", str(home), *map(str, words), "--as-of", AS_OF])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        assert (ended.value.code in (0, None)) == ok, told
        return told.out + told.err

    return run


def steers(text):
    """Characters that steer a terminal or hide what is written."""
    return [c for c in text if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 or c in "\u202a\u202e\u202c\u200b"]


@pytest.mark.parametrize(
    "words", [("touchpoints",), ("touchpoints", "support"), ("demand",), ("experience", "c7")], ids=" ".join
)
def test_what_customers_wrote_does_not_steer_the_terminal(tahdikas, words):
    told = tahdikas(*words)
    assert "red" in told and "[bold]not[/bold]" in told and "gnorw" in told, told
    assert steers(told) == []


def test_touchpoints_say_how_sure_they_are_and_where_they_cannot_tell(tahdikas):
    told = tahdikas("touchpoints")
    support = next(line for line in told.splitlines() if "support" in line)
    assert "0.88 (" in support and "············█" in support and "no history" in support
    assert "too few to tell" in next(line for line in told.splitlines() if "search" in line)


def test_for_machines_the_same_as_json(tahdikas):
    told = json.loads(tahdikas("touchpoints", "support", "--days", "7", "--json"))
    (support,) = told["touchpoints"]
    assert support["answered"] == 8 and len(support["weeks"]) == 1 and support["stories"][0]["customer_id"] == "c7"
    assert json.loads(tahdikas("demand", "--json", "--min-people", "3"))["kept_back"] == 1
    assert json.loads(tahdikas("experience", "c7", "--json"))["moments"][0]["value"] == 0.0


@pytest.mark.parametrize("words", [("touchpoints",), ("touchpoints", "support"), ("experience", "c7")], ids=" ".join)
def test_the_curve_is_drawn(tahdikas, tmp_path, words):
    tahdikas(*words, "--plot", tmp_path / "new" / "curve.png")
    assert (tmp_path / "new" / "curve.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("touchpoints", "--plot", "curve.doc"), ".png"),
        (("touchpoints", "moon"), "support"),
        (("touchpoints", "--days", "0"), "--days"),
        (("experience", "nobody"), "nobody"),
        (("experience", "c7", "--plot", "/dev/null/curve.png"), "--plot"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, tuple) else "",
)
def test_a_mistake_names_the_remedy(tahdikas, words, remedy):
    assert remedy in tahdikas(*words, ok=False)


def test_a_sparkline_has_a_gap_where_nothing_is_known():
    assert sparkline([None, 0.0, 0.5, 1.0], top=1.0) == "·▁▅█"
    assert sparkline([]) == "" and sparkline([0, 0]) == "▁▁"
    assert str(plain("a\tb\x9b\u202ec")) == "abc"
