"""One customer with a hundred candidates, step by step, in process: medians over customers and rounds.

The steps of the models are parts of the engine's; where none is in force they are not there.
"""

import contextlib
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from benchmarks.plain_loop import judged_by_loop
from features.home import Home
from features.inputs.frame import CHURN_INPUTS
from serving.core.decision import Decision
from serving.core.engine import conclude, decide
from serving.core.gates import BITS
from serving.core.gathering import gather
from serving.core.offers import PROPOSED
from serving.core.question import Request
from serving.record_body import pack, unpack
from serving.service import DecisionService

ROUNDS, ASKED = 5, 1_100
"""More customers than are remembered (serving/core/remembered.py): each is asked for as if for the first time."""
LATELY = 100
AGAIN = "the same of who was asked for lately"
SIMULATED = "all of it, in process, not recorded"


@dataclass(frozen=True)
class One:
    """Median microseconds of the steps of one decision; the record's bytes; both engines on one customer."""

    steps: dict[str, float]
    loop_us: float
    record_bytes: float
    largest_bytes: int


def one_decision(home: Home, now: datetime) -> One:
    """Measure; the gates are compared with those of a plain loop, candidate by candidate."""
    with contextlib.closing(DecisionService(home, durable=False)) as service:
        questions = some_questions(service, ASKED, now)
        service.decide(questions[0])
        force = service.in_force(now)
        snapshots = [service.read([q])[0] for q in questions]
        parts = force.scorer, force.catalogue, force.policy

        def engine(i: int) -> Decision:
            return decide([questions[i]], [snapshots[i]], *parts, articles=force.articles)[0]

        def evidence(i: int) -> Any:
            return gather([questions[i]], [snapshots[i]], force.scorer, force.articles, force.catalogue, force.policy)

        decisions = [engine(i) for i in range(ASKED)]
        laid = [evidence(i) for i in range(ASKED)]
        bodies = [pack(d) for d in decisions]
        served = [_serve(q) for q in questions]
        at = np.array([now.timestamp()])

        def verdicts(i: int) -> Any:
            key, versions = snapshots[i].customer_key, decisions[i].versions
            return conclude([questions[i]], [key], laid[i], [versions], force.catalogue, force.policy)

        models: dict[str, Callable[[int], Any]] = {}
        if force.models is not None:
            seen = [np.frombuffer(d.evidence.inputs, dtype=np.float64)[None, :] for d in decisions if d.evidence.inputs]
            bought = [s.history for s in snapshots if s.history is not None]
            models = {
                "of that: the chance that she leaves": lambda i: force.scorer.churn(seen[i % len(seen)], CHURN_INPUTS),
                "of that: her next items": lambda i: force.scorer.next_items([bought[i % len(bought)]], at, PROPOSED),
            }
        calls: dict[str, Callable[[int], Any]] = {
            "read her state": lambda i: service.read([questions[i]]),
            "engine: evidence, gates, gain, draw, verdict": engine,
            AGAIN: lambda i: engine(i % LATELY),
            "of that: evidence": evidence,
            **models,
            "of that: gates, gain, draw, verdict": verdicts,
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
            != [c.failed & ~BITS["holdout"] == 0 for c in d.candidates]  # the loop knows of no experiment
        ]  # fmt: skip
        assert not wrong, f"the loop disagrees about {len(wrong)} of {ASKED}"
    with contextlib.closing(DecisionService(home, durable=True)) as durable:
        steps["all of it, recorded, survives power loss"] = _median_us(lambda i: durable.decide(served[i]))
    sizes = [len(b) for b in bodies]
    return One(steps, loop, statistics.median(sizes), max(sizes))


def some_questions(service: DecisionService, count: int, now: datetime) -> list[Request]:
    """Questions of the first customers, by their names, that record nothing."""
    rows = service.records.connection().execute(
        "select customer_id from state where customer_id not like 'anonymous:%' order by customer_id limit ?", (count,)
    )
    return [
        Request(customer_id=key, channel="web", placement="front_page", now=now, mode="simulate") for (key,) in rows
    ]


def _serve(question: Request) -> Request:
    return Request(customer_id=question.customer_id, channel="web", placement="front_page", now=question.now)


def _median_us(call: Callable[[int], Any]) -> float:
    """The median over customers of the median over rounds, microseconds."""
    found = np.empty((ROUNDS, ASKED))
    for round_ in range(ROUNDS):
        for i in range(ASKED):
            start = time.perf_counter()
            call(i)
            found[round_, i] = time.perf_counter() - start
    return float(np.median(found)) * 1e6
