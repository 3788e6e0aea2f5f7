"""Whom a letter moves in simulated shops, where the truth is known: what the log teaches, beside the true effects.

A shop's events go through the store as anybody's; the weekly letter has a control group. Learned from the older
letters, judged on the newer ones by the true chances of an order with and without the letter.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
from scipy.stats import spearmanr

from benchmarks.comparison import OURS
from benchmarks.measure import Spent, spent
from benchmarks.report import write_result
from benchmarks.yardsticks.uplift import score_yardsticks
from features.columns import TIME
from features.errors import DataError
from features.home import Home
from pipelines.ingest import ingest
from pipelines.materialize import build_snapshots
from pipelines.shop.parameters import PARAMETERS
from pipelines.simulate import simulate
from training.metrics import Floats, auc, ece
from training.response import train_response
from training.uplift import train_uplift
from training.uplift_contacts import DrawnContacts, drawn_contacts
from training.uplift_learners import UpliftRows

SEEDS = range(3)
CUSTOMERS, DAYS, LETTERS, JUDGED = 1500, 364, 24, 8
START = date(2024, 11, 1)
REACH, RESPONSE = timedelta(days=1), timedelta(days=6, hours=18)  # what is left of the letter's week


@dataclass(frozen=True)
class Shop:
    """Drawn letters as the log tells them, and the true effect of each on the chance of an order in its week."""

    letters: DrawnContacts
    effect: Floats


def run(now: datetime) -> bool:
    """Measure and write the result; needs no data."""
    shops: list[dict[str, Any]] = []
    with spent() as cost:
        for seed in SEEDS:
            with TemporaryDirectory() as folder:
                shops.append(figures(read_shop(Path(folder), seed)))
    write_result(
        "letters",
        title="Whom a letter moves (simulated shops, truth known)",
        order=39,
        command="python -m benchmarks letters",
        today=now.date(),
        parts=_parts(shops, cost),
        facts={"shops": shops},
    )
    return True


def read_shop(folder: Path, seed: int) -> Shop:
    """Simulate, ingest, build features at the weeks' first midnights, and put the truth beside the letters."""
    simulate(folder / "shop", customers=CUSTOMERS, seed=seed, start=START, days=DAYS)
    home, first = Home.open(folder / "home"), datetime(START.year, START.month, START.day, tzinfo=UTC)
    end = first + timedelta(days=DAYS)
    ingest(home, "simulated", folder / "shop", now=end)
    cutoffs = [end - timedelta(days=7 * week) for week in range(1, LETTERS + 1)]
    build_snapshots(home, cutoffs)
    share = 1 - PARAMETERS.control
    letters = drawn_contacts(home, cutoffs, reach=REACH, response=RESPONSE, share=share, known_by=end)
    return Shop(letters, true_effects(letters, folder / "shop" / "truth"))


def true_effects(letters: DrawnContacts, truth: Path) -> Floats:
    """The true chance of an order with each letter less that without it."""
    table = ds.dataset(sorted(truth.glob("letters-*.parquet"))).to_table()
    known = zip(
        table["customer_id"].to_pylist(), table["planned_at"].cast(TIME).cast(pa.int64()).to_pylist(),
        np.subtract(table["order_chance_with"].to_numpy(), table["order_chance_without"].to_numpy()).tolist(),
        strict=True,
    )  # fmt: skip
    effects = {(who, at): effect for who, at, effect in known}
    at = letters.at.astype("datetime64[us]").astype(np.int64).tolist()
    return np.array([effects[key] for key in zip(letters.rows.customers.tolist(), at, strict=True)])


def figures(shop: Shop) -> dict[str, Any]:
    """What one shop's older letters teach of its newer ones."""
    moments = np.unique(shop.letters.at)
    newer = shop.letters.at >= moments[-JUDGED]
    known, judged, truth = shop.letters.take(~newer), shop.letters.take(newer), shop.effect[newer]
    found: dict[str, Any] = {
        "learned": len(known.rows),
        "controls": int((1 - known.rows.treated).sum()),
        "true_average": float(shop.effect[~newer].mean()),
        "response": {action: _response(known, judged, action) for action in sorted(set(known.actions.tolist()))},
    }
    ranks = score_yardsticks(_filled(known.rows), _filled(judged.rows).inputs, 0)
    try:
        result = train_uplift(known.rows)
    except DataError as error:
        found |= {"claimed": False, "told": str(error)}
    else:
        found |= {"claimed": result.claimed, "told": result.message, "chosen": result.chosen}
        found |= {"average": vars(result.average), "qini": vars(result.qini)}
        ranks = {OURS: result.ranking(judged.rows.inputs)} | ranks
    found["rank_correlation"] = {name: float(spearmanr(told, truth)[0]) for name, told in ranks.items()}
    return found


