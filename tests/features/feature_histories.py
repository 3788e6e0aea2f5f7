"""Small shop histories for tests: events made by hand or by Hypothesis, and Parquet files of them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from features.columns import EVENT_SCHEMA
from features.instants import from_us, to_us
from features.log.event_log import LINK_SCHEMA
from features.log.identity import IdentityEvent, link_history

T = datetime(2024, 6, 1, tzinfo=UTC)
CUTOFFS = [T - timedelta(days=60), T, T + timedelta(days=45)]
CUSTOMERS, VISITORS, ITEMS = ["ada", "bea", "cid"], ["v1", "v2"], ["boot", "hat", "mug", "tea"]
CATALOGUE = pa.table(
    {
        "item_id": ["boot", "hat", "hat", "mug"],
        "category": ["shoes/winter", "hats", "shoes", "kitchen/mugs"],
        "valid_from": pa.array([None, None, T - timedelta(days=10), T + timedelta(days=1)], pa.timestamp("us", "UTC")),
        "valid_to": pa.array([None, T - timedelta(days=10), None, None], pa.timestamp("us", "UTC")),
    }
)


def event(event_type: str, customer: str | None, at: datetime, number: int | str = 0, **fields: Any) -> dict[str, Any]:
    """One flat event row; received when it occurred unless told otherwise."""
    told = {"event_id": f"e{number}", "type": event_type, "customer_id": customer, "occurred_at": at, "received_at": at}
    return told | {"channel": "web", "source": "test", "schema_version": 1} | fields


def purchase(
    customer: str | None, at: datetime, number: int | str, *lines: dict[str, Any], **more: Any
) -> dict[str, Any]:
    """A purchase of the lines, or of one hat for 10.00."""
    bought = list(lines) or [{"item_id": "hat", "quantity": 1, "unit_price": 1000}]
    return event("purchase", customer, at, number, order_id=f"o{number}", currency="EUR", lines=bought, **more)


def table(rows: Iterable[dict[str, Any]]) -> pa.Table:
    """Rows as a table of `EVENT_SCHEMA`."""
    return pa.Table.from_pylist(list(rows), schema=EVENT_SCHEMA)


def links(rows: Iterable[dict[str, Any]]) -> pa.Table:
    """The links that the identity events among `rows` tell of, as the event log keeps them."""
    told: dict[str, list[IdentityEvent]] = {}
    for row in rows:
        if row["type"] == "identity":
            visitor, at, heard = row["anonymous_id"], to_us(row["occurred_at"]), to_us(row["received_at"])
            one = IdentityEvent(visitor, at, row["event_id"], heard, row["action"], row["customer_id"])
            told.setdefault(visitor, []).append(one)
    known = [link for events in told.values() for link in link_history(events)]
    moments = [
        (from_us(link.linked_at), None if link.unlinked_at is None else from_us(link.unlinked_at)) for link in known
    ]
    spans = [
        {"anonymous_id": link.external_id, "customer_id": link.customer_id, "linked_at": start, "unlinked_at": end}
        for link, (start, end) in zip(known, moments, strict=True)
    ]
    return pa.Table.from_pylist(spans, schema=LINK_SCHEMA)


def parquet(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    """Rows as a Parquet file of `EVENT_SCHEMA`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table(rows), path)
    return path


_EDGES = [c - timedelta(days=d) for c in CUTOFFS for d in (0, 28, 30, 90, 365)]
_MOMENTS = st.one_of(
    st.sampled_from(_EDGES),
    st.sampled_from([edge - timedelta(microseconds=1) for edge in _EDGES]),
    st.integers(-400, 60).map(lambda day: T + timedelta(days=day, hours=5)),
    st.integers(-400 * 86_400_000_000, 60 * 86_400_000_000).map(lambda us: T + timedelta(microseconds=us)),
)
_LAGS = st.sampled_from([timedelta(0), timedelta(0), timedelta(hours=3), timedelta(days=9), timedelta(minutes=-4)])
_WHO = st.one_of(
    st.sampled_from(CUSTOMERS).map(lambda c: {"customer_id": c}),
    st.sampled_from(VISITORS).map(lambda v: {"customer_id": None, "anonymous_id": v}),
)
_LINE = st.fixed_dictionaries(
    {
        "item_id": st.sampled_from(ITEMS),
        "quantity": st.integers(1, 3),
        "unit_price": st.integers(0, 500),
        "discount": st.sampled_from([None, 0, 7]),
    }
)
_BODIES = st.one_of(
    st.fixed_dictionaries({"type": st.just("purchase"), "lines": st.lists(_LINE, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"type": st.just("purchase"), "lines": st.lists(_LINE, min_size=1, max_size=1)}),
    st.fixed_dictionaries(
        {
            "type": st.just("return"),
            "lines": st.lists(st.fixed_dictionaries({"amount": st.sampled_from([None, 5, 9])}), min_size=1, max_size=2),
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("browse"),
            "action": st.sampled_from(["view", "search", "cart_add", "wishlist"]),
            "session_id": st.sampled_from(["s1", "s2"]),
            "result_count": st.sampled_from([None, 0, 4]),
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("feedback"),
            "kind": st.sampled_from(["rating", "nps", "ces", "comment"]),
            "score": st.sampled_from([None, 1.0, 2.0, 4.5, 5.0]),
            "scale_max": st.sampled_from([None, 9.0]),
            "higher_is_better": st.sampled_from([None, True, False]),
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("delivery"),
            "order_id": st.sampled_from(["o1", "o2", "o3"]),
            "status": st.sampled_from(["promised", "delayed", "delivered", "cancelled"]),
            "promised_at": st.one_of(st.none(), _MOMENTS),
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("contact"),
            "status": st.sampled_from(["sent", "click", "accept"]),
            "channel": st.sampled_from(["email", "web"]),
        }
    ),
)
_LINKS = st.fixed_dictionaries(
    {
        "type": st.just("identity"),
        "action": st.sampled_from(["link", "link", "unlink"]),
        "customer_id": st.sampled_from(CUSTOMERS),
        "anonymous_id": st.sampled_from(VISITORS),
    }
)


@st.composite
def _rows(draw: st.DrawFn) -> dict[str, Any]:
    body = draw(st.one_of(_BODIES, _BODIES, _BODIES, _BODIES, _LINKS))
    who = {} if body["type"] == "identity" else draw(_WHO)
    at = draw(_MOMENTS)
    return {"occurred_at": at, "received_at": at + draw(_LAGS)} | who | body


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Up to forty events around the cutoffs: on their edges, late, in the future, anonymous, linked and unlinked."""
    rows = draw(st.lists(_rows(), min_size=12, max_size=40))
    fixed = {"channel": "web", "source": "test", "schema_version": 1, "currency": "EUR"}
    return [fixed | {"order_id": f"o{n}"} | row | {"event_id": f"e{n:03}"} for n, row in enumerate(rows)]
