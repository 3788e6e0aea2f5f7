"""Killed at any moment, the shop's process loses nothing it acknowledged: not one sale slips through afterwards."""

import json
import signal
import subprocess
import sys
import time

from tests.oracle.driver import Shop

CHILD = """
import json
import sys
from datetime import datetime

from features.home import Home
from serving.service import DecisionService

service = DecisionService(Home.open(sys.argv[1]), durable=False)
for line in sys.stdin:
    sent = json.loads(line)
    results = service.ingest(sent["events"], datetime.fromisoformat(sent["now"]))
    print(json.dumps([result.status for result in results]), flush=True)
"""


def killed_while_telling(shop, batches, seconds):
    """Tell batches of events to a child process and kill it; what it acknowledged, a list of statuses a batch."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(shop.home.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        for events in batches:
            child.stdin.write(json.dumps({"events": events, "now": shop.now.isoformat()}) + "\n")
        child.stdin.flush()
        first = child.stdout.readline()
        time.sleep(seconds)
        child.send_signal(signal.SIGKILL)
        said = first + child.stdout.read()  # the same reader: it may hold more lines than the first already
    return [json.loads(line) for line in said.splitlines() if line.endswith("]")]


def test_what_was_acknowledged_before_a_kill_holds_after_it(tmp_path):
    shop = Shop(tmp_path / "home", 11)
    cut_short = 0
    for seconds in (0.0, 0.02, 0.04, 0.07, 0.1):
        shop.moment()
        batches = [shop.happenings.some(shop.now, 12) for _ in range(40)]
        acknowledged = killed_while_telling(shop, batches, seconds)
        cut_short += len(acknowledged) < len(batches)
        for place, events in enumerate(batches):  # whoever got no answer sends again: an event counts once
            known_before = shop.tally.counts["duplicate"]
            statuses = shop.tell(events, again=True)
            if place < len(acknowledged):
                assert len(acknowledged[place]) == len(events)
                assert "accepted" not in statuses, "what was acknowledged is known"
                assert shop.tally.counts["duplicate"] - known_before == acknowledged[place].count("accepted")
        shop.ask_some(50)
    shop.close()
    assert shop.tally.objections == [] and shop.tally.held > 0
    assert cut_short, "some were killed in the middle"
