"""Fingerprints of all that a snapshot is made of: events and links known at its cutoff, items, code and rules."""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.compute as pc

import features
from features.columns import TIME
from features.customer.hold_rules import HoldRules

CODE = (
    "columns customer/case_course customer/coverage customer/delivery_course customer/draft customer/fold "
    "customer/fold_handlers customer/hold_rules customer/hold_spans customer/holds customer/incidents customer/ledger "
    "customer/journey customer/scales customer/span customer/spans_of_cases customer/spans_of_incidents "
    "customer/spans_of_signals customer/state "
    "customer/state_features customer/state_history customer/view customer/view_parts errors events facts "
    "feature_store/batch feature_store/batch_features feature_store/batch_relations feature_store/online/records "
    "home instants"
)
"""Modules of `features` that snapshots depend on; a test compares it with their imports."""


class Fingerprints:
    """One fingerprint a cutoff. What was learned after a cutoff does not change it."""

    def __init__(self, connection: Any, events: Any, links: pa.Table, catalogue: Path, rules: HoldRules) -> None:
        self._connection, self._events, self._links = connection, events, links
        folder = Path(features.__file__).parent
        digest = hashlib.sha256(repr(rules).encode())
        for name in CODE.split():
            digest.update((folder / f"{name}.py").read_bytes())
        if catalogue.exists():
            digest.update(catalogue.read_bytes())
        self._fixed = digest.hexdigest()
        self._by_cutoff: dict[datetime, str] = {}
        self._rows: dict[datetime, int] = {}

    def at(self, cutoff: datetime) -> str:
        """The fingerprint of a snapshot at `cutoff`, were it made now."""
        if cutoff not in self._by_cutoff:
            told = [self._fixed, *self._events_at(cutoff), self._links_known(cutoff)]
            self._by_cutoff[cutoff] = hashlib.sha256(repr(told).encode()).hexdigest()
        return self._by_cutoff[cutoff]

    def events_known(self, cutoff: datetime) -> int:
        """How many events were known at `cutoff`."""
        self.at(cutoff)
        return self._rows[cutoff]

    def _events_at(self, cutoff: datetime) -> tuple[int, int]:
        at = ibis.literal(cutoff)
        known = self._events.filter(self._events.occurred_at <= at, self._events.received_at <= at)
        told = known.agg(rows=known.count(), mixed=known.event_id.hash().bit_xor())
        row = self._connection.to_pyarrow(told).to_pylist()[0]
        self._rows[cutoff] = row["rows"]
        return row["rows"], row["mixed"]

    def _links_known(self, cutoff: datetime) -> list[Any]:
        moment = pa.scalar(cutoff, TIME)
        known = self._links.filter(pc.less_equal(self._links["linked_at"], moment))
        ended = pc.if_else(pc.less_equal(known["unlinked_at"], moment), known["unlinked_at"], pa.scalar(None, TIME))
        columns = (known["anonymous_id"], known["customer_id"], known["linked_at"].cast("int64"), ended.cast("int64"))
        return sorted(map(repr, zip(*(column.to_pylist() for column in columns), strict=True)))
