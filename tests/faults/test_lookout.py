"""The lookout beside a real service: it ends with it, is started again, and nothing of it touches a decision."""

import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from served import Asker, Service, event, exchange, served, shop_to_serve, sold

from features.home import Home
from features.instants import to_us
from features.log.store import connect
from serving.console.notes import add, notes
from serving.experience.keeping import PERIODS
from serving.experience.kept import KeptReports
from serving.lookout.file import asked, last_look


def lookouts(pid: int) -> list[int]:
    """The processes at the lowest priority that a service has started."""
    children = [int(one) for path in Path(f"/proc/{pid}/task").glob("*/children") for one in path.read_text().split()]
    return [one for one in children if os.getpriority(os.PRIO_PROCESS, one) == 19]


def until(call: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Wait until it is so."""
    end = time.monotonic() + seconds
    while not call():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    """Whether a process still runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def metrics_of(asker: Asker, name: str) -> list[str]:
    """Lines of the metrics."""
    asker._to.request("GET", "/metrics", None, asker._headers)
    return [line for line in asker._to.getresponse().read().decode().splitlines() if line.startswith(name)]


def holds_of(asker: Asker) -> list[str]:
    """Who is left in peace, and why."""
    return metrics_of(asker, "tahdikas_holds{")


def listed(asker: Asker, address: str) -> list[str]:
    """Who is on a list of the desk."""
    status, answer = asker.ask("GET", address)
    assert status == 200, answer
    return [one["customer_id"] for one in answer["entries"]]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return shop_to_serve(tmp_path / "home", watch_minutes=0.002)


def test_killed_it_is_started_again_and_what_it_sees_is_told(home: Home) -> None:
    with served(home) as service:
        asker = Asker(service)
        assert asker.tell([exchange("bertta")]) == (200, ["accepted"])
        until(lambda: holds_of(asker) == ['tahdikas_holds{kind="open_case"} 1.0'], "the hold is counted")
        for _ in range(2):
            (found,) = lookouts(service.pid)
            assert service.processes()["lookout"] == [found]
            os.kill(found, signal.SIGKILL)
            assert not sold(asker.decide("bertta"))
            until(lambda: lookouts(service.pid) not in ([], [found]), "another one is started")  # noqa: B023
        told = event("case cecilia", "case", "cecilia", case_id="of cecilia", kind="complaint", status="opened")
        assert asker.tell([told]) == (200, ["accepted"])
        until(lambda: len(holds_of(asker)) == 2, "the new hold is counted by the one started last")
        for address in ("/v1/holds", "/v1/work-list"):
            assert sorted(listed(asker, address)) == ["bertta", "cecilia"]
        assert asker.ask("GET", "/v1/call-list")[1]["calls"] == []
        assert metrics_of(asker, "tahdikas_looks") == ["tahdikas_looks 0.0"], "the process that decides never looks"
        asker.close()


def test_it_ends_with_the_service_however_that_ends(home: Home) -> None:
    for end in (signal.SIGKILL, signal.SIGTERM):
        with served(home) as service:
            until(lambda: lookouts(service.pid), "it is started")
            (found,) = lookouts(service.pid)
            os.kill(service.pid, end)
            until(lambda: not is_alive(found), f"it ended after {end!r}")  # noqa: B023


def test_a_file_torn_or_lost_before_it_or_beside_it_stops_nothing(home: Home) -> None:
    home.derived.mkdir()
    home.desk_db.write_bytes(b"SQLite format 3\0" + b"torn" * 1_000)
    with served(home) as service:
        until(lambda: asked(home, last_look), "the torn file is made anew")
        (found,) = lookouts(service.pid)
        os.kill(found, signal.SIGKILL)
        home.desk_db.write_bytes(b"nothing of a database")
        asker = Asker(service)
        assert sold(asker.decide("aino"))
        until(lambda: asked(home, last_look), "the torn file is made anew once more")
        home.desk_db.unlink()
        assert listed(asker, "/v1/holds") == [] and sold(asker.decide("aino"))
        until(lambda: asked(home, last_look), "the file that was lost is made anew")
        asker.close()


def test_a_second_one_waits_for_the_first(home: Home) -> None:
    def works(service: Service) -> bool:
        locked = Path("/proc/locks").read_text()
        inode = (home.derived / ".lookout.lock").stat().st_ino
        return any(
            f":{inode} " in line and f" {pid} " in line for pid in lookouts(service.pid) for line in locked.splitlines()
        )

    with served(home) as first:
        until(lambda: asked(home, last_look), "the first one looks")
        with served(home) as second:
            until(lambda: lookouts(second.pid), "a second one is started")
            assert works(first)
            os.kill(first.pid, signal.SIGKILL)
            until(lambda: works(second), "the second one takes over")


def test_it_makes_the_reports_of_the_journey_ahead(home: Home) -> None:
    with served(home) as service:
        asker = Asker(service)
        assert asker.tell([exchange("bertta")]) == (200, ["accepted"])
        reports = KeptReports(home.experience_db)
        until(lambda: all(reports.find("demand", days) for days in PERIODS), "all are kept")
        kept = reports.find("touchpoints", 90)
        assert kept is not None
        asker.close()  # the service hung up meanwhile
        asker._to.request("GET", "/v1/touchpoints", None, asker._headers)
        answer = json.loads(asker._to.getresponse().read())
        latest = reports.find("touchpoints", 90)
        assert latest is not None and kept.as_of <= to_us(datetime.fromisoformat(answer["as_of"])) <= latest.as_of
        asker.close()


def test_it_forgets_who_asks_for_it(home: Home) -> None:
    with served(home) as service, closing(connect(home)) as run:
        asker = Asker(service)
        assert asker.tell([exchange("bertta")]) == (200, ["accepted"])
        add(run, "bertta", "Sari", "She called twice", datetime.now(UTC))
        assert asker.tell([event("forget bertta", "erasure", "bertta")]) == (200, ["accepted"])
        until(lambda: notes(run, "bertta") == [], "her notes are gone")
        asker.close()
