"""What the models saw and said of some customers in recorded decisions: a sample by hash, in bounded memory.

A customer is in the sample by a hash of her id, so the same records give the same sample, and she counts once, with her
latest decision. Bodies are read only of those in it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b

import numpy as np

from features.inputs.candidates import Floats
from features.inputs.frame import CHURN_INPUTS
from features.instants import to_us
from features.log.connection import Connection
from features.log.store import from_micros
from serving.core.decision import Decision
from serving.record_body import unpack

MOST = 10_000
"""Customers in a sample, so many rows of inputs at a time in memory."""
_PAGE = 5_000
_BODIES = 500
_ROUNDING = timedelta(milliseconds=1)
STREAMS = {"serve": "visits", "list": "lists"}


@dataclass(frozen=True)
class Rows:
    """One row a customer: `inputs` [n, p] of `CHURN_INPUTS`, her likeliest item's `top` chance (NaN: none, or another
    bundle's), whether she was `held` and whether she got `nothing`."""

    inputs: Floats
    top: Floats
    held: Floats
    nothing: Floats

    def __len__(self) -> int:
        return len(self.held)

    @property
    def seen(self) -> Floats:
        """The rows that a model saw; others were of people who object to profiling, or of no model."""
        return self.inputs[~np.isnan(self.inputs).all(axis=1)]


@dataclass
class Picked:
    """The customers of the smallest hashes so far, each with her latest decision."""

    most: int
    latest: dict[str, tuple[int, str]] = field(default_factory=dict)
    bound: int = 2**64

    def take(self, customer: str, decision_id: str) -> None:
        """Decisions come in the order of their ids, hence of time."""
        rank = int.from_bytes(blake2b(customer.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
        if rank < self.bound:
            self.latest[customer] = rank, decision_id
            if len(self.latest) > 2 * self.most:
                self._shrink()

    def _shrink(self) -> None:
        kept = sorted(self.latest.items(), key=lambda one: one[1])[: self.most]
        self.latest = dict(kept)
        self.bound = kept[-1][1][0] + 1

    def ids(self) -> list[str]:
        """The decisions to read, in order."""
        if len(self.latest) > self.most:
            self._shrink()
        return sorted(decision for _, decision in self.latest.values())


@dataclass(frozen=True)
class Span:
    """Decisions of [start, end): by stream a sample, and by stream and day how many there were and were no action."""

    rows: dict[str, Rows]
    days: dict[str, dict[str, tuple[int, int]]]

    def decisions(self, stream: str) -> int:
        """How many there were."""
        return sum(n for n, _ in self.days.get(stream, {}).values())


def read_span(run: Connection, start: datetime, end: datetime, bundle: str, *, most: int = MOST) -> Span:
    """Recorded decisions of the half-open [start, end), those asked by visitors apart from those of lists.

    `top` is told of decisions by `bundle` only. Raises `DataError` for a torn record.
    """
    picked = {stream: Picked(most) for stream in STREAMS.values()}
    days: dict[str, dict[str, tuple[int, int]]] = {stream: {} for stream in STREAMS.values()}
    for decision_id, customer, at, mode, action in _heads(run, start, end):
        stream = STREAMS.get(mode)
        if stream is None:
            continue
        picked[stream].take(customer, decision_id)
        day = f"{from_micros(at):%Y-%m-%d}"
        n, silent = days[stream].get(day, (0, 0))
        days[stream][day] = n + 1, silent + (action == "")
    return Span({stream: _rows(run, one.ids(), bundle) for stream, one in picked.items()}, days)


def _heads(run: Connection, start: datetime, end: datetime) -> Iterator[tuple[str, str, int, str, str]]:
    """Decisions without their bodies, by id: an id begins with the moment of its decision (`serving.answering`)."""
    after, until = _prefix(start - _ROUNDING), _prefix(end + _ROUNDING)
    query = """select decision_id, customer_key, decided_at, mode, action_id from decisions
        where decision_id > ? and decision_id < ? order by decision_id limit ?"""
    if not run.has("decisions_by_customer"):  # nothing was ever decided here
        return
    while page := run.execute(query, (after, until, _PAGE)).fetchall():
        yield from (row for row in page if to_us(start) <= row[2] < to_us(end))
        after = page[-1][0]


def _prefix(moment: datetime) -> str:
    return f"d-{max(0, round(moment.timestamp() * 1000)):011x}"


def _rows(run: Connection, ids: Sequence[str], bundle: str) -> Rows:
    width = len(CHURN_INPUTS)
    inputs, top = np.full((len(ids), width), np.nan), np.full(len(ids), np.nan)
    held, nothing = np.zeros(len(ids)), np.zeros(len(ids))
    place = 0
    for start in range(0, len(ids), _BODIES):
        some = ids[start : start + _BODIES]
        marks = ",".join("?" * len(some))
        query = f"select body from decisions where decision_id in ({marks}) order by decision_id"
        for (body,) in run.execute(query, some).fetchall():
            decision = unpack(body)
            evidence = decision.evidence
            if len(evidence.inputs) == 8 * width:
                inputs[place] = np.frombuffer(evidence.inputs, dtype=np.float64)
            if decision.versions.get("bundle") == bundle:
                top[place] = _top(decision)
            held[place], nothing[place] = bool(evidence.holds), not decision.actions
            place += 1
    return Rows(inputs, top, held, nothing)


def _top(decision: Decision) -> float:
    """The chance of the item she is likeliest to buy, NaN where no model spoke of items."""
    chances = [item.probability for items in decision.evidence.items.values() for item in items]
    return max((c for c in chances if c is not None), default=float("nan"))
