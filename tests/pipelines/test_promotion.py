"""Promotion of one small shop, for real: windows that judge once, decisions replayed, and what a refusal leaves."""

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
from test_training_steps import NOW, PARAMS, _home

from features.errors import BundleError
from features.home import Home
from features.inputs.scoring import read_model
from pipelines.bundles import current_id
from pipelines.materialize import materialize
from pipelines.promote import promote, rollback
from pipelines.promotion import ledger
from pipelines.promotion.evidence import people_evidence
from pipelines.retraining.retrain import retrain
from tests.training.shops import day
from training.metrics import brier
from training.params import PromotionParams


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The shop trained as of two days, the older one promoted."""
    home = _home(tmp_path_factory.mktemp("home"))
    retrain(home, day(190), PARAMS)
    first = promote(home, PARAMS, now=NOW)
    assert first.promoted, str(first)
    retrain(home, day(196), PARAMS)
    return home


@pytest.fixture
def shop(trained, tmp_path):
    shutil.copytree(trained.root, tmp_path / "home")
    return Home.open(tmp_path / "home")


def other_files(shop):
    """The same model written otherwise: another file, so another challenger."""
    path = shop.models / "churn" / "churn_calibration.json"
    path.write_text(path.read_text() + "\n")


def strict(**limits):
    told = PARAMS.promotion.model_dump() | limits
    return PARAMS.model_copy(update={"promotion": PromotionParams(**told)})


def test_a_later_window_judges_a_new_challenger_beside_the_champion(shop):
    before = current_id(shop)
    result = promote(shop, PARAMS, now=NOW)
    assert result.promoted and result.previous == before != result.bundle, str(result)
    names = {gate.name for gate in result.gates}
    assert {
        "churn_against_champion", "churn_brier_against_champion", "offer_against_champion", "value_level",
        "churn_stable_for_regulars", "churn_stable_for_regulars_level", "policy_no_action", "policy_silence",
        "policy_concentration", "policy_covered_sales", "policy_action_recommended_items",
    } <= names  # fmt: skip
    said = " ".join(result.notes)
    assert "sessions: no model, no gate" in said and "decisions for 120 customers" in said
    assert {(one.model, one.promoted) for one in ledger.read(shop)} == {
        (model, True) for model in ("churn", "next_offer", "value")
    }


def test_a_champion_that_knew_part_of_the_window_gives_back_what_that_was_worth(shop):
    found = people_evidence(shop, "churn", current_id(shop))
    kept = pq.read_table(shop.models / "champions" / current_id(shop) / "churn" / "evidence.parquet")
    names = json.loads((shop.bundles / current_id(shop) / "manifest.json").read_text())["churn_inputs"]
    rows = np.column_stack([kept[f"input_{name}"].to_numpy() for name in names])
    knowing = read_model(shop.bundles / current_id(shop), "churn").probability(rows, names)
    truth = kept["truth"].to_numpy()
    gained = brier(truth, kept["probability"].to_numpy()) - brier(truth, knowing)
    known = 22 / 28  # days of the window from 168 on that were over on day 190
    assert found.favour["all"][1] == pytest.approx(max(0, gained * known))
    report = shop.models / "churn" / "report.json"
    told = json.loads(report.read_text())
    report.write_text(json.dumps(told | {"validated_at": day(190).isoformat()}))
    assert people_evidence(shop, "churn", current_id(shop)).favour == {}, "a window it knew nothing of"


def test_a_second_challenger_of_the_same_window_is_not_looked_at(shop):
    first = promote(shop, PARAMS, now=NOW).bundle
    lines = ledger.read(shop)
    other_files(shop)
    result = promote(shop, PARAMS, now=NOW)
    assert [gate.name for gate in result.gates] == ["churn_window"], "no figure is told"
    assert "later date" in str(result) and first in str(result)
    assert current_id(shop) == first and ledger.read(shop) == lines
    assert len([p for p in shop.bundles.iterdir() if p.is_dir()]) == 2, "the refused bundle is gone"


def test_a_refused_challenger_used_its_window_up_and_may_itself_be_judged_again(shop):
    before = current_id(shop)
    refused = promote(shop, strict(min_churn_auc=0.999), now=NOW)
    assert [gate.name for gate in refused.failed] == ["churn_auc"]
    assert [one.promoted for one in ledger.read(shop)[-3:]] == [False] * 3
    assert [p.name for p in shop.bundles.iterdir() if p.is_dir()] == [before], "the refused bundle is gone"
    assert promote(shop, PARAMS, now=NOW).promoted, "the same files, by other limits"
    rollback(shop)
    other_files(shop)
    assert [gate.name for gate in promote(shop, PARAMS, now=NOW).gates] == ["churn_window"]


def test_a_model_whose_figures_were_not_looked_at_has_not_used_its_window(shop):
    """Nothing was judged where the evidence is gone: put right, the challenger is judged."""
    evidence = shop.models / "churn" / "evidence.parquet"
    kept = evidence.read_bytes()
    evidence.unlink()
    with pytest.raises(OSError, match="evidence"):
        promote(shop, PARAMS, now=NOW)
    evidence.write_bytes(kept)
    other_files(shop)
    assert promote(shop, PARAMS, now=NOW).promoted


def test_back_and_forth_between_two_bundles_uses_no_window_twice(shop):
    first = current_id(shop)
    second = promote(shop, PARAMS, now=NOW).bundle
    assert rollback(shop).bundle == first == current_id(shop)
    with pytest.raises(BundleError, match="no earlier bundle"):
        rollback(shop)
    again = promote(shop, PARAMS, now=NOW)
    assert (again.promoted, again.bundle, again.previous) == (True, second, first), str(again)
    assert json.loads((shop.bundles / "current.json").read_text())["history"] == [first, second]


def with_ranker(shop, spec):
    """The challenger's ranker replaced by a column, its canaries made anew."""
    folder = shop.models / "next_offer"
    (folder / "ranker.json").write_text(json.dumps(spec))
    (folder / "ranker_calibration.json").write_text(
        json.dumps({"kind": "platt", "on": "score", "slope": 1.0, "intercept": -6.0})
    )
    canaries = json.loads((folder / "canaries.json").read_text())
    rows = np.array([[np.nan if v is None else v for v in row] for row in canaries["inputs"]])
    names = json.loads((folder / "report.json").read_text())["inputs"]
    canaries["expected"] = read_model(folder, "ranker").probability(rows, names).tolist()
    (folder / "canaries.json").write_text(json.dumps(canaries))


