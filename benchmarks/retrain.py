"""A full retraining on ten million events: time, processor time and peak memory of each step, beside a plain one.

Needs no data: shops of `SIZES` customers are simulated and ingested into a temporary folder, which is not counted. Each
step is a stage of dvc.yaml in a process of its own, as `dvc repro` runs them. The yardstick runs last, on the same log.
"""

import json
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.report import write_result
from benchmarks.steps import Cost, retraining_steps, run_step

SIZES = (90_000,)  # customers: ten million events
SEED = 20240601
AIM_SECONDS, AIM_MB = 600, 8192
YARDSTICK = "plain pandas + LightGBM"


@dataclass(frozen=True)
class Point:
    """One shop: how many events its log has, what each step cost, and how well churn is told by each."""

    customers: int
    events: int
    steps: dict[str, Cost]
    plain: Cost
    auc: float
    plain_auc: float

    @property
    def whole(self) -> Cost:
        """All steps one after the other; the peak is that of the largest."""
        costs = self.steps.values()
        return Cost(sum(c.seconds for c in costs), sum(c.cpu_seconds for c in costs), max(c.peak_mb for c in costs))


def run(now: datetime) -> bool:
    """Measure all sizes once, the smallest first; needs no data."""
    points = []
    for customers in SIZES:
        with TemporaryDirectory() as folder:
            _make_shop(Path(folder), customers)
            points.append(measure(Path(folder), customers))
    _write(points, now)
    return True


def measure(home: Path, customers: int) -> Point:
    """Retrain a data folder by steps, then the plain way."""
    steps = {}
    for name, arguments in retraining_steps(home).items():
        steps[name] = run_step(arguments)[0]
        _say(f"{name}: {_words(steps[name])}")
    plain, said = run_step(["-m", "benchmarks.yardsticks.plain_retrain", str(home)])
    _say(f"{YARDSTICK}: {_words(plain)}")
    events = sum(_read(home / "models" / "events.json")["events"].values())
    found = json.loads(said.splitlines()[-1])
    return Point(customers, events, steps, plain, _read(home / "models" / "metrics.json")["churn.auc"], found["auc"])


def _make_shop(home: Path, customers: int) -> None:
    _say(f"A shop of {customers:,} customers")
    cli = ["-m", "pipelines.cli", "--home", str(home)]
    run_step([*cli, "simulate", "--customers", str(customers), "--seed", str(SEED)])
    run_step([*cli, "ingest", "simulated", str(home / "simulated")])


def _write(points: list[Point], now: datetime) -> None:
    largest = points[-1]
    rows = [[name.replace("_", " "), *_cells(cost)] for name, cost in largest.steps.items()]
    rows.append(["**all steps**", *_cells(largest.whole)])
    rows.append([YARDSTICK, *_cells(largest.plain)])
    growth = [[f"{p.events:,}", f"{p.customers:,}", *_cells(p.whole), *_cells(p.plain), *_aucs(p)] for p in points]
    columns = ["events", "customers", "s", "processor s", "peak MB", "plain: s", "processor s", "peak MB"]
    write_result(
        "retrain",
        title="Retraining everything on ten million events",
        order=42,
        command="python -m benchmarks retrain",
        today=now.date(),
        parts=[
            {"text": _about(largest)},
            {"table": {"columns": ["step", "s", "processor s", "peak MB"], "rows": rows}},
            {"heading": "Growth"},
            {"table": {"columns": [*columns, "churn AUC", "plain: churn AUC"], "rows": growth}},
        ],
        facts={"points": [_facts(point) for point in points]},
    )


def _about(point: Point) -> str:
    whole, plain = point.whole, point.plain
    return (
        f"A simulated shop of {point.customers:,} customers over two years, {point.events:,} events, ingested before "
        "and not counted. Each step is a stage of dvc.yaml in a process of its own, one after the other, start and "
        "imports included; one run. Processor seconds are those of all threads, and hold on a busy machine too. "
        f"Aim: {AIM_SECONDS // 60} minutes, {AIM_MB // 1024} GiB, two cores: {_judged(whole.seconds, AIM_SECONDS)} in "
        f"time ({whole.seconds / 60:.1f} minutes), {_judged(whole.peak_mb, AIM_MB)} in memory "
        f"({whole.peak_mb / 1024:.1f} GiB). The yardstick reads the same log into pandas, learns churn from counts by "
        "LightGBM and counts popularity, and does nothing else (no calibration, choice among models, intervals, "
        "checks, other models, or times of receipt). All the rest costs "
        f"{whole.seconds / plain.seconds:.1f} times its time and {whole.peak_mb / plain.peak_mb:.2f} times its memory."
    )


def _judged(value: float, aim: float) -> str:
    return "reached" if value <= aim else "missed"


def _cells(cost: Cost) -> list[str]:
    return [f"{cost.seconds:,.0f}", f"{cost.cpu_seconds:,.0f}", f"{cost.peak_mb:,.0f}"]


def _aucs(point: Point) -> list[str]:
    return [f"{point.auc:.3f}", f"{point.plain_auc:.3f}"]


def _facts(point: Point) -> dict[str, Any]:
    told = {"customers": point.customers, "events": point.events, "auc": point.auc, "plain_auc": point.plain_auc}
    return told | {"steps": {name: vars(c) for name, c in point.steps.items()}, "plain": vars(point.plain)}


def _words(cost: Cost) -> str:
    return f"{cost.seconds:.1f} s, {cost.cpu_seconds:.1f} s of processors, at most {cost.peak_mb:.0f} MB"


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201
