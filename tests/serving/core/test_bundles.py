"""Bundles: only a whole, unaltered one that gives its canaries' scores is ever used; otherwise the last good one is."""

import hashlib
import json
import sys
from datetime import timedelta

import lightgbm
import numpy as np
import pytest

from features.errors import BundleError
from features.home import Home
from features.inputs.candidates import CANDIDATE_INPUTS, ItemHistory, ItemTable
from features.inputs.frame import CHURN_INPUTS, customer_inputs
from features.inputs.scoring import read_model
from features.recommenders.next_views import NextViews
from features.recommenders.next_views_canaries import canaries_of
from features.recommenders.next_views_file import save_next_views
from features.recommenders.sequences import Items, Sequences
from features.recommenders.session_neighbours import Neighbours
from serving.bundle import load_bundle
from serving.in_force import Keeper

ROWS = 400


def item_table():
    """Three items; who bought coffee buys tea."""
    ids = np.array(["boots", "coffee", "tea"])
    some = np.array([1.0, 9.0, 5.0], dtype=np.float32)
    return ItemTable(
        item_id=ids, buyers=some, recent_buyers=some, repeat_rate=some / 10, gap_days=some, price=some * 100,
        category=np.array([0, 1, 1], dtype=np.int32), categories=np.array(["grocery", "shoes"]),
        popular=np.array([1, 2, 0], dtype=np.int32), neighbour_start=np.array([0, 0, 1, 1]),
        neighbour_item=np.array([2], dtype=np.int32), neighbour_score=np.array([0.5], dtype=np.float32),
        as_of=np.array(0.0),
    )  # fmt: skip


def write_bundle(home, as_of="20260801", seed=0, learned=(), canaries_of=None):
    """A promoted bundle with a small real booster for churn and a plain column for the ranker.

    Of `learned` each writes files of its own into the folder it is given; `canaries_of` has their canaries by name.
    """
    draft = home.bundles / ".draft"
    draft.mkdir(parents=True)
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(ROWS, len(CHURN_INPUTS)))
    labels = (inputs[:, 0] + random.normal(size=ROWS) > 0).astype(float)
    params = {"objective": "binary", "num_leaves": 7, "verbosity": -1, "deterministic": True, "num_threads": 1}
    booster = lightgbm.train(params | {"seed": seed}, lightgbm.Dataset(inputs, labels), num_boost_round=20)
    booster.save_model(draft / "churn.txt")
    texts = {
        "churn.json": {"kind": "lightgbm", "inputs": list(CHURN_INPUTS), "file": "churn.txt"},
        "churn_calibration.json": {"kind": "none"},
        "ranker.json": {"kind": "column", "inputs": ["recent_buyers"]},
        "ranker_calibration.json": {"kind": "platt", "on": "score", "slope": 1.0, "intercept": -3.0},
    }
    for name, content in texts.items():
        (draft / name).write_text(json.dumps(content))
    item_table().save(draft / "items.npz")
    for write in learned:
        write(draft)
    rows = {"churn": inputs[:4], "ranker": random.normal(size=(4, len(CANDIDATE_INPUTS)))}
    names = {"churn": list(CHURN_INPUTS), "ranker": list(CANDIDATE_INPUTS)}
    canaries = {
        name: {"inputs": x.tolist(), "expected": read_model(draft, name).probability(x, names[name]).tolist()}
        for name, x in rows.items()
    } | (canaries_of or {})
    files = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(draft.iterdir())}
    bundle_id = f"{as_of}-{hashlib.sha256(json.dumps(files).encode()).hexdigest()[:12]}"
    manifest = {
        "format": 1, "id": bundle_id, "created_at": "2026-08-01T00:00:00Z", "as_of": "2026-08-01T00:00:00Z",
        "horizon_days": 90, "offer_window_days": 30, "files": files, "feature_schema_hash": "0" * 16,
        "churn_inputs": names["churn"], "ranker_inputs": names["ranker"], "metrics": {"auc": 0.7},
        "canaries": canaries,
    }  # fmt: skip
    (draft / "manifest.json").write_text(json.dumps(manifest))
    draft.rename(home.bundles / bundle_id)
    put_in_force(home, bundle_id)
    return bundle_id


