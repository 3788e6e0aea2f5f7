"""Finding, from outside, the process that decides for a service, and waiting until it does."""

import time
from pathlib import Path

from served import Asker, Service


def deciders(pid: int) -> list[int]:
    """The processes that decide for a service."""
    children = [one for path in Path(f"/proc/{pid}/task").glob("*/children") for one in path.read_text().split()]
    return [int(one) for one in children if comm_of(one) == "tahdikas decide"]


def comm_of(pid: str) -> str:
    """What a process is called."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def runs(pid: int) -> bool:
    """Whether it is there and not a mere rest of it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def processor_ticks(pid: int) -> int:
    """What it has computed."""
    told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(told[11]) + int(told[12])


def until(call, what: str, seconds: float = 60) -> None:
    """Wait until it is so."""
    end = time.monotonic() + seconds
    while not call():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.02)


def the_one(service: Service, other_than: int | None = None) -> int:
    """The process that decides, once it is there and no other is told of as lost."""
    until(lambda: any(one != other_than for one in deciders(service.pid)), "a process that decides")
    (found,) = (one for one in deciders(service.pid) if one != other_than)
    return found


def wait_for_work_beside(service: Service, asker: Asker) -> int:
    """The process that decides, once questions are seen to go there."""
    found = the_one(service)

    def works() -> bool:
        begun = processor_ticks(found)
        time.sleep(0.3)
        before = processor_ticks(found)
        for _ in range(20):
            asker.decide("nobody")
        return before == begun and processor_ticks(found) - before > 1  # it was idle, not starting, until it was asked

    until(works, "it is asked")
    return found


def is_lost(asker: Asker) -> bool:
    """Whether the service says that it decides without."""
    return any("process that decides" in one for one in asker.ask("GET", "/v1/health/ready")[1]["degraded"])
