"""R4: the second purchase. Its chance is a model of its own; its nurture is not what a regular gets."""

import json
import shutil
from datetime import timedelta

import numpy as np
import pytest

from features.feature_store.batch import schema_hash
from features.inputs.frame import CHURN_INPUTS, DAY_SECONDS, customer_inputs
from features.log.event_log import EventLog
from pipelines.materialize import materialize
from pipelines.retraining.files import write_model
from tests.scenarios.conftest import NOON
from tests.serving.core.test_bundles import edit_manifest, write_bundle
from training.params import ChurnParams, Trees
from training.people import Rows
from training.purchases import load_purchases
from training.retrieval import connect, item_table
from training.second_purchase import train_second_purchase


@pytest.fixture
def newcomer(shop):
    """Aino bought once, a month ago, and was welcomed."""
    shop.agrees("aino")
    shop.orders("aino", "sneaker-39", ago=timedelta(days=30))
    shop.wait(seconds=1)
    return shop


def scored(shop, customer, value):
    shop.happens("score", customer, model="second_purchase", version="1", value=value)
    shop.wait(seconds=1)


def nurture(shop):
    why = shop.why("aino", "email", "email")
    return next(c for c in why["candidates"] if c["action_id"] == "second_purchase_nurture")


def test_r4_the_stored_chance_of_a_second_purchase_decides_what_nurture_is_worth(newcomer):
    stated = nurture(newcomer)
    assert stated["response_probability"] == 0.08, "nobody has scored her: as stated"
    scored(newcomer, "aino", 0.4)
    likely = nurture(newcomer)
    assert likely["response_probability"] == 0.4
    assert likely["expected_gain"] > stated["expected_gain"]
    assert newcomer.email("aino").actions == {"second_purchase_nurture"}


def test_r4_where_it_is_hopeless_she_is_not_nurtured(newcomer):
    scored(newcomer, "aino", 0.0)
    assert "second_purchase_nurture" not in newcomer.email("aino").actions
    assert nurture(newcomer)["expected_gain"] < 0


def test_r4_a_regular_gets_no_nurture_whatever_her_score(shop):
    shop.regular("aino")
    scored(shop, "aino", 0.9)
    assert "second_purchase_nurture" not in shop.asks("aino", "email", "email", n=9).actions
    assert "eligibility" in nurture(shop)["gates"]


def test_r4_one_who_objects_to_profiling_is_not_scored_for_it(newcomer):
    scored(newcomer, "aino", 0.9)
    newcomer.happens("consent", "aino", purpose="profiling", status="objected")
    newcomer.wait(seconds=1)
    found = nurture(newcomer)
    assert found["response_probability"] == 0.08 and "profiling_objection" in found["gates"]


def test_r4_no_nurture_while_her_exchange_is_open(newcomer):
    scored(newcomer, "aino", 0.9)
    newcomer.case("aino", "opened", reason="wrong size")
    newcomer.wait(seconds=1)
    assert newcomer.email("aino").actions == {"case_status"}


def once_ordered(n, seed=0):
    """Rows of inputs of customers with one order, and who came back: mostly those who spent much on it."""
    draw = np.random.default_rng(seed)
    ordered = NOON.timestamp() - draw.uniform(1, 100, n) * DAY_SECONDS
    spent = draw.uniform(500, 10_000, n).round()
    columns = {
        "first_purchase_at": ordered, "last_purchase_at": ordered, "purchase_count_total": np.ones(n),
        "revenue_total": spent, "items_total": np.ones(n), "distinct_items_total": np.ones(n),
    }  # fmt: skip
    inputs = customer_inputs(columns, np.full(n, NOON.timestamp()))[1]
    return inputs, (draw.random(n) < np.where(spent > 5000, 0.8, 0.05)).astype(float)


