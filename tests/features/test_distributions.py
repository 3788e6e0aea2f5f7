"""Distributions of a small snapshot, by hand."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from feature_histories import T

from features.columns import TIME
from features.feature_store.distributions import Distribution, distributions
from features.feature_store.documentation import feature_page, null_share, quantiles


def _snapshot(folder: Path, **columns: list[Any]) -> list[Path]:
    """Two parts, as snapshots have them."""
    times = {"last_purchase_at": TIME}
    table = pa.table({name: pa.array(values, times.get(name)) for name, values in columns.items()})
    paths = [folder / f"part-{n}.parquet" for n in range(2)]
    for path, part in zip(paths, (table.slice(0, 2), table.slice(2)), strict=True):
        pq.write_table(part, path)
    return paths


def test_null_shares_percentiles_ages_and_the_commonest_text(tmp_path: Path) -> None:
    files = _snapshot(
        tmp_path,
        customer_id=["ada", "bea", "cid", "dan"],
        purchase_count_total=[1, 2, 3, None],
        last_purchase_at=[T - timedelta(days=d) for d in (1, 2, 3)] + [None],
        top_category=["tea", "hats", "hats", None],
    )
    found = distributions(files, T)
    assert (found.customers, found.as_of) == (4, T)
    assert found.features["purchase_count_total"] == Distribution(0.25, 1.1, 2.0, 2.9)
    assert found.features["last_purchase_at"] == Distribution(0.25, 1.1, 2.0, 2.9)
    assert found.features["top_category"] == Distribution(0.25, commonest="hats")
    assert "revenue_total" not in found.features
    row = next(line for line in feature_page(found).splitlines() if line.startswith("| `last_purchase_at`"))
    assert row.endswith("| 25% | 1.1, 2, 2.9 |")


def test_a_snapshot_of_nobody_has_no_percentiles(tmp_path: Path) -> None:
    files = _snapshot(tmp_path, customer_id=pa.array([], pa.string()), purchase_count_total=pa.array([], pa.int64()))
    assert distributions(files, T).features == {"purchase_count_total": Distribution(1.0)}


def test_a_feature_that_was_not_measured_yet_has_an_empty_cell() -> None:
    assert (null_share(None), quantiles(None)) == ("", "")
    assert quantiles(Distribution(0.0, 1.0, 2500.0, None)) == "1, 2,500, "
