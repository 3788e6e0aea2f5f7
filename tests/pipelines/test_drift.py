"""Drift in operation: real decisions of a real service, held against the bundle that made them."""

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from features.errors import DataError
from features.home import Home
from features.inputs.frame import CHURN_INPUTS
from features.log.event_log import EventLog
from pipelines.cli import app
from pipelines.drift.judging import columns_of, findings_of
from pipelines.drift.sample import Picked, read_span
from pipelines.drift.watch import watch_drift
from pipelines.materialize import materialize
from pipelines.promote import promote
from pipelines.retraining.retrain import retrain
from serving.api.customer_models import CustomerResponse
from serving.core.question import Request
from serving.service import DecisionService
from tests.training.shops import day, events, rhythmic
from training.params import ChurnParams, OfferParams, Params, PromotionParams, QualityParams, Trees

SMALL = Trees(rounds=10, min_data_in_leaf=20)
LAX = PromotionParams(min_customers=1, max_churn_ece=1, max_offer_ece=1, min_churn_auc=0)
PARAMS = Params(
    churn=ChurnParams(horizon_days=28, cutoffs=2, trees=SMALL),
    next_offer=OfferParams(cutoffs=2, k=5, trees=SMALL),
    promotion=LAX,
)
LIMITS = QualityParams()
CUSTOMERS = [f"c{number:03d}" for number in range(120)]
NOW = day(197)


def decide(service: DecisionService, at: datetime, mode: str = "list") -> None:
    where = (
        {"channel": "email", "placement": "email"} if mode == "list" else {"channel": "web", "placement": "front_page"}
    )
    service.decide_many([Request(customer_id=who, now=at, mode=mode, **where) for who in CUSTOMERS])


