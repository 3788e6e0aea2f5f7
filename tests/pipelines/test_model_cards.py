"""Model cards: every section, the figures of the report and no others, errors that the evidence bears out."""

import json
import re
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from features.errors import DataError
from features.home import Home
from pipelines.cli import app
from pipelines.model_cards.about import ABOUT
from pipelines.model_cards.card import SECTIONS, Trained, card
from pipelines.model_cards.markdown import number
from pipelines.model_cards.write import publish_cards, read_reports, short_cards, write_cards
from pipelines.retraining.model_report import ModelReport
from pipelines.retraining.report import RetrainReport
from pipelines.retraining.retrain import retrain
from tests.pipelines.whole_shop import AS_OF, PARAMS, whole_shop
from training.metrics import auc
from training.params import Params, PromotionParams

PAGES = Path(__file__).parents[2] / "docs" / "model-cards"
ERRORS = "Errors"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, RetrainReport]:
    home = whole_shop(tmp_path_factory.mktemp("home"))
    return home, retrain(home, AS_OF, PARAMS)


def headings(text: str) -> list[str]:
    return re.findall(r"^## (.+)$", text, re.MULTILINE)


def section(text: str, name: str) -> str:
    return text.split(f"\n## {name}\n")[1].split("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """Cells of a section's table, without its headings."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"][2:]


def report_of(home: Home, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((home.models / name / "report.json").read_text())
    return found


def test_every_model_has_a_card_with_every_section(trained: tuple[Home, RetrainReport]) -> None:
    home, _ = trained
    assert {path.stem for path in (home.models / "cards").iterdir()} == set(ABOUT)
    for name in ABOUT:
        text = (home.models / "cards" / f"{name}.md").read_text()
        assert [found for found in headings(text) if found != ERRORS] == list(SECTIONS), name
        assert (ERRORS in headings(text)) == (name == "dissatisfaction")
        for picture in re.findall(r"\]\((.+?\.png)\)", text):
            assert (home.models / "cards" / picture).resolve().exists(), picture
        assert "None" not in text and "nan" not in text, name


@pytest.mark.parametrize("name", list(ABOUT))
def test_figures_of_the_card_are_those_of_the_report(trained: tuple[Home, RetrainReport], name: str) -> None:
    home, trained_report = trained
    text, report = (home.models / "cards" / f"{name}.md").read_text(), report_of(home, name)
    told = {cells[0].strip("`"): cells[1] for cells in rows(section(text, "Figures"))}
    assert told == {key: number(value) for key, value in report["metrics"].items()}
    assert all(trained_report.metrics[f"{name}.{key}"] == value for key, value in report["metrics"].items())
    segments = rows(section(text, "Segments"))
    assert [cells[0] for cells in segments] == [row["segment"].replace("_", " ") for row in report["segments"]]
    assert [cells[1] for cells in segments] == [f"{row['n']:,}" for row in report["segments"]]
    lost = {cells[0]: cells[1].split(" [")[0] for cells in rows(section(text, "Without a source"))}
    assert lost == {source: number(worth["value"]) for source, worth in report["source_worth"].items()}
    bins = rows(section(text, "Calibration"))
    assert [cells[2] for cells in bins] == [f"{b['n']:,}" for b in report["reliability"]]
    assert bool(bins) == (name != "sessions"), "its scores are no probabilities"


@pytest.mark.parametrize("name", ["churn", "second_purchase", "dissatisfaction"])
def test_segments_are_recomputed_from_the_evidence(trained: tuple[Home, RetrainReport], name: str) -> None:
    home, _ = trained
    evidence = pq.read_table(home.models / name / "evidence.parquet")
    column = {key: evidence[key].to_numpy() for key in ("truth", "probability", "orders", "language")}
    masks = {"all": np.full(len(evidence), True), "regulars": column["orders"] >= 5}
    masks["language_fi"] = column["language"] == "fi"
    told = {row["segment"]: row for row in report_of(home, name)["segments"]}
    for segment, mask in masks.items():
        if not mask.any():
            assert segment not in told
            continue
        truth, probability = column["truth"][mask], column["probability"][mask]
        assert told[segment]["n"] == mask.sum()
        if name == "churn":
            assert told[segment]["days_held"] == pytest.approx(evidence["days_held"].to_numpy()[mask].mean())
        if mask.sum() >= 50:
            assert told[segment]["value"] == pytest.approx(auc(truth, probability))
            assert told[segment]["observed"] == pytest.approx(truth.mean())
            assert told[segment]["gap_low"] <= truth.mean() - probability.mean() <= told[segment]["gap_high"]


def test_both_error_rates_by_language_and_segment_are_recomputed(trained: tuple[Home, RetrainReport]) -> None:
    home, _ = trained
    report, evidence = (
        report_of(home, "dissatisfaction"),
        pq.read_table(home.models / "dissatisfaction/evidence.parquet"),
    )
    bad, held = evidence["truth"].to_numpy() > 0.5, evidence["probability"].to_numpy() >= report["metrics"]["threshold"]
    orders, language = evidence["orders"].to_numpy(), evidence["language"].to_numpy(zero_copy_only=False)
    masks = {"all": orders == orders, "first_purchase": orders == 1, "regulars": orders >= 5}
    masks |= {f"language_{code}": language == code for code in ("fi", "en")}
    told = {row["segment"]: row for row in report["errors"]}
    assert {"all", "regulars", "language_fi", "language_en"} <= set(told)
    for name in set(masks) & set(told):
        unhappy, others = bad & masks[name], ~bad & masks[name]
        assert (told[name]["dissatisfied"], told[name]["others"]) == (unhappy.sum(), others.sum())
        assert (told[name]["missed"], told[name]["needless"]) == ((unhappy & ~held).sum(), (others & held).sum())
        if unhappy.any():
            assert told[name]["miss_rate"] == pytest.approx((~held[unhappy]).mean())
    text = (home.models / "cards" / "dissatisfaction.md").read_text()
    assert [cells[:3] for cells in rows(section(text, ERRORS))] == [
        [row["segment"].replace("_", " "), f"{row['dissatisfied']:,}", f"{row['missed']:,}"] for row in report["errors"]
    ]


def test_without_browsing_sessions_would_fall_back_to_what_the_card_says(trained: tuple[Home, RetrainReport]) -> None:
    home, _ = trained
    report = report_of(home, "sessions")
    lost, metrics = report["source_worth"]["browse"], report["metrics"]
    assert lost["value"] == pytest.approx(metrics["mrr"] - metrics["goes_with.mrr"])
    text = section((home.models / "cards" / "sessions.md").read_text(), "Without a source")
    assert f"MRR {number(metrics['goes_with.mrr'])}" in text


def test_mlflow_has_the_card_and_tells_it_in_short(trained: tuple[Home, RetrainReport]) -> None:
    home, report = trained
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow

        client = mlflow.MlflowClient(f"sqlite:///{home.mlflow / 'mlflow.db'}")
        for name, version in report.mlflow["versions"].items():
            found = client.get_model_version(f"tahdikas-{name}", version)
            assert ABOUT[name].predicts in found.description and len(found.description) < 5000
            run = client.get_run(found.run_id)
            artifacts = Path(run.info.artifact_uri.removeprefix("file://"))
            assert (artifacts / f"{name}.md").read_bytes() == (home.models / "cards" / f"{name}.md").read_bytes()
    assert set(report.mlflow["versions"]) == set(ABOUT)


def test_cards_are_the_same_each_time_and_published_with_their_pictures(
    trained: tuple[Home, RetrainReport], tmp_path: Path
) -> None:
    home, _ = trained
    first = {name: path.read_bytes() for name, path in write_cards(home, PARAMS, tmp_path / "a", "x").items()}
    assert first == {name: path.read_bytes() for name, path in write_cards(home, PARAMS, tmp_path / "b", "x").items()}
    files = publish_cards(home, PARAMS, tmp_path / "pages")
    for name in ABOUT:
        text = (tmp_path / "pages" / f"{name}.md").read_text()
        linked = {tmp_path / "pages" / link for link in re.findall(r"\]\((.+?\.png)\)", text)}
        assert linked <= set(files) and all(path.exists() for path in linked)


def test_the_command_tells_cards_short_whole_and_into_a_folder(
    trained: tuple[Home, RetrainReport], tmp_path: Path
) -> None:
    home, _ = trained
    run = lambda *words: CliRunner().invoke(app, ["--home", str(home.root), "models", *words])  # noqa: E731
    short = run()
    assert short.exit_code == 0 and all(about.title in short.output for about in ABOUT.values())
    whole = run("churn")
    assert all(heading in whole.output for heading in SECTIONS)
    assert json.loads(run("--json").output)["churn"]["chosen"] == report_of(home, "churn")["chosen"]
    assert run("--out", str(tmp_path / "cards")).exit_code == 0
    assert (tmp_path / "cards" / "sessions.md").exists()
    missing = run("weather")
    assert isinstance(missing.exception, DataError) and "There are: churn" in str(missing.exception)


def test_before_any_training_there_is_nothing_to_tell(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="tahdikas retrain"):
        short_cards(Home.open(tmp_path))


def test_a_report_of_an_earlier_version_is_refused_with_the_remedy(
    trained: tuple[Home, RetrainReport], tmp_path: Path
) -> None:
    shutil.copytree(trained[0].models / "churn", tmp_path / "home" / "models" / "churn")
    home = Home.open(tmp_path / "home")
    old = {key: value for key, value in report_of(home, "churn").items() if key != "segments"}
    (home.models / "churn" / "report.json").write_text(json.dumps(old))
    with pytest.raises(DataError, match=r"lacks segments.*tahdikas retrain"):
        read_reports(home)


def test_a_model_left_out_says_why_and_promises_nothing() -> None:
    report = ModelReport(
        model="value", figure="", chosen="none", validated_at=None, metrics={}, notes=["Only 3 bought."]
    )
    text = card(ABOUT["value"], report, Trained({"as_of": "2026-01-01"}, PromotionParams(), "figures"))
    assert "Not learned here: Only 3 bought." in text
    assert headings(text) == [*SECTIONS[:3], "Without it"]


def test_gates_of_cards_are_limits_of_promotion() -> None:
    limits = set(Params().promotion.model_dump())
    assert {gate for about in ABOUT.values() for gate in about.gates} <= limits


def test_published_cards_have_the_shape_of_the_generator() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == {*ABOUT, "README"}
    for name, about in ABOUT.items():
        text = (PAGES / f"{name}.md").read_text()
        assert [found for found in headings(text) if found != ERRORS] == list(SECTIONS), name
        assert text.startswith(f"# {about.title}\n") and about.predicts in text and about.personal in text
        assert all((PAGES / link).exists() for link in re.findall(r"\]\((.+?\.png)\)", text))
