"""Batch features against an oracle in plain Python, on the edges of windows, late, anonymous and future events."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batched_histories import batched_histories
from feature_histories import CATALOGUE, CUTOFFS, T, event, histories, links, purchase, table
from feature_oracle import features_at
from hypothesis import HealthCheck, given, settings

from features.columns import EVENT_SCHEMA
from features.feature_store.batch import BATCH_FEATURES, compute
from features.feature_store.batch_relations import KNOWING_TYPES
from features.home import Home
from features.log.event_log import LINK_SCHEMA, EventLog

Computed = dict[tuple[str, Any], dict[str, Any]]
FEW = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


@pytest.fixture(scope="module")
def run() -> Iterator[Callable[[list[dict[str, Any]]], Computed]]:
    """Computes all cutoffs over a list of events: {(customer, cutoff): features}. The query is compiled once."""
    connection = ibis.duckdb.connect()
    raw = connection.con
    raw.register("events", EVENT_SCHEMA.empty_table())
    raw.register("links", LINK_SCHEMA.empty_table())
    expression = compute(connection.table("events"), connection.table("links"), ibis.memtable(CATALOGUE), CUTOFFS)
    connection.to_pyarrow(expression)
    query = connection.compile(expression)

    def over(rows: list[dict[str, Any]]) -> Computed:
        raw.register("events", table(rows))
        raw.register("links", links(rows))
        found = raw.sql(query).to_arrow_table().to_pylist()
        return {(row.pop("customer_id"), row.pop("event_timestamp")): row for row in found}

    yield over
    connection.disconnect()


def _oracle(rows: list[dict[str, Any]]) -> Computed:
    items = CATALOGUE.to_pylist()
    return {(who, cutoff): row for cutoff in CUTOFFS for who, row in features_at(rows, items, cutoff).items()}


def _assert_equal(found: Computed, expected: Computed) -> None:
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        assert row.keys() == found[key].keys() == BATCH_FEATURES.keys(), key
        for name, value in row.items():
            if found[key][name] != value:  # `approx` is slow, and most values are equal
                assert found[key][name] == pytest.approx(value, rel=1e-9, abs=1e-9), (key, name)


@FEW
@given(rows=histories())
def test_equals_the_oracle(run: Callable[[list[dict[str, Any]]], Computed], rows: list[dict[str, Any]]) -> None:
    _assert_equal(run(rows), _oracle(rows))


def test_which_sources_there_are_can_be_told(run: Callable[..., Computed]) -> None:
    rows = [purchase("ada", T - timedelta(days=3), 1)]
    there = ibis.memtable({"event_timestamp": [T], **{f"has_{name}": [name == "browse"] for name in KNOWING_TYPES}})
    there = there.mutate(event_timestamp=there.event_timestamp.cast("timestamp('UTC', 6)"))
    connection = ibis.duckdb.connect()
    connection.con.register("events", table(rows))
    expression = compute(connection.table("events"), None, None, [T], presence=there)
    (found,) = connection.to_pyarrow(expression).to_pylist()
    connection.disconnect()
    assert (found["purchase_count_total"], found["browse_views_30d"]) == (None, 0)
    assert found["last_order_value"] == 1000


def test_a_thousand_histories_equal_the_oracle(run: Callable[[list[dict[str, Any]]], Computed]) -> None:
    rows, expected = batched_histories(1000)
    assert len(expected) > 5000
    _assert_equal(run(rows), expected)


def test_the_future_cannot_change_the_past(run: Callable[[list[dict[str, Any]]], Computed]) -> None:
    rows, _ = batched_histories(200)
    heard_by_t = [r for r in rows if r["received_at"] <= T]
    assert len(heard_by_t) < len(rows)
    assert {k: v for k, v in run(rows).items() if k[1] <= T} == {k: v for k, v in run(heard_by_t).items() if k[1] <= T}


def test_lateness_counts_only_promised_orders_and_never_below_zero(run: Callable[..., Computed]) -> None:
    day, hour = timedelta(days=1), timedelta(hours=1)
    at = T - 20 * day
    rows = [
        event("delivery", "ada", at, 1, order_id="early", status="promised", promised_at=at + 2 * day),
        event("delivery", "ada", at + day, 2, order_id="early", status="delivered"),
        event("delivery", "ada", at, 3, order_id="late", status="promised", promised_at=at + 2 * day),
        event("delivery", "ada", at, 4, order_id="late", status="delayed", promised_at=at + 9 * day),
        event("delivery", "ada", at + 2 * day + hour, 5, order_id="late", status="delivered"),
        event("delivery", "ada", at + 3 * day, 6, order_id="unpromised", status="delivered"),
        event("delivery", "ada", at, 7, order_id="overdue", status="promised", promised_at=at + 2 * day),
        event("delivery", "ada", at, 8, order_id="called off", status="promised", promised_at=at + 2 * day),
        event("delivery", "ada", at + day, 9, order_id="called off", status="cancelled"),
        event("delivery", "ada", at, 10, order_id="coming", status="promised", promised_at=T),
    ]
    found = run(rows)["ada", T]
    assert (found["late_delivery_count_365d"], found["lateness_mean_seconds_365d"]) == (2, 1800.0)
    _assert_equal(run(rows), _oracle(rows))


def test_scores_are_oriented_and_the_trend_is_recent_minus_before(run: Callable[..., Computed]) -> None:
    day = timedelta(days=1)
    rows = [
        event("feedback", "ada", T - 5 * day, 1, kind="ces", score=1.0),
        event("feedback", "ada", T - 200 * day, 2, kind="nps", score=5.0),
        event("feedback", "ada", T - 300 * day, 3, kind="rating", score=1.0, higher_is_better=None),
        event("feedback", "ada", T - 4 * day, 4, kind="comment", text="nice"),
    ]
    found = run(rows)["ada", T]
    assert (found["feedback_count_365d"], found["feedback_mean_365d"], found["feedback_trend"]) == (4, 0.5, 0.75)


def test_a_tie_of_categories_goes_to_the_first_by_name(run: Callable[..., Computed]) -> None:
    lines = [{"item_id": item, "quantity": 9, "unit_price": 1} for item in ("boot", "mug", "mug", "tea")]
    hats = [{"item_id": "hat", "quantity": 1, "unit_price": 1}]
    found = run([purchase("ada", T - timedelta(days=1), 1, *lines, *hats)])
    assert (found["ada", T]["top_category"], found["ada", T]["top_category_share_365d"]) == ("shoes", 1.0)
    assert found["ada", CUTOFFS[2]]["top_category"] == "kitchen"
    assert found["ada", CUTOFFS[2]]["top_category_share_365d"] == 0.5


def test_a_window_is_closed_at_its_start_and_open_at_the_cutoff(run: Callable[..., Computed]) -> None:
    edge = T - timedelta(days=30)
    rows = [
        purchase("ada", edge - timedelta(microseconds=1), 1),
        purchase("ada", edge, 2),
        purchase("ada", T - timedelta(microseconds=1), 3, received_at=T),
        purchase("ada", T, 4),
        purchase("ada", edge, 5, received_at=T + timedelta(microseconds=1)),
    ]
    found = run(rows)["ada", T]
    assert (found["purchase_count_30d"], found["purchase_count_total"]) == (2, 3)


def test_an_absent_source_is_absent_and_a_silent_customer_is_zero(run: Callable[..., Computed]) -> None:
    view = {"action": "view", "session_id": "s"}
    rows = [
        purchase("ada", T - timedelta(days=3), 1),
        event("browse", "bea", T + timedelta(days=1), 2, **view),
    ]
    found = run(rows)
    assert found["ada", T]["browse_views_30d"] is None
    assert found["ada", CUTOFFS[2]]["browse_views_30d"] == 0
    assert found["bea", CUTOFFS[2]]["purchase_count_total"] == 0


def test_an_anonymous_visit_counts_from_when_its_link_was_received(run: Callable[..., Computed]) -> None:
    day = timedelta(days=1)
    link = {"anonymous_id": "v1", "action": "link", "received_at": T + day}
    rows = [
        purchase(None, T - 9 * day, 1, anonymous_id="v1"),
        purchase("ada", T - 8 * day, 2),
        event("identity", "ada", T - 5 * day, 3, **link),
    ]
    found = run(rows)
    assert found["ada", T]["purchase_count_total"] == 1
    assert found["ada", CUTOFFS[2]]["purchase_count_total"] == 2
    assert {who for who, _ in found} == {"ada"}


def test_an_event_told_twice_counts_once(run: Callable[..., Computed], tmp_path: Path) -> None:
    at = T - timedelta(days=3)
    once = [purchase("ada", at, 1), event("feedback", "ada", at, 2, kind="comment", text="nice")]
    again = [row | {"received_at": at + timedelta(hours=1)} for row in once]
    with EventLog(Home.open(tmp_path)) as log:
        for rows in (once, again, again):
            log.append_history([table(rows)], source="test", now=T)
        kept = pa.concat_tables([pq.read_table(path) for path in log.files()]).to_pylist()
    assert len(kept) == 2
    _assert_equal(run(kept), _oracle(table(once).to_pylist()))


def test_naive_cutoffs_are_refused() -> None:
    with pytest.raises(ValueError, match="aware UTC"):
        compute(ibis.memtable(EVENT_SCHEMA.empty_table()), None, None, [T.replace(tzinfo=None)])