def put_in_force(home, bundle_id):
    draft = home.bundles / ".current"
    draft.write_text(json.dumps({"bundle": bundle_id, "history": [bundle_id]}))
    draft.replace(home.bundles / "current.json")


@pytest.fixture
def home(tmp_path):
    return Home.open(tmp_path / "home")


def edit_manifest(folder, change):
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def truncate(folder):
    path = folder / "churn.txt"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def truncate_with_its_sum(folder):
    truncate(folder)
    sha = hashlib.sha256((folder / "churn.txt").read_bytes()).hexdigest()
    edit_manifest(folder, lambda m: m["files"].update({"churn.txt": sha}))


def flip_a_bit(folder):
    path = folder / "churn.txt"
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(bytes(body))


FAULTS = {
    "truncated": (truncate, "SHA-256"),
    "truncated, its sum forged": (truncate_with_its_sum, "killed the process|failed its trial"),
    "flipped bit": (flip_a_bit, "SHA-256"),
    "file missing": (lambda f: (f / "items.npz").unlink(), "items.npz is missing"),
    "file too many": (lambda f: (f / "model.pkl").write_bytes(b"\x80"), "model.pkl is not in the manifest"),
    "no manifest": (lambda f: (f / "manifest.json").unlink(), "manifest.json cannot be read"),
    "torn manifest": (lambda f: (f / "manifest.json").write_text('{"format": 1'), "manifest.json cannot be read"),
    "other format": (lambda f: edit_manifest(f, lambda m: m.update(format=2)), "has format 2"),
    "other inputs": (lambda f: edit_manifest(f, lambda m: m["churn_inputs"].pop()), "trained on other inputs"),
    "wrong canary": (
        lambda f: edit_manifest(f, lambda m: m["canaries"]["churn"].update(expected=[0.5] * 4)),
        "misses its canaries",
    ),
    "no canary": (lambda f: edit_manifest(f, lambda m: m["canaries"].pop("ranker")), "no canaries for ranker"),
}


def write_bundle_with_sessions(home):
    """A bundle that learned from sessions that boots follow on coffee, which the item table does not know."""
    items = Items(["boots", "coffee", "lamp"])
    sessions = Sequences.of_sessions([["coffee", "boots", "lamp"], ["lamp", "boots"]] * 9, items)
    model = NextViews(items.names, Neighbours.fit(sessions, name="alike"))
    canaries = canaries_of(model, [sessions.take(np.array([row])).item for row in (0, 1)])
    learned = [lambda folder: save_next_views(folder, model)]
    return write_bundle(home, learned=learned, canaries_of={"sessions": canaries})


def test_what_visitors_look_at_next_comes_before_what_is_bought_with_it(home):
    write_bundle(home)
    assert [i.item_id for i in load_bundle(home).goes_with(["coffee"])] == ["tea"], "a bundle without sessions"
    write_bundle_with_sessions(home)
    bundle = load_bundle(home)
    assert [i.item_id for i in bundle.goes_with(["coffee"])] == ["boots", "lamp", "tea"]
    assert [i.item_id for i in bundle.goes_with(["boots", "coffee"])] == ["lamp", "tea"], "each once, the seen left out"
    assert all(np.isnan(i.probability) for i in bundle.goes_with(["coffee"])), "a look is not a purchase"
    assert bundle.goes_with([]) == bundle.goes_with(["unheard of"]) == []


def shorten_sessions(folder):
    """Arrays that fit together, their sum forged, of another model."""
    with np.load(folder / "sessions.npz") as arrays:
        kept = dict(arrays)
    np.savez(folder / "sessions.npz", **(kept | {"rarity": kept["rarity"] * 2}))
    sha = hashlib.sha256((folder / "sessions.npz").read_bytes()).hexdigest()
    edit_manifest(folder, lambda m: m["files"].update({"sessions.npz": sha}))


def tear_sessions(folder):
    """Half the arrays, their sum forged."""
    path = folder / "sessions.npz"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    edit_manifest(folder, lambda m: m["files"].update({"sessions.npz": sha}))


