"""Increments: whatever came in whatever order, snapshots mended and advanced equal snapshots made whole."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from features.columns import EVENT_SCHEMA
from features.feature_store.snapshots import BATCH, STATE, Snapshot, snapshot
from features.home import Home
from features.log.event_log import EventLog
from pipelines.materialize import build_snapshots

T, DAY, HOUR = datetime(2024, 6, 1, tzinfo=UTC), timedelta(days=1), timedelta(hours=1)
CUTOFFS = [T - 40 * DAY, T - DAY, T, T + 2 * DAY]
EDGES = [cutoff - timedelta(days=n) for cutoff in CUTOFFS for n in (0, 28, 30, 90, 365)]
WHO = ["ada", "bea", "cid", "dee"]
LINE = {"item_id": "hat", "quantity": 1, "unit_price": 1000}
SAID: dict[str, list[dict[str, Any]]] = {
    "purchase": [{"lines": [LINE], "currency": "EUR"}, {"lines": [LINE | {"item_id": "mug"}], "currency": "EUR"}],
    "browse": [{"action": "view", "session_id": "s", "item_id": "hat"}, {"action": "search", "query": "x"}],
    "feedback": [{"kind": "rating", "score": 1.0}, {"kind": "nps", "score": 9.0}],
    "delivery": [{"status": "promised", "promised_at": edge} for edge in EDGES] + [{"status": "delivered"}],
    "case": [{"case_id": "k", "kind": "complaint", "status": "opened"}, {"case_id": "k", "status": "resolved"}],
    "contact": [{"status": "sent", "action_id": "a"}],
    "erasure": [{}],
}
MOMENTS = st.one_of(
    st.sampled_from(EDGES),
    st.sampled_from([edge - timedelta(microseconds=1) for edge in EDGES]),
    st.integers(-50, 4).map(lambda day: T + day * DAY + 5 * HOUR),
    st.integers(-420, 0).map(lambda day: T + day * DAY + 7 * HOUR),
)


@st.composite
def arrivals(draw: st.DrawFn) -> list[list[dict[str, Any]]]:
    """Three lots of events in the order they are imported; each tells when it was received."""
    kinds = st.sampled_from([kind for kind in SAID for _ in range(1 if kind == "erasure" else 6)] + ["identity"] * 5)
    lots, number = [], 0
    for _ in range(3):
        lot = []
        for _ in range(draw(st.integers(0, 14))):
            kind, at, number = draw(kinds), draw(MOMENTS), number + 1
            who: dict[str, Any] = {"customer_id": draw(st.sampled_from(WHO))}
            if kind == "identity":
                said = {"action": draw(st.sampled_from(["link", "link", "unlink"]))}
                who["anonymous_id"] = draw(st.sampled_from(["v", "w"]))
            else:
                said = draw(st.sampled_from(SAID[kind]))
                if kind in ("browse", "purchase", "feedback", "erasure") and draw(st.booleans()):
                    who = {"anonymous_id": draw(st.sampled_from(["v", "w"]))}
            late = draw(st.sampled_from([timedelta(0), timedelta(0), 3 * HOUR, 9 * DAY]))
            told = {"event_id": f"e{number:03}", "type": kind, "occurred_at": at, "received_at": at + late}
            of_order = {"order_id": f"o{number % 4}"} if kind in ("purchase", "delivery") else {}
            lot.append(told | {"channel": "web", "source": "test", "schema_version": 1} | of_order | who | said)
        lots.append(lot)
    return lots


def _check(lots: list[list[dict[str, Any]]], order: list[datetime]) -> None:
    with TemporaryDirectory() as folder:
        home = Home.open(Path(folder))
        for lot in lots:
            with EventLog(home, durable=False) as log:
                log.append_history([pa.Table.from_pylist(lot, EVENT_SCHEMA)], source="test", now=T + 30 * DAY)
            for cutoff in order:
                build_snapshots(home, [cutoff])
        found = _values(home)
        prints = [one.manifest.fingerprint for one in _made(home)]
        build_snapshots(home, CUTOFFS, increments=False)
        assert found == _values(home)
        assert prints == [one.manifest.fingerprint for one in _made(home)]


def _made(home: Home) -> Iterator[Snapshot]:
    for kind in (BATCH, STATE):
        for cutoff in CUTOFFS:
            one = snapshot(home, kind, cutoff)
            assert one is not None
            yield one


def _values(home: Home) -> list[list[dict[str, Any]]]:
    return [[row for file in one.files for row in pq.ParquetFile(file).read().to_pylist()] for one in _made(home)]


# A shop and eight buildings of it take seconds: a failing example is told as it is found, not made smaller.
LAW = settings(deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])


@settings(LAW, max_examples=3)
@given(lots=arrivals(), order=st.permutations(CUTOFFS))
def test_increments_equal_a_whole_rebuild(lots: list[list[dict[str, Any]]], order: list[datetime]) -> None:
    _check(lots, order)


@pytest.mark.slow
@settings(LAW, max_examples=150)
@given(lots=arrivals(), order=st.permutations(CUTOFFS))
def test_increments_equal_a_whole_rebuild_many_times(lots: list[list[dict[str, Any]]], order: list[datetime]) -> None:
    _check(lots, order)
