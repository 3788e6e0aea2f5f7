"""Several workers over one PostgreSQL: each sees at once what another acknowledged, and a killed one loses nothing."""

import json
import resource
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime

import pytest

from features.log.event_log import EventLog
from features.log.postgres.server import made
from features.log.store import connect
from serving.service import DecisionService
from tests.postgres_server import home_on

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
WORKER = """
import json, sys
from datetime import UTC, datetime
from features.home import Home
from serving.core.question import Request
from serving.service import DecisionService

service = DecisionService(Home.open(sys.argv[1]))
now = datetime(2026, 9, 1, 12, tzinfo=UTC)

def opened(name):
    told = {"case_id": "case " + name, "kind": "exchange", "status": "opened"}
    event = {"event_id": "of " + name, "type": "case", "customer_id": name, "payload": told}
    return service.ingest([event | {"occurred_at": now.isoformat()}], now)[0].status

def decided(name):
    asked = Request(customer_id=name, channel="web", placement="front_page", now=now, idempotency_key=name)
    made = service.decide(asked)
    return [made.decision_id, [hold.kind for hold in made.holds]]

print("ready", flush=True)
for line in sys.stdin:
    what, name = json.loads(line)
    if what == "load":
        for number in range(100_000):
            one = f"{name} {number}"
            print(json.dumps([one, opened(one), *decided(one)]), flush=True)
    else:
        print(json.dumps(opened(name) if what == "opened" else decided(name)), flush=True)
"""


class Worker:
    """A process of its own over the same store."""

    def __init__(self, home):
        command = [sys.executable, "-c", WORKER, str(home.root)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def tell(self, what, name):
        self.process.stdin.write(json.dumps([what, name]) + "\n")
        self.process.stdin.flush()

    def ask(self, what, name):
        self.tell(what, name)
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.send_signal(signal.SIGKILL)
        rest, _ = self.process.communicate()
        return rest


@pytest.fixture
def home(tmp_path):
    return home_on("postgresql", tmp_path / "home")


def test_what_one_worker_acknowledged_the_other_decides_by(home):
    first, second = Worker(home), Worker(home)
    for number in range(20):
        teller, asker = (first, second) if number % 2 else (second, first)
        name = f"c{number}"
        assert teller.ask("opened", name) == "accepted"
        decision, holds = asker.ask("decided", name)
        assert holds == ["open_case"], name
        assert teller.ask("decided", name) == [decision, holds], "the same key is answered once, by whichever worker"
    first.end()
    second.end()


def test_a_first_opening_that_fails_halfway_leaves_no_half_a_mark(home):
    """There is no room for the file that says which store it is; who opens the store next must not read half of it."""
    mark = made(home)
    assert not mark.exists()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            connect(home)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(mark.parent.glob("*.made*"))
    connect(home).close()
    assert len(mark.read_text()) > 30


def lost_after_kills(home, waits):
    """What killed workers had acknowledged and is not there, or is there twice."""
    acknowledged = {}
    for number, wait in enumerate(waits):
        worker = Worker(home)
        worker.tell("load", f"k{number}")
        first = worker.process.stdout.readline()
        time.sleep(wait)
        lines = [first, *worker.end().splitlines(keepends=True)]
        told = [json.loads(line) for line in lines if line.endswith("]\n")]
        acknowledged |= {name: (status, decision) for name, status, decision, _ in told}
    with closing(DecisionService(home)) as service, closing(connect(home)) as store:
        lost = [name for name, (status, decision) in acknowledged.items() if service.decision(decision) is None]
        known = dict(store.execute("select event_id, count(*) from facts group by event_id").fetchall())
        keys = dict(store.execute("select key, count(*) from idempotency group by key").fetchall())
        decisions = store.execute("select count(*) from decisions").fetchone()[0]
        behind = store.execute("select count(*) from facts where origin_id not in (select customer_id from state)")
        half = behind.fetchone()[0]
    lost += [name for name in acknowledged if known.get(f"of {name}") != 1 or keys.get(name) != 1]
    return acknowledged, lost, decisions - len(keys), half


def test_a_killed_worker_loses_and_doubles_nothing_that_it_acknowledged(home):
    acknowledged, lost, doubled, half = lost_after_kills(home, (0.1, 0.5, 1.0))
    assert len(acknowledged) > 10
    assert (lost, doubled, half) == ([], 0, 0)


@pytest.mark.slow
def test_many_killed_workers_lose_nothing(home, record_property):
    acknowledged, lost, doubled, half = lost_after_kills(home, [0.2 + 0.02 * n for n in range(40)])
    record_property("acknowledged", len(acknowledged))
    assert len(acknowledged) > 100
    assert (lost, doubled, half) == ([], 0, 0)


def test_facts_become_visible_in_the_order_of_their_positions(home):
    """Whoever has seen up to a position misses nothing by going on from there."""

    def happen(writer):
        with EventLog(home) as log:
            for number in range(40):
                told = {"event_id": f"{writer}-{number}", "type": "case", "customer_id": f"c{number % 5}"}
                payload = {"case_id": f"{writer} {number}", "kind": "exchange", "status": "opened"}
                told |= {"occurred_at": NOW.isoformat(), "payload": payload}
                assert log.append_live([told], source="t", now=NOW)[0].status == "accepted"

    writers = [threading.Thread(target=happen, args=(writer,)) for writer in range(3)]
    for writer in writers:
        writer.start()
    seen, until = [], time.monotonic() + 60
    with closing(connect(home)) as reader:
        while len(seen) < 120 and time.monotonic() < until:
            last = seen[-1] if seen else 0
            rows = reader.execute("select position from facts where position > ? order by position", (last,))
            seen += [position for (position,) in rows]
        everything = [row[0] for row in reader.execute("select position from facts order by position")]
    for writer in writers:
        writer.join()
    assert seen == everything and len(seen) == 120
