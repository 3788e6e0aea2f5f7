"""Second purchase and value from the event log to the bundle in force: a shop with first-time buyers, all for real."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.catalogue import ITEM_SCHEMA, merge_items
from features.columns import EVENT_SCHEMA
from features.errors import BundleError
from features.home import Home
from features.log.event_log import EventLog
from pipelines.promote import promote
from pipelines.retraining.churn import train_churn
from pipelines.retraining.next_offer import train_next_offer
from pipelines.retraining.prepare import prepare
from pipelines.retraining.response import response_told, train_response
from pipelines.retraining.retrain import retrain
from pipelines.retraining.second_purchase import train_second_purchase
from pipelines.retraining.value import train_value
from pipelines.score import score_churn
from pipelines.write_bundle import write_bundle
from serving.bundle import load
from tests.training.shops import day, events, rhythmic
from training.params import ChurnParams, OfferParams, Params, PromotionParams, Trees

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PARAMS = Params(
    churn=ChurnParams(horizon_days=28, cutoffs=3, trees=Trees(rounds=30, min_data_in_leaf=20)),
    next_offer=OfferParams(cutoffs=3, k=5, trees=Trees(num_leaves=15, learning_rate=0.1, rounds=30)),
    promotion=PromotionParams(min_customers=30, max_offer_ece=0.1, max_churn_ece=0.2),
)
NAMES = ("second_purchase", "value")


def joiners(n: int = 150) -> list[tuple[str, str, str, int, float]]:
    """Customers who come all the time; who begins with `a0` comes back within a fortnight as a rule, others do not."""
    draw = np.random.default_rng(5)
    rows = []
    for c in range(n):
        first, liked = float(draw.uniform(20, 196)), bool(draw.random() < 0.5)
        item = "a0" if liked else "b0"
        rows.append((f"j{c:03d}", f"j{c:03d}-0", item, 3000 if liked else 300, round(first, 3)))
        if draw.random() < (0.85 if liked else 0.1):
            again = first + float(draw.uniform(5, 40))
            rows.append((f"j{c:03d}", f"j{c:03d}-1", "a1", 700, round(again, 3)))
    return rows


def shop_of(folder: Path, rows: list[tuple[str, str, str, int, float]]) -> Home:
    home = Home.open(folder)
    with EventLog(home) as log:
        log.append_history([events(rows)], source="test", now=NOW)
    return home


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = shop_of(tmp_path_factory.mktemp("home"), rhythmic(60) + joiners())
    retrain(home, day(196), PARAMS)
    return home


@pytest.fixture
def shop(trained: Home, tmp_path: Path) -> Home:
    shutil.copytree(trained.root, tmp_path / "home")
    return Home.open(tmp_path / "home")


def report(home: Home, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((home.models / name / "report.json").read_text())
    return found


def test_both_are_learned_from_churns_rows_and_tell_how_well(trained: Home) -> None:
    metrics = json.loads((trained.models / "metrics.json").read_text())
    assert report(trained, "second_purchase")["chosen"] != "none"
    assert metrics["second_purchase.auc"] > 0.6
    assert metrics["value.rank"] > 0.3 and 0.5 < metrics["value.level"] < 2
    assert metrics["value.inside"] == pytest.approx(0.8, abs=0.15)
    churn = pq.read_table(trained.models / "churn" / "evidence.parquet")
    value = pq.read_table(trained.models / "value" / "evidence.parquet")
    assert value["customer_id"].equals(churn["customer_id"])
    assert ((value["truth"].to_numpy() == 0) == (churn["truth"].to_numpy() == 1)).all()
    once = pq.read_table(trained.models / "second_purchase" / "evidence.parquet")
    assert set(once["orders"].to_pylist()) == {1.0} and {"language", "browses"} <= set(once.column_names)


def test_the_steps_alone_give_the_bytes_of_the_whole_retraining(trained: Home, shop: Home) -> None:
    train_second_purchase(shop, PARAMS)
    train_value(shop, PARAMS)
    for name in NAMES:
        files = sorted(path.name for path in (trained.models / name).iterdir())
        assert files == sorted(path.name for path in (shop.models / name).iterdir())
        for file in files:
            assert (trained.models / name / file).read_bytes() == (shop.models / name / file).read_bytes(), file


def test_the_bundle_answers_for_both_as_the_files_of_training_do(shop: Home) -> None:
    bundle = load(shop.bundles / write_bundle(shop, NOW))
    names = bundle.manifest.churn_inputs
    canary = bundle.manifest.canaries["second_purchase"]
    assert bundle.second_purchase(canary.rows, names) == pytest.approx(canary.expected, abs=1e-9)
    expected, low, high = bundle.value(bundle.manifest.canaries["value"].rows, names).T
    assert expected == pytest.approx(bundle.manifest.canaries["value"].expected, rel=1e-9)
    assert (low <= high).all() and (high > 0).any()
    regular = bundle.manifest.canaries["churn"].rows.copy()
    regular[:, names.index("log_purchase_count_total")] = np.log1p(7)
    assert np.isnan(bundle.second_purchase(regular, names)).all(), "asked of those with one order alone"
    nobody = np.full_like(regular, np.nan)
    assert np.isnan(bundle.value(nobody, names)).all() and np.isnan(bundle.second_purchase(nobody, names)).all()


def test_of_more_customers_than_wanted_some_are_drawn_and_their_models_answer_for_all(shop: Home) -> None:
    few = PARAMS.model_copy(
        update={
            "churn": PARAMS.churn.model_copy(update={"most_customers": 90}),
            "next_offer": PARAMS.next_offer.model_copy(update={"most_customers": 60}),
        }
    )
    everybody = pq.read_table(shop.models / "churn" / "evidence.parquet")["customer_id"].to_pylist()
    items = (shop.models / "next_offer" / "items.npz").read_bytes()
    train_churn(shop, few)
    train_next_offer(shop, few)
    drawn = pq.read_table(shop.models / "churn" / "evidence.parquet")["customer_id"].to_pylist()
    assert len(everybody) > len(drawn) > 40 and set(drawn) < set(everybody)
    assert len(pq.read_table(shop.models / "next_offer" / "evidence.parquet")) <= 60
    assert (shop.models / "next_offer" / "items.npz").read_bytes() == items, "items are counted over everybody"


def spoil_canary(told: dict[str, dict[str, list[float]]], name: str, part: str) -> None:
    told[name][part][0] += 0.001 * max(1.0, told[name][part][0])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda told: spoil_canary(told, "second_purchase", "expected"), "the second_purchase model misses"),
        (lambda told: spoil_canary(told, "value", "expected"), "the value model misses"),
        (lambda told: spoil_canary(told, "value", "high"), "the value model misses"),
        (lambda told: told.pop("value"), "no canaries for value"),
        (lambda told: told["value"]["low"].pop(), "do not fit together"),
    ],
)
def test_canaries_that_miss_are_refused(
    shop: Home, spoil: Callable[[dict[str, dict[str, list[float]]]], object], said: str
) -> None:
    folder = shop.bundles / write_bundle(shop, NOW)
    manifest = json.loads((folder / "manifest.json").read_text())
    spoil(manifest["canaries"])
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=said):
        load(folder)


def test_a_bundle_of_before_has_neither_and_says_nothing_of_them(shop: Home, tmp_path: Path) -> None:
    for name in NAMES:
        shutil.rmtree(shop.models / name)
    bundle = load(shop.bundles / write_bundle(shop, NOW))
    rows, names = bundle.manifest.canaries["churn"].rows, bundle.manifest.churn_inputs
    assert np.isnan(bundle.second_purchase(rows, names)).all() and np.isnan(bundle.value(rows, names)).all()


def test_everybody_is_scored_by_both(shop: Home, tmp_path: Path) -> None:
    result = promote(shop, PARAMS, now=NOW)
    assert result.promoted, str(result)
    score_churn(shop, day(196), tmp_path / "scores.parquet")
    told = pq.read_table(tmp_path / "scores.parquet").to_pandas().set_index("customer_id")
    assert list(told.columns) == [
        "churn_probability", "second_purchase_probability", "expected_value", "value_low", "value_high",
    ]  # fmt: skip
    orders: dict[str, set[str]] = {}
    for customer, order, *_, at in rhythmic(60) + joiners():
        if at < 196:
            orders.setdefault(customer, set()).add(order)
    once = [customer for customer, own in orders.items() if len(own) == 1]
    assert sorted(told.index[told["second_purchase_probability"].notna()]) == sorted(once)
    assert (told["value_low"] <= told["value_high"]).all() and (told["expected_value"] >= 0).all()


def test_too_few_first_time_buyers_leave_the_model_out_with_a_message(tmp_path: Path) -> None:
    home = shop_of(tmp_path / "home", rhythmic(60))
    found = retrain(home, day(196), PARAMS)
    assert found.chosen["second_purchase"] == "none"
    (why,) = report(home, "second_purchase")["notes"]
    assert "customers with one order" in why and why in str(found)
    assert [path.name for path in (home.models / "second_purchase").iterdir()] == ["report.json"]
    assert not [name for name in found.metrics if name.startswith("second_purchase.")]
    assert "what actions add: no claim" in str(found) and report(home, "response")["actions"] == []
    bundle = load(home.bundles / write_bundle(home, NOW))
    assert bundle.second_purchase_model is None and bundle.value_model is not None


def test_letters_held_back_by_lot_tell_what_the_letter_adds(shop: Home) -> None:
    draw = np.random.default_rng(2)
    letters, bought = [], []
    for number in range(800):
        moment, customer = 100 + number / 10, f"c{number % 60:03d}"
        held = bool(draw.random() < 0.4)
        letters.append({
            "event_id": f"letter-{number}", "type": "contact", "customer_id": customer, "occurred_at": day(moment),
            "received_at": day(moment), "channel": "email", "source": "test", "schema_version": 1,
            "action_id": "letter", "status": "released" if held else "sent",
            "treatment_id": "control" if held else "plain",
        })  # fmt: skip
        if not held and draw.random() < 0.7:
            bought.append((customer, f"by-letter-{number}", "a0", 500, moment + 1))
    with EventLog(shop) as log:
        told = pa.Table.from_pylist(letters, schema=EVENT_SCHEMA)
        log.append_history([events(bought), told], source="more", now=NOW)
    prepare(shop, day(196), PARAMS)
    (found,) = train_response(shop)
    assert found.claimed and response_told(shop).startswith("letter: ")
    (kept,) = report(shop, "response")["actions"]
    assert kept["claimed"] and 0 < kept["incrementality"]["low"] <= kept["incrementality"]["high"] <= 1


def test_value_sums_margins_where_the_catalogue_knows_them(shop: Home) -> None:
    assert report(shop, "value")["notes"] == ["value sums spend: the catalogue knows the margin of 0% of what was paid"]
    spend = pq.read_table(shop.models / "value" / "evidence.parquet")["truth"].to_numpy()
    prices = {row[2]: row[3] for row in rhythmic(60) + joiners()}
    items = [
        dict.fromkeys(ITEM_SCHEMA.names) | {"item_id": name, "price": price, "margin": price // 4}
        for name, price in sorted(prices.items())
    ]
    merge_items(shop, pa.Table.from_pylist(items, schema=ITEM_SCHEMA))
    model = train_value(shop, PARAMS)
    assert model is not None and model.sums == "margin" and 0.1 < model.rates.earned < 0.5
    (note,) = report(shop, "value")["notes"]
    assert note.startswith("value sums margin: the catalogue knows the margin of 100%")
    margin = pq.read_table(shop.models / "value" / "evidence.parquet")
    assert ((margin["truth"].to_numpy() > 0) == (spend > 0)).all()
    assert margin["truth"].to_numpy().sum() < 0.6 * spend.sum()
    assert margin["expected"].to_numpy().mean() < 0.6 * spend.mean() * 2
