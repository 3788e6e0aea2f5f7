"""Faults planted in a shop's data after a model was trained: each is found and named; a clean shop raises nothing."""

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from features.catalogue import merge_items
from features.columns import EVENT_SCHEMA
from features.errors import ConfigError, DataError
from features.feature_store.quality.profile import profiles
from features.feature_store.quality.reference import read_profile, write_profile
from features.feature_store.snapshots import BATCH, drafting, keep, snapshot, snapshots
from features.home import Home
from features.log.event_log import EventLog
from pipelines.cli import app
from pipelines.materialize import build_snapshots
from pipelines.quality import PROFILE, check_newest, check_training
from pipelines.simulate import simulate
from training.params import QualityParams, read_params
from training.snapshot_checks import Seen, check_against

OPENED = date(2025, 1, 1)
TRAINED = datetime(2026, 4, 1, tzinfo=UTC)
LATER = datetime(2026, 7, 1, tzinfo=UTC)
NOW = datetime(2026, 8, 1, tzinfo=UTC)
LIMITS = QualityParams()
DESK = ("case", "return", "feedback", "friction")  # what the service desk's own system tells
Change = Callable[[pa.Table], pa.Table]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """250 customers over a year and a half."""
    folder = tmp_path_factory.mktemp("simulated")
    simulate(folder, customers=250, seed=5, start=OPENED, days=(LATER.date() - OPENED).days)
    return folder


@pytest.fixture(scope="module")
def told(simulated: Path) -> pa.Table:
    """All events of the shop, from two sources."""
    table = pa.concat_tables(pq.read_table(file) for file in sorted((simulated / "events").glob("*.parquet")))
    desk = pc.is_in(table["type"], pa.array(DESK))
    return _with(table, "source", pc.if_else(desk, "desk", "shop"))


@pytest.fixture(scope="module")
def trained(simulated: Path, told: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The shop as it was trained on: its snapshot's profile lies where a trained model's does."""
    home = Home.open(tmp_path_factory.mktemp("home"))
    merge_items(home, pq.read_table(simulated / "items.parquet"))
    with EventLog(home) as log:
        log.append_history([told.filter(pc.less(told["received_at"], pa.scalar(TRAINED)))], source="test", now=NOW)
    build_snapshots(home, [TRAINED - timedelta(days=28), TRAINED], kinds=[BATCH])
    report, profile = check_training(home, [TRAINED, TRAINED - timedelta(days=28)], TRAINED, LIMITS, named=False)
    assert report.findings == []
    assert report.compared_with == "the snapshot as of 2026-03-04"
    write_profile(home.models / "churn" / PROFILE, profile)
    return home


@pytest.fixture(scope="module")
def clean_later(trained: Home, told: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Three clean months after, to be spoiled in copies."""
    home = Home.open(shutil.copytree(trained.root, tmp_path_factory.mktemp("clean") / "home"))
    with EventLog(home) as log:
        log.append_history([told], source="test", now=NOW)
    build_snapshots(home, [LATER], kinds=[BATCH])
    return home


@pytest.fixture
def later(trained: Home, told: pa.Table, tmp_path: Path) -> Callable[[Change], Home]:
    """The shop three months after, what came since then changed in some way."""
    rest = told.filter(pc.greater_equal(told["received_at"], pa.scalar(TRAINED)))

    def make(change: Change = lambda events: events) -> Home:
        home = Home.open(shutil.copytree(trained.root, tmp_path / "later"))
        with EventLog(home) as log:
            log.append_history([change(rest)], source="test", now=NOW)
        build_snapshots(home, [LATER], kinds=[BATCH])
        return home

    return make


def _with(table: pa.Table, name: str, values: object) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), table.schema.field(name), values)


def _names(home: Home, severity: str = "error") -> set[str]:
    return {f.name for f in check_newest(home, LATER, LIMITS).findings if f.severity == severity}


def _run(home: Home, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["--home", str(home.root), *words])
    return done.exit_code, done.output


