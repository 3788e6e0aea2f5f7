"""What is told of serving under load: the aims of the project's plan beside what was measured."""

from collections.abc import Sequence
from typing import Any

import msgspec

from benchmarks.load.disk import Disk
from benchmarks.load.open_loop import Outcome, Stream
from benchmarks.load.questions import DECISIONS, EVENTS
from benchmarks.load.rates import P99_MS
from benchmarks.load.rounds import BATCH, CONNECTIONS, LongRun, Round, median_of

Parts = list[dict[str, Any]]
_WAYS = {"threads": "a function in threads", "alone": "a coroutine that blocks"}


class Generator(msgspec.Struct, frozen=True):
    """The load upon a service that does nothing, and how many it can ask a second."""

    outcome: Outcome
    per_second: float


class Found(msgspec.Struct, frozen=True):
    """Everything measured: `disks` before and after the long run, `naive` by whether it decides in threads or alone,
    `first` while the lookout looks at everybody for the first time, `within` one worker that decides itself, `pair` two
    workers of one address, `grown` None where it was not.
    """

    customers: int
    items: int
    load_seconds: float
    step_seconds: float
    generator: Generator
    disks: tuple[Disk, Disk]
    ours: list[Round]
    naive: dict[str, list[Round]]
    first: LongRun
    long_run: LongRun
    within: tuple[Round, LongRun]
    pair: tuple[Round, LongRun]
    grown: tuple[Round, LongRun] | None
    growth: list[dict[str, Any]]


def parts_of(found: Found) -> Parts:
    """The page's part."""
    return [
        {"text": _how(found)},
        {"table": {"columns": ["what", "aim", "measured"], "rows": _rows(found)}},
        {"text": _naive_words(found)},
        {"text": _generator_words(found.generator)},
        {"text": _disk_words(*found.disks)},
        {"heading": "One process"},
        {
            "text": "The same shop and the same load, one worker that decides itself (`decide_beside: false`), as all "
            "did before: HTTP, decisions and events in one process. One round."
        },
        _one_round(*found.within),
        {"heading": "Two workers of one address"},
        {
            "text": "The same shop and the same SQLite file, served by two processes (`tahdikas serve --workers 2`), "
            "each of which decides itself; they and the load share this machine's cores. One round."
        },
        _one_round(*found.pair),
        *_growth_parts(found.growth),
        *_grown_parts(found),
    ]


def facts_of(found: Found) -> dict[str, Any]:
    """All of it for machines."""
    facts: dict[str, Any] = msgspec.to_builtins(found)
    return facts


def ratio(ours: float, theirs: float) -> str:
    """How many times as much, in words that stand a zero.

    >>> ratio(800.0, 20.0), ratio(800.0, 0.0)
    ('40 times', 'no number of times: the other never held')
    """
    return f"{ours / theirs:,.0f} times" if theirs else "no number of times: the other never held"


def _how(found: Found) -> str:
    return (
        f"A simulated shop, learned from and promoted by the product, multiplied to {found.customers:,} customers "
        f"and {found.items:,} items; both models in force, 100 actions are candidates of each decision, one worker, "
        "SQLite in the mode that survives power loss. The worker is two processes, of which one speaks HTTP and "
        "one decides (decision 0032); they, the lookout and the load share this machine's cores. Open loop: "
        "questions leave at moments drawn beforehand, as independent people come, whatever became of those before; "
        "latency counts from the planned moment. A safe answer given for want of time, an answer that was not "
        "recorded and an event not accepted count as errors. Before all but the row that says so the lookout has "
        "looked at everybody, which it does once for a folder. Events are of one customer each: views, carts, "
        f"orders, ratings. Medians of {len(found.ours)} rounds, the naive stack's of "
        f"{max(map(len, found.naive.values()))} that take turns with them."
    )


