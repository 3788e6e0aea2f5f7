"""The step that learns who leaves: snapshots and purchases -> `home.models/churn/`, behind the checks of the data."""

from datetime import datetime, timedelta

from features.feature_store.quality.reference import write_profile
from features.home import Home
from pipelines.quality import PROFILE, REPORT, check_training
from pipelines.retraining.days_held import days_held
from pipelines.retraining.files import HELD, fresh, prepared_of, write_model, write_report
from pipelines.retraining.people import People, write_evidence
from training.churn import ChurnResult
from training.churn import train_churn as fit_churn
from training.params import Params
from training.report import write_json


def train_churn(home: Home, params: Params, people: People | None = None) -> ChurnResult:
    """prepared.json, purchases.parquet and the snapshots -> `home.models/churn/`, with what the data was like.

    Raises `DataError`, and leaves everything as it was, where a check of the data stops training.
    """
    prepared = prepared_of(home)
    as_of = datetime.fromisoformat(prepared["as_of"])
    moments = [datetime.fromisoformat(c) for c in prepared["churn_cutoffs"]]
    quality, profile = check_training(home, moments, as_of, params.quality, named=prepared.get("as_of_named", False))
    rows = (people or People(home, params.churn.most_customers)).rows
    result = fit_churn(rows.groups, rows.names, rows.horizon_days, params.churn, rows.today)
    folder = fresh(home.models / "churn")
    newest = rows.groups[0]
    write_model(folder, "churn", result.fitted, result.calibration, rows.names, newest.inputs)
    end = newest.cutoff + timedelta(days=rows.horizon_days)
    held = days_held(home, newest.customers, newest.cutoff, end, as_of)
    told = {"probability": result.probability, "baseline": result.baseline, HELD: held}
    write_evidence(folder, home, newest, rows.names, told)
    compared = {f"{n}_auc_behind": str(d) for n, d in result.differences.items()}
    write_report(folder, result, rows.names, compared | ({"note": result.note} if result.note else {}))
    write_json(folder / REPORT, quality.to_json())
    write_profile(folder / PROFILE, profile)
    return result
