"""Deciding: one customer with a hundred candidates in process, a million in one list, and what a record takes.

The shops are simulated. One decision is measured with the models that the product learned there and without; the list
is for copies of a thousand customers, without models: what it measures is facts, holds, gates, gain, draw and record.
Each figure stands beside a loop that does the same work one customer, or one action, at a time.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.decision_steps import ASKED, ROUNDS, SIMULATED, One, one_decision, some_questions
from benchmarks.load.shop import CANDIDATES, made_shop, opened_shop
from benchmarks.measure import Spent, median_seconds, spent
from benchmarks.report import write_result
from features.home import Home
from features.log.event_log import EventLog
from pipelines.campaigns import build_campaign
from pipelines.ingest import ingest
from pipelines.simulate import simulate
from serving.service import DecisionService

PEOPLE, LEARNED_FROM, MANY = 1_000, 2_000, int(os.environ.get("MANY", "1000000"))
START, DAYS = datetime(2025, 1, 1, tzinfo=UTC), 360
NOW = START + timedelta(days=DAYS, hours=12)
LOOPED = 20_000
SEED = 7


def run(now: datetime) -> bool:
    """Measure and write the result; needs no data."""
    with TemporaryDirectory() as folder:
        home = Home.open(Path(folder) / "home")
        simulated_shop(home, Path(folder) / "simulated")
        many = _many(home)
        modelled, plain = _one(Path(folder) / "learned")
    _report(now, modelled, plain, many)
    return True


def simulated_shop(home: Home, folder: Path) -> None:
    """A simulated shop, taken in."""
    simulate(folder, customers=PEOPLE, seed=SEED, start=START.date(), days=DAYS)
    ingest(home, "simulated", folder, now=NOW)


def _one(folder: Path) -> tuple[One, One]:
    """One decision with the models in force, and without any."""
    home = made_shop(folder, LEARNED_FROM)
    moment = opened_shop(home).moment
    modelled = one_decision(home, moment)
    (home.bundles / "current.json").unlink()
    return modelled, one_decision(home, moment)


@dataclass(frozen=True)
class Many:
    """A list for everybody, and the same engine asked for one customer at a time."""

    customers: int
    workers: int
    took: Spent
    workers_mb: float
    listed: int
    record_bytes: float
    single_us: float
    batch_us: float


def _many(home: Home) -> Many:
    with contextlib.closing(DecisionService(home, durable=False)) as service:
        questions = some_questions(service, PEOPLE, NOW) * (LOOPED // PEOPLE)
        asked = questions[:LOOPED]
        service.decide_many(asked[:PEOPLE])
        batch = median_seconds(lambda: service.decide_many(asked), 3) / len(asked)
        start = time.perf_counter()
        for question in asked[: LOOPED // 4]:
            service.decide(question)
        loop = (time.perf_counter() - start) / (LOOPED // 4)
    multiply(home, MANY)
    before = _children_mb()
    with spent() as took:
        report = build_campaign(home, name="everybody", channel="email", placement="email", now=NOW, send_at=NOW)
    with contextlib.closing(sqlite3.connect(home.live_db)) as connection:
        (size,) = connection.execute("select avg(length(body)) from decisions").fetchone()
    return Many(
        report.customers,
        len(os.sched_getaffinity(0)),
        took,
        max(_children_mb(), before),
        report.listed,
        size,
        loop * 1e6,
        batch * 1e6,
    )


def multiply(home: Home, customers: int) -> None:
    """Copies of every customer's state and latest fact under other names, until there are so many."""
    with EventLog(home, durable=False):
        pass
    connection = sqlite3.connect(home.live_db, isolation_level=None)
    connection.execute("pragma synchronous = off")
    people = connection.execute("select * from state where customer_id not like 'anonymous:%'").fetchall()
    columns = [row[1] for row in connection.execute("pragma table_info(facts)")][1:]
    connection.execute("begin")
    for copies in _copies(people, customers - len(people)):
        connection.executemany(f"insert into state values ({','.join('?' * len(people[0]))})", copies)
    connection.execute(
        f"""insert into facts ({", ".join(columns)}) select {
            ", ".join("s.customer_id" if c == "origin_id" else f"f.{c}" for c in columns)
        } from state s join facts f on f.position = s.position where s.customer_id like '%~%'"""
    )
    connection.execute(
        """update state set position = (select max(position) from facts where origin_id = customer_id)
        where customer_id like '%~%'"""
    )
    connection.execute("commit")
    connection.close()


