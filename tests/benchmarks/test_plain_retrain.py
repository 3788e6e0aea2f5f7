import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.yardsticks.plain_retrain import popular, read_log, retrain

CUTOFF = pd.Timestamp("2026-03-01", tz="UTC")


def _event(who: str | None, at: str, item: str = "a") -> dict[str, object]:
    lines = [{"item_id": item, "quantity": 1, "unit_price": 100}]
    return {"customer_id": who, "type": "purchase", "occurred_at": pd.Timestamp(at, tz="UTC"), "lines": lines}


def _home(folder: Path, events: list[dict[str, object]]) -> Path:
    (folder / "lake" / "day=2026-01-01").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(events), folder / "lake" / "day=2026-01-01" / "000001-0.parquet")
    (folder / "models").mkdir()
    told = {"horizon_days": 28, "churn_cutoffs": [CUTOFF.isoformat()], "as_of": "2026-03-29T00:00:00+00:00"}
    (folder / "models" / "prepared.json").write_text(json.dumps(told))
    return folder


def test_who_keeps_buying_is_told_from_who_stopped(tmp_path: Path) -> None:
    days = [f"2025-{month:02d}-{day:02d}" for month in range(6, 13) for day in (3, 13, 23)]
    later = [f"2026-{month:02d}-{day:02d}" for month in (1, 2, 3) for day in (3, 13, 23)]
    events = [_event(f"stays{n}", day) for n in range(60) for day in [*days, *later]]
    events += [_event(f"went{n}", day) for n in range(60) for day in days[: 3 + n // 5]]
    found = retrain(_home(tmp_path, events))
    assert found["customers"] == 120
    assert found["auc"] > 0.9


def test_nobody_known_is_left_out_and_what_comes_after_is_not_counted(tmp_path: Path) -> None:
    events = [_event("x", "2026-02-01", "a"), _event("y", "2026-02-02", "a"), _event(None, "2026-02-03", "b")]
    events += [_event("x", "2026-02-04", "c"), _event("y", "2026-04-01", "d")]
    log = read_log(_home(tmp_path, events))
    assert len(log) == 4
    assert popular(log, CUTOFF) == ["a", "c"]
