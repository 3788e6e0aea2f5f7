"""A young shop: the level of churn is drawn from everybody's history as of training; an older one is left alone."""

import json
from datetime import UTC, datetime
from pathlib import Path

from features.home import Home
from features.inputs.scoring import read_model
from features.log.event_log import EventLog
from pipelines.retraining.churn import train_churn
from pipelines.retraining.prepare import prepare
from tests.training.shops import day, events, rhythmic
from training.params import ChurnParams, Params, Trees

PARAMS = Params(churn=ChurnParams(horizon_days=28, cutoffs=1, trees=Trees(rounds=30, min_data_in_leaf=20)))


def test_the_level_of_a_young_shop_is_drawn_and_the_report_says_so(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    with EventLog(home) as log:
        log.append_history([events(rhythmic(120, days=100))], source="test", now=datetime(2026, 1, 1, tzinfo=UTC))
    prepare(home, day(70), PARAMS)
    result = train_churn(home, PARAMS)
    prepared = json.loads((home.models / "prepared.json").read_text())
    report = json.loads((home.models / "churn" / "report.json").read_text())
    assert prepared["level_drawn_at"] == [day(70).isoformat()]
    assert "by BG/NBD" in report["compared"]["note"]
    assert read_model(home.models / "churn", "churn").calibration == result.calibration


def test_an_older_shop_is_left_alone(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    with EventLog(home) as log:
        log.append_history([events(rhythmic(20, days=100))], source="test", now=datetime(2026, 1, 1, tzinfo=UTC))
    prepare(home, day(90), PARAMS)
    assert json.loads((home.models / "prepared.json").read_text())["level_drawn_at"] == []