def _rows(found: Found) -> list[list[str]]:
    rate, most = median_of(found.ours, "rate"), median_of(found.ours, "most")
    naive, naive_most = (max(median_of(r, name) for r in found.naive.values()) for name in ("rate", "most"))
    minutes = f"{found.load_seconds / 60:.1f}"
    return [
        [f"300 decisions/s and 100 events/s for {minutes} minutes: decisions", "p50 3 ms, p99 15 ms, 0 errors",
         _stream(found.long_run, DECISIONS)],
        ["the events meanwhile", "0 errors", _stream(found.long_run, EVENTS)],
        [f"the first {found.first.outcome.seconds / 60:.1f} minutes of a new folder, while the lookout looks at "
         "everybody for the first time: decisions", "", _stream(found.first, DECISIONS)],
        [f"highest rate with p99 at most {P99_MS:.0f} ms and no error, steps of {found.step_seconds:.0f} s",
         "800/s", f"{rate:,.0f}/s ({_all(found.ours, 'rate')})"],
        ["that, beside the naive stack's", "40 times", f"{ratio(rate, naive)} its {naive:,.1f}/s"],
        [f"{CONNECTIONS} connections that never pause, beside the naive stack's", "40 times",
         f"{ratio(most, naive_most)}: {most:,.0f}/s and {naive_most:,.1f}/s"],
        [f"events in batches of {BATCH}", "10,000/s, durable", f"{median_of(found.ours, 'events'):,.0f}/s"],
        ["start of the process to the first decision", "3 s", f"{median_of(found.ours, 'first_answer_seconds'):.1f} s"],
        ["processor a request in the long run", "", f"{found.long_run.cpu_ms:.2f} ms"],
    ]  # fmt: skip


def _stream(run: LongRun, path: str) -> str:
    return stream_words(run.outcome.streams[path])


def stream_words(one: Stream) -> str:
    """Latencies and errors of a stream.

    >>> stream_words(Stream(10, 9, {"unknown:deadline": 1}, 2.0, 3.0, 4.0, 5.0))
    'p50 2.0 ms, p90 3.0, p99 4.0, most 5; 1 errors of 10: 1 unknown:deadline'
    """
    if one.p50 is None or one.p90 is None or one.p99 is None or one.most is None:
        return f"none of {one.planned:,} answered"
    told = ", ".join(f"{count:,} {name}" for name, count in sorted(one.errors.items()))
    errors = f"{one.failed:,} errors of {one.planned:,}" + (f": {told}" if told else "")
    return f"p50 {one.p50:.1f} ms, p90 {one.p90:.1f}, p99 {one.p99:.1f}, most {one.most:,.0f}; {errors}"


def _all(rounds: Sequence[Round], name: str) -> str:
    return ", ".join(f"{getattr(one, name):,.0f}" for one in rounds)


def _naive_words(found: Found) -> str:
    ways = "; ".join(
        f"{_WAYS[way]} {median_of(rounds, 'rate'):,.1f}/s in time, {median_of(rounds, 'most'):,.1f}/s without a pause"
        for way, rounds in found.naive.items()
    )
    rounds = [one for each in found.naive.values() for one in each]
    start, memory = median_of(rounds, "first_answer_seconds"), median_of(rounds, "resident_mb")
    return (
        "The naive stack (`benchmarks/naive.py`), one process: FastAPI, Feast's online store in SQLite, two "
        "LightGBM models of as many trees as ours behind `mlflow.pyfunc`, pandas rows of a hundred candidate "
        "items, a plain `if` for who is held or objects, one row committed a decision in the same durable mode. To "
        "its advantage: its store has only the customers that were simulated, its models have no signature to "
        "check, and it evaluates two conditions where ours evaluates every gate of a hundred actions and records "
        f"each verdict. Both ways of writing its endpoint are measured, and the better counts: {ways}. It takes "
        f"{start:.0f} s to start and {memory:,.0f} MB."
    )


