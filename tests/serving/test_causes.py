"""Why she may leave, in words: every input has some, causes follow the contributions, and nothing else changes."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from features.home import Home
from features.inputs.contributions import contributions
from features.inputs.frame import CHURN_INPUTS
from serving.bundle import load_bundle
from serving.causes import MOST, causes_of
from serving.core.evidence import Evidence
from serving.core.input_words import INPUT_WORDS
from serving.core.modelled import said_of
from serving.service import DecisionService
from tests.serving.core.test_bundles import edit_manifest, write_bundle

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path):
    home = Home.open(tmp_path / "home")
    write_bundle(home)
    return home


def test_every_input_has_words_in_both_languages():
    assert set(INPUT_WORDS) == set(CHURN_INPUTS)
    for name, words in INPUT_WORDS.items():
        assert words.topic and words.english and words.finnish and words.english != words.finnish, name
        assert words.written(0.5) and words.written(0.0)


def evidence_of(bundle, row, catalogue):
    (said,) = said_of(row[None, :], list(CHURN_INPUTS), bundle, catalogue)
    return Evidence(churn=said.churn, inputs=said.inputs)


def drawn(seed):
    row = np.random.default_rng(seed).normal(size=len(CHURN_INPUTS))
    row[CHURN_INPUTS.index("recency_days")] = 83.0
    row[CHURN_INPUTS.index("mean_gap_days")] = 21.0
    return row


@pytest.mark.parametrize("seed", range(10))
def test_causes_are_the_weightiest_topics_with_their_signs(home, catalogue_in_force, seed):
    bundle, row = load_bundle(home), drawn(seed)
    told = causes_of(evidence_of(bundle, row, catalogue_in_force), bundle)["churn_probability"]
    weights = dict(zip(CHURN_INPUTS, contributions(bundle.churn_model, row[None], CHURN_INPUTS).of[0], strict=True))
    topics = {}
    for name, weight in weights.items():
        topics[INPUT_WORDS[name].topic] = topics.get(INPUT_WORDS[name].topic, 0.0) + weight
    for way, sign in (("raises", 1), ("lowers", -1)):
        best = sorted((t for t in topics if topics[t] * sign >= 0.005), key=lambda t: -topics[t] * sign)[:MOST]
        assert [INPUT_WORDS[one["input"]].topic for one in told[way]] == best
        for one in told[way]:
            assert one["log_odds"] == pytest.approx(topics[INPUT_WORDS[one["input"]].topic])
            assert weights[one["input"]] * sign > 0 and one["value"] == row[CHURN_INPUTS.index(one["input"])]


@pytest.fixture
def catalogue_in_force(home):
    service = DecisionService(home)
    yield service.in_force(NOON).catalogue
    service.close()


def test_an_old_bundle_knows_no_typical_value_and_the_last_order_is_told_by_her_own_rhythm(home, catalogue_in_force):
    bundle = load_bundle(home)
    causes = [
        one
        for seed in range(20)
        for way in causes_of(evidence_of(bundle, drawn(seed), catalogue_in_force), bundle)["churn_probability"].values()
        for one in way
    ]
    last = [one for one in causes if INPUT_WORDS[one["input"]].topic == "last order"]
    assert last and {one["typical"] for one in causes} == {None}
    assert {one["text"] for one in last} == {"no order for 83 days (usually 21)"}
    assert {one["text_fi"] for one in last} == {"ei tilausta 83 päivään (tavallisesti 21)"}


def test_the_typical_value_of_the_shop_stands_beside_hers(home, catalogue_in_force):
    bundle_id = json.loads((home.bundles / "current.json").read_text())["bundle"]
    edit_manifest(home.bundles / bundle_id, lambda m: m.update(typical=dict.fromkeys(CHURN_INPUTS, 3.25)))
    bundle = load_bundle(home)
    texts = [
        one
        for seed in range(20)
        for way in causes_of(evidence_of(bundle, drawn(seed), catalogue_in_force), bundle)["churn_probability"].values()
        for one in way
    ]
    assert {one["typical"] for one in texts} == {3.25}
    plain = [one for one in texts if INPUT_WORDS[one["input"]].topic != "last order"]
    assert plain and all("(typical: " in one["text"] and "(yleensä " in one["text_fi"] for one in plain)


def test_nobody_without_a_model_and_nobody_who_objects(home):
    assert causes_of(Evidence(churn=0.5), load_bundle(home)) == {}
    assert causes_of(Evidence(churn=0.5, inputs=np.zeros(len(CHURN_INPUTS)).tobytes()), None) == {}
