"""Killed at any moment, the log shows all of a run or nothing, and the same run again gives the same end."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from features.home import Home
from features.log.event_log import EventLog

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "features")]

from log_contents import NOW, contents, new_home  # noqa: E402
from log_intake import BEFORE, LIVE, take_in  # noqa: E402

POINTS = {
    "history": [
        ("take", 3), ("by_day", 1), ("_write", 3), ("to_disk", 2), ("_merge", 1), ("list_files", 1), ("fold", 4),
        ("follow_up", 1), ("keep_following", 1), ("_report", 1),
    ],
    "live": [("_keep", 1), ("fold", 1), ("quarantine", 1), ("clear", 1)],
    "flush": [("_write", 2), ("list_files", 1)],
}  # fmt: skip
AFTER_COMMIT = {("history", "_report", 1)}


def prepared(root: Path, door: str) -> Home:
    """A log that already holds something, live and in the lake."""
    home = new_home(root)
    with EventLog(home) as log:
        log.append_live(BEFORE, source="t", now=NOW)
        log.flush_live()
        if door == "flush":
            log.append_live(LIVE, source="t", now=NOW)
    return home


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Per door: the contents before a run, and after one that nobody disturbed."""
    found = {}
    for door in POINTS:
        home = prepared(tmp_path_factory.mktemp(door) / "home", door)
        before = contents(home, live=True)
        take_in(door, home.root)
        found[door] = (before, contents(home, live=True))
    return found


@pytest.mark.parametrize(("door", "function", "count"), [(d, f, n) for d, points in POINTS.items() for f, n in points])
def test_killed(
    tmp_path: Path, ends: dict[str, tuple[dict[str, Any], dict[str, Any]]], door: str, function: str, count: int
) -> None:
    before, after = ends[door]
    assert before != after
    home = prepared(tmp_path / "home", door)
    command = [sys.executable, str(HERE / "log_intake.py"), door, str(home.root), function, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert contents(home, live=True) == (after if (door, function, count) in AFTER_COMMIT else before)
    take_in(door, home.root)
    assert contents(home, live=True) == after


def test_torn_lake_files_and_staging_of_a_killed_run_are_swept(tmp_path: Path) -> None:
    home = prepared(tmp_path / "home", "live")
    with EventLog(home) as log:
        (whole,) = log.files()
    day = whole.parent
    (day / "000002-0.parquet").write_bytes(whole.read_bytes()[:100])
    (home.lake / ".staging").mkdir()
    shutil.copy(whole, home.lake / ".staging" / "000000.parquet")
    with EventLog(home) as log:
        assert log.swept == ["lake/.staging", f"lake/{day.name}/000002-0.parquet"]
        assert log.files() == [whole]
        assert log.counts() == {"feedback": 1, "purchase": 1}
