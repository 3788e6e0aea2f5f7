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


_DAY, _US = timedelta(days=1), timedelta(microseconds=1)
_EDGES = [c - days * _DAY for c in CUTOFFS for days in (0, 28, 30, 90, 180, 275, 365, 640, 730)]
_MOMENTS = st.one_of(
    st.sampled_from(_EDGES),
    st.sampled_from([edge - _US for edge in _EDGES]),
    st.integers(-800, 60).map(lambda day: T + timedelta(days=day, hours=5)),
    st.integers(-60, 60).map(lambda day: T + timedelta(days=day, hours=5)),
    st.integers(-400 * 86_400_000_000, 60 * 86_400_000_000).map(lambda us: T + timedelta(microseconds=us)),
)
_LAGS = st.sampled_from([0 * _DAY, 0 * _DAY, timedelta(hours=3), 9 * _DAY, 500 * _DAY, timedelta(minutes=-4)])
_WHO = st.one_of(
    st.sampled_from(CUSTOMERS).map(lambda c: {"customer_id": c}),
    st.sampled_from(VISITORS).map(lambda v: {"customer_id": None, "anonymous_id": v}),
)


def _one(event_type: str, **fields: list[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A body of the type whose fields take one of the given values each."""
    drawn = {name: st.sampled_from(values) for name, values in fields.items()}
    return st.fixed_dictionaries({"type": st.just(event_type), **drawn})


_LINE = st.fixed_dictionaries(
    {
        "item_id": st.sampled_from(ITEMS),
        "quantity": st.integers(1, 3),
        "unit_price": st.integers(0, 500),
        "discount": st.sampled_from([None, 0, 7]),
        "offer_id": st.sampled_from([None, None, "autumn"]),
    }
)
_BACK = st.fixed_dictionaries(
    {
        "item_id": st.sampled_from(ITEMS),
        "quantity": st.sampled_from([1, 2]),
        "amount": st.sampled_from([None, 5, 9]),
    }
)
_BODIES = st.one_of(
    st.fixed_dictionaries({"type": st.just("purchase"), "lines": st.lists(_LINE, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"type": st.just("purchase"), "lines": st.lists(_LINE, min_size=1, max_size=1)}),
    st.fixed_dictionaries({"type": st.just("return"), "lines": st.lists(_BACK, min_size=1, max_size=2)}),
    _one(
        "browse",
        action=["view", "search", "cart_add", "cart_add", "cart_remove", "wishlist", "checkout_start"],
        item_id=[None, *ITEMS],
        session_id=["s1", "s2"],
        result_count=[None, 0, 4],
    ),
    _one(
        "feedback",
        kind=["rating", "nps", "ces", "comment", "complaint"],
        score=[None, 1.0, 2.0, 4.5, 5.0],
        scale_max=[None, 9.0],
        higher_is_better=[None, True, False],
    ),
    st.builds(
        lambda body, promised: body | {"promised_at": promised},
        _one(
            "delivery",
            order_id=["o1", "o2", "o3"],
            status=["promised", "shipped", "delayed", "delivered", "failed", "cancelled"],
        ),
        st.one_of(st.none(), _MOMENTS),
    ),
    _one(
        "case",
        case_id=["k1", "k2"],
        kind=["return", "complaint", "complaint", "question"],
        status=["opened", "customer_asked", "waiting_customer", "resolved", "closed", "reopened", "cancelled"],
    ),
    _one("friction", kind=["failed_checkout", "out_of_stock", "payment_error", "long_wait"]),
    _one("contact", status=["sent", "impression", "click", "accept", "dismiss"], channel=["email", "web", "app"]),
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
