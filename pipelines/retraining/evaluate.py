"""The last step: the reports of all models -> metrics.json, figures, model cards, and a run in MLflow."""

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

from features.home import Home
from pipelines.model_cards.write import PICTURES, read_reports, short_card, write_cards
from pipelines.quality import REPORT
from pipelines.retraining import dissatisfaction as train_dissatisfaction
from pipelines.retraining.files import prepared_of, read_json
from pipelines.retraining.left_out import NONE, people_reports
from pipelines.retraining.left_out import told as people_told
from pipelines.retraining.model_report import ModelReport
from pipelines.retraining.report import RetrainReport
from pipelines.retraining.response import response_told
from pipelines.retraining.sessions import sessions_files
from training.params import Params
from training.registry import ModelRun, log_training
from training.report import write_drift, write_figures, write_json
from training.source_worth import SOURCES

CARDS = "cards"
SECTIONS = {"second_purchase": "churn", "value": "churn"} | {n: n for n in ("churn", "next_offer", "dissatisfaction")}
SUFFIXES = (".json", ".txt", ".npz")  # of files that are the model or say what it is; evidence stays here


def evaluate(home: Home, params: Params) -> RetrainReport:
    """All reports -> metrics.json, figures, `home.models/cards/`, and a run in MLflow (mlflow.json)."""
    prepared, reports = prepared_of(home), read_reports(home)
    metrics = {f"{name}.{key}": value for name, r in reports.items() for key, value in r.metrics.items()}
    write_json(home.models / "metrics.json", metrics)
    quality = read_json(home.models / "churn" / REPORT)
    pictures = _write_figures(home, reports)
    pictures["churn"] += write_drift(
        home.models / PICTURES, quality["features"], params.quality.warn_psi, params.quality.max_psi
    )
    cards = write_cards(home, params, home.models / CARDS, f"../{PICTURES}")
    runs = [_run(home, params, r, pictures[name], cards[name]) for name, r in reports.items() if _is_there(home, r)]
    logged = log_training(
        home,
        name=f"retrain {prepared['as_of'][:10]}",
        params={"horizon_days": prepared["horizon_days"], "as_of": prepared["as_of"]},
        tags={"as_of": prepared["as_of"], "log_fingerprint": prepared["log_fingerprint"]},
        models=runs,
    )
    write_json(home.models / "mlflow.json", logged)
    return RetrainReport(
        as_of=datetime.fromisoformat(prepared["as_of"]),
        horizon_days=int(prepared["horizon_days"]),
        cutoffs=len(prepared["churn_cutoffs"]),
        chosen={name: r.chosen for name, r in reports.items()},
        metrics=metrics,
        source_worth={s: dict(worth) for s, worth in reports["churn"].source_worth.items()},
        missing=[name for name in SOURCES if name not in reports["churn"].source_worth],
        mlflow=logged,
        models=home.models,
        quality=quality,
        dissatisfaction=train_dissatisfaction.report(home),
        sessions=reports["sessions"].notes[0],
        people=people_told(people_reports(home)) + response_told(home),
    )


def _write_figures(home: Home, reports: dict[str, ModelReport]) -> dict[str, list[Path]]:
    """By model its pictures; those of an earlier training go."""
    folder = home.models / PICTURES
    if folder.exists():
        shutil.rmtree(folder)
    return {name: write_figures(folder, name, r.reliability, r.importance) for name, r in reports.items()}


def _is_there(home: Home, report: ModelReport) -> bool:
    """Whether there is a model at all: a shop may have too little for it, or do better without."""
    return bool(sessions_files(home)) if report.model == "sessions" else report.chosen != NONE


def _run(home: Home, params: Params, report: ModelReport, pictures: list[Path], card: Path) -> ModelRun:
    folder = home.models / report.model
    files = sorted(path.name for path in folder.iterdir() if path.suffix in SUFFIXES)
    described = f"{short_card(report.model, report)}\nThe whole card is the artifact {card.name} of the run."
    told = _settings(params, report.model) | {"chosen": report.chosen}
    return ModelRun(report.model, folder, files, told, report.metrics, pictures, card, described)


def _settings(params: Params, model: str) -> dict[str, Any]:
    """The section of params.yaml that the model was trained by, its trees told flat."""
    section = SECTIONS.get(model)
    told = getattr(params, section).model_dump(mode="json") if section else {}
    trees: dict[str, Any] = told.pop("trees", {})
    return told | trees
