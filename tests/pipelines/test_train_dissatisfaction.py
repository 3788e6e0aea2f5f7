"""From the shop's rated texts to a hold on the next letter: retrained, promoted, served."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.columns import EVENT_SCHEMA
from features.home import Home
from features.inputs.dissatisfaction import NAME, SPEC, TEXT
from features.log.event_log import EventLog
from pipelines.promote import promote
from pipelines.promotion.moods import mood_evidence
from pipelines.retraining import dissatisfaction as train_dissatisfaction
from pipelines.retraining.retrain import retrain
from serving.bundle import load_bundle
from serving.service import DecisionService
from tests.training.rated_texts import rated_texts
from tests.training.shops import day, events, rhythmic
from training.metrics import auc
from training.params import ChurnParams, OfferParams, Params, PromotionParams, Trees

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PARAMS = Params(
    churn=ChurnParams(horizon_days=28, cutoffs=3, trees=Trees(rounds=30, min_data_in_leaf=20)),
    next_offer=OfferParams(cutoffs=3, k=5, trees=Trees(num_leaves=15, learning_rate=0.1, rounds=30)),
    promotion=PromotionParams(min_customers=30, max_offer_ece=0.05),
)


def reviews(n, seed=1, first=0.0, last=195.0):
    """Reviews of the shop's customers, one after the other."""
    rated = rated_texts(n, seed)
    rows = [
        {
            "event_id": f"r{seed}-{i}", "type": "feedback", "customer_id": f"c{i % 120:03d}", "source": "test",
            "occurred_at": day(first + (last - first) * i / n), "received_at": day(first + (last - first) * i / n),
            "schema_version": 1, "kind": "review", "text": text, "language": rated.languages[i],
            "score": 1.0 if rated.truth[i] else 5.0,
        }
        for i, text in enumerate(rated.texts)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=EVENT_SCHEMA)


def home_of(folder, *batches):
    home = Home.open(folder)
    with EventLog(home) as log:
        log.append_history([events(rhythmic(120)), *batches], source="test", now=NOW)
    return home


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    home = home_of(tmp_path_factory.mktemp("home"), reviews(400))
    return home, retrain(home, day(196), PARAMS)


def test_the_report_tells_what_was_learned_and_at_which_errors(trained):
    home, report = trained
    assert report.metrics["dissatisfaction.auc"] > 0.95
    assert {f"dissatisfaction.{name}.miss_rate" for name in ("fi", "en")} <= set(report.metrics)
    assert "dissatisfaction: text, AUC" in str(report)
    assert json.loads((home.models / NAME / "report.json").read_text())["chosen"] == "text"


def test_twice_the_same_bytes_and_nothing_after_as_of_counts(trained, tmp_path):
    home, _ = trained
    again = home_of(tmp_path, reviews(400), reviews(100, seed=2, first=196.5, last=200))
    shutil.copytree(home.models, again.models)
    shutil.rmtree(again.models / NAME)
    train_dissatisfaction.train(again, PARAMS)
    ours, theirs = ({p.name: p.read_bytes() for p in (h.models / NAME).iterdir()} for h in (home, again))
    assert ours == theirs and set(ours) == {SPEC, TEXT, "report.json", "evidence.parquet"}


def test_the_evidence_is_of_the_newest_texts_and_holds_none_of_them(trained):
    home, report = trained
    path = home.models / NAME / "evidence.parquet"
    found = pq.read_table(path).to_pydict()
    metrics = {name.removeprefix("dissatisfaction."): value for name, value in report.metrics.items()}
    truth = np.array(found["truth"])
    assert len(truth) == metrics["newest"] == 100 == len(set(found["text_id"]))
    assert auc(truth, np.array(found["probability"])) == metrics["auc"]
    assert auc(truth, np.array(found["seed_words"])) == metrics["seed_words.auc"]
    assert found["written"] == sorted(found["written"]) and found["written"][-1] < day(196).timestamp()
    assert set(found["language"]) == {"fi", "en"} and min(found["orders"]) >= 0
    assert not [words for words in ("paketti", "soaked", "r1-") if words.encode() in path.read_bytes()]


def test_promoted_it_judges_what_is_written_next(trained):
    home, _ = trained
    assert promote(home, PARAMS, now=NOW).promoted
    bundle = load_bundle(home)
    assert bundle.dissatisfaction.holds_from is not None
    assert {SPEC, TEXT} <= set(bundle.manifest.files)
    service = DecisionService(home)
    payload = {"kind": "comment", "text": "paketti ei tullut perille, nobody answers"}
    said = {"event_id": "now", "type": "feedback", "customer_id": "c001", "occurred_at": NOW.isoformat()}
    assert service.ingest([said | {"payload": payload}], NOW)[0].status == "accepted"
    holds = service.customer("c001", NOW + timedelta(seconds=1))["holds"]
    service.close()
    assert [hold["kind"] for hold in holds] == ["predicted"]
    assert holds[0]["detail"].startswith(f"dissatisfaction {bundle.id}: ")


def test_the_champion_is_compared_on_texts_that_it_did_not_learn_from(trained, tmp_path):
    later = reviews(100, seed=2, first=196.5, last=200)
    home = home_of(tmp_path, reviews(400), later)
    for folder in ("models", "mlflow"):
        shutil.copytree(trained[0].root / folder, home.root / folder)
    result = promote(home, PARAMS, now=NOW)
    assert result.promoted, str(result)
    names = {gate.name for gate in result.gates}
    assert {"dissatisfaction_against_seed_words", "dissatisfaction_calibrated", "dissatisfaction_needless"} <= names
    prepared = home.models / "prepared.json"
    prepared.write_text(json.dumps(json.loads(prepared.read_text()) | {"as_of": day(201).isoformat()}))
    train_dissatisfaction.train(home, PARAMS)
    found = mood_evidence(home, result.bundle, PARAMS)
    assert len(found.truth) == 125, "the newest quarter of 500"
    kept = pq.read_table(home.models / "champions" / result.bundle / NAME / "evidence.parquet")
    assert found.champion[:25].tolist() == kept["probability"].to_pylist()[-25:], (
        "what it said before it learned from them"
    )
    champion = load_bundle(home).dissatisfaction
    said = [champion.judge(text, ()).probability for text in later["text"].to_pylist()]
    assert found.champion[25:] == pytest.approx(said), "what it says of what came since"
    shutil.rmtree(home.models / "champions")
    unknown = mood_evidence(home, result.bundle, PARAMS).champion
    assert np.isnan(unknown[:25]).all() and not np.isnan(unknown[25:]).any()


def test_without_rated_texts_seed_words_judge_and_the_report_says_so(trained, tmp_path):
    home, _ = trained
    bare = home_of(tmp_path)
    shutil.copytree(home.models, bare.models)
    train_dissatisfaction.train(bare, PARAMS)
    assert not (bare.models / NAME / TEXT).exists(), "what was learned elsewhere is gone"
    assert pq.read_table(bare.models / NAME / "evidence.parquet").num_rows == 0
    assert "0 rated texts" in train_dissatisfaction.told(train_dissatisfaction.report(bare))
