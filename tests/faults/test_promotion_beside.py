"""A bundle is promoted under load and its trial hangs: nobody waits or is dropped, the bundle before answers."""

import os
import signal
import threading
import time
from contextlib import closing
from pathlib import Path

from decided_beside import wait_for_work_beside
from served import Asker, served, shop_to_serve

from tests.serving.core.test_bundles import put_in_force, truncate_with_its_sum, write_bundle

ASKERS, HUNG_SECONDS, DEADLINE_SECONDS = 3, 2.0, 5.0


def trial_of(pid):
    """The process that tries a bundle for another, stopped as soon as it is there."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        for child in Path(f"/proc/{pid}/task").glob("*/children"):
            for one in child.read_text().split():
                if b"serving.bundle_trial" in Path(f"/proc/{one}/cmdline").read_bytes():
                    os.kill(int(one), signal.SIGSTOP)
                    return int(one)
        time.sleep(0.002)
    raise AssertionError("no trial began")


def ask_on(service, stop, answers):
    """Ask without a pause; each answer with the seconds it took."""
    with closing(Asker(service)) as asker:
        while not stop.is_set():
            began = time.monotonic()
            answers.append((asker.decide("aino"), time.monotonic() - began))


def bundle_of(answer):
    return answer["versions"].get("bundle")


def wait_until(condition):
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, "a minute passed"
        time.sleep(0.01)


def test_nobody_waits_for_the_trial_of_a_promoted_bundle(tmp_path):
    home = shop_to_serve(tmp_path / "home", decision_deadline_ms=DEADLINE_SECONDS * 1000)
    first = write_bundle(home)
    with served(home) as service, closing(Asker(service)) as asker:
        assert bundle_of(asker.decide("aino")) == first
        beside = wait_for_work_beside(service, asker)
        stop, answers = threading.Event(), []
        threads = [threading.Thread(target=ask_on, args=(service, stop, answers)) for _ in range(ASKERS)]
        for thread in threads:
            thread.start()
        try:
            second = write_bundle(home, as_of="20260901", seed=1)
            trial, since = trial_of(beside), len(answers)
            time.sleep(HUNG_SECONDS)
            meanwhile = answers[since:]
            os.kill(trial, signal.SIGCONT)
            wait_until(lambda: bundle_of(answers[-1][0]) == second)
            torn = write_bundle(home, as_of="20261001", seed=2)
            truncate_with_its_sum(home.bundles / torn)
            put_in_force(home, torn)
            wait_until(lambda: torn in str(asker.ask("GET", "/v1/health/ready")[1]["degraded"]))
            before = len(answers)
            put_in_force(home, first)
            wait_until(lambda: bundle_of(asker.decide("aino")) == first)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    assert len(meanwhile) > ASKERS and {bundle_of(answer) for answer, _ in meanwhile} == {first}
    assert {bundle_of(answer) for answer, _ in answers[:before]} == {first, second}
    assert {answer["state_status"] for answer, _ in answers} == {"ok"}, "none was dropped, none was late"
    assert max(seconds for _, seconds in answers) < HUNG_SECONDS, "none waited for the trial to end"