def _filled(rows: UpliftRows) -> UpliftRows:
    """Absent inputs as 0: the plain logistic takes none."""
    return replace(rows, inputs=np.nan_to_num(rows.inputs))


def _response(known: DrawnContacts, judged: DrawnContacts, action: str) -> dict[str, Any]:
    """Chances of an order by those who were sent the letter: learned from older letters, judged on newer ones."""
    learned, asked = (part.rows.take((part.actions == action) & (part.rows.treated > 0.5)) for part in (known, judged))
    try:
        result = train_response(learned, action)
    except DataError as error:
        return {"told": str(error)}
    p = result.probability(asked)
    return {
        "chosen": result.chosen,
        "letters": len(asked),
        "auc": auc(asked.outcome, p),
        "ece": ece(asked.outcome, p, 5),
        "expected": float(p.mean()),
        "seen": float(asked.outcome.mean()),
    }


def _parts(shops: list[dict[str, Any]], cost: Spent) -> list[dict[str, Any]]:
    methods = list(dict.fromkeys(name for shop in shops for name in shop["rank_correlation"]))
    numbers = [f"shop {place}" for place in range(1, len(shops) + 1)]
    ranks = [
        [f"**{name}**" if name == OURS else name]
        + [f"{shop['rank_correlation'][name]:+.3f}" if name in shop["rank_correlation"] else "" for shop in shops]
        for name in methods
    ]
    rows = [
        ["letters learned from", *(f"{shop['learned']:,} ({shop['controls']} held back)" for shop in shops)],
        ["true average effect", *(f"{shop['true_average']:+.4f}" for shop in shops)],
        ["average effect told", *(_interval(shop.get("average")) for shop in shops)],
        ["Qini of held-out customers", *(_interval(shop.get("qini")) for shop in shops)],
        ["uplift claimed", *("yes" if shop["claimed"] else "no" for shop in shops)],
    ]
    return [
        {
            "text": f"{len(shops)} shops of {CUSTOMERS:,} customers, {DAYS} days; the last {LETTERS} weekly letters, "
            "15 % of each held back by lot. Learned from the older ones, judged on the last "
            f"{JUDGED} by the true effect on the chance of an order in the week, which the log does not tell. Inputs: "
            "those of the churn model as of the week's first midnight, through the feature store, and the offer. "
            f"Took: {cost}."
        },
        {"table": {"columns": ["", *numbers], "rows": rows}},
        {"heading": "Rank correlation of told and true effects, newer letters"},
        {"table": {"columns": ["", *numbers], "rows": ranks}},
        {"heading": "Response per action: chance of an order in the week of a letter sent"},
        _responses(shops),
        {
            "text": f"The simulated effects are small beside what people do anyway, and {CUSTOMERS:,} customers give "
            "few controls: where the table says no, the product says so and keeps the stated prior. A handful of shops "
            "is too little for an interval over shops: no verdicts here. A Qini interval below zero, an order "
            "worse than a lottery, is refused like one around it."
        },
    ]


def _interval(told: dict[str, float] | None) -> str:
    return f"{told['value']:+.4f} [{told['low']:+.4f}, {told['high']:+.4f}]" if told else "refused"


def _responses(shops: list[dict[str, Any]]) -> dict[str, Any]:
    rows = [
        [f"shop {place}, {action}", *_response_cells(found)]
        for place, shop in enumerate(shops, 1)
        for action, found in shop["response"].items()
    ]
    return {"table": {"columns": ["", "chosen", "letters judged", "AUC", "expected", "seen", "ECE"], "rows": rows}}


def _response_cells(found: dict[str, Any]) -> list[str]:
    if "auc" not in found:
        return ["refused", "", "", "", "", ""]
    figures = (f"{found[name]:.3f}" for name in ("auc", "expected", "seen", "ece"))
    return [found["chosen"], f"{found['letters']}", *figures]
