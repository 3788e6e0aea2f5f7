"""`tahdikas drift`: the decisions of the last days held against the bundle's own window, and against earlier decisions.

Lists ask about everybody, so they are held against the customers that the bundle was validated on. Visitors are not
everybody: they are held against the visitors of the four weeks before, and where those are too few, against the
bundle's customers, which then only warns.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pyarrow.parquet as pq

from features.errors import DataError
from features.home import Home
from features.inputs.candidates import Floats
from features.inputs.dissatisfaction import NAME
from features.inputs.frame import CHURN_INPUTS
from features.inputs.scoring import Model, read_model
from features.instants import to_us
from features.log.connection import Connection
from features.log.store import connect
from pipelines.bundles import check_bundle, current_id
from pipelines.drift.judging import STREAMS_FI, Compared, columns_of, compare, findings_of, share_findings
from pipelines.drift.sample import Rows, Span, read_span
from training.finding import Finding, InFinnish, refused
from training.params import QualityParams

EARLIER_DAYS = 28
FEWEST = 50
"""Customers on either side below which nothing is judged."""
MOST_SCORES = 100_000
REPORT = "drift.json"
"""What the last look found, in the folder of reports: the console shows it."""


class _Said(msgspec.Struct):
    model: str = ""
    version: str = ""
    value: float = float("nan")


_read_said = msgspec.msgpack.Decoder(_Said).decode


@dataclass(frozen=True)
class DriftReport:
    """What was found; `against` says by stream what its rows were held against, `days` is (decisions, no action)."""

    bundle: str
    start: datetime
    end: datetime
    customers: dict[str, int]
    against: dict[str, str]
    days: dict[str, dict[str, tuple[int, int]]]
    held: dict[str, float]
    findings: list[Finding]
    accepted: tuple[str, ...] = ()
    compared: list[Compared] = field(default_factory=list)

    @property
    def errors(self) -> list[Finding]:
        """Findings to act on now, which nobody accepted."""
        return refused(self.findings, self.accepted)

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "bundle": self.bundle,
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "customers": self.customers,
            "against": self.against,
            "days": {stream: {day: list(told) for day, told in days.items()} for stream, days in self.days.items()},
            "held": self.held,
            "errors": len(self.errors),
            "findings": [one.to_json() for one in self.findings],
            "accepted": list(self.accepted),
            "compared": [one.to_json() for one in self.compared],
        }


def watch_drift(home: Home, now: datetime, days: int, limits: QualityParams) -> DriftReport:
    """Judge the decisions of the `days` before `now`.

    Raises `DataError` where no bundle is in force, it has no reference, or too few decisions are recorded to judge.
    """
    bundle = current_id(home)
    if bundle is None:
        raise DataError("No bundle is in force, so nothing can drift from it. Run: tahdikas retrain, tahdikas promote")
    check_bundle(home.bundles / bundle)
    reference = _reference(home, bundle)
    start = now - timedelta(days=days)
    run = connect(home)
    try:
        live = read_span(run, start, now, bundle)
        earlier = read_span(run, start - timedelta(days=EARLIER_DAYS), start, bundle)
        moods = _moods(run, start, now, bundle), _moods(run, start - timedelta(days=EARLIER_DAYS), start, bundle)
    finally:
        run.close()
    _refuse_few(live, start, now)
    return _Judge(bundle, read_model(home.bundles / bundle, "churn"), limits).report(
        live, earlier, reference, moods, start, now
    )


class _Judge:
    """Compares stream by stream; what chance may do is shared among all that is compared."""

    def __init__(self, bundle: str, churn: Model, limits: QualityParams) -> None:
        self._bundle, self._churn, self._limits = bundle, churn, limits
        self._alpha = limits.chance / (2 * (2 * len(CHURN_INPUTS) + 10))
        self.compared: list[Compared] = []
        self.findings: list[Finding] = []
        self.against: dict[str, str] = {}

    def report(
        self, live: Span, earlier: Span, reference: Floats, moods: tuple[Floats, Floats], start: datetime, end: datetime
    ) -> DriftReport:
        for stream, rows in live.rows.items():
            before = earlier.rows[stream]
            if len(rows.seen) >= FEWEST:
                self._inputs(stream, rows.seen, before.seen, reference)
            if min(len(rows), len(before)) >= FEWEST:
                self._answers(stream, rows, before)
        if min(map(len, moods)) >= FEWEST:
            self._column("feedback", "dissatisfaction", *moods, stops=True, young=False)
        self.findings.sort(key=lambda one: (one.severity != "error", -one.figure, one.name))
        return DriftReport(
            self._bundle, start, end,
            {stream: len(rows) for stream, rows in live.rows.items()}, self.against, live.days,
            {stream: float(rows.held.mean()) for stream, rows in live.rows.items() if len(rows)},
            self.findings, self._limits.accept, self.compared,
        )  # fmt: skip

    def _inputs(self, stream: str, now: Floats, before: Floats, reference: Floats) -> None:
        visits = stream == "visits"
        young = not visits or len(before) < FEWEST
        if young:
            before = reference
        told = "the customers that the bundle was validated on" if young else f"{EARLIER_DAYS} days before"
        stops = not (visits and young)
        self.against[stream] = told + ("" if stops else " (visitors are not everybody: this warns only)")
        for one in columns_of(stream, now, before, self._alpha):
            self._note(one, (len(now), len(before)), stops=stops, young=young)
        scores = (self._churn.probability(rows, CHURN_INPUTS) for rows in (now, before))
        self._column(stream, "churn_probability", *scores, stops=stops, young=young)

    def _answers(self, stream: str, now: Rows, before: Rows) -> None:
        """What earlier decisions of the same kind alone can be held against: chances of items, silence, no action."""
        tops = now.top[~np.isnan(now.top)], before.top[~np.isnan(before.top)]
        if min(map(len, tops)) >= FEWEST:
            self._column(stream, "likeliest_item", *tops, stops=True, young=False)
        shares = (("held", "are on hold", "on pidolla"), ("nothing", "get no action", "jää ilman viestiä"))
        for name, words, finnish in shares:
            here, there = float(getattr(now, name).mean()), float(getattr(before, name).mean())
            told = (
                f"{here:.0%} of customers in {stream} {words}, in the {EARLIER_DAYS} days before {there:.0%}; a change "
                "of {limit:.0%} is allowed. See why: tahdikas holds, tahdikas silence"
            )
            told_fi = (
                f"Asiakkaista {InFinnish(here):.0%} {STREAMS_FI[stream]} {finnish}, {EARLIER_DAYS} edellisenä päivänä "
                f"{InFinnish(there):.0%}; muutos saa olla {{limit:.0%}}. Katso miksi: tahdikas holds, tahdikas silence"
            )
            self.findings += share_findings(
                "drift", f"{stream}.{name}", here, there, (len(now), len(before)), self._limits, self._alpha,
                (told, told_fi), stops=True,
            )  # fmt: skip

    def _column(self, stream: str, name: str, now: Floats, before: Floats, *, stops: bool, young: bool) -> None:
        one = compare(stream, name, now, before, self._alpha)
        self._note(one, (len(now), len(before)), stops=stops, young=young)

    def _note(self, one: Compared, sizes: tuple[int, int], *, stops: bool, young: bool) -> None:
        self.compared.append(one)
        self.findings += findings_of(one, sizes, self._limits, self._alpha, stops=stops, young=young)


def _reference(home: Home, bundle: str) -> Floats:
    """The inputs [m, p] of the customers that a bundle was validated on."""
    path = home.models / "champions" / bundle / "churn" / "evidence.parquet"
    remedy = "Retrain and promote: tahdikas retrain, tahdikas promote"
    if not path.exists():
        raise DataError(f"The bundle {bundle} has no reference to be held against: {path} is not there. {remedy}")
    table = pq.read_table(path)
    if missing := [name for name in CHURN_INPUTS if f"input_{name}" not in table.column_names]:
        raise DataError(f"The reference of the bundle {bundle} lacks {', '.join(missing)}: {path}. {remedy}")
    return np.column_stack([table[f"input_{name}"].to_numpy().astype(np.float64) for name in CHURN_INPUTS])


def _refuse_few(live: Span, start: datetime, end: datetime) -> None:
    told = {stream: len(rows.seen) for stream, rows in live.rows.items()}
    if max(told.values()) >= FEWEST:
        return
    counts = ", ".join(f"{n} in {stream}" for stream, n in told.items())
    raise DataError(
        f"Of {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} too few customers are in recorded decisions with a model "
        f"({counts}; {FEWEST} are needed). Look at more days: --days, or decide first: tahdikas campaign build"
    )


def _moods(run: Connection, start: datetime, end: datetime, bundle: str) -> Floats:
    """What the bundle said of written feedback in [start, end): the latest 100,000 at most."""
    rows = run.execute(
        """select body from facts where type = 'score' and occurred_at >= ? and occurred_at < ?
        order by occurred_at desc, event_id limit ?""",
        (to_us(start), to_us(end), MOST_SCORES),
    )
    said = (_read_said(body) for (body,) in rows)
    return np.array([one.value for one in said if one.model == NAME and one.version == bundle], dtype=np.float64)
