"""Contacts of the log that were sent or held back by lot, as rows to learn from: inputs as of a cutoff, and a response.

A contact `sent` is treated; one `released` with the treatment `control` was planned for her and held back by lot.
Other releases (export drop-outs, holds) were not drawn and are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from features.columns import CUSTOMER_ID, EVENT_TIMESTAMP, TIME
from features.errors import DataError
from features.home import Home
from features.inputs.frame import customer_inputs, to_columns
from features.log.event_log import EventLog
from training.metrics import Array
from training.purchases import load_purchases
from training.uplift_learners import UpliftRows

SERVICE = "churn_v1"


@dataclass(frozen=True)
class DrawnContacts:
    """The rows, and of each the action and the moment of the contact (datetime64[us], UTC)."""

    rows: UpliftRows
    actions: Array
    at: Array

    def take(self, rows: Array) -> "DrawnContacts":
        """Some of the rows, by number or mask."""
        return DrawnContacts(self.rows.take(rows), self.actions[rows], self.at[rows])


def drawn_contacts(
    home: Home, cutoffs: Sequence[datetime], *, reach: timedelta, response: timedelta, share: float, known_by: datetime
) -> DrawnContacts:
    """Contacts in `[cutoff, cutoff + reach)` with inputs as of the cutoff, by the moment of the contact.

    The response is a purchase in `[contact, contact + response)`; contacts whose time for it is not over by `known_by`
    are left out. `share` is the stated chance of not being held back. Each cutoff needs its snapshots. An input
    `action_<id>` a kind of contact is added where there are several. Raises `DataError` where no contact is left.
    """
    found = _contacts(home, cutoffs, reach, known_by - response)
    spine = pd.DataFrame({CUSTOMER_ID: found["customer_id"].to_pandas(), EVENT_TIMESTAMP: found["cutoff"].to_pandas()})
    from training.dataset import load_training_set  # Feast: six seconds of import, only where needed

    frame = load_training_set(SERVICE, home=home, spine=spine)
    names, inputs = customer_inputs(to_columns(frame), spine[EVENT_TIMESTAMP].map(datetime.timestamp).to_numpy(float))
    actions = np.array(found["action_id"].to_pylist(), np.str_)
    kinds = sorted(set(actions.tolist()))
    told = np.stack([actions == kind for kind in kinds], axis=1).astype(np.float64)
    several = len(kinds) > 1
    rows = UpliftRows(
        customers=np.array(found["customer_id"].to_pylist(), np.str_),
        inputs=np.hstack([inputs, told]) if several else inputs,
        names=(*names, *(f"action_{kind}" for kind in kinds if several)),
        treated=found["treated"].to_numpy().astype(np.float64),
        outcome=_responded(home, found, response),
        share=np.full(len(found), share),
    )
    return DrawnContacts(rows, actions, found["occurred_at"].to_numpy())


def _contacts(home: Home, cutoffs: Sequence[datetime], reach: timedelta, until: datetime) -> pa.Table:
    with EventLog(home) as log, duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        con.register("cutoffs", pa.table({"cutoff": pa.array(sorted(set(cutoffs)), TIME)}))
        found: pa.Table = con.sql(
            f"""select customer_id, action_id, occurred_at, cutoff, cast(status = 'sent' as double) as treated
                from ({log.scan()}) join cutoffs on occurred_at >= cutoff and occurred_at < cutoff + $1
                where type = 'contact' and customer_id is not null and occurred_at <= $2
                  and (status = 'sent' or (status = 'released' and treatment_id = 'control'))
                order by all""",
            params=[reach, until],
        ).to_arrow_table()
    if not len(found):
        raise DataError(
            f"The log holds no contact sent or held back by lot within {reach} of the {len(cutoffs)} cutoffs. Send "
            "`contact` events, those held back with status released and treatment_id control."
        )
    return found


def _responded(home: Home, contacts: pa.Table, response: timedelta) -> Array:
    """1.0 where she bought in `[contact, contact + response)`."""
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        con.register("contacts", contacts.append_column("place", pa.array(np.arange(len(contacts)))))
        con.register("lines", load_purchases(home))
        rows = con.sql(
            """select distinct place from contacts c join lines l on l.customer_id = c.customer_id
               and l.occurred_at >= c.occurred_at and l.occurred_at < c.occurred_at + $1""",
            params=[response],
        ).fetchnumpy()
    found = np.zeros(len(contacts))
    found[rows["place"]] = 1.0
    return found
