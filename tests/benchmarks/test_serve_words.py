from typing import Any

import msgspec

from benchmarks.load.disk import Disk
from benchmarks.load.open_loop import Outcome, Stream
from benchmarks.load.questions import DECISIONS, EVENTS
from benchmarks.load.rounds import LongRun, Round
from benchmarks.report import render
from benchmarks.serve_words import Found, Generator, facts_of, parts_of

GOOD = Stream(100, 100, {}, 1.5, 2.0, 9.0, 30.0)
LATE = Stream(100, 97, {"unknown:deadline": 3}, 1.5, 2.0, 9.0, 30.0)
OUTCOME = Outcome({DECISIONS: GOOD, EVENTS: LATE}, 60.0, 0.4, 3.0)
RUN = LongRun(OUTCOME, 1.2)
POINT = {
    "customers": 10_000, "items": 1_000, "read_us": 200.0, "read_again_us": 150.0, "engine_us": 900.0,
    "engine_again_us": 880.0, "recorded_us": 1_500.0, "p99_us": 4_000.0, "store_mb": 40.0, "peak_mb": 200.0,
}  # fmt: skip


def found(**changed: Any) -> Found:
    ours = [Round(2.0, 180.0, rate, 1_000.0, 9_000.0) for rate in (700.0, 900.0, 800.0)]
    naive = {"threads": [Round(12.0, 350.0, 4.0, 25.0, None)] * 3, "alone": [Round(12.0, 350.0, 16.0, 20.0, None)] * 3}
    base = Found(100_000, 10_000, 600.0, 20.0, Generator(OUTCOME, 9_000.0), (Disk(0.2, 1.9), Disk(0.3, 2.0)), ours,
                 naive, RUN, RUN, (ours[1], RUN), (ours[0], RUN), None,
                 [POINT, {**POINT, "read_us": 260.0, "read_again_us": 155.0}])  # fmt: skip
    return msgspec.structs.replace(base, **changed)


def page(one: Found) -> str:
    machine = {"cores": 2, "processor": "P", "memory_gb": 24, "python": "3.11"}
    told = {"title": "T", "order": 1, "command": "c", "measured_on": "d", "machine": machine, "parts": parts_of(one)}
    return render([told])


def test_medians_stand_beside_the_aims() -> None:
    told = page(found())
    assert "| 800/s | 800/s (700, 900, 800) |" in told
    assert "| 40 times | 50 times its 16.0/s |" in told
    assert "| 40 times | 40 times: 1,000/s and 25.0/s |" in told  # the better of both ways, each time
    assert "a function in threads 4.0/s in time, 25.0/s without a pause; a coroutine that blocks 16.0/s" in told
    assert "3 errors of 100: 3 unknown:deadline" in told
    assert "PostgreSQL" not in told
    assert "### Two workers of one address" in told
    assert "### One process" in told


def test_the_bend_is_split_into_the_first_touch_and_the_rest() -> None:
    assert "reading her grows by +60 microseconds, of which +5 are left when she is read again" in page(found())


def test_where_the_other_never_held_there_is_no_ratio() -> None:
    assert "no number of times" in page(found(naive={"alone": [Round(12.0, 350.0, 0.0, 25.0, None)]}))


def test_postgresql_has_a_table_where_it_was_measured() -> None:
    told = page(found(grown=(Round(2.0, 180.0, 300.0, 500.0, 4_000.0), RUN), growth=[]))
    assert "### PostgreSQL and Valkey, two workers" in told
    assert "### Growth" not in told


def test_the_facts_read_back() -> None:
    assert msgspec.convert(facts_of(found()), Found) == found()


def test_a_part_not_measured_yet_is_left_out() -> None:
    told = page(found(growth=[], grown=None))
    assert "### Growth" not in told and "PostgreSQL and Valkey" not in told
    assert "Medians of 3 rounds, the naive stack's of 3 that take turns with them." in told


def test_the_grown_shop_s_own_minutes_are_told() -> None:
    long = LongRun(msgspec.structs.replace(OUTCOME, seconds=300.0), 1.2)
    assert "100 events/s for 5.0 minutes: decisions" in page(found(grown=(Round(2.0, 180.0, 3e2, 5e2, 4e3), long)))


def test_of_a_disturbed_machine_no_growth_is_told() -> None:
    told = page(found(growth=[POINT, {**POINT, "engine_us": 700.0}]))
    assert "the machine was disturbed" in told and "grows by" not in told
