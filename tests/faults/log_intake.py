"""A process that takes events in and is killed at a named point: `python log_intake.py DOOR HOME FUNCTION COUNT`.

The kill is SIGKILL, sent when a function of the code under test is entered for the COUNT-th time.
"""

import itertools
import os
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "features"))

from log_contents import NOW, event, link, purchase, rating, table

from features.home import Home
from features.log.event_log import EventLog
from features.log.rejects import SourceBatch
from pipelines.judged import judge_for

BEFORE = [rating("old", "aino", 1, 2), purchase("old-2", "elli", 2)]
HISTORY = [
    SourceBatch(table([purchase(f"p{day}{who}", f"c{who}", 24 * day + who) for day in range(3) for who in range(4)])),
    SourceBatch(table([rating("r1", "~v", 5, 1), link("l1", "v", "aino", 6), rating("old", "aino", 1, 2)])),
    SourceBatch(table([rating("bad", "aino", 1, 9), rating("r2", "elli", 7, 1)])),
    SourceBatch(table([event("said", "feedback", "elli", 99, kind="comment", text="Terrible, broken, never again!")])),
]
LIVE = [
    rating("x1", "aino", 50, 1),
    link("x2", "v", "aino", 51),
    rating("x3", "elli", 52, 9),
    rating("x4", "~v", 53, 2),
    event("x5", "browse", "aino", 80, action="view", session_id="s"),
]


def kill_at(function: str, count: int) -> None:
    """Kill this process when `function` (of the packages, not of libraries) is entered for the count-th time."""
    seen = itertools.count(1)

    def watch(frame: Any, what: str, _: Any) -> None:
        code = frame.f_code
        entered = what == "call" and code.co_name == function and "site-packages" not in code.co_filename
        if entered and next(seen) == count:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(watch)


def take_in(door: str, root: Path) -> None:
    """What the process does, killed or not."""
    with EventLog(Home.open(root)) as log:
        if door == "history":
            judge = judge_for(log.home, NOW)
            log.append_history(HISTORY, source="t", now=NOW, following=judge)
        elif door == "live":
            log.append_live(LIVE, source="t", now=NOW)
        else:
            log.flush_live()


if __name__ == "__main__":
    kill_at(sys.argv[3], int(sys.argv[4]))
    take_in(sys.argv[1], Path(sys.argv[2]))
