"""K2: any shop's data. Without browsing, feedback or demographics everything else works, and the report says so."""

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from features.home import Home
from pipelines.campaigns import build_campaign
from pipelines.ingest import ingest
from pipelines.materialize import materialize
from pipelines.promote import promote
from pipelines.retraining.retrain import retrain
from pipelines.simulate import simulate
from pipelines.status import status
from serving.core.question import Request
from serving.service import DecisionService
from training.params import ChurnParams, OfferParams, Params, PromotionParams

ROOT = Path(__file__).parents[2]
LACKING = ("browse", "feedback", "profile")
END = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A year of a small shop that has no browsing, no feedback, no demographics and no item catalogue."""
    folder = tmp_path_factory.mktemp("shop")
    simulate(folder / "all", customers=600, seed=3, start=date(2025, 1, 1), days=365)
    some = ds.dataset(folder / "all" / "events").to_table(filter=~pc.field("type").isin(LACKING))
    pq.write_table(some, folder / "some.parquet")
    return Home.open(folder / "home"), folder / "some.parquet"


@pytest.fixture(scope="module")
def trained(shop):
    home, path = shop
    report = ingest(home, "canonical", path, now=END)
    params = Params(
        churn=ChurnParams(horizon_days=60, cutoffs=3),
        next_offer=OfferParams(cutoffs=2),
        promotion=PromotionParams(max_churn_ece=0.2, max_offer_ece=0.2),
    )
    return home, report, retrain(home, END, params), promote(home, params, now=END)


def test_k2_everything_else_works(trained):
    home, _, report, promotion = trained
    assert promotion.promoted, str(promotion)
    assert report.metrics["churn.auc"] > 0.6
    materialize(home, END)
    service = DecisionService(home)
    some = [f"c{number:07d}" for number in range(0, 600, 3)]
    asked = [Request(customer_id=one, channel="web", placement="front_page", now=END) for one in some]
    answers = service.decide_many(asked)
    service.close()
    assert {"recommended_items"} <= {action.action_id for one in answers for action in one.actions}
    assert any(one.holds for one in answers), "cases and late deliveries still keep offers away"
    assert build_campaign(home, name="all", channel="email", placement="email", now=END).listed > 0


def test_k2_the_reports_say_what_is_missing_and_what_it_costs(trained):
    home, _, report, _ = trained
    assert {"browse", "feedback"} <= set(report.missing)
    assert set(LACKING) <= set(status(home).missing)
    told = str(report)
    assert "Missing here: browse, feedback" in told and "docs/models.md" in told
    # What is there is measured here; what is missing cannot be, so the page has it from a shop that has everything.
    assert {"case", "delivery"} <= set(report.source_worth)
    assert all(worth["low"] <= worth["value"] <= worth["high"] for worth in report.source_worth.values())
    page = (ROOT / "docs" / "models.md").read_text()
    for source in (*report.missing, *report.source_worth):
        assert f"| {source} |" in page
