"""Writers of one file, in threads and in processes: one at a time, nobody for ever, and nobody's turn dies with her."""

import subprocess
import sys
import threading
import time

import pytest

from features.log.writers import Writers

ANOTHER = """
import sys
from pathlib import Path
from features.log.writers import Writers

writers = Writers(Path(sys.argv[1]))
assert writers.take(10.0)
print("mine", flush=True)
sys.stdin.read()
writers.give_back()
print("given back", flush=True)
sys.stdin.close()
"""
COUNTING = """
import sys
from pathlib import Path
from features.log.writers import Writers

file = Path(sys.argv[1])
writers = Writers(file)
for _ in range(300):
    assert writers.take(30.0)
    file.write_text(str(int(file.read_text()) + 1))
    writers.give_back()
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "live.db"


@pytest.fixture
def another(file):
    command = [sys.executable, "-c", ANOTHER, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "mine\n"
        yield process
        process.kill()


def test_another_process_is_waited_for(file, another):
    writers = Writers(file)
    assert not writers.take(0.05)
    another.stdin.close()
    assert writers.take(10.0)


def test_the_turn_of_a_killed_process_is_free(file, another):
    another.kill()
    another.wait()
    assert Writers(file).take(10.0)


def test_who_waited_in_vain_takes_nothing_from_the_next(file, another):
    writers = Writers(file)
    assert not writers.take(0.01)
    another.kill()
    assert writers.take(10.0)
    writers.give_back()
    assert writers.take(0.0)


def test_threads_wait_for_each_other(file):
    writers = Writers(file)
    assert writers.take(0.0)
    waited = []
    thread = threading.Thread(target=lambda: waited.append(writers.take(10.0)))
    thread.start()
    time.sleep(0.05)
    assert not waited
    writers.give_back()
    thread.join()
    assert waited == [True]


def test_nobody_writes_beside_another(file):
    file.write_text("0")
    both = [subprocess.Popen([sys.executable, "-c", COUNTING, str(file)]) for _ in range(2)]
    assert [one.wait(60) for one in both] == [0, 0]
    assert file.read_text() == "600"


def test_where_no_such_lock_can_be_had_threads_still_wait(tmp_path):
    writers = Writers(tmp_path / "missing" / "live.db")
    assert writers.take(0.0)
    assert not writers.take(0.01)
    writers.give_back()
    assert writers.take(0.0)
