"""A shop's nights in a process that is killed again and again: `python killed_features.py HOME KILLS SEED`.

Prints how often it was killed and in how many shops, as JSON. Run by `test_killed_features.py`.
"""

import json
import os
import random
import signal
import sys
import time
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

import features.feature_store.feast_repo  # noqa: F401  (six seconds that every child would need)
from features.columns import EVENT_SCHEMA
from features.feature_store.engines.duckdb import _query
from features.home import Home
from features.log.event_log import EventLog
from pipelines.materialize import build_snapshots, materialize

T, DAY = datetime(2024, 6, 1, tzinfo=UTC), timedelta(days=1)
WHO = [f"c{n:02}" for n in range(40)]
NIGHTS = [T + number * DAY for number in range(3)]
LINE = {"item_id": "hat", "quantity": 1, "unit_price": 1000}


def lot(night: int) -> list[dict[str, Any]]:
    """The events imported before a night: a year of them first, then a day's, some of them late."""
    pick = random.Random(night)
    rows = []
    for number in range(400 if night == 0 else 30):
        at = NIGHTS[night] - timedelta(days=pick.choice([0, 0, 9] if night else range(360)), hours=pick.randint(1, 23))
        kind = pick.choice(["purchase", "feedback", "browse", "case"])
        words: dict[str, dict[str, Any]] = {
            "purchase": {"order_id": f"o{night}-{number}", "lines": [LINE], "currency": "EUR"},
            "feedback": {"kind": "rating", "score": float(pick.randint(1, 5))},
            "browse": {"action": "view", "session_id": "s", "item_id": "hat"},
            "case": {"case_id": f"k{number % 9}", "kind": "complaint", "status": "opened"},
        }
        who = {"anonymous_id": "v"} if kind == "browse" and number % 3 == 0 else {"customer_id": pick.choice(WHO)}
        told = {"event_id": f"{night}-{number}", "type": kind, "occurred_at": at, "received_at": at}
        rows.append(told | {"channel": "web", "source": "test", "schema_version": 1} | who | words[kind])
    if night:
        told = {"event_id": f"{night}-i", "type": "identity", "customer_id": WHO[night], "anonymous_id": "v"}
        moment = {"occurred_at": NIGHTS[night] - DAY / 2, "received_at": NIGHTS[night] - DAY / 2, "action": "link"}
        rows.append(told | moment | {"channel": "web", "source": "test", "schema_version": 1})
    return rows


def live(home: Home) -> None:
    """Every night from the beginning; what is done already is not done again."""
    for night, now in enumerate(NIGHTS):
        with EventLog(home, durable=False) as log:
            log.append_history([pa.Table.from_pylist(lot(night), EVENT_SCHEMA)], source="test", now=NIGHTS[-1])
        build_snapshots(home, [now])
        materialize(home, now)


def main(home: Home, kills: int, seed: int) -> None:
    """Live until it was killed so often; a shop that came to its end is followed by another."""
    pick = random.Random(seed)
    _query(False)  # put together here once, not by every child
    started = time.monotonic()
    _wait(_born(home.root / "undisturbed"))
    lasts = time.monotonic() - started
    killed, shop = 0, 0
    while killed < kills:
        child = _born(home.root / f"killed{shop}")
        time.sleep(lasts * pick.uniform(0.02, 0.5))
        os.kill(child, signal.SIGKILL)
        status = _wait(child)
        if os.WIFSIGNALED(status):
            killed += 1
        elif status:
            sys.exit("A life ended with an error.")
        else:
            shop += 1
    status = _wait(_born(home.root / f"killed{shop}"))
    print(json.dumps({"killed": killed, "shops": shop + 1, "last_status": status}))  # noqa: T201


def _born(root: Path) -> int:
    child = os.fork()
    if child == 0:
        try:
            live(Home.open(root))
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return child


def _wait(child: int) -> int:
    return os.waitpid(child, 0)[1]


if __name__ == "__main__":
    main(Home.open(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
