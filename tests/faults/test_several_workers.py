"""`tahdikas serve --workers 2`: one address, one truth, whoever answers; killed ones come back, none is left behind."""

import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
from served import (
    Asker,
    LostError,
    behind,
    event,
    exchange,
    misses,
    regulars,
    rows,
    served,
    shop_to_serve,
    sold,
)  # fmt: skip

COMPLAINT = {
    "type": "case",
    "customer_id": "aino",
    "payload": {"case_id": "shoes", "kind": "exchange", "status": "opened"},
}
MANY = 8
"""Connections at once: each worker gets some of them."""


@pytest.fixture
def service(tmp_path):
    home = shop_to_serve(tmp_path / "home", workers=2)
    with served(home) as service:
        yield service


def workers_of(pid):
    """The processes that serve: children that hold a socket on the address."""
    return [one for one in children_of(pid) if "spawn_main" in command_of(one)]


def children_of(pid):
    told = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(one) for one in told]


def command_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def decided(service, customer_id, times=1):
    """Answers over new connections, so that more than one worker gives them."""
    answers = []
    for _ in range(MANY):
        with closing(Asker(service)) as asker:
            answers += [asker.decide(customer_id) for _ in range(times)]
    return answers


def wait_until(condition, seconds=60):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"{seconds} seconds passed"
        time.sleep(0.05)


def is_there(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_one_was_told_all_know(service):
    assert "service" not in {one["actions"][0]["category"] for one in decided(service, "aino")}
    with closing(Asker(service)) as asker:
        now = asker.decide("aino")["decided_at"]
        assert asker.tell([COMPLAINT | {"event_id": "e-1", "occurred_at": now}]) == (200, ["accepted"])
    for one in decided(service, "aino"):
        assert {action["category"] for action in one["actions"]} <= {"service"}
        assert [hold["kind"] for hold in one["holds"]] == ["open_case"]


def test_whoever_is_asked_for_metrics_tells_of_all(service):
    decided(service, "aino", times=3)

    def counted():
        with closing(Asker(service)) as asker:
            asker._to.request("GET", "/metrics", headers=asker._headers)
            lines = asker._to.getresponse().read().decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("tahdikas_decisions_total"))

    first = counted()
    assert first >= 3 * MANY
    assert {counted() for _ in range(MANY)} == {first}


def test_a_killed_worker_is_started_again_and_the_others_answer_meanwhile(service):
    before = workers_of(service.pid)
    assert len(before) == 2
    os.kill(before[0], signal.SIGKILL)
    answers = 0
    while len(set(workers_of(service.pid)) - {before[0]}) < 2:
        with suppress(LostError):  # a connection to the one that was killed
            answers += len(decided(service, "aino"))
    assert answers
    assert before[1] in workers_of(service.pid)
    wait_until(lambda: len(decided(service, "aino")) == MANY)


def test_a_worker_that_hangs_is_replaced(service):
    before = workers_of(service.pid)
    os.kill(before[0], signal.SIGSTOP)
    wait_until(lambda: not is_there(before[0]))
    wait_until(lambda: len(workers_of(service.pid)) == 2)


@pytest.mark.parametrize(
    "left", [100_000, pytest.param(None, marks=pytest.mark.slow)], ids=["in the middle of a write", "not a byte"]
)
def test_of_two_workers_one_cannot_write(tmp_path, left):
    """The system lets its files grow no further. It sells nothing; what the other acknowledges is there afterwards."""
    home = shop_to_serve(tmp_path / "home", workers=2)
    told, refused, kept, silent = regulars(["bertta", "cilla"]), [], {}, 0
    told = [*told, exchange("bertta")]
    with served(home) as service:
        with closing(Asker(service)) as asker:
            assert asker.tell(told) == (200, ["accepted"] * len(told))
        wal = home.live_db.with_name("live.db-wal").stat().st_size
        poor = workers_of(service.pid)[0]
        resource.prlimit(poor, resource.RLIMIT_FSIZE, (0 if left is None else wal + left, resource.RLIM_INFINITY))
        for n in range(2_000):
            if len(refused) >= 5 and silent >= 5 and len(kept) >= 40:
                break
            with closing(Asker(service)) as asker:
                one = event(f"trouble {n}", "friction", f"c{n % 9}", kind="payment_error", item_id="x" * 200)
                status, results = asker.tell([one])
                assert (status, results) in ((200, ["accepted"]), (503, [])), (status, results)
                (told if status == 200 else refused).append(one)
                for who in ("cilla", "bertta"):
                    answer = asker.decide(who, f"{who} {n}")
                    assert who != "bertta" or not sold(answer), "a covered sale"
                    if answer["decision_id"] is None:
                        assert not sold(answer) and answer["state_status"].startswith("unknown:"), answer
                        silent += 1
                    else:
                        kept[f"{who} {n}"] = answer["decision_id"]
        assert len(refused) >= 5 and silent >= 5 and len(kept) >= 40
        while not tells(service, [exchange("cilla")]):  # whoever takes it
            pass
        assert not any(sold(one) for one in decided(service, "cilla"))
        resource.prlimit(poor, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        for n in range(MANY):
            after = event(f"after {n}", "friction", "c1", kind="payment_error")
            assert tells(service, [after])
            told.append(after)
        for one in (service.pid, *workers_of(service.pid)):
            os.kill(one, signal.SIGKILL)
    with served(home) as service, closing(Asker(service)) as asker:
        assert set(asker.tell(refused)[1]) <= {"accepted", "duplicate"}
        assert not any(sold(asker.decide(who)) for who in ("bertta", "cilla"))
    everything = [one["event_id"] for one in [*told, *refused, exchange("cilla")]]
    assert misses(home, everything) == {} and behind(home) == 0
    assert (
        kept.items()
        <= dict(rows(home, "select key, decision_id from idempotency join decisions using (decision_id)")).items()
    )
    assert rows(home, "pragma integrity_check") == [("ok",)]


def tells(service, events):
    with closing(Asker(service)) as asker:
        return asker.tell(events) == (200, ["accepted"] * len(events))


def test_without_the_process_that_keeps_them_going_workers_end(service):
    workers = workers_of(service.pid)
    os.kill(service.pid, signal.SIGKILL)
    wait_until(lambda: not any(is_there(one) for one in workers))


def test_told_to_stop_all_of_them_end(service):
    everybody = [service.pid, *children_of(service.pid)]
    os.kill(service.pid, signal.SIGTERM)
    wait_until(lambda: not any(is_there(one) for one in everybody))


def test_what_cannot_start_is_told_once(tmp_path):
    home = shop_to_serve(tmp_path / "home", workers=2)
    (home.config / "policy.yaml").write_text("version: nonsense\n")
    command = [sys.executable, "-m", "pipelines.cli", "--home", str(home.root), "serve", "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "policy.yaml" in done.stderr
    assert "A worker could not start" in done.stderr