def bundle_in_force(shop):
    """A bundle with a model of second purchases that was learned from customers with one order."""
    names = list(CHURN_INPUTS)
    groups = []
    for seed in (0, 1):
        inputs, came_back = once_ordered(400, seed)
        who = np.array([f"{seed}-{i:03d}" for i in range(400)])
        groups.append(Rows(NOON - timedelta(days=90 * (seed + 1)), who, inputs, 1 - came_back))
    found = train_second_purchase(groups, names, 90, ChurnParams(trees=Trees(rounds=30)))
    learned = shop.home.models / "second_purchase"
    learned.mkdir(parents=True)
    write_model(learned, "second_purchase", found.fitted, found.calibration, names, groups[0].inputs)
    canaries = json.loads((learned / "canaries.json").read_text())
    files = [path for path in learned.iterdir() if path.name != "canaries.json"]
    with connect(load_purchases(shop.home)) as con:
        table = item_table(con, shop.now)
    bundle = write_bundle(
        shop.home,
        learned=[
            lambda folder: table.save(folder / "items.npz"),
            lambda folder: [shutil.copy(path, folder) for path in files],
        ],
        canaries_of={"second_purchase": canaries},
    )
    edit_manifest(shop.home.bundles / bundle, lambda told: told.update(feature_schema_hash=schema_hash()))
    shop.takes_up(bundle)


def buys_for(shop, customer, paid):
    """One order a month ago, known to the stores as after a night's run."""
    lines = [{"item_id": "sneaker-39", "quantity": 1, "unit_price": paid, "discount": 0}]
    ago = timedelta(days=30)
    shop.happens("purchase", customer, ago=ago, order_id=f"first of {customer}", currency="EUR", lines=lines)


@pytest.fixture
def modelled(shop):
    """A model is in force; Aino bought much once, Bertta little, Cecilia is a regular."""
    for customer in ("aino", "bertta"):
        shop.agrees(customer)
    buys_for(shop, "aino", 9000)
    buys_for(shop, "bertta", 900)
    shop.regular("cecilia")
    shop.wait(seconds=1)
    with EventLog(shop.home) as log:
        log.flush_live()
    materialize(shop.home, shop.now, now=shop.now)
    bundle_in_force(shop)
    return shop


def nurture_of(shop, customer):
    why = shop.why(customer, "email", "email")
    return next(c for c in why["candidates"] if c["action_id"] == "second_purchase_nurture")


def test_r4_the_model_says_whose_second_purchase_is_near_and_it_is_told_to_staff(modelled):
    chances = {who: modelled.known(who)["scores"]["second_purchase_probability"] for who in ("aino", "bertta")}
    assert chances["aino"] > 0.5 > 0.2 > chances["bertta"]
    for who, chance in chances.items():
        assert nurture_of(modelled, who)["response_probability"] == pytest.approx(chance)
    answer = modelled.email("aino")
    assert answer.actions == {"second_purchase_nurture"}
    told = {one["code"]: one["text"] for one in answer["actions"][0]["reasons"]}
    assert f"{round(100 * chances['aino'])} %" in told["second_purchase"]


def test_r4_the_model_in_force_goes_before_a_score_that_was_stored_once(modelled):
    before = nurture_of(modelled, "aino")["response_probability"]
    scored(modelled, "aino", 0.01)
    assert nurture_of(modelled, "aino")["response_probability"] == before


def test_r4_a_regular_has_no_second_purchase_to_come_and_gets_what_regulars_get(modelled):
    assert "second_purchase_probability" not in modelled.known("cecilia")["scores"]
    found = modelled.asks("cecilia", "email", "email", n=9).actions
    assert "second_purchase_nurture" not in found
    assert "second_purchase_nurture" in modelled.asks("aino", "email", "email", n=9).actions
    assert "eligibility" in nurture_of(modelled, "cecilia")["gates"]


def test_r4_who_objects_to_profiling_is_asked_about_by_no_model(modelled):
    modelled.happens("consent", "aino", purpose="profiling", status="objected")
    modelled.wait(seconds=1)
    assert modelled.known("aino")["scores"] == {}
    found = nurture_of(modelled, "aino")
    assert found["response_probability"] == 0.08 and "profiling_objection" in found["gates"]


def test_r4_the_shop_may_make_it_a_condition(modelled):
    rule = {"feature": "second_purchase_probability", "op": ">=", "value": 0.3}
    modelled.edits_action("second_purchase_nurture", lambda action: action["suitability"].append(rule))
    assert "suitability" not in nurture_of(modelled, "aino")["gates"]
    assert "suitability" in nurture_of(modelled, "bertta")["gates"]
    assert "second_purchase_nurture" not in modelled.email("bertta").actions


def test_r4_what_the_model_said_is_on_record_and_comes_out_again(modelled):
    answer = modelled.email("aino")
    replayed = modelled.http.get(f"/v1/decisions/{answer['decision_id']}/replay").json()
    assert replayed["exact"] and replayed["model"] == "equal"
