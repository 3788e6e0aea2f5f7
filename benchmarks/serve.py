"""Serving: the real API under load, beside the naive stack, as it starts, as it grows, and on PostgreSQL and Valkey.

The shop is simulated, learned from and promoted by the product, then multiplied. Services and the load upon them are
processes of their own and share this machine's cores. `LOAD_SECONDS` (600), `STEP_SECONDS` (20), `ROUNDS` (3),
`SHOP` (100000x10000), `GROWTH` (four such sizes) and `GROWN` (yes) in the environment make a run shorter.
"""

import json
import os
import shutil
import subprocess
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.load.closed_loop import Errand, Pace
from benchmarks.load.copies import multiply
from benchmarks.load.grown import grown_shop
from benchmarks.load.open_loop import Outcome, Plan
from benchmarks.load.questions import DECISIONS
from benchmarks.load.rounds import CONNECTIONS, Command, LongRun, Measured, Round, product
from benchmarks.load.server import errand, free_port, load, python, serving
from benchmarks.load.shop import Shop, made_shop, opened_shop
from benchmarks.naive_parts import naive_parts
from benchmarks.report import ROOT, write_result
from benchmarks.serve_words import Found, Generator, facts_of, parts_of
from features.home import Home

LEARNED_FROM = 2_000
LOAD_SECONDS, STEP_SECONDS = float(os.environ.get("LOAD_SECONDS", "600")), float(os.environ.get("STEP_SECONDS", "20"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
SHOP = os.environ.get("SHOP", "100000x10000")
GROWTH = os.environ.get("GROWTH", "10000x1000 100000x10000 1000000x10000 1000000x100000").split()
GROWN = os.environ.get("GROWN", "yes") == "yes"
DECISIONS_A_SECOND, EVENTS_A_SECOND = 300.0, 100.0
FIRST_RATE, FIRST_NAIVE_RATE = 200.0, 20.0
NAIVE_WAYS = ("threads", "alone")


def run(now: datetime) -> bool:
    """Measure and write the result; needs no data. About eighty minutes as it stands."""
    with TemporaryDirectory(prefix="tahdikas-benchmark-") as root:
        found = _measured(Path(root))
    write_result(
        "serve",
        title="Serving under load",
        order=31,
        command="python -m benchmarks serve",
        today=now.date(),
        parts=parts_of(found),
        facts=facts_of(found),
    )
    return True


def _measured(root: Path) -> Found:
    made = root / "made"
    small = opened_shop(made_shop(made, LEARNED_FROM))
    naive_parts(small, root / "naive")
    grown = _grown(made, root / "grown") if GROWN else None
    points = [_growth(made, root / "growth", size) for size in GROWTH]
    shop = _large(made, root / "large")
    generator = _generator(shop)
    ours = Measured(product(shop), shop.cast, shop.key)
    naive = {w: Measured(_naive(root / "naive", w), small.cast, "", takes_events=False) for w in NAIVE_WAYS}
    rounds: list[Round] = []
    beside: dict[str, list[Round]] = {way: [] for way in naive}
    for _ in range(ROUNDS):
        rounds.append(ours.round(STEP_SECONDS, FIRST_RATE))
        for way, one in naive.items():
            beside[way].append(one.round(STEP_SECONDS, FIRST_NAIVE_RATE))
    long_run = ours.long_run(DECISIONS_A_SECOND, EVENTS_A_SECOND, LOAD_SECONDS)
    people, items = len(shop.cast.customers), len(shop.cast.items)
    return Found(people, items, LOAD_SECONDS, STEP_SECONDS, generator, rounds, beside, long_run, grown, points)


def _sizes(told: str) -> tuple[int, int]:
    """Customers and items of `CUSTOMERSxITEMS`."""
    customers, _, items = told.partition("x")
    return int(customers), int(items)


def _large(made: Path, folder: Path) -> Shop:
    """The shop multiplied, all facts of every copy with her."""
    shutil.copytree(made / "home", folder)
    home = Home.open(folder)
    multiply(home, *_sizes(SHOP))
    return opened_shop(home)


def _naive(folder: Path, way: str) -> Command:
    return lambda port: python("-m", "benchmarks.naive", str(folder), str(port), way)


def _generator(shop: Shop) -> Generator:
    """The load upon a service that does nothing: what of the figures is the load's own."""
    port = free_port()
    people, items = list(shop.cast.customers), list(shop.cast.items)
    question = json.dumps({"customer_id": people[0], "channel": "web", "placement": "front_page"}).encode()
    with serving(python("-m", "benchmarks.load.echo", str(port)), port, "", question) as echo:
        clock, rates = echo.clock(question), (DECISIONS_A_SECOND, EVENTS_A_SECOND)
        outcome: Outcome = load(Plan([port], "", STEP_SECONDS, *rates, clock, people, people, items))
        asked = Errand([port], "", DECISIONS, CONNECTIONS, STEP_SECONDS, 1, clock, people, items)
        most: Pace = errand(asked)
    return Generator(outcome, most.per_second)


def _grown(made: Path, folder: Path) -> tuple[Round, LongRun]:
    """The same on PostgreSQL and Valkey with two workers, each on a port of its own."""
    with grown_shop(folder, made) as shop:
        measured = Measured(product(shop), shop.cast, shop.key, workers=2)
        return (
            measured.round(STEP_SECONDS, FIRST_RATE),
            measured.long_run(DECISIONS_A_SECOND, EVENTS_A_SECOND, LOAD_SECONDS),
        )


def _growth(made: Path, folder: Path, size: str) -> dict[str, Any]:
    """A point of the curve, in a process and a data folder of its own."""
    shutil.copytree(made / "home", folder)
    customers, items = _sizes(size)
    command = python("-W", "ignore", "-m", "benchmarks.load.growth", str(folder), str(customers), str(items))
    child = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, check=True)
    shutil.rmtree(folder)
    found: dict[str, Any] = json.loads(child.stdout.strip().splitlines()[-1])
    return found
