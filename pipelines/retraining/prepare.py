"""The first step: live events to the lake, purchases, sessions, and feature snapshots at the cutoffs."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.errors import DataError
from features.home import Home
from features.log.event_log import EventLog
from pipelines.materialize import build_snapshots
from pipelines.retraining.sessions import write_views
from training.labels import horizon_days
from training.params import Params
from training.purchases import load_purchases
from training.report import write_json
from training.retrieval import connect
from training.short_history import is_short
from training.split import cutoffs


def resolve_as_of(home: Home, text: str = "auto") -> datetime:
    """A date as its 00:00 UTC; "auto" is the 00:00 UTC after the newest purchase, so that nothing known is left out."""
    if text != "auto":
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    newest: datetime = pc.max(load_purchases(home)["occurred_at"]).as_py()
    return (newest + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


def prepare(home: Home, as_of: datetime | None, params: Params) -> None:
    """Live events to the lake, feature snapshots at the churn cutoffs; writes
    purchases.parquet, prepared.json and snapshots.json.
    """
    with EventLog(home) as log:
        log.flush_live()
        fingerprint = log.fingerprint()
    moment = as_of or resolve_as_of(home, params.as_of)
    lines = load_purchases(home)
    known = pc.and_(
        pc.less(lines["occurred_at"], pa.scalar(moment, lines.schema.field("occurred_at").type)),
        pc.less_equal(lines["received_at"], pa.scalar(moment, lines.schema.field("received_at").type)),
    )
    lines = lines.filter(known)
    if not len(lines):
        raise DataError(f"No purchase was known by {moment:%Y-%m-%d}. Ingest events, or train as of a later date.")
    first: datetime = pc.min(lines["occurred_at"]).as_py()
    with connect(lines) as con:
        told = params.churn.horizon_days
        horizon = horizon_days(con, moment) if told == "auto" else told
    churn = cutoffs(
        moment, first, window_days=horizon, step_days=params.churn.step_days,
        count=params.churn.cutoffs, min_history_days=params.churn.min_history_days,
    )  # fmt: skip
    window = params.next_offer.window_days
    offers = cutoffs(
        moment, first, window_days=window, step_days=window,
        count=params.next_offer.cutoffs, min_history_days=params.next_offer.min_history_days,
    )  # fmt: skip
    young = [moment] if is_short(first, churn[0], horizon) else []
    snapshots = build_snapshots(home, [*churn, *young])
    write_views(home, moment)
    home.models.mkdir(parents=True, exist_ok=True)
    pq.write_table(lines, home.models / "purchases.parquet", compression="zstd")
    write_json(
        home.models / "prepared.json",
        {
            "as_of": moment.isoformat(),
            "as_of_named": as_of is not None or params.as_of != "auto",
            "horizon_days": horizon,
            "churn_cutoffs": [c.isoformat() for c in churn],
            "level_drawn_at": [c.isoformat() for c in young],
            "offer_cutoffs": [c.isoformat() for c in offers],
            "offer_window_days": window,
            "log_fingerprint": fingerprint,
        },
    )
    # Apart, because only what learns from snapshots need notice that a feature changed.
    write_json(
        home.models / "snapshots.json", {f"{s.kind} {s.cutoff:%Y-%m-%d}": s.manifest.fingerprint for s in snapshots}
    )
