"""The page of the models: what was really recorded of them, and what to do where nothing was."""

import json
from datetime import timedelta
from typing import Any

import pytest

from features.feature_store.quality.drift import Drift
from features.home import Home
from pipelines.drift.judging import Compared
from pipelines.drift.watch import REPORT, DriftReport
from tests.outline import Outline
from training.finding import Finding
from training.report import write_json

from .conftest import NOON, Browser


@pytest.fixture
def reader(browser: Browser) -> Browser:
    browser.becomes("Dani", "data_scientist")
    return browser


def seen(browser: Browser, lang: str = "en") -> str:
    answer = browser.get(f"/console/models?lang={lang}")
    assert answer.status_code == 200, answer.text
    Outline(answer.text)
    return answer.text.replace("\u00a0", " ")


def trained(home: Home, name: str, reliability: list[dict[str, float]], **more: Any) -> None:
    report = {"model": name, "validated_at": NOON.isoformat(), "metrics": {"auc": 0.8181}, "reliability": reliability}
    write_json(home.models / name / "report.json", report | {"notes": [], "importance": {}} | more)


def test_where_nothing_was_recorded_it_says_what_to_do(reader: Browser) -> None:
    text = seen(reader)
    assert "No model has been trained here yet" in text and "tahdikas drift" in text
    assert "Kukaan ei ole vielä tarkistanut" in seen(reader, "fi")


def test_calibration_is_drawn_to_the_largest_chance_or_amount(reader: Browser, home: Home) -> None:
    bins = [{"n": 100, "predicted": 0.01, "observed": 0.02}, {"n": 90, "predicted": 0.03, "observed": 0.04}]
    trained(home, "next_offer", bins, importance={"buyers": 0.5})
    trained(home, "value", [{"n": 50, "predicted": 1500.0, "observed": 3000.0}])
    trained(home, "sessions", [])
    text = seen(reader)
    assert 'points="43.0,52.0 93.0,2.0 "' in text and "1% → 2% (n = 100)" in text and ">4%<" in text
    assert 'points="68.0,2.0 "' in text and ">30.00<" in text
    assert "there is nothing to calibrate" in text and "buyers" in text


def test_drift_is_told_with_what_moved(reader: Browser, home: Home) -> None:
    moved = [
        Compared("visits", "recency_days", 0.0, 0.0, 12.0, 30.5, Drift(0.31, 0.02, 20)),
        Compared("lists", "churn_probability", 0.0, 0.0, None, None, Drift(0.01, 0.02, 20)),
    ]
    words = "The input recency_days is distributed otherwise in visits than before: PSI 0.31, limit 0.25"
    finnish = "Syöte recency_days jakautuu käynneillä toisin kuin ennen: PSI 0,31, raja 0,25"
    finding = Finding("drift", "visits.recency_days", "error", 0.31, 0.25, words, finnish)
    report = DriftReport(
        "b-1", NOON - timedelta(days=7), NOON, {"lists": 1_200, "visits": 300}, {"lists": "", "visits": ""}, {}, {},
        [finding], (), moved,
    )  # fmt: skip
    write_json(home.reports / REPORT, report.to_json())
    text = seen(reader)
    assert "25 Aug 2026 to 1 Sept 2026 by the bundle b-1" in text and "1,200 customers" in text
    assert words in text and text.index("recency days") < text.index("churn probability")
    assert "30.5" in text and "0.31" in text
    assert finnish in seen(reader, "fi") and words not in seen(reader, "fi")
    before = {"message": words, "severity": "error", "name": "drift.visits.recency_days"}
    write_json(home.reports / REPORT, report.to_json() | {"findings": [before]})  # as it was kept before
    assert f'lang="en">{words}' in seen(reader, "fi")
    write_json(home.reports / REPORT, report.to_json() | {"findings": [], "compared": []})
    assert "Nothing drifted" in seen(reader) and json.loads((home.reports / REPORT).read_text())["errors"] == 1


def test_of_torn_files_the_page_names_each_and_shows_the_rest(reader: Browser, home: Home) -> None:
    trained(home, "churn", [])
    trained(home, "value", [])
    (home.models / "value" / "report.json").write_bytes(b'{"model": "val\xff')
    verdict = {"model": "churn", "promoted": False, "bundle": None, "findings": []}
    (home.models / "judged.jsonl").write_text(json.dumps(verdict) + '\n{"model": "chu')
    home.reports.mkdir(exist_ok=True)
    (home.reports / "drift.json").write_text("")
    text = seen(reader)
    assert [name for name in ("value/report.json", "judged.jsonl", "reports/drift.json") if name not in text] == []
    assert "not promoted" in text and 'id="m-churn"' in text and 'id="m-value"' not in text
    assert "ei voi lukea" in seen(reader, "fi")
