"""Whom an e-mail moves: Hillstrom's randomised test (women's e-mail or none), beside S- and T-learner and a lottery.

Twenty random splits, 70 % to learn from, 30 % judged. The learner is chosen, and a claim made or not, inside the 70 %.
"""

import sys
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.comparison import OURS
from benchmarks.data import shared_data
from benchmarks.hillstrom_words import OutcomeFigures, compare, parts_of
from benchmarks.measure import spent
from benchmarks.report import write_result
from benchmarks.yardsticks.uplift import score_yardsticks
from training.metrics import Floats
from training.qini import EffectOrder, Part
from training.uplift import train_uplift
from training.uplift_learners import UpliftRows

SEEDS = range(20)
SHUFFLED = range(0, 20, 2)  # splits of which the treatment is also shuffled and learned from
LEARNED = 0.7
NUMBERS = ("recency", "history", "mens", "womens", "newbie")
KINDS = {"zip_code": ("Surburban", "Urban", "Rural"), "channel": ("Phone", "Web", "Multichannel")}
OUTCOMES = ("visit", "conversion")


@dataclass
class Splits:
    """What the splits gave: orders per method, and what ours chose, claimed and claimed of a shuffled treatment."""

    orders: dict[str, list[Part]]
    chosen: list[str]
    claimed: int = 0
    claimed_of_noise: int = 0


def run(now: datetime) -> bool:
    """Measure and write the result; False, with a printed reason, where the data are absent."""
    folder = shared_data("hillstrom")
    if folder is None:
        print("hillstrom: skipped, the folder hillstrom is absent", file=sys.stderr)  # noqa: T201
        return False
    table = pq.read_table(folder / "womens_or_none_70pct.parquet")
    figures: dict[str, OutcomeFigures] = {}
    with spent() as cost:
        for outcome in OUTCOMES:
            rows = read_rows(table, outcome)
            found = score_splits(rows)
            figures[outcome] = OutcomeFigures(
                rows, compare(found.orders, rows.customers), found.chosen, found.claimed, found.claimed_of_noise
            )
    write_result(
        "hillstrom",
        title="Whom an e-mail moves (Hillstrom's randomised test)",
        order=38,
        command="python -m benchmarks hillstrom",
        today=now.date(),
        parts=parts_of(figures, len(SEEDS), len(SHUFFLED), cost),
        facts={outcome: found.facts() for outcome, found in figures.items()},
    )
    return True


def read_rows(table: pa.Table, outcome: str) -> UpliftRows:
    """One row a customer, what was known before the e-mail as inputs; half of them were drawn to get it."""
    columns = {name: table[name].to_numpy().astype(np.float64) for name in NUMBERS}
    for column, values in KINDS.items():
        columns |= {f"{column}_{value}": _equals(table, column, value) for value in values}
    return UpliftRows(
        customers=table["row_id"].to_numpy(),
        inputs=np.column_stack(list(columns.values())),
        names=tuple(columns),
        treated=_equals(table, "segment", "Womens E-Mail"),
        outcome=table[outcome].to_numpy().astype(np.float64),
        share=np.full(len(table), 0.5),
    )


def _equals(table: pa.Table, column: str, value: str) -> Floats:
    return np.asarray(pc.equal(table[column], value).to_numpy(), np.float64)


def score_splits(rows: UpliftRows, seeds: range = SEEDS) -> Splits:
    """Learn and judge on each split; on some learn once more with the treatment shuffled: no claim is due."""
    found = Splits({}, [])
    for seed in seeds:
        draw = np.random.default_rng(seed)
        order = draw.permutation(len(rows))
        learned, judged = np.split(order, [int(LEARNED * len(rows))])
        known = rows.take(learned)
        result = train_uplift(known)
        found.chosen.append(result.chosen)
        found.claimed += result.claimed
        effects = {OURS: result.ranking(rows.inputs[judged])}
        effects |= score_yardsticks(known, rows.inputs[judged], seed)
        for name, effect in effects.items():
            part = EffectOrder.of(effect, rows.treated[judged], rows.outcome[judged]), judged
            found.orders.setdefault(name, []).append(part)
        if seed in SHUFFLED:
            noise = replace(known, treated=draw.permutation(known.treated))
            found.claimed_of_noise += train_uplift(noise).claimed
    return found
