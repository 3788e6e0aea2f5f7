"""From the event log to scores by the bundle in force: one small shop, all steps for real."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.columns import EVENT_SCHEMA
from features.errors import BundleError, DataError
from features.feature_store.batch import schema_hash
from features.home import Home
from features.inputs.candidates import ItemHistory
from features.inputs.scoring import read_model
from features.log.event_log import EventLog
from pipelines.bundles import check_bundle, current_bundle, current_id
from pipelines.promote import promote
from pipelines.retraining.evaluate import evaluate
from pipelines.retraining.prepare import prepare, resolve_as_of
from pipelines.retraining.report import RetrainReport
from pipelines.retraining.retrain import retrain
from pipelines.retraining.sessions import train_sessions, write_views
from pipelines.score import score_churn, score_offers
from pipelines.score_favourites import score_favourites
from pipelines.write_bundle import write_bundle
from serving.bundle import load
from serving.core.favourites import favourites_of
from tests.training.shops import day, events, rhythmic
from training.params import ChurnParams, OfferParams, Params, PromotionParams, Trees
from training.purchases import load_purchases

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PARAMS = Params(
    churn=ChurnParams(horizon_days=28, cutoffs=3, trees=Trees(rounds=30, min_data_in_leaf=20)),
    next_offer=OfferParams(cutoffs=3, k=5, trees=Trees(num_leaves=15, learning_rate=0.1, rounds=30)),
    promotion=PromotionParams(min_customers=30, max_offer_ece=0.05),
)


def _home(folder: Path, customers: int = 120, rows: list[tuple[str, str, str, int, float]] | None = None) -> Home:
    home = Home.open(folder)
    with EventLog(home) as log:
        log.append_history([events(rows or rhythmic(customers))], source="test", now=NOW)
    return home


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, RetrainReport]:
    home = _home(tmp_path_factory.mktemp("home"))
    return home, retrain(home, day(196), PARAMS)


@pytest.fixture
def shop(trained: tuple[Home, RetrainReport], tmp_path: Path) -> Home:
    """A copy of the trained shop, to promote and spoil."""
    shutil.copytree(trained[0].root, tmp_path / "home")
    return Home.open(tmp_path / "home")


def test_the_report_says_what_was_chosen(trained: tuple[Home, RetrainReport]) -> None:
    home, report = trained
    assert report.horizon_days == 28
    assert report.metrics["churn.auc"] > 0.6
    assert report.metrics["next_offer.ndcg"] >= report.metrics["next_offer.popular.ndcg"]
    assert json.loads((home.models / "metrics.json").read_text()) == report.metrics
    assert "tahdikas promote" in str(report)
    assert {p.name for p in (home.models / "figures").iterdir()} == {
        f"{m}_{kind}.{end}" for m in ("churn", "next_offer", "value") for kind in ("calibration", "importance")
        for end in ("csv", "png")
    } | {"data_drift.csv", "data_drift.png"}  # fmt: skip


def test_without_browsing_nothing_is_learned_of_sessions_and_the_report_says_so(
    trained: tuple[Home, RetrainReport],
) -> None:
    home, report = trained
    assert "Send browse events" in report.sessions and report.sessions in str(report)
    assert [path.name for path in (home.models / "sessions").iterdir()] == ["report.json"]
    assert not [name for name in report.metrics if name.startswith("sessions.")]


def browsing(sessions: int = 1000) -> pa.Table:
    """Visitors who look at a thing nobody buys with it, then at what is sold together with that."""
    draw = np.random.default_rng(4)
    told = []
    for number in range(sessions):
        first = int(draw.integers(20))
        for place, item in enumerate((f"a{first}", f"b{(first + 7) % 20}", f"a{(first + 3) % 20}", f"b{first}")):
            moment = day(100 + number / 20 + place / 1440)
            told.append({
                "event_id": f"b-{number}-{place}", "type": "browse", "anonymous_id": f"v{number}",
                "occurred_at": moment, "received_at": moment, "channel": "web", "source": "test", "schema_version": 1,
                "action": "view", "session_id": f"s{number}", "item_id": item,
            })  # fmt: skip
    return pa.Table.from_pylist(told, schema=EVENT_SCHEMA)


def test_browsing_teaches_what_visitors_look_at_next_up_to_the_bundle_in_force(shop: Home) -> None:
    with EventLog(shop) as log:
        log.append_history([browsing()], source="test", now=NOW)
    contents = []
    for _ in range(2):
        write_views(shop, day(196))
        choice = train_sessions(shop, PARAMS)
        contents.append({path.name: path.read_bytes() for path in (shop.models / "sessions").iterdir()})
    assert contents[0] == contents[1], "the same events give the same bytes"
    report = evaluate(shop, PARAMS)
    assert choice.chosen != "goes_with" and report.sessions == choice.told
    assert report.metrics["sessions.mrr"] > report.metrics["sessions.goes_with.mrr"]
    assert "sessions" in report.mlflow["versions"]
    result = promote(shop, PARAMS, now=NOW)
    assert result.promoted, str(result)
    bundle = load(current_bundle(shop))
    assert bundle.goes_with(["a0"])[0].item_id == "b7"
    assert bundle.goes_with(["b7", "a0"])[0].item_id == "a3"
    train_sessions(_without_browsing(shop), PARAMS)
    assert [path.name for path in (shop.models / "sessions").iterdir()] == ["report.json"], "nothing old stays"


def _without_browsing(shop: Home) -> Home:
    write_views(shop, day(50))
    return shop


def test_mlflow_has_the_run_its_children_and_versions_and_no_pickle(trained: tuple[Home, RetrainReport]) -> None:
    import warnings

    home, report = trained
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow

        client = mlflow.MlflowClient(f"sqlite:///{home.mlflow / 'mlflow.db'}")
        parent = client.get_run(report.mlflow["run"])
        children = client.search_runs(
            [parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
        )
        version = client.get_model_version_by_alias("tahdikas-churn", "challenger")
    assert parent.data.metrics["churn.auc"] == pytest.approx(report.metrics["churn.auc"])
    assert parent.data.tags["log_fingerprint"]
    assert {run.data.tags["mlflow.runName"] for run in children} == {"churn", "next_offer", "value", "dissatisfaction"}
    assert str(version.version) == report.mlflow["versions"]["churn"]
    assert not [p for p in home.mlflow.rglob("*") if p.suffix in (".pkl", ".pickle", ".joblib", ".cloudpickle")]


def test_twice_the_same_events_give_the_same_bytes(trained: tuple[Home, RetrainReport], tmp_path: Path) -> None:
    home, _ = trained
    again = _home(tmp_path / "again")
    retrain(again, day(196), PARAMS)
    files = sorted(
        p.relative_to(home.models) for p in home.models.rglob("*") if p.is_file() and p.name != "mlflow.json"
    )
    assert files == sorted(
        p.relative_to(again.models) for p in again.models.rglob("*") if p.is_file() and p.name != "mlflow.json"
    )
    different = [str(f) for f in files if (home.models / f).read_bytes() != (again.models / f).read_bytes()]
    assert different == []


def test_what_came_after_as_of_changes_nothing(trained: tuple[Home, RetrainReport], tmp_path: Path) -> None:
    rows = rhythmic(120)
    later = [(c, f"later-{o}", "popular", 1, 197.0) for c, o, _, _, _ in rows[::9]]
    spoiled = _home(tmp_path / "spoiled", rows=[*rows, *later])
    retrain(spoiled, day(196), PARAMS)
    for file in ("churn/churn.json", "next_offer/ranker.json", "next_offer/items.npz", "metrics.json"):
        assert (trained[0].models / file).read_bytes() == (spoiled.models / file).read_bytes(), file


def test_promoted_bundle_is_whole_and_answers_its_canaries(shop: Home) -> None:
    result = promote(shop, PARAMS, now=NOW)
    assert result.promoted, str(result)
    folder = current_bundle(shop)
    manifest = check_bundle(folder)
    assert manifest["id"] == result.bundle == folder.name
    assert manifest["horizon_days"] == 28
    assert manifest["feature_schema_hash"] == schema_hash()
    for name in ("churn", "ranker"):
        canaries = manifest["canaries"][name]
        rows = np.array([[np.nan if v is None else v for v in row] for row in canaries["inputs"]])
        found = read_model(folder, name).probability(rows, manifest[f"{name}_inputs"])
        assert found == pytest.approx(canaries["expected"], abs=1e-9)
    assert not [p for p in shop.bundles.iterdir() if p.name.startswith(".")]


def test_promoting_twice_is_one_bundle(shop: Home) -> None:
    first = promote(shop, PARAMS, now=NOW)
    second = promote(shop, PARAMS, now=NOW)
    assert (second.promoted, second.bundle) == (True, first.bundle)
    assert json.loads((shop.bundles / "current.json").read_text())["history"] == [first.bundle]


def test_a_failed_gate_says_by_how_much_and_keeps_the_old(shop: Home) -> None:
    before = promote(shop, PARAMS, now=NOW).bundle
    strict = PARAMS.model_copy(update={"promotion": PromotionParams(min_churn_auc=0.999, min_customers=30)})
    result = promote(shop, strict, now=NOW)
    assert not result.promoted
    assert result.failed[0].name == "churn_auc"
    assert "at least 0.999" in str(result)
    assert "short" in str(result)
    assert current_id(shop) == before


def test_a_worse_challenger_is_refused(shop: Home) -> None:
    promote(shop, PARAMS, now=NOW)
    path = shop.models / "churn" / "evidence.parquet"
    table = pq.read_table(path)
    noise = np.random.default_rng(0).permutation(table["probability"].to_numpy())
    index = table.column_names.index("probability")
    pq.write_table(table.set_column(index, "probability", [noise]), path)
    failed = {gate.name for gate in promote(shop, PARAMS, now=NOW).failed}
    assert {"churn_against_recency", "churn_against_champion", "churn_brier_against_champion"} <= failed


def test_a_champion_of_another_window_is_scored_on_the_new_one(shop: Home) -> None:
    first = promote(shop, PARAMS, now=NOW).bundle
    shutil.rmtree(shop.models / "champions")
    result = promote(shop, PARAMS, now=NOW)
    names = {gate.name for gate in result.gates}
    assert {"churn_against_champion", "offer_against_champion"} <= names
    assert result.previous == first


def test_an_altered_missing_or_extra_file_is_found(shop: Home) -> None:
    folder = shop.bundles / write_bundle(shop, NOW)
    (folder / "extra.txt").write_text("x")
    with pytest.raises(BundleError, match=r"extra\.txt is extra"):
        check_bundle(folder)
    (folder / "extra.txt").unlink()
    items = folder / "items.npz"
    body = bytearray(items.read_bytes())
    body[len(body) // 2] ^= 1
    items.write_bytes(bytes(body))
    with pytest.raises(BundleError, match=r"items\.npz was altered"):
        check_bundle(folder)
    items.unlink()
    with pytest.raises(BundleError, match=r"items\.npz is missing"):
        check_bundle(folder)


def test_scores_of_everybody_known(shop: Home, tmp_path: Path) -> None:
    promote(shop, PARAMS, now=NOW)
    churn, offers = tmp_path / "churn.parquet", tmp_path / "offers.parquet"
    assert score_churn(shop, day(196), churn) == score_offers(shop, day(196), 5, offers) / 5
    told = pq.read_table(churn)
    assert told.column_names[:2] == ["customer_id", "churn_probability"]
    p = told["churn_probability"].to_numpy()
    assert ((p >= 0) & (p <= 1)).all()
    lists = pq.read_table(offers).to_pandas()
    assert list(lists.columns) == ["customer_id", "rank", "item_id", "score"]
    assert set(lists["customer_id"]) == set(told["customer_id"].to_pylist())
    assert lists.groupby("customer_id")["rank"].agg(list).map(lambda r: r == [1, 2, 3, 4, 5]).all()
    assert lists.groupby("customer_id")["score"].agg(lambda s: s.is_monotonic_decreasing).all()


def test_favourites_of_everybody_are_those_that_serving_shows(shop: Home, tmp_path: Path) -> None:
    promote(shop, PARAMS, now=NOW)
    file = tmp_path / "favourites.parquet"
    rows = score_favourites(shop, day(196), 5, file)
    lists = pq.read_table(file).to_pandas()
    assert rows == len(lists) > 100
    assert (lists["early"] <= lists["runs_out_on"]).all() and (lists["runs_out_on"] <= lists["late"]).all()
    assert (lists["early"] >= day(196).date()).all()
    bundle = load(current_bundle(shop))
    lines = load_purchases(shop).to_pandas()
    lines["at"] = lines["occurred_at"].map(datetime.timestamp)
    for customer in lists["customer_id"].unique()[:10]:
        own = lines[(lines["customer_id"] == customer) & (lines["at"] < day(196).timestamp())].sort_values("at")
        item = own.groupby("item_id")
        columns = (item["order_id"].nunique(), item["at"].max(), item["at"].min())
        history = ItemHistory(
            sorted(own["item_id"].unique()), *columns, units=item["quantity"].sum(), last_units=item["quantity"].last()
        )
        (hers,) = favourites_of([history], np.array([day(196).timestamp()]), bundle.habits)
        served = list(hers.told())
        mine = lists[lists["customer_id"] == customer]
        assert mine["item_id"].tolist() == [one.item_id for one in served[:5]]
        assert mine["quantity"].tolist() == [one.quantity for one in served[:5]]
        told = mine[["runs_out_on", "early", "late", "probability"]].itertuples(index=False, name=None)
        assert list(told) == [(r.on, r.early, r.late, r.probability) for r in (one.runs_out for one in served[:5])]


def test_nothing_promoted_nothing_trained_and_nothing_known(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "empty")
    with pytest.raises(BundleError, match="tahdikas promote"):
        current_bundle(home)
    with pytest.raises(DataError, match="tahdikas retrain"):
        promote(home, now=NOW)
    with pytest.raises(DataError, match="no purchase"):
        resolve_as_of(home)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([("ada", "1", "x", 100, 0.0)], "bought twice"),
        ([("ada", str(n), "x", 100, 10.0 * n) for n in range(20)], "Only 1 customers"),
        ([(f"c{n}", str(n), "x", 100, float(n)) for n in range(200)], "bought twice"),
        ([(f"c{n % 40}", str(n), "x", 100, n / 10) for n in range(300)], "Too little history: 30 days"),
    ],
    ids=["one_purchase", "one_customer", "nobody_came_back", "a_month_of_history"],
)
def test_too_little_data_says_what_to_do(
    tmp_path: Path, rows: list[tuple[str, str, str, int, float]], told: str
) -> None:
    home = _home(tmp_path / "home", rows=rows)
    with pytest.raises(DataError, match=told):
        retrain(home, None if told != "bought twice" else day(199), Params())


def test_one_item_is_enough_for_a_baseline(tmp_path: Path) -> None:
    rows = [(row[0], row[1], "only", row[3], row[4]) for row in rhythmic(60) if row[2].startswith("a")]
    home = _home(tmp_path / "home", rows=rows)
    report = retrain(home, day(196), PARAMS)
    assert report.chosen["next_offer"] != "ranker"


def test_a_hundred_days_are_enough_with_a_shorter_horizon(tmp_path: Path) -> None:
    home = _home(tmp_path / "home", rows=rhythmic(60, days=100))
    prepare(home, day(100), Params())
    prepared = json.loads((home.models / "prepared.json").read_text())
    assert prepared["horizon_days"] == 28
    assert len(prepared["churn_cutoffs"]) == 2
