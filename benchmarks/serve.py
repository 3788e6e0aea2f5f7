"""Serving: the real API under load, beside the naive stack, as it starts, as it grows, and on PostgreSQL and Valkey.

The shop is simulated, learned from and promoted by the product, then multiplied. Services and the load upon them are
processes of their own and share this machine's cores. `LOAD_SECONDS` (600), `GROWN_SECONDS` (as long, other ways),
`STEP_SECONDS` (20), `ROUNDS` (3), `NAIVE_ROUNDS` (as many), `SHOP` (100000x10000), `GROWTH` (four such sizes) and
`GROWN` (yes) in the environment make a run shorter. What is being done is told on standard error; the page is written
after each part.
"""

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from benchmarks.load.closed_loop import Errand, Pace
from benchmarks.load.copies import multiply
from benchmarks.load.disk import disk
from benchmarks.load.grown import grown_shop
from benchmarks.load.open_loop import Outcome, Plan
from benchmarks.load.progress import say
from benchmarks.load.questions import DECISIONS
from benchmarks.load.rounds import CONNECTIONS, Command, LongRun, Measured, Round, product
from benchmarks.load.server import errand, free_port, load, python, serving
from benchmarks.load.shop import Shop, decides_beside, looked_over, made_shop, opened_shop
from benchmarks.naive_parts import naive_parts
from benchmarks.report import ROOT, write_result
from benchmarks.serve_words import Found, Generator, facts_of, parts_of
from features.home import Home

LEARNED_FROM = 2_000
LOAD_SECONDS, STEP_SECONDS = float(os.environ.get("LOAD_SECONDS", "600")), float(os.environ.get("STEP_SECONDS", "20"))
GROWN_SECONDS = float(os.environ.get("GROWN_SECONDS", str(LOAD_SECONDS)))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
NAIVE_ROUNDS = int(os.environ.get("NAIVE_ROUNDS", str(ROUNDS)))
SHOP = os.environ.get("SHOP", "100000x10000")
GROWTH = os.environ.get("GROWTH", "10000x1000 100000x10000 1000000x10000 1000000x100000").split()
GROWN = os.environ.get("GROWN", "yes") == "yes"
DECISIONS_A_SECOND, EVENTS_A_SECOND = 300.0, 100.0
FIRST_RATE, FIRST_NAIVE_RATE = 400.0, 20.0
NAIVE_WAYS = ("threads", "alone")


def run(now: datetime) -> bool:
    """Measure and write the result, anew after each part; needs no data. About eighty minutes as it stands."""
    with TemporaryDirectory(prefix="tahdikas-benchmark-") as root:
        for found in _measured(Path(root)):
            write_result(
                "serve",
                title="Serving under load",
                order=31,
                command=_command(),
                today=now.date(),
                parts=parts_of(found),
                facts=facts_of(found),
            )
    return True


def _command() -> str:
    """The command as it was run, shorter settings included."""
    names = ("LOAD_SECONDS", "GROWN_SECONDS", "STEP_SECONDS", "ROUNDS", "NAIVE_ROUNDS", "SHOP", "GROWTH", "GROWN")
    told = [f"{name}={shlex.quote(os.environ[name])}" for name in names if name in os.environ]
    return " ".join([*told, "python -m benchmarks serve"])


def _measured(root: Path) -> Iterator[Found]:
    """What was found so far: first of one worker and the naive stack, then with the grown shop, then as it grows."""
    made = root / "made"
    say(f"a shop of {LEARNED_FROM:,} customers is simulated and learned from")
    small = opened_shop(made_shop(made, LEARNED_FROM))
    say("the naive stack learns from it")
    naive_parts(small, root / "naive")
    found = _beside(made, small, root)
    yield found
    if GROWN:
        found = msgspec.structs.replace(found, grown=_grown(made, root / "grown"))
        yield found
    for size in GROWTH:
        found = msgspec.structs.replace(found, growth=[*found.growth, _growth(made, root / "growth", size)])
        yield found


