"""Deciding: one customer with a hundred candidates in process, a million in one list, and what a record takes.

The shop is made up, its customers are copies of a thousand simulated ones, and no models are in force: what is measured
is facts, holds, gates, gain, draw and record. Each figure stands beside a loop that does the same work one customer, or
one action, at a time.
"""

import contextlib
import os
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import yaml

from benchmarks.measure import Spent, median_seconds, spent
from benchmarks.plain_loop import judged_by_loop
from benchmarks.report import write_result
from features.home import Home
from features.log.event_log import EventLog
from pipelines.campaigns import build_campaign
from pipelines.ingest import ingest
from pipelines.simulate import simulate
from serving.core.catalogue import DEFAULT_ACTIONS
from serving.core.decision import Decision
from serving.core.engine import decide
from serving.core.question import Request
from serving.records import pack, unpack
from serving.service import DecisionService

PEOPLE, CANDIDATES, MANY = 1_000, 100, int(os.environ.get("MANY", "1000000"))
START, DAYS = datetime(2025, 1, 1, tzinfo=UTC), 360
NOW = START + timedelta(days=DAYS, hours=12)
ROUNDS, ASKED, LOOPED = 5, 400, 20_000
SEED = 7
SIMULATED = "all of it, in process, not recorded"


def run(now: datetime) -> bool:
    """Measure and write the result; needs no data."""
    with TemporaryDirectory() as folder:
        home = Home.open(Path(folder) / "home")
        _shop(home, Path(folder) / "simulated")
        many = _many(home)
        _hundred_actions(home)
        one = _one(home)
    _report(now, one, many)
    return True


def _shop(home: Home, folder: Path) -> None:
    """A simulated shop, taken in."""
    simulate(folder, customers=PEOPLE, seed=SEED, start=START.date(), days=DAYS)
    ingest(home, "simulated", folder, now=NOW)


def _hundred_actions(home: Home) -> None:
    """The shipped actions, and variants of them up to a hundred: sales, care and service, with and without items."""
    content = yaml.safe_load(DEFAULT_ACTIONS.read_text(encoding="utf-8"))
    shipped = {name: a for name, a in content["actions"].items() if name != "no_action"}
    actions = dict(shipped)
    for n in range(CANDIDATES - len(content["actions"])):
        name, action = list(shipped.items())[n % len(shipped)]
        actions[f"{name}_{n}"] = deepcopy(action) | {"outranks": False}
    content["actions"] = actions | {"no_action": content["actions"]["no_action"]}
    home.config.mkdir(exist_ok=True)
    (home.config / "actions.yaml").write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8")


@dataclass(frozen=True)
class One:
    """Median microseconds of the steps of one decision; the record's bytes; both engines on one customer."""

    steps: dict[str, float]
    loop_us: float
    record_bytes: float
    largest_bytes: int


def _one(home: Home) -> One:
    with contextlib.closing(DecisionService(home, durable=False)) as service:
        questions = _questions(service, ASKED)
        service.decide(questions[0])
        force = service.in_force(NOW)
        snapshots = [service.read([q])[0] for q in questions]

        def engine(i: int) -> Decision:
            parts = force.scorer, force.catalogue, force.policy
            return decide([questions[i]], [snapshots[i]], *parts, articles=force.articles)[0]

        decisions = [engine(i) for i in range(ASKED)]
        bodies = [pack(d) for d in decisions]
        served = [_serve(q) for q in questions]
        calls: dict[str, Callable[[int], Any]] = {
            "read her state": lambda i: service.read([questions[i]]),
            "engine: evidence, gates, gain, draw, verdict": engine,
            "encode the record": lambda i: pack(decisions[i]),
            "decode a record": lambda i: unpack(bodies[i]),
            SIMULATED: lambda i: service.decide(questions[i]),
            "all of it, recorded, survives the process": lambda i: service.decide(served[i]),
        }
        steps = {name: _median_us(call) for name, call in calls.items()}
        loop = _median_us(lambda i: judged_by_loop(decisions[i].evidence, questions[i], force.catalogue, force.policy))
        wrong = [
            i for i, d in enumerate(decisions)
            if judged_by_loop(d.evidence, questions[i], force.catalogue, force.policy)
            != [c.failed == 0 for c in d.candidates]
        ]  # fmt: skip
        assert not wrong, f"the loop disagrees about {len(wrong)} of {ASKED}"
    with contextlib.closing(DecisionService(home, durable=True)) as durable:
        steps["all of it, recorded, survives power loss"] = _median_us(lambda i: durable.decide(served[i]))
    sizes = [len(b) for b in bodies]
    return One(steps, loop, statistics.median(sizes), max(sizes))


def _questions(service: DecisionService, count: int) -> list[Request]:
    rows = service.records.connection().execute(
        "select customer_id from state where customer_id not like 'anonymous:%' order by customer_id limit ?", (count,)
    )
    return [
        Request(customer_id=key, channel="web", placement="front_page", now=NOW, mode="simulate") for (key,) in rows
    ]


def _serve(question: Request) -> Request:
    return Request(customer_id=question.customer_id, channel="web", placement="front_page", now=NOW)


def _median_us(call: Callable[[int], Any]) -> float:
    """The median over customers of the median over rounds, microseconds."""
    found = np.empty((ROUNDS, ASKED))
    for round_ in range(ROUNDS):
        for i in range(ASKED):
            start = time.perf_counter()
            call(i)
            found[round_, i] = time.perf_counter() - start
    return float(np.median(found)) * 1e6


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
        questions = _questions(service, PEOPLE) * (LOOPED // PEOPLE)
        asked = questions[:LOOPED]
        service.decide_many(asked[:PEOPLE])
        batch = median_seconds(lambda: service.decide_many(asked), 3) / len(asked)
        start = time.perf_counter()
        for question in asked[: LOOPED // 4]:
            service.decide(question)
        loop = (time.perf_counter() - start) / (LOOPED // 4)
    _multiply(home, MANY)
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


def _multiply(home: Home, customers: int) -> None:
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


def _report(now: datetime, one: One, many: Many) -> None:
    memory = many.took.peak_mb + many.workers * many.workers_mb
    each = many.took.seconds / many.customers * 1e6 * many.workers
    rows = [[name, f"{us:,.0f}"] for name, us in one.steps.items()]
    parts: list[dict[str, Any]] = [
        {
            "text": f"One customer, {CANDIDATES} candidates, no models: medians over {ASKED} customers of a simulated "
            f"shop and {ROUNDS} rounds. The loop beside it judges the same gates action by action and condition by "
            "condition in plain Python, from evidence laid out already: it works out no gain, draw, reason or record, "
            "and agrees with the engine on every candidate."
        },
        {
            "table": {
                "columns": ["step", "microseconds"],
                "rows": [*rows, ["the loop: gates alone, action by action", f"{one.loop_us:,.0f}"]],
            }
        },
        {
            "text": f"In process and not recorded: {one.steps[SIMULATED] / 1000:.2f} ms (aim: 0.50 ms). A record of "
            f"{CANDIDATES} candidates takes {one.record_bytes:,.0f} bytes (median; the largest {one.largest_bytes:,}; "
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
        "one_us": one.steps,
        "loop_us": one.loop_us,
        "record_bytes_median": one.record_bytes,
        "record_bytes_largest": one.largest_bytes,
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
