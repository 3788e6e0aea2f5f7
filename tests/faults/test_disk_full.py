"""No room left on the disk: answers leave in time and sell nothing, and what was acknowledged is there afterwards.

The limit is the system's own on the size of a process' files (`RLIMIT_FSIZE`), set on the running service from outside:
every write beyond it fails in the middle of whatever was being written.
"""

import os
import re
import resource
import signal
from contextlib import closing
from urllib.request import urlopen

from served import SLACK_SECONDS, Asker, behind, event, exchange, misses, regulars, rows, served, shop_to_serve, sold

DEADLINE_SECONDS = 2.0
NO_LIMIT = resource.RLIM_INFINITY
WHO = ("aino", "bertta", "cilla")


def room(service, size):
    """Let no file of the service grow beyond so many bytes."""
    resource.prlimit(service.pid, resource.RLIMIT_FSIZE, (size, NO_LIMIT))


def tell_until_full(asker, phase):
    """Tell of one friction after another until the service refuses: those acknowledged, those refused."""
    told, refused = [], []
    for n in range(2_000):
        one = event(f"{phase} {n}", "friction", f"c{n % 9}", kind="payment_error", item_id="x" * 200)
        status, results = asker.tell([one])
        assert (status, results) in ((200, ["accepted"]), (503, [])), (status, results)
        (told if status == 200 else refused).append(one)
        if len(refused) == 5:
            return told, refused
    raise AssertionError("the disk never filled")


def decide_until_full(asker, phase):
    """Ask again and again: what was recorded, by key, until nothing is any more. Only what was recorded sells."""
    kept, silent = {}, 0
    for n in range(200):
        for who in WHO:
            answer = asker.decide(who, f"{who} {phase} {n}")
            if answer["decision_id"] is not None:
                kept[f"{who} {phase} {n}"], silent = answer["decision_id"], 0
            else:
                assert not sold(answer) and answer["state_status"].startswith("unknown:"), answer
                silent += 1
            assert who != "bertta" or not sold(answer), "a covered sale"
        if silent >= 15:
            return kept
    raise AssertionError("the disk never filled")


def counted(service):
    """Reasons and results among the counts for Prometheus."""
    with urlopen(f"http://127.0.0.1:{service.port}/metrics", timeout=30) as answer:
        return set(re.findall(r'(?:reason|result)="(\w+)"', answer.read().decode()))


def filled(service, asker, phase):
    """A full disk lived through: events acknowledged, events refused, decisions recorded."""
    told, refused = tell_until_full(asker, phase)
    asker.slowest = 0.0
    kept = decide_until_full(asker, phase)
    assert asker.slowest < DEADLINE_SECONDS + SLACK_SECONDS
    assert asker.tell([exchange("cilla")])[0] == 503
    assert asker.ask("GET", "/v1/health/live")[0] == 200
    assert "could not be recorded" in asker.ask("GET", "/v1/health/ready")[1]["degraded"][-1]
    assert {"unrecorded", "unanswered"} <= counted(service), "nobody would be woken"
    return told, refused, kept


def works_again(asker, phase, kept):
    """Without a restart: events are taken, offers made, and what was answered is answered again."""
    after = event(f"after {phase}", "friction", "c1", kind="payment_error")
    assert asker.tell([after]) == (200, ["accepted"])
    assert {key: asker.decide(key.split()[0], key)["decision_id"] for key in kept} == kept
    assert [who for who in WHO if sold(asker.decide(who, f"{who} after {phase}"))] == ["aino", "cilla"]
    assert "recorded" not in str(asker.ask("GET", "/v1/health/ready")[1]["degraded"])
    return after


def test_a_full_disk_costs_the_sale_and_nothing_that_was_acknowledged(tmp_path):
    """With no byte left, then with some for the write that tears; then the service is killed."""
    home = shop_to_serve(tmp_path / "home", decision_deadline_ms=DEADLINE_SECONDS * 1000)
    acknowledged, resent, kept = [*regulars(["bertta", "cilla"]), exchange("bertta")], [exchange("cilla")], {}
    with served(home) as service, closing(Asker(service)) as asker:
        assert asker.tell(acknowledged) == (200, ["accepted"] * len(acknowledged))
        works_again(asker, "before", {})
        for phase, left in (("none", None), ("some", 300_000)):
            wal = home.live_db.with_name("live.db-wal").stat().st_size
            room(service, 0 if left is None else wal + left)
            told, refused, recorded = filled(service, asker, phase)
            assert (told == []) == (left is None)
            kept |= recorded
            room(service, NO_LIMIT)
            acknowledged += [*told, works_again(asker, phase, kept)]
            resent += refused
        os.kill(service.pid, signal.SIGKILL)
    with served(home) as service, closing(Asker(service)) as asker:
        status, results = asker.tell(resent)
        assert status == 200 and set(results) <= {"accepted", "duplicate"}
        assert [who for who in WHO if sold(asker.decide(who, f"{who} last"))] == ["aino"]
    assert misses(home, [one["event_id"] for one in [*acknowledged, *resent]]) == {} and behind(home) == 0
    recorded = dict(rows(home, "select key, decision_id from idempotency join decisions using (decision_id)"))
    assert {key: made for key, made in recorded.items() if "after" not in key and "last" not in key} == kept
    assert rows(home, "pragma integrity_check") == [("ok",)]
