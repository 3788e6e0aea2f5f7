"""What the models of people are measured on: a shop's file as inputs at any cutoff, and what followed it.

The inputs are the product's, from its event log through its feature snapshots; the truth is counted straight from the
source's events, as the yardsticks count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from benchmarks.main_job import Case
from benchmarks.purchases import Purchases, read_purchases
from benchmarks.yardsticks.churn import churned
from features.columns import CUSTOMER_ID, EVENT_TIMESTAMP
from features.home import Home
from features.inputs.frame import customer_inputs, to_columns
from training.metrics import Array
from training.people import Rows


@dataclass(frozen=True)
class People:
    """Everybody who had bought by each of some cutoffs, with the product's inputs; and all purchases."""

    purchases: Purchases
    groups: dict[datetime, Rows]  # truth: 1 for no purchase in the horizon
    names: list[str]
    horizon_days: int

    def spend(self, cutoff: datetime) -> Rows:
        """The same customers; the truth is what they spend in the horizon, in minor units."""
        group = self.groups[cutoff]
        paid = self.purchases.within(cutoff, self.horizon_days).groupby("customer")["paid"].sum()
        spent = paid.reindex(self.numbers(group.customers), fill_value=0.0).to_numpy(np.float64)
        return Rows(group.cutoff, group.customers, group.inputs, spent)

    def numbers(self, customers: Array) -> Array:
        """Numbers of `purchases` of the customers."""
        return np.searchsorted(self.purchases.customer_ids.astype(str), customers.astype(str))


def read_people(folder: Path, case: Case, path: Path, cutoffs: Sequence[datetime], *, now: datetime) -> People:
    """Ingest the file into a home in `folder` and make the inputs of everybody at each cutoff."""
    from pipelines.ingest import ingest
    from pipelines.materialize import build_snapshots
    from training.dataset import load_training_set

    home = Home.open(folder)
    ingest(home, case.name, path, now=now, progress=None)
    moments = sorted(set(cutoffs))
    build_snapshots(home, moments)
    frame = load_training_set("churn_v1", home=home, cutoffs=moments)
    frame = frame[frame["last_purchase_at"].notna()].sort_values([EVENT_TIMESTAMP, CUSTOMER_ID], kind="stable")
    purchases = read_purchases(case.source.batches(path))
    found = People(purchases, {}, [], case.horizon_days)
    for cutoff in moments:
        rows = frame[frame[EVENT_TIMESTAMP] == cutoff].reset_index(drop=True)
        names, inputs = customer_inputs(to_columns(rows), np.full(len(rows), cutoff.timestamp()))
        customers = rows[CUSTOMER_ID].astype(str).to_numpy(dtype=np.str_)
        left = churned(purchases, found.numbers(customers), cutoff, case.horizon_days).astype(np.float64)
        found.groups[cutoff] = Rows(cutoff, customers, inputs, left)
        found.names[:] = names
    return found