def _copies(people: Sequence[tuple[Any, ...]], wanted: int) -> Iterator[list[tuple[Any, ...]]]:
    for start in range(0, wanted, len(people)):
        number = start // len(people)
        yield [(f"{p[0]}~{number:05}", *p[1:]) for p in people[: wanted - start]]


def _children_mb() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def _report(now: datetime, modelled: One, plain: One, many: Many) -> None:
    memory = many.took.peak_mb + many.workers * many.workers_mb
    each = many.took.seconds / many.customers * 1e6 * many.workers
    rows = [[name, f"{us:,.0f}", f"{plain.steps[name]:,.0f}" if name in plain.steps else ""]
            for name, us in modelled.steps.items()]  # fmt: skip
    loops = ["the loop: gates alone, action by action", f"{modelled.loop_us:,.0f}", f"{plain.loop_us:,.0f}"]
    parts: list[dict[str, Any]] = [
        {
            "text": f"One customer, {CANDIDATES} candidates: medians over {ASKED} customers of a simulated shop of "
            f"{LEARNED_FROM:,} and {ROUNDS} rounds, with the models the product learned there (LightGBM's trees, the "
            "ranker's asked by masks) and without any. The loop beside it judges the same gates action by action and "
            "condition by condition in plain Python, from evidence laid out already: it works out no gain, draw, "
            "reason or record, and agrees with the engine on every candidate."
        },
        {
            "table": {
                "columns": ["step", "microseconds, both models", "microseconds, no models"],
                "rows": [*rows, loops],
            }
        },
        {
            "text": f"In process and not recorded: {modelled.steps[SIMULATED] / 1000:.2f} ms with both models (aim: "
            f"1.00 ms), {plain.steps[SIMULATED] / 1000:.2f} ms without (aim: 0.50 ms). A record of {CANDIDATES} "
            f"candidates takes {modelled.record_bytes:,.0f} bytes (median; the largest {modelled.largest_bytes:,}; "
            "aim: at most 4,096)."
        },
        {
            "text": f"{many.customers:,} customers in one list, read, decided, recorded durably and written, on "
            f"{many.workers} cores: {many.took.seconds / 60:.1f} minutes (aim: 3), {each:,.0f} microseconds of a core "
            f"each, at most {memory:,.0f} MB in all processes together (aim: 4,096). {many.listed:,} are listed; a "
            f"record takes {many.record_bytes:,.0f} bytes on average."
        },
        {
            "text": f"On one core the batch reads and decides a customer in {many.batch_us:,.0f} microseconds, a loop "
            f"of single decisions in {many.single_us:,.0f}: {many.single_us / many.batch_us:.1f} times as long."
        },
    ]
    facts = {
        "one_us": modelled.steps,
        "one_without_models_us": plain.steps,
        "loop_us": modelled.loop_us,
        "record_bytes_median": modelled.record_bytes,
        "record_bytes_largest": modelled.largest_bytes,
        "candidates": CANDIDATES,
        "million_seconds": many.took.seconds,
        "million_customers": many.customers,
        "million_peak_mb": memory,
        "million_record_bytes": many.record_bytes,
        "batch_us": many.batch_us,
        "single_us": many.single_us,
    }
    write_result(
        "decide",
        title="Deciding",
        order=30,
        command="python -m benchmarks decide",
        today=now.date(),
        parts=parts,
        facts=facts,
    )
