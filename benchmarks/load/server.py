"""A service as a process of its own: started as people start it, asked, looked at from outside, stopped by its id."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile

import msgspec

from benchmarks.load.closed_loop import Errand, Pace
from benchmarks.load.open_loop import Outcome, Plan
from benchmarks.load.questions import DECISIONS, fault
from benchmarks.report import ROOT
from features.errors import TahdikasError

PATIENCE_SECONDS, PAUSE_SECONDS = 120.0, 0.005
TICKS = os.sysconf("SC_CLK_TCK")
SINGLE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class NotServingError(TahdikasError):
    """A service did not start, or ended."""


_CALLED = {"decider": "tahdikas decide", "lookout": "tahdikas lookou"}
"""Names of processes, of which the system keeps 15 letters."""


@dataclass(frozen=True)
class Service:
    """A running service; `first_answer_seconds` from the start of its process to its first good decision."""

    pid: int
    port: int
    key: str
    first_answer_seconds: float
    resident_mb: float

    def cpu_seconds(self) -> float:
        """What its processor time is by now, that of its children included."""
        return sum(_cpu_seconds(pid) for pid in _family(self.pid))

    def processes(self) -> dict[str, list[int]]:
        """Its processes by what they do.

        `worker` serves, `decider` decides for it, `lookout` looks at everybody, `rest` keeps them going.
        """
        found: dict[str, list[int]] = {"worker": [], "decider": [], "lookout": [], "rest": []}
        for pid in _family(self.pid):
            called = _told(Path(f"/proc/{pid}/comm"))
            tracks = "resource_tracker" in _told(Path(f"/proc/{pid}/cmdline"))
            role = next((role for role, name in _CALLED.items() if called.startswith(name)), "worker")
            found["rest" if tracks else role].append(pid)
        if len(found["worker"]) > 1:  # several: the one that was started only watches over them
            found["worker"].remove(self.pid)
            found["rest"].append(self.pid)
        return found

    def memory_mb(self, field: str = "VmRSS", role: str = "worker") -> float:
        """What the largest of its processes that do this has in memory now; with `VmHWM` the most that it had."""
        return max((_memory_mb(pid, field) for pid in self.processes()[role]), default=0.0)

    def share_mb(self) -> float:
        """What all its processes together have in memory now, pages that several have counted once."""
        return sum(_share_mb(pid) for pid in _family(self.pid))

    def clock(self, question: bytes) -> datetime:
        """What time it is there, by a decision."""
        told = msgspec.json.decode(_post(self.port, DECISIONS, question, self.key)[1])
        return datetime.fromisoformat(told["decided_at"])


@contextmanager
def serving(command: Sequence[str], port: int, key: str, question: bytes, **environment: str) -> Iterator[Service]:
    """Start a command that serves on a port, ask until it decides, and stop it at the end.

    Raises `NotServingError` with what it wrote where it ends, or does not answer within two minutes.
    """
    with TemporaryFile() as written:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=written, stderr=subprocess.STDOUT, cwd=ROOT, env=_environment(environment)
        )
        try:
            while not _decides(port, question, key):
                took = time.perf_counter() - began
                if process.poll() is not None or took > PATIENCE_SECONDS:
                    written.seek(0)
                    last = written.read()[-2_000:].decode(errors="replace")
                    raise NotServingError(f"{' '.join(command)} gave no decision in {took:.0f} s. It wrote: {last}")
                time.sleep(PAUSE_SECONDS)
            took = time.perf_counter() - began
            yield Service(process.pid, port, key, took, _memory_mb(process.pid, "VmRSS"))
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def python(*arguments: str) -> list[str]:
    """A command of this Python."""
    return [sys.executable, *arguments]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


def load(plan: Plan) -> Outcome:
    """Carry out a plan in a process of its own."""
    return msgspec.json.decode(_in_process("open_loop", plan), type=Outcome)


def errand(asked: Errand) -> Pace:
    """Carry out an errand in a process of its own."""
    return msgspec.json.decode(_in_process("closed_loop", asked), type=Pace)


def _in_process(module: str, told: msgspec.Struct) -> bytes:
    command = python("-m", f"benchmarks.load.{module}")
    return subprocess.run(command, input=msgspec.json.encode(told), stdout=subprocess.PIPE, cwd=ROOT, check=True).stdout


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, **SINGLE, **more}


def _decides(port: int, question: bytes, key: str) -> bool:
    try:
        status, body = _post(port, DECISIONS, question, key)
    except OSError:
        return False
    return fault(DECISIONS, status, body) is None


def _post(port: int, path: str, body: bytes, key: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()


def _family(pid: int) -> list[int]:
    """A process and all that it started, and those started, as far as they live."""
    try:
        children = [
            int(one) for task in Path(f"/proc/{pid}/task").iterdir() for one in _told(task / "children").split()
        ]
    except OSError:
        return []
    return [pid, *(one for child in children for one in _family(child))]


def _cpu_seconds(pid: int) -> float:
    """Its own and that of its children that ended; 0 for one that ended itself."""
    fields = _told(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / TICKS


def _memory_mb(pid: int, field: str) -> float:
    words = _told(Path(f"/proc/{pid}/status")).split()
    return int(words[words.index(f"{field}:") + 1]) / 1024 if f"{field}:" in words else 0.0


def _share_mb(pid: int) -> float:
    words = _told(Path(f"/proc/{pid}/smaps_rollup")).split()
    return int(words[words.index("Pss:") + 1]) / 1024 if "Pss:" in words else 0.0


def _told(file: Path) -> str:
    """A file of the kernel's; empty where its process has ended."""
    try:
        return file.read_text()
    except OSError:
        return ""
