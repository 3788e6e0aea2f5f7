"""The last step: the reports of all models -> metrics.json, figures, and a run in MLflow."""

import shutil
from datetime import datetime

from features.home import Home
from pipelines.quality import REPORT
from pipelines.retraining import dissatisfaction as train_dissatisfaction
from pipelines.retraining.files import prepared_of, read_json
from pipelines.retraining.left_out import people_reports, people_runs
from pipelines.retraining.left_out import told as people_told
from pipelines.retraining.report import RetrainReport
from pipelines.retraining.sessions import sessions_report, sessions_run
from training.params import Params
from training.registry import ModelRun, log_training
from training.report import write_drift, write_figures, write_json
from training.source_worth import SOURCES


def evaluate(home: Home, params: Params) -> RetrainReport:
    """The two reports -> metrics.json, figures, and a run in MLflow (mlflow.json)."""
    prepared = prepared_of(home)
    reports = {name: read_json(home.models / name / "report.json") for name in ("churn", "next_offer")}
    people = people_reports(home)
    reports |= people
    reports["sessions"] = sessions_report(home)
    metrics = {f"{name}.{key}": value for name, r in reports.items() for key, value in r["metrics"].items()}
    mood = train_dissatisfaction.report(home)
    metrics |= {f"dissatisfaction.{key}": value for key, value in mood["metrics"].items()} if mood else {}
    write_json(home.models / "metrics.json", metrics)
    figures = home.models / "figures"
    if figures.exists():
        shutil.rmtree(figures)
    quality = read_json(home.models / "churn" / REPORT)
    drifts = write_drift(figures, quality["features"], params.quality.warn_psi, params.quality.max_psi)
    runs = []
    for name, section in (("churn", params.churn), ("next_offer", params.next_offer)):
        folder, report = home.models / name, reports[name]
        pictures = write_figures(figures, name, report["reliability"], report["importance"])
        pictures += drifts if name == "churn" else []
        files = sorted(p.name for p in folder.iterdir() if p.suffix in (".json", ".txt", ".npz"))
        told = {k: v for k, v in section.model_dump(mode="json").items() if k != "trees"} | section.trees.model_dump()
        runs.append(ModelRun(name, folder, files, told | {"chosen": report["chosen"]}, report["metrics"], pictures))
    runs += people_runs(home, params, people)
    runs += sessions_run(home)
    tags = {"as_of": prepared["as_of"], "log_fingerprint": prepared["log_fingerprint"]}
    logged = log_training(
        home,
        name=f"retrain {prepared['as_of'][:10]}",
        params={"horizon_days": prepared["horizon_days"], "as_of": prepared["as_of"]},
        tags=tags,
        models=runs,
    )
    write_json(home.models / "mlflow.json", logged)
    return RetrainReport(
        as_of=datetime.fromisoformat(prepared["as_of"]),
        horizon_days=int(prepared["horizon_days"]),
        cutoffs=len(prepared["churn_cutoffs"]),
        chosen={name: r["chosen"] for name, r in reports.items()},
        metrics=metrics,
        source_worth=reports["churn"]["source_worth"],
        missing=[name for name in SOURCES if name not in reports["churn"]["source_worth"]],
        mlflow=logged,
        models=home.models,
        quality=quality,
        dissatisfaction=mood,
        sessions=reports["sessions"]["notes"][0],
        people=people_told(people),
    )
