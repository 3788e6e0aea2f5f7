"""Whether texts tell who is unhappy with the shop: the simulator's state of mind, not the score she gave.

The model learns from texts with scores known by a week's first midnight; every text of the weeks after it is judged, by
how its writer truly stood with the shop that week. One letter's text is about one order; her mind is about everything.
"""

from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow.parquet as pq

from benchmarks.comparison import OURS
from benchmarks.truth.worlds import BEGIN, Known, midnight
from features.customer.scales import scale_of, unit_score
from features.inputs.satisfaction import Satisfaction
from features.log.event_log import EventLog
from pipelines.shop.arrays import Flags, Floats, Ints
from pipelines.shop.parameters import PARAMETERS
from training.dissatisfaction import train_dissatisfaction
from training.metrics import auc
from training.params import DissatisfactionParams
from training.rated_texts import facts_of, load_rated_texts

UNHAPPY = -float(np.log(2)) / PARAMETERS.dropout_by_satisfaction
"""Satisfaction at which the hazard of leaving for good is twice that of satisfaction 0."""
BEHIND_SCORE = 0.05
"""AUC by which the text may order minds worse than the score its writer gave: less, and they count as recovered."""
SEEDS, SCORE = "seed words", "the score she gave"
MOST_TEXTS = 100_000


@dataclass(frozen=True)
class Judged:
    """Texts after the week, `[n]` each; `scored` is NaN where she gave no score, else 0 (best) to 1 (worst)."""

    unhappy: Flags
    told: Floats
    seeds: Floats
    scored: Floats
    holds_from: float | None
    learned: int
    chosen: str


def judge(shop: Known, week: int) -> Judged:
    """Learn from what was rated by the week's first midnight, judge what was written after it."""
    params = DissatisfactionParams()
    rated = load_rated_texts(shop.home, midnight(week), params.most_texts)
    result = train_dissatisfaction(rated, params)
    with EventLog(shop.home) as log:
        rows = _written(log, week)
        facts = facts_of(log, rows) if result.model.needs_facts else None
    texts = [str(row["text"]) for row in rows]
    return Judged(
        unhappy=_minds(shop, rows) < UNHAPPY,
        told=np.asarray(result.model.model.probability(texts, facts), np.float64),
        seeds=np.asarray(Satisfaction().probability(texts), np.float64),
        scored=np.array([_badness(row) for row in rows]),
        holds_from=result.model.holds_from,
        learned=len(rated),
        chosen=result.chosen,
    )


def figures(found: Judged) -> dict[str, Any]:
    """AUC by mind of the model, the seed words and, where there is one, the score; errors at the model's threshold."""
    unhappy, rated = found.unhappy.astype(np.float64), ~np.isnan(found.scored)
    told: dict[str, Any] = {
        "learned": found.learned,
        "chosen": found.chosen,
        "texts": len(unhappy),
        "rated": int(rated.sum()),
        "unhappy": float(unhappy.mean()),
        "auc": {OURS: auc(unhappy, found.told), SEEDS: auc(unhappy, found.seeds)},
        "auc_of_rated": {
            OURS: auc(unhappy[rated], found.told[rated]),
            SEEDS: auc(unhappy[rated], found.seeds[rated]),
            SCORE: auc(unhappy[rated], found.scored[rated]),
        },
    }
    if found.holds_from is not None:
        held = found.told >= found.holds_from
        told |= {"holds_from": found.holds_from, "missed": float((~held[found.unhappy]).mean())}
        told |= {"needless": float(held[~found.unhappy].mean())}
    return told | {"recovered": is_recovered(told["auc_of_rated"])}


def is_recovered(rated: dict[str, float]) -> bool:
    """The text orders minds hardly worse than the score does, from which it learned.

    >>> is_recovered({OURS: 0.66, SCORE: 0.7}), is_recovered({OURS: 0.6, SCORE: 0.7})
    (True, False)
    """
    return rated[OURS] >= rated[SCORE] - BEHIND_SCORE


def _written(log: EventLog, week: int) -> list[dict[str, Any]]:
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        found: list[dict[str, Any]] = (
            con.sql(
                f"""select customer_id as who, occurred_at, received_at, kind, score, scale_min, scale_max,
                      higher_is_better, text
                    from ({log.scan()}) where type = 'feedback' and trim(coalesce(text, '')) <> ''
                      and occurred_at >= $1 and customer_id is not null
                    order by occurred_at, event_id limit {MOST_TEXTS}""",
                params=[midnight(week)],
            )
            .to_arrow_table()
            .to_pylist()
        )
    return found


def _minds(shop: Known, rows: list[dict[str, Any]]) -> Floats:
    """Each writer's satisfaction in the week she wrote."""
    (file,) = sorted(shop.truth.glob("satisfaction-*.parquet"))
    table = pq.read_table(file)
    place = {name: number for number, name in enumerate(table["customer_id"].to_pylist())}
    minds = np.array(table["satisfaction"].to_pylist())
    who: Ints = np.array([place[row["who"]] for row in rows])
    week: Ints = np.array([(row["occurred_at"] - BEGIN).days // 7 for row in rows])
    return np.asarray(minds[who, week])


def _badness(row: dict[str, Any]) -> float:
    if row["score"] is None:
        return float("nan")
    scale = scale_of(row["kind"], row["scale_min"], row["scale_max"], row["higher_is_better"])
    return 1 - float(unit_score(row["score"], scale))