def _beside(made: Path, small: Shop, root: Path) -> Found:
    """The large shop: a worker's first minutes, its long run, its rounds, in which it and the naive stack take turns,
    then one that decides itself, and two workers.
    """
    shop = large_shop(made, root / "large")
    ours = Measured("one worker", product(shop), shop.cast, shop.key)
    stacks = {
        w: Measured(f"naive, {w}", naive(root / "naive", w), small.cast, "", takes_events=False) for w in NAIVE_WAYS
    }
    generator = _generator(shop)
    first = ours.long_run(DECISIONS_A_SECOND, EVENTS_A_SECOND, GROWN_SECONDS)
    say("the lookout looks at everybody")
    looked_over(shop)
    before = disk(root)
    long_run = ours.long_run(DECISIONS_A_SECOND, EVENTS_A_SECOND, LOAD_SECONDS)
    disks = before, disk(root)
    rounds: list[Round] = []
    beside: dict[str, list[Round]] = {way: [] for way in stacks}
    for number in range(ROUNDS):
        rounds.append(ours.round(STEP_SECONDS, FIRST_RATE))
        for way, stack in stacks.items() if number < NAIVE_ROUNDS else ():
            beside[way].append(stack.round(STEP_SECONDS, FIRST_NAIVE_RATE))
    decides_beside(shop.home, False)
    one = Measured("one that decides itself", product(shop), shop.cast, shop.key)
    within = one.round(STEP_SECONDS, FIRST_RATE), one.long_run(DECISIONS_A_SECOND, EVENTS_A_SECOND, GROWN_SECONDS)
    decides_beside(shop.home, True)
    two = Measured("two workers", product(shop, workers=2), shop.cast, shop.key)
    pair = two.round(STEP_SECONDS, FIRST_RATE), two.long_run(DECISIONS_A_SECOND, EVENTS_A_SECOND, GROWN_SECONDS)
    people, items = len(shop.cast.customers), len(shop.cast.items)
    return Found(
        people, items, LOAD_SECONDS, STEP_SECONDS, generator, disks, rounds, beside, first, long_run, within, pair,
        None, [],
    )  # fmt: skip


def _sizes(told: str) -> tuple[int, int]:
    """Customers and items of `CUSTOMERSxITEMS`."""
    customers, _, items = told.partition("x")
    return int(customers), int(items)


def large_shop(made: Path, folder: Path) -> Shop:
    """The shop multiplied, all facts of every copy with her."""
    say(f"the shop is multiplied to {SHOP}, all facts with it")
    shutil.copytree(made / "home", folder)
    home = Home.open(folder)
    multiply(home, *_sizes(SHOP))
    return opened_shop(home)


def naive(folder: Path, way: str) -> Callable[[], Command]:
    return lambda: lambda port: python("-m", "benchmarks.naive", str(folder), str(port), way)


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
    say("the shop is taken in anew by PostgreSQL and Valkey")
    with grown_shop(folder, made) as shop:
        measured = Measured("two workers on PostgreSQL", product(shop), shop.cast, shop.key, workers=2)
        return (
            measured.round(STEP_SECONDS, FIRST_RATE),
            measured.long_run(DECISIONS_A_SECOND, EVENTS_A_SECOND, GROWN_SECONDS),
        )


def _growth(made: Path, folder: Path, size: str) -> dict[str, Any]:
    """A point of the curve, in a process and a data folder of its own."""
    say(f"growth: a shop of {size}")
    shutil.copytree(made / "home", folder)
    customers, items = _sizes(size)
    command = python("-W", "ignore", "-m", "benchmarks.load.growth", str(folder), str(customers), str(items))
    child = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, check=True)
    shutil.rmtree(folder)
    found: dict[str, Any] = json.loads(child.stdout.strip().splitlines()[-1])
    say(f"growth: {found}")
    return found