def _generator_words(generator: Generator) -> str:
    one = generator.outcome.streams[DECISIONS]
    share = generator.outcome.cpu_seconds / generator.outcome.seconds
    return (
        f"The load's own part, upon a service that does nothing, at the rates of the first row: {stream_words(one)}; "
        f"99 of 100 questions left at most {generator.outcome.late_p99:.1f} ms late, which their latency includes; it "
        f"took {share:.0%} of a core. Without a pause it asks {generator.per_second:,.0f} times a second."
    )


def _disk_words(before: Disk, after: Disk) -> str:
    """How long the disk let anybody wait.

    >>> _disk_words(Disk(0.1, 1.0), Disk(2.0, 9.0))[:56]
    "The disk's own part: two pages written were on disk afte"
    """
    return (
        f"The disk's own part: two pages written were on disk after {before.p50:.1f} ms (p99 {before.p99:.1f}) just "
        f"before the first row was measured, after {after.p50:.1f} ms (p99 {after.p99:.1f}) just after it. No answer "
        "leaves sooner."
    )


_STEPS = {
    "read_us": "read her",
    "read_again_us": "again",
    "engine_us": "decide",
    "engine_again_us": "again",
    "recorded_us": "all, recorded",
    "p99_us": "p99 of all",
    "store_mb": "store, MB",
    "peak_mb": "memory, MB",
}


def _growth_parts(points: Sequence[dict[str, Any]]) -> Parts:
    if not points:
        return []
    rows = [[f"{p['customers']:,}", f"{p['items']:,}", *(f"{p[name]:,.0f}" for name in _STEPS)] for p in points]
    return [
        {"heading": "Growth"},
        {
            "text": "In process, microseconds, medians over 2,000 customers drawn from the whole shop, each asked for "
            "the first time; then she is read and decided for again, when everything of hers lies near the processor. "
            "Copies have their state, online record and latest fact."
        },
        {"table": {"columns": ["customers", "items", *_STEPS.values()], "rows": rows}},
        {"text": _bend(points[0], points[-1])},
    ]


def _bend(small: dict[str, Any], large: dict[str, Any]) -> str:
    """How much of the growth is the first touch, and how much is left the second time."""
    more = {
        name: large[f"{name}_us"] - small[f"{name}_us"] for name in ("read", "engine", "read_again", "engine_again")
    }
    if min(more["read"], more["engine"]) < 0:
        return (
            "The largest shop took less time than the smallest: the machine was disturbed, and nothing follows from it."
        )
    return (
        f"From the smallest to the largest, reading her grows by {more['read']:+,.0f} microseconds, of which "
        f"{more['read_again']:+,.0f} are left when she is read again: that is the deeper trees of the store; the rest "
        f"is fetching pages that nobody asked for lately. Deciding grows by {more['engine']:+,.0f}, of which "
        f"{more['engine_again']:+,.0f} are left the second time; the rest is fetching rows of the item table, which is "
        "larger than the processor's caches. How many candidates she has does not grow with the shop."
    )


def _grown_parts(found: Found) -> Parts:
    if found.grown is None:
        return []
    return [
        {"heading": "PostgreSQL and Valkey, two workers"},
        {
            "text": "The simulated shop itself, not multiplied; both servers, both workers, each of which decides "
            "itself, and the load share this machine's cores; PostgreSQL is in its durable mode. One round."
        },
        _one_round(*found.grown),
    ]


def _one_round(one: Round, run: LongRun) -> dict[str, Any]:
    """What came of another way to serve."""
    rows = [
        [f"300 decisions/s and 100 events/s for {run.outcome.seconds / 60:.1f} minutes: decisions",
         _stream(run, DECISIONS)],
        ["the events meanwhile", _stream(run, EVENTS)],
        [f"highest rate with p99 at most {P99_MS:.0f} ms and no error", f"{one.rate:,.0f}/s"],
        [f"{CONNECTIONS} connections that never pause", f"{one.most:,.0f}/s"],
        [f"events in batches of {BATCH}", f"{one.events or 0:,.0f}/s"],
        ["start to the first decision", f"{one.first_answer_seconds:.1f} s"],
    ]  # fmt: skip
    return {"table": {"columns": ["what", "measured"], "rows": rows}}
