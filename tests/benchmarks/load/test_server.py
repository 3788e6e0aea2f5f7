"""What is seen of a service from outside: its processes, what they compute and hold."""

import subprocess
import sys

import pytest

from benchmarks.load.server import Service

BUSY_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "held = bytearray(60_000_000); print('up', flush=True); "
    "end = __import__('time').process_time() + 0.5\\nwhile __import__('time').process_time() < end: pass\\n"
    "print('done', flush=True); __import__('time').sleep(60)"], stdout=subprocess.PIPE, text=True)
assert child.stdout.readline() == "up\\n" and child.stdout.readline() == "done\\n"
print("ready", flush=True)
sys.stdin.read()
child.kill()
child.wait()
"""


@pytest.fixture
def parent():
    with subprocess.Popen(
        [sys.executable, "-c", BUSY_CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "ready\n"
        yield process
        process.stdin.close()


def test_what_a_child_computes_and_holds_counts(parent):
    service = Service(parent.pid, 0, "", 0.0, 0.0)
    assert service.cpu_seconds() >= 0.5
    assert service.memory_mb() > 60
    assert 0 < service.memory_mb() <= service.memory_mb("VmHWM")
    assert service.pid in service.processes()["rest"]  # the one that only watches over the other
    assert service.share_mb() > 0


def test_of_a_process_that_ended_nothing_is_seen():
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    service = Service(ended.pid, 0, "", 0.0, 0.0)
    assert service.cpu_seconds() == 0