def test_a_clean_shop_raises_nothing_for_months(told: pa.Table, tmp_path: Path) -> None:
    home = Home.open(tmp_path / "home")
    with EventLog(home) as log:
        log.append_history([told], source="test", now=NOW)
    months = [LATER - timedelta(days=28 * n) for n in range(9)]
    build_snapshots(home, months, kinds=[BATCH])
    seen = [Seen(one, OPENED) for one in profiles(snapshots(home, BATCH))]
    for apart in (1, 2, 3, 6, 8):
        for before, now in zip(seen, seen[apart:], strict=False):
            findings, _ = check_against(now, before, LIMITS)
            assert findings == [], (before.profile.cutoff, now.profile.cutoff)
    for moment in months[::4]:
        assert check_newest(home, moment, LIMITS).findings == []


def test_three_clean_months_after_training_raise_nothing(clean_later: Home) -> None:
    home = clean_later
    report = check_newest(home, LATER, LIMITS)
    assert report.findings == []
    assert report.compared_with == "the model trained last"
    assert {one["source"]: one["silent_days"] for one in report.sources} == {"desk": 0, "shop": 0}
    judged = {one.name for one in report.features if not one.why_not}
    assert {"revenue_90d", "purchase_count_365d", "last_purchase_at", "top_category"} <= judged
    assert "purchase_count_total" not in judged  # a fifth more history
    code, text = _run(home, "quality", "--as-of", "2026-07-01")
    assert (code, "nothing found" in text) == (0, True)


def test_a_source_that_stopped_a_month_ago_is_named(later: Callable[..., Home]) -> None:
    def stop(events: pa.Table) -> pa.Table:
        gone = pc.and_(
            pc.equal(events["source"], "desk"),
            pc.greater(events["received_at"], pa.scalar(LATER - timedelta(days=30))),
        )
        return events.filter(pc.invert(gone))

    home = later(stop)
    report = check_newest(home, None, LIMITS)  # no day named: it lags behind the other source
    (found,) = report.errors
    assert found.name == "silence.desk"
    assert found.figure == 30
    assert "told nothing for 30 days, last on 2026-05-31" in found.message
    code, text = _run(home, "quality", "--json")
    assert code == 1
    assert '"name": "silence.desk"' in text


def test_a_whole_shop_that_stopped_is_seen_on_the_day_named(clean_later: Home) -> None:
    assert check_newest(clean_later, None, LIMITS).findings == []
    found = check_newest(clean_later, LATER + timedelta(days=20), LIMITS)
    assert {one.name for one in found.errors} == {"silence.desk", "silence.shop"}


def test_money_in_cents_that_was_in_euros_is_drift(later: Callable[..., Home]) -> None:
    home = later(lambda events: _scaled(events, 100))
    errors = _names(home)
    assert "drift.revenue_90d" in errors
    assert not {name for name in errors if "count" in name}
    (found,) = [f for f in check_newest(home, LATER, LIMITS).errors if f.name == "drift.revenue_90d"]
    assert "PSI" in found.message
    assert "limit 1.00" in found.message


def _scaled(events: pa.Table, factor: int) -> pa.Table:
    """The same purchases in a smaller unit of money."""
    columns = ", ".join(f'"{name}"' for name in EVENT_SCHEMA.names if name != "lines")
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        con.register("events", events)
        told = con.sql(
            f"""select {columns}, list_transform(lines, lambda l: struct_update(l,
                  unit_price := l.unit_price * {factor}, discount := l.discount * {factor})) as lines from events"""
        ).to_arrow_table()
    return told.select(EVENT_SCHEMA.names).cast(EVENT_SCHEMA)


@pytest.mark.slow
def test_an_import_made_twice_under_other_ids_is_found(
    trained: Home, told: pa.Table, later: Callable[..., Home]
) -> None:
    def twice(events: pa.Table) -> pa.Table:
        again = told.filter(pc.equal(told["type"], "purchase"))
        ids = pc.binary_join_element_wise(again["event_id"], "again", "-")
        return pa.concat_tables([events, _with(again, "event_id", ids)])

    errors = _names(later(twice))
    assert {"twins.purchase", "history.purchase"} <= errors