@pytest.fixture(scope="module")
def promoted(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A shop of rhythmic customers, trained and in force, that decided nothing yet."""
    home = Home.open(tmp_path_factory.mktemp("home"))
    with EventLog(home) as log:
        log.append_history([events(rhythmic(len(CUSTOMERS)))], source="test", now=day(200))
    retrain(home, day(196), PARAMS)
    result = promote(home, PARAMS, now=day(196))
    assert result.promoted, str(result)
    materialize(home, day(196))
    return home


@pytest.fixture
def shop(promoted: Home, tmp_path: Path) -> Home:
    return Home.open(shutil.copytree(promoted.root, tmp_path / "home"))


@pytest.fixture
def service(shop: Home):
    service = DecisionService(shop, durable=False)
    yield service
    service.close()


def rate(service: DecisionService, at: datetime) -> None:
    """Everybody gives her first rating."""
    for who in CUSTOMERS:
        event = {"event_id": f"f-{who}", "type": "feedback", "customer_id": who, "occurred_at": at.isoformat()}
        payload = {"kind": "rating", "score": 4, "scale_min": 1, "scale_max": 5}
        assert service.ingest([event | {"payload": payload}], at)[0].status == "accepted"


def test_nothing_decided_is_said_with_what_to_do(shop: Home) -> None:
    with pytest.raises(DataError, match=r"too few customers .*0 in visits, 0 in lists.*tahdikas campaign build"):
        watch_drift(shop, NOW, 7, LIMITS)


def test_without_a_bundle_or_a_reference_the_way_out_is_said(shop: Home, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No bundle is in force"):
        watch_drift(Home.open(tmp_path / "empty"), NOW, 7, LIMITS)
    shutil.rmtree(shop.models / "champions")
    with pytest.raises(DataError, match=r"has no reference .*evidence\.parquet is not there\. Retrain and promote"):
        watch_drift(shop, NOW, 7, LIMITS)


def test_the_same_shop_has_not_drifted_and_a_planted_change_is_named(shop: Home, service: DecisionService) -> None:
    decide(service, day(196.2))
    report = watch_drift(shop, NOW, 7, LIMITS)
    assert report.customers == {"visits": 0, "lists": len(CUSTOMERS)} and not report.errors, report.findings
    assert report.days["lists"][f"{day(196):%Y-%m-%d}"][0] == len(CUSTOMERS)
    rate(service, day(196.3))
    decide(service, day(196.4))
    report = watch_drift(shop, NOW, 7, LIMITS)
    assert "drift.lists.ratings_90d" in {one.name for one in report.errors}
    (found,) = (one for one in report.errors if one.name == "drift.lists.ratings_90d")
    assert "the middle value is 1, was 0" in found.message and "feedback events" in found.message
    assert "keskimmäinen arvo on 1, oli 0" in found.message_fi and "feedback-tapahtumat" in found.message_fi
    assert f"raja {found.limit:.2f}".replace(".", ",") in found.message_fi
    accepted = watch_drift(shop, NOW, 7, QualityParams(accept=("drift", "null")))
    assert accepted.findings and not accepted.errors


def test_visitors_are_held_against_visitors(shop: Home, service: DecisionService) -> None:
    """Those who come are not everybody: until there are earlier visitors, what differs only warns."""
    rate(service, day(196.1))
    decide(service, day(196.2), "serve")
    first = watch_drift(shop, NOW, 7, LIMITS)
    assert first.findings and not first.errors and "this warns only" in first.against["visits"]
    decide(service, day(204), "serve")
    later = watch_drift(shop, day(204.5), 7, LIMITS)
    assert later.against["visits"] == "28 days before"
    assert "ratings_90d" not in {one.subject for one in later.findings}


def test_the_command_alarms_by_its_exit_code(shop: Home, service: DecisionService) -> None:
    decide(service, day(196.2))
    arguments = ["--home", str(shop.root), "drift", "--as-of", NOW.isoformat()]
    quiet = CliRunner().invoke(app, arguments)
    assert quiet.exit_code == 0 and "bundle" in quiet.stdout
    rate(service, day(196.3))
    decide(service, day(196.4))
    alarmed = CliRunner().invoke(app, [*arguments, "--json"])
    assert alarmed.exit_code == 1 and json.loads(alarmed.stdout)["errors"] >= 1
    assert json.loads((shop.reports / "drift.json").read_text(encoding="utf-8")) == json.loads(alarmed.stdout)


def test_a_customer_is_told_with_the_causes_of_her_scores(shop: Home, service: DecisionService) -> None:
    told = [service.customer(who, NOW) for who in CUSTOMERS[:40]]
    causes = [one["causes"]["churn_probability"] for one in told]
    for answer in told:
        CustomerResponse.model_validate(answer)
    assert any(one["raises"] for one in causes) and any(one["lowers"] for one in causes)
    typical = {
        c["typical"] is not None for one in causes for way in one.values() for c in way if c["value"] is not None
    }
    assert typical == {True}
    found = CliRunner().invoke(app, ["--home", str(shop.root), "customer", CUSTOMERS[0], "--as-of", NOW.isoformat()])
    assert found.exit_code == 0 and "chance that she leaves" in found.stdout


def test_a_sample_is_the_same_whatever_the_order_and_bounded() -> None:
    ids = [(f"c{n}", f"d-{n:05d}") for n in range(5_000)]
    forward, backward = Picked(100), Picked(100)
    for customer, decision in ids:
        forward.take(customer, decision)
        assert len(forward.latest) <= 200
    for customer, decision in reversed(ids):
        backward.take(customer, decision)
    assert forward.ids() == backward.ids() and len(forward.ids()) == 100


def test_a_sample_counts_everyone_once_and_every_decision_by_day(shop: Home, service: DecisionService) -> None:
    for hour in range(3):
        decide(service, day(196.2) + timedelta(hours=hour))
    run = service.records.connection()
    span = read_span(run, day(190), NOW, "none", most=50)
    assert len(span.rows["lists"]) == 50 and span.decisions("lists") == 3 * len(CUSTOMERS)
    assert np.isnan(span.rows["lists"].top).all(), "another bundle's chances are not compared"
    assert span.decisions("visits") == 0


def drawn(seed: int, n: int) -> np.ndarray:
    """Customers of one shop: counts, shares, long tails, absent values."""
    draw = np.random.default_rng(seed)
    rows = draw.lognormal(size=(n, len(CHURN_INPUTS)))
    rows[:, ::3] = draw.poisson(0.7, size=rows[:, ::3].shape)
    rows[draw.random(rows.shape) < 0.15] = np.nan
    return rows


def judged(now: np.ndarray, before: np.ndarray, *, stops: bool = True) -> list[str]:
    alpha = LIMITS.chance / (2 * len(CHURN_INPUTS))
    sizes = len(now), len(before)
    return [
        found.name
        for one in columns_of("lists", now, before, alpha)
        for found in findings_of(one, sizes, LIMITS, alpha, stops=stops, young=False)
    ]


@pytest.mark.parametrize(("n", "m"), [(50, 50), (60, 1_000), (400, 400), (5_000, 5_000)])
def test_law_no_false_alarm_by_chance(n: int, m: int) -> None:
    """0.1 % of whole comparisons may cry; of 40 of each size none does."""
    assert [judged(drawn(seed, n), drawn(seed + 1_000, m)) for seed in range(40)] == [[]] * 40


@pytest.mark.parametrize("name", ["log_revenue_90d", "recency_days", "feedback_mean_365d"])
def test_a_planted_change_of_one_input_is_found_and_no_other(name: str) -> None:
    now, before = drawn(1, 800), drawn(2, 800)
    column = CHURN_INPUTS.index(name)
    now[:, column] = now[:, column] * 4 + 3
    assert judged(now, before) == [f"drift.lists.{name}"]
    now = drawn(1, 800)
    now[:500, column] = np.nan
    assert judged(now, before) == [f"null.lists.{name}"]
