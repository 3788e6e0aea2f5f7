"""No room left on the disk: answers leave in time and sell nothing, and what was acknowledged is there afterwards.

The limit is the system's own on the size of a process' files (`RLIMIT_FSIZE`), set on the running service from outside:
every write beyond it fails in the middle of whatever was being written.
"""

import os
import resource
import signal

import pytest
from served import SLACK_SECONDS, Asker, behind, event, exchange, misses, regulars, rows, served, shop_to_serve, sold

DEADLINE_SECONDS = 2.0
NO_LIMIT = resource.RLIM_INFINITY
WHO = ("aino", "bertta", "cilla")


def room(service, size):
    """Let no file of the service grow beyond so many bytes."""
    resource.prlimit(service.pid, resource.RLIMIT_FSIZE, (size, NO_LIMIT))


def tell_until_full(asker):
    """Tell of one friction after another until the service refuses: those acknowledged, those refused."""
    told, refused = [], []
    for n in range(2_000):
        one = event(f"squeezed {n}", "friction", f"c{n % 9}", kind="payment_error", item_id="x" * 200)
        status, results = asker.tell([one])
        assert (status, results) in ((200, ["accepted"]), (503, [])), (status, results)
        (told if status == 200 else refused).append(one)
        if len(refused) == 5:
            return told, refused
    raise AssertionError("the disk never filled")


def decide_until_full(asker):
    """Ask again and again: what was recorded, by key, until nothing is any more. Only what was recorded sells."""
    kept, silent = {}, 0
    for n in range(1, 200):
        for who in WHO:
            answer = asker.decide(who, f"{who} {n}")
            if answer["decision_id"] is not None:
                kept[f"{who} {n}"], silent = answer, 0
            else:
                assert not sold(answer) and answer["state_status"].startswith("unknown:"), answer
                silent += 1
            assert who != "bertta" or not sold(answer), "a covered sale"
        if silent >= 15:
            return kept
    raise AssertionError("the disk never filled")


@pytest.mark.parametrize("bytes_left", [None, 300_000])
def test_a_full_disk_costs_the_sale_and_nothing_that_was_acknowledged(tmp_path, bytes_left):
    """With no byte left, and with some for the write that tears."""
    home = shop_to_serve(tmp_path / "home", decision_deadline_ms=DEADLINE_SECONDS * 1000)
    before = [*regulars(["bertta", "cilla"]), exchange("bertta")]
    with served(home) as service:
        asker = Asker(service)
        assert asker.tell(before) == (200, ["accepted"] * len(before))
        kept = {f"{who} 0": asker.decide(who, f"{who} 0") for who in WHO}
        assert [key for key, answer in kept.items() if sold(answer)] == ["aino 0", "cilla 0"]
        wal = home.live_db.with_name("live.db-wal").stat().st_size
        room(service, 0 if bytes_left is None else wal + bytes_left)
        told, refused = tell_until_full(asker)
        assert (told == []) == (bytes_left is None)
        asker.slowest = 0.0
        kept |= decide_until_full(asker)
        assert asker.tell([exchange("cilla")])[0] == 503
        assert asker.slowest < DEADLINE_SECONDS + SLACK_SECONDS
        assert asker.ask("GET", "/v1/health/live")[0] == 200
        room(service, NO_LIMIT)
        assert asker.tell([event("after", "friction", "c1", kind="payment_error")]) == (200, ["accepted"])
        again = {key: asker.decide(key.split()[0], key)["decision_id"] for key in kept}
        assert again == {key: answer["decision_id"] for key, answer in kept.items()}
        assert sold(asker.decide("aino")) and not sold(asker.decide("bertta"))
        os.kill(service.pid, signal.SIGKILL)
        asker.close()
    with served(home) as service:
        asker = Asker(service)
        status, results = asker.tell([*refused, exchange("cilla")])
        assert status == 200 and set(results) <= {"accepted", "duplicate"}
        assert [who for who in WHO if sold(asker.decide(who))] == ["aino"]
        asker.close()
    everything = [one["event_id"] for one in [*before, *told, *refused, exchange("cilla")]] + ["after"]
    assert misses(home, everything) == {} and behind(home) == 0
    recorded = rows(home, "select key, decision_id from idempotency join decisions using (decision_id)")
    assert dict(recorded) == {key: answer["decision_id"] for key, answer in kept.items()}
    assert rows(home, "pragma integrity_check") == [("ok",)]