def test_a_ranker_that_offers_everybody_the_same_is_refused_by_what_it_would_decide(shop):
    with_ranker(shop, {"kind": "column", "inputs": ["recent_buyers"]})
    result = promote(shop, strict(max_concentration_move=0.05), now=NOW)
    gate = next(gate for gate in result.gates if gate.name == "policy_concentration")
    assert not gate.passed and "too much" in gate.text and "popular" in gate.text
    assert not result.promoted
    tight, lax = (strict(max_concentration_move=gate.value + step) for step in (-1e-6, 1e-6))
    assert "policy_concentration" in {one.name for one in promote(shop, tight, now=NOW).failed}
    assert "policy_concentration" not in {one.name for one in promote(shop, lax, now=NOW).failed}


def test_a_bundle_that_serving_could_not_open_is_refused(shop):
    canaries = shop.models / "churn" / "canaries.json"
    told = json.loads(canaries.read_text())
    told["expected"][0] += 0.1
    canaries.write_text(json.dumps(told))
    result = promote(shop, PARAMS, now=NOW)
    assert [gate.name for gate in result.failed] == ["policy_bundle_opens"]
    assert "canaries" in str(result)


def test_a_champion_that_cannot_be_opened_any_more_does_not_stand_in_the_way(shop):
    champion = shop.bundles / current_id(shop)
    (champion / "rhythm.json").write_text("{}")
    result = promote(shop, PARAMS, now=NOW)
    assert result.promoted, str(result)
    assert "at most 0.98" in next(gate.text for gate in result.gates if gate.name == "policy_no_action")


def test_the_replay_writes_nothing_and_counts_whose_features_are_online(shop):
    before = (shop.live_db).read_bytes()
    result = promote(shop, strict(min_customers=10_000), now=NOW)
    assert not result.promoted
    assert shop.live_db.read_bytes() == before
    assert "features of 100% were not online" in " ".join(result.notes)
    materialize(shop, day(196))
    assert "not online" not in " ".join(promote(shop, PARAMS, now=NOW).notes)
