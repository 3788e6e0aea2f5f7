"""The favourites of every customer known at a date, by what the bundle in force knows: the same code that serves."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.columns import CUSTOMER_ID, ITEM_ID, RANK
from features.favourites import DAY, Rhythm, no_later, read_rhythm, run_out, soonest
from features.home import Home
from features.inputs.candidates import ItemTable
from features.inputs.places import places
from pipelines.bundles import current_bundle
from pipelines.retraining.prepare import resolve_as_of
from training.favourites import bought_rows
from training.purchases import load_purchases
from training.retrieval import connect


def score_favourites(home: Home, as_of: datetime | None, k: int, out: Path) -> int:
    """Write (customer_id, rank 1..k, item_id, quantity, runs_out_on, early, late, probability); returns the rows.

    What each customer known at `as_of` (None: the end of the log) is about to run out of, most likely first, with the
    pieces she usually takes; dates are UTC. Stock, and what came back, are looked at where a list is shown. Raises
    `BundleError` if no whole bundle is in force.
    """
    moment = as_of or resolve_as_of(home)
    folder = current_bundle(home)
    table = ItemTable.load(folder / "items.npz")
    rhythm = read_rhythm(folder / "rhythm.json") if (folder / "rhythm.json").exists() else Rhythm()
    with connect(load_purchases(home)) as con:
        rows = bought_rows(con, moment, table)
    found = run_out(rows.bought, moment.timestamp(), rhythm)
    order = soonest(found.probability, rows.bought.last_at, table.item_id[rows.item])
    place = places(rows.customer[order], np.arange(len(order)))
    kept, place = order[place < k], place[place < k]
    turn = np.lexsort((place, rows.customer[kept]))
    kept, place = kept[turn], place[turn]
    scored = pa.table(
        {
            CUSTOMER_ID: pa.array(np.array(rows.customers, object)[rows.customer[kept]], pa.string()),
            RANK: place + 1,
            ITEM_ID: pa.array(table.item_id[rows.item[kept]].tolist(), pa.string()),
            "quantity": found.quantity[kept],
            "runs_out_on": _dates(found.at[kept], moment),
            "early": _dates(found.early[kept], moment),
            "late": _dates(found.late[kept], moment),
            "probability": found.probability[kept],
        }
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(scored, out, compression="zstd")
    return len(scored)


def _dates(moments: np.ndarray, now: datetime) -> pa.Array:
    """The UTC dates of epoch seconds, at most five years ahead."""
    return pa.array(np.floor(no_later(moments, now.timestamp()) / DAY).astype(np.int32), pa.date32())
