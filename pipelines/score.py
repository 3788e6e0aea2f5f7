"""Scores of every customer known at a date, by the bundle in force: the same code that serves, on whole batches."""

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.columns import CHURN_PROBABILITY, CUSTOMER_ID, ITEM_ID, RANK, SCORE
from features.feature_store.snapshots import BATCH
from features.home import Home
from features.inputs.candidates import Histories, ItemTable
from features.inputs.frame import customer_inputs, to_columns
from features.inputs.scoring import next_items, read_model
from pipelines.bundles import current_bundle
from pipelines.materialize import build_snapshots
from pipelines.retraining.prepare import resolve_as_of
from serving.bundle import load
from serving.core.actions import EXPECTED_VALUE, SECOND_PURCHASE_PROBABILITY
from training.purchases import load_purchases
from training.retrieval import connect, histories

CUSTOMERS_AT_ONCE = 1000


def score_churn(home: Home, as_of: datetime | None, out: Path) -> int:
    """Write (customer_id, churn_probability) for every customer known at `as_of`; returns how many.

    Where the bundle has the models also second_purchase_probability, absent but of those with one order, and
    expected_value, value_low, value_high in minor units, absent of those who never bought. `as_of` None: the end of the
    log. Raises `BundleError` if no whole bundle is in force.
    """
    from training.dataset import load_training_set  # Feast: six seconds of import, only where needed

    moment = as_of or resolve_as_of(home)
    bundle = load(current_bundle(home))
    build_snapshots(home, [moment])
    frame = load_training_set("churn_v1", home=home, cutoffs=[moment])
    frame = frame.sort_values(CUSTOMER_ID, kind="stable").reset_index(drop=True)
    names, inputs = customer_inputs(to_columns(frame), np.full(len(frame), moment.timestamp()))
    columns = {CHURN_PROBABILITY: bundle.churn_model.probability(inputs, names)}
    if bundle.second_purchase_model is not None:
        columns[SECOND_PURCHASE_PROBABILITY] = bundle.second_purchase(inputs, names)
    if bundle.value_model is not None:
        columns |= dict(zip((EXPECTED_VALUE, "value_low", "value_high"), bundle.value(inputs, names).T, strict=True))
    known = {name: pa.array(values, from_pandas=True) for name, values in columns.items()}
    table = pa.table({CUSTOMER_ID: pa.array(frame[CUSTOMER_ID], pa.string())} | known)
    _write(table, out)
    return len(table)


def score_offers(home: Home, as_of: datetime | None, k: int, out: Path) -> int:
    """Write (customer_id, rank 1..k, item_id, score) for every customer known at `as_of`; returns the rows.

    `score` is the probability that she buys the item within the bundle's offer window. Someone without purchases gets
    what is popular. Raises `BundleError` if no whole bundle is in force.
    """
    moment = as_of or resolve_as_of(home)
    folder = current_bundle(home)
    model, table = read_model(folder, "ranker"), ItemTable.load(folder / "items.npz")
    (batch,) = build_snapshots(home, [moment], kinds=[BATCH])
    known = [who for file in batch.files for who in pq.read_table(file, columns=[CUSTOMER_ID])[CUSTOMER_ID].to_pylist()]
    with connect(load_purchases(home)) as con:
        buyers, bought = histories(con, moment, table)
    place = {customer: row for row, customer in enumerate(buyers)}
    everyone = _with_strangers(bought, np.array([place.get(customer, -1) for customer in known], np.int64))
    parts = []
    for first in range(0, len(known), CUSTOMERS_AT_ONCE):
        rows = np.arange(first, min(first + CUSTOMERS_AT_ONCE, len(known)))
        ranked = next_items(model, table, everyone.take(rows), np.full(len(rows), moment.timestamp()), k)
        lengths = [len(items) for items in ranked.items]
        parts.append(
            pa.table(
                {
                    CUSTOMER_ID: pa.array(np.repeat(np.array(known, object)[rows], lengths), pa.string()),
                    RANK: np.concatenate([np.arange(1, n + 1) for n in lengths]).astype(np.int64),
                    ITEM_ID: pa.array(table.item_id[np.concatenate(ranked.items)].tolist(), pa.string()),
                    SCORE: np.concatenate(ranked.probabilities),
                }
            )
        )
    scored = pa.concat_tables(parts)
    _write(scored, out)
    return len(scored)


def bundle_manifest(home: Home) -> dict[str, object]:
    """The manifest of the bundle in force."""
    found: dict[str, object] = json.loads((current_bundle(home) / "manifest.json").read_text("utf-8"))
    return found


def _with_strangers(bought: Histories, rows: np.ndarray) -> Histories:
    """Histories in the given order; -1 is somebody who bought nothing."""
    n = len(bought)
    nothing = Histories(
        start=np.append(bought.start, bought.start[-1]),
        item=bought.item,
        count=bought.count,
        last_at=bought.last_at,
        first_at=bought.first_at,
        orders=np.append(bought.orders, 0.0),
        first_order_at=np.append(bought.first_order_at, np.nan),
        last_order_at=np.append(bought.last_order_at, np.nan),
    )
    return nothing.take(np.where(rows < 0, n, rows))


def _write(table: pa.Table, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, out, compression="zstd")