def test_a_type_that_is_gone_from_the_log_is_named(trained: Home, told: pa.Table, tmp_path: Path) -> None:
    """A log made anew without the desk's events."""
    home = Home.open(tmp_path / "home")
    with EventLog(home) as log:
        log.append_history([told.filter(pc.equal(told["source"], "shop"))], source="test", now=NOW)
    build_snapshots(home, [LATER], kinds=[BATCH])
    shutil.copytree(trained.models, home.models)
    errors = _names(home)
    assert {"types.case", "types.return", "types.feedback", "history.case"} <= errors
    assert "null.last_feedback_at" in errors


def _spoiled(home: Home, query: str) -> None:
    """Write the newest snapshot anew as what a query says of its rows."""
    one = snapshot(home, BATCH, LATER)
    assert one is not None
    with drafting(home, BATCH, LATER) as draft:
        with duckdb.connect() as con:
            con.execute("set timezone = 'UTC'")
            con.execute(f"create view rows as from read_parquet({[str(f) for f in one.files]})")
            con.execute(f"copy ({query}) to '{draft}/part-0.parquet' (format parquet)")
        keep(home, BATCH, LATER, draft, one.manifest)


@pytest.mark.parametrize(
    ("query", "name", "words"),
    [
        ("select * replace (null::double as discount_share_365d) from rows", "null.discount_share_365d", "for 100%"),
        ("select * replace (0 as revenue_90d) from rows", "constant.revenue_90d", "same for everybody"),
        ("select * replace (-1 as revenue_90d) from rows", "impossible.revenue_90d", "as little as -1"),
        ("select * replace (1.5 as on_time_share_365d) from rows", "impossible.on_time_share_365d", "1.5"),
        ("select * replace ('nan'::double as gap_variation) from rows", "impossible.gap_variation", "no number"),
        (
            "select * replace (event_timestamp + interval 2 days as last_purchase_at) from rows",
            "impossible.last_purchase_at", "2.0 days after the cutoff",
        ),
        ("select * from rows where false", "customers.none", "has no customer"),
        ("select * from rows using sample 30 percent (reservoir, 1)", "customers.fewer", "limit 50%"),
        (
            "select * replace (case when top_category is not null then 'all' end as top_category) from rows",
            "drift.top_category", "PSI",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value and " " not in value else "",
)  # fmt: skip
def test_a_spoiled_snapshot_is_found_and_named(
    trained: Home, clean_later: Home, tmp_path: Path, query: str, name: str, words: str
) -> None:
    home = Home.open(shutil.copytree(clean_later.root, tmp_path / "spoiled"))
    _spoiled(home, query)
    found = {f.name: f for f in check_newest(home, LATER, LIMITS).errors}
    assert name in found
    assert words in found[name].message


def test_the_gate_refuses_by_name_and_goes_on_where_that_is_accepted(clean_later: Home, tmp_path: Path) -> None:
    home = Home.open(shutil.copytree(clean_later.root, tmp_path / "home"))
    _spoiled(home, "select * replace (-1 as revenue_90d, null::double as gap_variation) from rows")
    with pytest.raises(DataError) as refused:
        check_training(home, [LATER, TRAINED], LATER, LIMITS, named=True)
    told = str(refused.value)
    assert "checks of the data failed, so nothing was trained" in told
    assert "impossible.revenue_90d" in told
    assert "null.gap_variation" in told
    names = told.partition("accept: [")[2].partition("]")[0].split(", ")
    assert (home.reports / "quality.json").exists()
    report, profile = check_training(home, [LATER, TRAINED], LATER, QualityParams(accept=tuple(names)), named=True)
    assert {f.name for f in report.findings if f.severity == "error"} == set(names)
    assert profile.snapshot.customers == report.customers
    with pytest.raises(DataError, match=r"null\.gap_variation"):
        check_training(home, [LATER, TRAINED], LATER, QualityParams(accept=("impossible", "drift")), named=True)


def test_a_name_that_is_no_check_is_refused(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("quality: {accept: [weather]}")
    with pytest.raises(ConfigError, match="'weather' names no check"):
        read_params(tmp_path / "params.yaml")


def test_without_a_snapshot_it_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="tahdikas materialize"):
        check_newest(Home.open(tmp_path), None, LIMITS)


def test_a_torn_profile_is_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / PROFILE).write_text('{"as_of": "2026')
    with pytest.raises(DataError, match="Remove it"):
        read_profile(tmp_path / PROFILE)
    assert read_profile(tmp_path / "none.json") is None
