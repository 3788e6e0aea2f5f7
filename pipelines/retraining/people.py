"""The rows that models of people learn from: inputs of Feast's join, and what each customer did after the cutoff."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.catalogue import load_items
from features.columns import CUSTOMER_ID, EVENT_TIMESTAMP
from features.home import Home
from features.inputs.frame import customer_inputs, to_columns
from pipelines.retraining.files import prepared_of
from training.earnings import Earnings, brought, earnings_of
from training.labels import lapsed
from training.languages import load_languages
from training.learners import Matrix
from training.metrics import Array, Floats
from training.people import Rows
from training.retrieval import connect
from training.split import drawn


@dataclass(frozen=True)
class PeopleRows:
    """Everybody who had bought by each cutoff, newest first: the truth of `groups` is 1 for no purchase in the horizon.

    `brought` is what the same customers brought in it, minor units; `today` are the inputs of everybody as of training,
    where history is short.
    """

    groups: list[Rows]
    names: list[str]
    horizon_days: int
    brought: list[Floats]
    earnings: Earnings
    today: Matrix | None


class People:
    """The rows of a data folder, read once, when first asked for."""

    def __init__(self, home: Home, most: int) -> None:
        self.home, self.most = home, most

    @cached_property
    def rows(self) -> PeopleRows:
        """prepared.json, purchases.parquet and the snapshots as rows, of at most so many customers."""
        return load_people(self.home, self.most)


def load_people(home: Home, most: int) -> PeopleRows:
    """prepared.json, purchases.parquet and the snapshots as rows; of more than `most` customers so many by lot."""
    from training.dataset import load_training_set  # Feast: six seconds of import, only where needed

    prepared = prepared_of(home)
    as_of, horizon = datetime.fromisoformat(prepared["as_of"]), int(prepared["horizon_days"])
    moments = [datetime.fromisoformat(c) for c in prepared["churn_cutoffs"]]
    young = [datetime.fromisoformat(c) for c in prepared["level_drawn_at"]]
    frame = load_training_set("churn_v1", home=home, cutoffs=[*moments, *young])
    frame = frame[frame["last_purchase_at"].notna()].sort_values([EVENT_TIMESTAMP, CUSTOMER_ID], kind="stable")
    frame = frame[drawn(frame[CUSTOMER_ID].astype(str).to_numpy(dtype=np.str_), most)]
    earnings = earnings_of(load_items(home, as_of), pq.read_table(home.models / "purchases.parquet"))
    groups, amounts = [], []
    with connect(earnings.lines) as con:
        for cutoff in moments:
            rows = frame[frame[EVENT_TIMESTAMP] == cutoff].reset_index(drop=True)
            names, inputs = customer_inputs(to_columns(rows), np.full(len(rows), cutoff.timestamp()))
            customers = rows[CUSTOMER_ID].astype(str).to_numpy(dtype=np.str_)
            truth = lapsed(con, customers.tolist(), cutoff, horizon, as_of)
            groups.append(Rows(cutoff, customers, inputs, truth))
            amounts.append(brought(con, customers.tolist(), cutoff, horizon, as_of))
    today = None
    for moment in young:
        rows = frame[frame[EVENT_TIMESTAMP] == moment]
        today = customer_inputs(to_columns(rows), np.full(len(rows), moment.timestamp()))[1]
    return PeopleRows(groups, names, horizon, amounts, earnings, today)


def write_evidence(folder: Path, home: Home, rows: Rows, names: list[str], told: dict[str, Array]) -> None:
    """evidence.parquet: of each customer of the validation window what was `told` of her, who she is, and her inputs.

    `orders` by the cutoff, `language` ("" where unknown), `browses`: whether any browsing of hers is known.
    """
    columns: dict[str, Any] = {
        CUSTOMER_ID: rows.customers.tolist(),
        "truth": rows.truth,
        **told,
        "orders": np.expm1(rows.inputs[:, names.index("log_purchase_count_total")]).round(),
        "language": load_languages(home, rows.customers, rows.cutoff),
        "browses": ~np.isnan(rows.inputs[:, names.index("browse_age_days")]),
    }
    inputs = {f"input_{name}": rows.inputs[:, j] for j, name in enumerate(names)}
    pq.write_table(pa.table(columns | inputs), folder / "evidence.parquet", compression="zstd")