SESSION_FAULTS = {
    "altered": (lambda f: (f / "sessions.json").write_text("{}"), "SHA-256"),
    "missing": (lambda f: (f / "sessions.npz").unlink(), "sessions.npz is missing"),
    "torn": (tear_sessions, "no recommender of sessions"),
    "another model": (shorten_sessions, "sessions model misses its canaries"),
    "no canaries": (lambda f: edit_manifest(f, lambda m: m["canaries"].pop("sessions")), "no canaries for sessions"),
}


@pytest.mark.parametrize("fault", SESSION_FAULTS)
def test_faulty_sessions_refuse_the_bundle(home, fault):
    damage, says = SESSION_FAULTS[fault]
    damage(home.bundles / write_bundle_with_sessions(home))
    with pytest.raises(BundleError, match=says) as caught:
        load_bundle(home)
    assert "romote again" in str(caught.value)


def test_before_the_first_promotion_there_is_none(home):
    assert load_bundle(home) is None


def test_a_good_bundle_answers(home):
    bundle_id = write_bundle(home)
    bundle = load_bundle(home)
    assert bundle.id == bundle_id
    at = np.array([1_780_000_000.0, 1_780_000_000.0])
    bought = {"last_purchase_at": np.array([1_779_000_000.0, np.nan])}
    names, inputs = customer_inputs(bought, at)
    churn = bundle.churn(inputs, names)
    assert 0 < churn[0] < 1 and np.isnan(churn[1]), "of one who never bought nothing is said"
    history = ItemHistory(["boots"], [1.0], [1_779_000_000.0], [1_779_000_000.0], 1.0, 1_779_000_000.0, 1_779_000_000.0)
    (items,) = bundle.next_items([history], at[:1], 2)
    assert [i.item_id for i in items] == ["coffee", "tea"]
    assert items[0].probability == pytest.approx(1 / (1 + np.exp(3 - np.log1p(9.0))), rel=1e-6)
    assert [i.item_id for i in bundle.popular(2)] == ["coffee", "tea"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_bundle_is_refused_with_what_is_wrong_and_the_remedy(home, fault):
    damage, says = FAULTS[fault]
    damage(home.bundles / write_bundle(home))
    with pytest.raises(BundleError, match=says) as caught:
        load_bundle(home)
    assert "romote again" in str(caught.value)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"bundle": "../../etc"}', '{"bundle": 7}'])
def test_a_torn_current_file_is_refused(home, content):
    home.bundles.mkdir()
    (home.bundles / "current.json").write_text(content)
    with pytest.raises(BundleError, match=r"current\.json"):
        load_bundle(home)


def test_a_bundle_is_taken_up_when_it_is_promoted_and_a_bad_one_leaves_the_last_good_one_in_force(home, shop):
    keeper = Keeper(home)
    assert keeper.at(shop.NOON).scorer.id == "none"
    first = write_bundle(home)
    assert keeper.at(shop.NOON).scorer.id == first
    second = write_bundle(home, "20260901", seed=1)
    assert keeper.at(shop.NOON).scorer.id == second != first
    third = write_bundle(home, "20261001", seed=2)
    truncate(home.bundles / third)
    after = keeper.at(shop.NOON)
    assert after.scorer.id == second
    assert third in after.degraded[0] and "SHA-256" in after.degraded[0]
    put_in_force(home, first)
    rolled_back = keeper.at(shop.NOON)
    assert rolled_back.scorer.id == first and not rolled_back.degraded


def test_what_passed_its_trial_is_not_tried_again_and_what_changed_is(home, monkeypatch):
    first = write_bundle(home)
    assert load_bundle(home).id == first
    monkeypatch.setattr(sys, "executable", "/bin/false")  # no trial can pass from here on
    assert load_bundle(home).id == first
    edit_manifest(home.bundles / first, lambda m: m["canaries"]["churn"].update(expected=[0.5] * 4))
    with pytest.raises(BundleError, match="failed its trial"):
        load_bundle(home)
    write_bundle(home, "20260901", seed=4711)  # of no other test's content
    with pytest.raises(BundleError, match="failed its trial"):
        load_bundle(home)


def test_a_bundle_that_was_bad_from_the_start_leaves_none(home, shop):
    truncate(home.bundles / write_bundle(home))
    found = Keeper(home).at(shop.NOON + timedelta(days=1))
    assert found.scorer.id == "none" and found.degraded
