"""Promise 2: a decision that was answered is on record after `kill -9`, once."""

import signal
import sqlite3
import subprocess
import sys
import time

from features.home import Home
from serving.service import DecisionService

CHILD = """
import sys
from datetime import UTC, datetime
from features.home import Home
from serving.core.question import Request
from serving.service import DecisionService

service = DecisionService(Home.open(sys.argv[1]))
now = datetime(2026, 9, 1, tzinfo=UTC)
for i in range(100_000):
    who, key = f"c{i // 2}", f"{sys.argv[2]}-{i // 2}"
    asked = Request(customer_id=who, channel="web", placement="front_page", now=now, idempotency_key=key)
    print(service.decide(asked).decision_id, flush=True)
"""


def test_every_answered_decision_is_on_record_once_after_kill_9(tmp_path):
    home = Home.open(tmp_path / "home")
    for wait in (0.05, 0.3):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(home.root), str(wait)], stdout=subprocess.PIPE, text=True
        )
        answered = [child.stdout.readline().strip()]
        time.sleep(wait)
        child.send_signal(signal.SIGKILL)
        rest, _ = child.communicate()
        answered += [line for line in rest.splitlines() if len(line) == len(answered[0])]
        assert len(answered) > 3 and answered[0]
        service = DecisionService(home)
        assert all(service.decision(one) is not None for one in set(answered))
        service.close()
    with sqlite3.connect(home.live_db) as connection:
        keys, decisions = (
            connection.execute(f"select count(*) from {t}").fetchone()[0] for t in ("idempotency", "decisions")
        )
    connection.close()
    assert keys == decisions, "each key has one decision, each decision was asked for once"
