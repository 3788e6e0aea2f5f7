"""The setting that moves a shop to Spark: the same snapshots, in another engine's files."""

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feature_histories import T
from twisted_shop import twisted_shop

from features.home import Home
from pipelines.materialize import build_snapshots

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),  # PySpark leaves sockets to the collector
]


def _snapshots(root: Path, engine: str) -> list[tuple[str, pa.Table]]:
    home = Home.open(root)
    home.config.mkdir()
    (home.config / "feature_store.yaml").write_text(f"offline:\n  engine: {engine}\n  memory_limit_gb: 2\n")
    with twisted_shop(home, 12):
        pass
    found = build_snapshots(home, [T - timedelta(days=30), T])
    assert sorted(path.name for path in home.features.iterdir()) == ["batch", "state"]
    return [(one.kind, pa.concat_tables(pq.read_table(file) for file in one.files)) for one in found]


def test_one_word_in_the_settings_changes_the_engine_and_no_value(tmp_path: Path) -> None:
    of_duckdb, of_spark = _snapshots(tmp_path / "duckdb", "duckdb"), _snapshots(tmp_path / "spark", "spark")
    assert [kind for kind, _ in of_spark] == ["batch", "batch", "state", "state"]
    for (_, expected), (_, found) in zip(of_duckdb, of_spark, strict=True):
        assert found.cast(expected.schema).equals(expected)
        assert found.num_rows == 12
