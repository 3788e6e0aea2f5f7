"""Training rows see exactly what was known at their time: each case by hand, a thousand histories by the oracle."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import FeatureStore
from point_in_time_cases import (
    CASES,
    NAMES,
    START,
    Told,
    case_rows,
    day,
    feature_rows,
    file_store,
    joined,
    made_up,
    seen,
    spine_of,
    wrong,
)

from features.errors import DataError
from features.feature_store.point_in_time import History, joined_names
from features.feature_store.point_in_time_duckdb import Spine

ASKED = [(name, day(case[1])) for name, case in CASES.items()]
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    return file_store(tmp_path_factory.mktemp("cases"), case_rows())


@pytest.fixture(scope="module")
def found(store: FeatureStore) -> dict[str, tuple[int | None, int | None]]:
    """Case -> (seen for ever, seen for a week), all from one join."""
    rows = joined(store, spine_of(ASKED)).to_arrow().to_pylist()
    return {row["customer_id"]: (row["ever__bought_y"], row["week__bought_y"]) for row in rows}


@pytest.mark.parametrize("case", CASES)
def test_every_case(case: str, found: dict[str, tuple[int | None, int | None]]) -> None:
    assert found[case] == CASES[case][2:]


@pytest.mark.parametrize("case", CASES)
def test_the_oracle_says_the_same_of_every_case(case: str) -> None:
    at = day(CASES[case][1])
    told = [row for row in case_rows() if row.who == case]
    assert (seen(told, case, at, None)[0], seen(told, case, at, timedelta(days=7))[0]) == CASES[case][2:]


@pytest.mark.parametrize("random_seed", [1, 2])
def test_a_thousand_histories_equal_the_oracle(random_seed: int, tmp_path: Path) -> None:
    rows, asked = made_up(1_000, random_seed)
    table = joined(file_store(tmp_path, rows), spine_of(asked)).to_arrow()
    assert table["place"].to_pylist() == list(range(len(asked)))
    assert wrong(table, rows, asked) == []
    assert table["ever__from"].null_count < 0.8 * len(asked)
    assert table["week__from"].null_count > table["ever__from"].null_count


@pytest.mark.parametrize("case", ["as old as can live", "a microsecond too old"])
def test_the_bound_of_expiry_where_nothing_older_is_asked(case: str, store: FeatureStore) -> None:
    rows = joined(store, spine_of([(case, day(CASES[case][1]))])).to_arrow()
    assert rows["week__bought_y"].to_pylist() == [CASES[case][3]]


def test_the_order_of_rows_and_files_does_not_count(tmp_path: Path) -> None:
    rows, asked = made_up(100, 3)
    one = joined(file_store(tmp_path / "one", rows), spine_of(asked)).to_arrow()
    other = joined(file_store(tmp_path / "other", rows[::-1]), spine_of(asked)).to_arrow()
    assert one.equals(other)


def test_without_the_filter_everything_is_known_at_its_event_time(store: FeatureStore) -> None:
    spine = spine_of([("late, not known yet", day(4)), ("told again: the later created", day(1))])
    service = store.get_feature_service("both")
    rows = store.get_historical_features(spine, service, full_feature_names=True).to_arrow()  # type: ignore[arg-type]
    assert rows["ever__bought_y"].to_pylist() == [200, 300]


SPINE = [("late, known now", START + 6 * DAY), ("nobody", START), (None, START), ("late, known now", START + 6 * DAY)]


def _as_file(spine: pa.Table, folder: Path) -> Path:
    pq.write_table(spine, folder / "spine.parquet")
    return folder / "spine.parquet"


def test_a_spine_is_a_frame_a_table_a_file_or_a_query(store: FeatureStore, tmp_path: Path) -> None:
    spine = spine_of(SPINE)
    path = _as_file(spine, tmp_path)
    expected = joined(store, spine).to_arrow()
    assert expected["ever__bought_y"].to_pylist() == [200, None, None, 200]
    assert expected.column_names[:3] == spine.column_names
    for given in (spine.to_pandas(), path, tmp_path, f"select * from read_parquet('{path}')"):
        assert joined(store, given).to_arrow().equals(expected)
    pd.testing.assert_frame_equal(joined(store, path).to_df(), expected.to_pandas())


def test_rows_are_streamed_and_written_as_they_are_read(store: FeatureStore, tmp_path: Path) -> None:
    asked = [("the newest of several", day(n / 1000)) for n in range(9_000)]
    job = joined(store, spine_of(asked))
    with job.batches(1_000) as reader:
        sizes = [batch.num_rows for batch in reader]
    assert sum(sizes) == 9_000
    assert len(sizes) > 1
    assert job.write_parquet(tmp_path / "rows.parquet") == 9_000
    assert pq.read_table(tmp_path / "rows.parquet").equals(job.to_arrow())
    assert [path.name for path in tmp_path.iterdir()] == ["rows.parquet"]


@pytest.mark.parametrize(
    ("kind", "at"),
    [
        (pa.timestamp("s", "UTC"), START + DAY),
        (pa.timestamp("ms"), (START + DAY).replace(tzinfo=None)),
        (pa.timestamp("us", "Europe/Helsinki"), START + DAY),
        (pa.timestamp("ns", "America/New_York"), START + DAY),
        (pa.date32(), (START + DAY).date()),
    ],
)
def test_times_of_any_zone_and_resolution_are_the_instants_they_are(
    kind: pa.DataType, at: datetime, store: FeatureStore
) -> None:
    spine = pa.table({"customer_id": ["at its very time"], "event_timestamp": pa.array([at], kind)})
    rows = joined(store, spine).to_arrow()
    assert rows["ever__bought_y"].to_pylist() == [100]
    assert rows["event_timestamp"].type == kind
    assert rows["event_timestamp"].equals(spine["event_timestamp"])


def test_what_is_finer_than_a_microsecond_is_cut_off(store: FeatureStore) -> None:
    noon = np.datetime64("2024-06-02T00:00:00", "ns")
    spine = pd.DataFrame({"customer_id": "at its very time", "event_timestamp": noon + np.array([-1, 0, 999])})
    assert joined(store, spine).to_arrow()["ever__bought_y"].to_pylist() == [None, 100, 100]


def test_wall_clocks_of_two_hours_that_are_one_hour_apart(store: FeatureStore) -> None:
    ours = (START + DAY).astimezone(ZoneInfo("Europe/Helsinki"))
    times = pd.DatetimeIndex([ours - timedelta(hours=1), ours])
    spine = pd.DataFrame({"customer_id": "at its very time", "event_timestamp": times})
    assert joined(store, spine).to_arrow()["ever__bought_y"].to_pylist() == [None, 100]


def test_an_empty_spine_gives_no_rows_of_the_same_columns(store: FeatureStore) -> None:
    whole, none = spine_of(SPINE), spine_of(SPINE).slice(0, 0)
    assert joined(store, none).to_arrow().schema == joined(store, whole).to_arrow().schema
    assert joined(store, none.to_pandas()).to_arrow().num_rows == 0


def test_spine_times_that_are_all_absent_see_nothing(store: FeatureStore) -> None:
    rows = joined(store, pa.table({"customer_id": ["at its very time"], "event_timestamp": pa.nulls(1)})).to_arrow()
    assert rows["ever__bought_y"].to_pylist() == [None]


def test_columns_of_the_spine_may_be_called_anything(store: FeatureStore) -> None:
    names = ["n", "t", "k", "s0", "Label", "label", "file_index", "bought_y", 'a "b"; --', "select"]
    who = {"customer_id": ["at its very time"], "event_timestamp": [START + DAY]}
    spine = pa.table(who | {name: [number] for number, name in enumerate(names)})
    service = store.get_feature_view("ever")
    refs = [f"{service.name}:{name}" for name in NAMES]
    rows = store.get_historical_features(spine, refs, filter_by_created_timestamp=True).to_arrow()  # type: ignore[arg-type]
    assert rows.column_names == [*spine.column_names, "ever__bought_y", "share", "from"]
    assert rows.select(spine.column_names).equals(spine)
    assert rows["ever__bought_y"].to_pylist() == [100]


def test_a_history_without_files_is_absent(tmp_path: Path) -> None:
    store = file_store(tmp_path, case_rows())
    expected = joined(store, spine_of(ASKED)).to_arrow().schema
    for path in (tmp_path / "history").iterdir():
        path.unlink()
    rows = joined(store, spine_of(ASKED)).to_arrow()
    assert rows.schema == expected
    assert rows["ever__bought_y"].null_count == rows.num_rows == len(CASES)


def test_what_is_wrong_with_a_spine_is_said(store: FeatureStore, tmp_path: Path) -> None:
    told = {"customer_id": pa.array(["ada"]), "event_timestamp": pa.array(["2024-06-01"])}
    wrong_spines: Sequence[tuple[Spine, str]] = [
        (pa.table({"customer_id": ["ada"]}), "lacks event_timestamp"),
        (pa.table({"event_timestamp": [START]}), "lacks customer_id"),
        (pa.table(told), "type VARCHAR, not a time"),
        (pa.table([["ada"], [START], [1], [2]], ["customer_id", "event_timestamp", "x", "x"]), "x, x"),
        ("select * from nowhere", "nowhere"),
        (tmp_path / "missing.parquet", "missing.parquet"),
    ]
    for spine, words in wrong_spines:
        with pytest.raises(DataError, match=words):
            joined(store, spine).to_arrow()
    with pytest.raises(DataError, match="not <class 'int'>"):
        joined(store, 5)


def test_a_torn_file_is_an_error_not_fewer_rows(tmp_path: Path) -> None:
    store = file_store(tmp_path, case_rows())
    part = tmp_path / "history" / "part-1.parquet"
    part.write_bytes(part.read_bytes()[:-100])
    with pytest.raises(DataError, match="part-1"):
        joined(store, spine_of(ASKED)).to_arrow()
    pq.write_table(feature_rows(case_rows()).drop_columns(["share"]), part)
    with pytest.raises(DataError, match="share"):
        joined(store, spine_of(ASKED)).to_arrow()


def test_names_that_would_be_there_twice_are_refused() -> None:
    clicks = History("web", (), "at", None, None, ("clicks",), ())
    assert joined_names(["Clicks"], [clicks]) == [["web__clicks"]]
    assert joined_names([], [clicks], full=True) == [["web__clicks"]]
    with pytest.raises(DataError, match="web__clicks"):
        joined_names(["clicks", "web__clicks"], [clicks])


def test_one_row_told_by_hand() -> None:
    rows = [Told("ada", START, START + DAY, (1, None, None))]
    assert seen(rows, "ada", START, None) == (None, None, None)
    assert seen(rows, "ada", START + DAY, None) == (1, None, None)
