"""State snapshots on Spark: the parts of each draft, from the lake's events, by `features/.../spark_state.py`."""

from collections.abc import Sequence
from pathlib import Path

from features.columns import CUSTOMER_ID, EVENT_SCHEMA, EVENT_TIMESTAMP
from features.customer.hold_rules import HoldRules
from features.customer.incidents import Incident
from features.feature_store.engines.spark import SparkEngine
from features.feature_store.engines.spark_state import STATE_SCHEMA, state_frame
from features.feature_store.snapshots import Snapshot
from features.log.event_log import LINK_SCHEMA, EventLog
from features.log.kept_browsing import KEPT_SCHEMA, write_kept_browsing

_ONLY = STATE_SCHEMA.empty_table().select([CUSTOMER_ID]).schema
_MEMBERS = STATE_SCHEMA.empty_table().select([CUSTOMER_ID, EVENT_TIMESTAMP]).schema


def write_states(
    log: EventLog,
    engine: SparkEngine,
    scratch: Path,
    batches: Sequence[Snapshot],
    drafts: Sequence[Path],
    rules: HoldRules,
    incidents: Sequence[Sequence[Incident]],
    *,
    only: Path | None = None,
    before: Snapshot | None = None,
) -> None:
    """Fill `drafts` with the states of the members of `batches`, each customer's facts brought together once.

    `incidents` are those known at each of the batches. With `only`, a folder of customer_id, just those are folded and
    the rows of others copied from `before`. `scratch` is an empty folder that all of Spark's machines see.
    """
    told, links, kept = scratch / "states", scratch / "links.parquet", scratch / "browsing.parquet"
    log.write_links(links)
    write_kept_browsing(log.home, kept)
    chosen = None if only is None else engine.read(sorted(only.glob("*.parquet")), _ONLY.empty_table())
    files = [file for batch in batches for file in batch.files]
    members = engine.read(files, _MEMBERS.empty_table())
    if chosen is not None:
        members = members.join(chosen, CUSTOMER_ID, "left_semi")
    states = state_frame(
        engine.read(log.files(), EVENT_SCHEMA.empty_table()),
        engine.read([links], LINK_SCHEMA.empty_table()),
        members,
        rules=rules,
        incidents={batch.cutoff: known for batch, known in zip(batches, incidents, strict=True)},
        browsing=engine.read([kept], KEPT_SCHEMA.empty_table()),
    )
    told.mkdir()
    engine.write_frame(states, told)
    found = engine.read(sorted(told.glob("*.parquet")), STATE_SCHEMA.empty_table())
    for batch, draft in zip(batches, drafts, strict=True):
        rows = found.where(found[EVENT_TIMESTAMP] == batch.cutoff)
        if chosen is not None and before is not None:
            old = engine.read(before.files, STATE_SCHEMA.empty_table())
            rows = rows.unionByName(old.join(chosen, CUSTOMER_ID, "left_anti"))
        engine.write_frame(rows, draft, order_by=[CUSTOMER_ID])
