"""The gate in front of training, through `retrain` and promotion themselves: one small shop, trained for real."""

import hashlib
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.errors import DataError
from features.home import Home
from features.log.event_log import EventLog
from pipelines.promote import promote
from pipelines.quality import check_newest
from pipelines.retraining.churn import train_churn
from pipelines.retraining.retrain import retrain
from tests.training.shops import day, events, rhythmic
from training.params import ChurnParams, OfferParams, Params, PromotionParams, QualityParams, Trees

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SMALL = Trees(rounds=10, min_data_in_leaf=20)
LAX = PromotionParams(min_customers=1, max_churn_ece=1, max_offer_ece=1, min_churn_auc=0)
PARAMS = Params(
    churn=ChurnParams(horizon_days=28, cutoffs=2, trees=SMALL),
    next_offer=OfferParams(cutoffs=2, k=5, trees=SMALL),
    promotion=LAX,
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A shop of rhythmic customers, trained once."""
    home = Home.open(tmp_path_factory.mktemp("home"))
    with EventLog(home) as log:
        log.append_history([events(rhythmic(80))], source="test", now=NOW)
    report = retrain(home, day(196), PARAMS)
    assert report.quality["compared_with"] == f"the snapshot as of {day(140):%Y-%m-%d}"
    assert not report.quality["errors"]
    assert "features compared with" in str(report)
    return home


@pytest.fixture
def shop(trained: Home, tmp_path: Path) -> Home:
    """A copy of the trained shop."""
    return Home.open(shutil.copytree(trained.root, tmp_path / "home"))


def _sums(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_training_stops_where_the_source_stopped_and_leaves_the_models_as_they_were(shop: Home) -> None:
    before = _sums(shop.models / "churn")
    with pytest.raises(DataError, match=r"silence\.test: The source test has told nothing for \d+ days"):
        retrain(shop, day(240), PARAMS)
    assert _sums(shop.models / "churn") == before
    assert (shop.reports / "quality.json").exists()
    with pytest.raises(DataError, match=r"silence\.test"):
        train_churn(shop, PARAMS)  # as the stage does


def _told_again(home: Home) -> None:
    again: pa.Table = events(rhythmic(80))
    ids = pc.binary_join_element_wise(again["event_id"], "again", "-")
    again = again.set_column(again.schema.get_field_index("event_id"), again.schema.field("event_id"), ids)
    with EventLog(home) as log:
        log.append_history([again], source="again", now=NOW)


def test_what_is_accepted_is_trained_and_told_in_the_report(shop: Home) -> None:
    _told_again(shop)
    with pytest.raises(DataError, match=r"twins\.purchase"):
        retrain(shop, day(196), PARAMS)
    report = retrain(shop, day(196), PARAMS.model_copy(update={"quality": QualityParams(accept=("twins", "drift"))}))
    assert "error twins.purchase: " in str(report)
    assert report.quality["accepted"] == ["twins", "drift"]


def test_a_promoted_model_is_what_later_data_is_compared_with(shop: Home) -> None:
    result = promote(shop, PARAMS, now=NOW)
    assert result.promoted, str(result)
    found = check_newest(shop, None, PARAMS.quality)
    assert found.compared_with == f"the model in force, {result.bundle}"
    assert found.findings == []
    _told_again(shop)
    found = check_newest(shop, None, PARAMS.quality)
    assert {"history.purchase", "twins.purchase"} <= {one.name for one in found.errors}
