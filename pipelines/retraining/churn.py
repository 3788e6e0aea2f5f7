"""The step that learns who leaves: snapshots and purchases -> `home.models/churn/`, behind the checks of the data."""

from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.columns import CUSTOMER_ID, EVENT_TIMESTAMP
from features.feature_store.quality.reference import write_profile
from features.home import Home
from features.inputs.frame import customer_inputs, to_columns
from pipelines.quality import PROFILE, REPORT, check_training
from pipelines.retraining.files import fresh, prepared_of, write_model, write_report
from training.churn import ChurnResult, ChurnRows
from training.churn import train_churn as fit_churn
from training.labels import lapsed
from training.languages import load_languages
from training.params import Params
from training.report import write_json
from training.retrieval import connect


def train_churn(home: Home, params: Params) -> ChurnResult:
    """prepared.json, purchases.parquet and the snapshots -> `home.models/churn/`, with what the data was like.

    Raises `DataError`, and leaves everything as it was, where a check of the data stops training.
    """
    from training.dataset import load_training_set  # Feast: six seconds of import, only where needed

    prepared = prepared_of(home)
    as_of, horizon = datetime.fromisoformat(prepared["as_of"]), int(prepared["horizon_days"])
    moments = [datetime.fromisoformat(c) for c in prepared["churn_cutoffs"]]
    quality, profile = check_training(home, moments, as_of, params.quality, named=prepared.get("as_of_named", False))
    young = [datetime.fromisoformat(c) for c in prepared["level_drawn_at"]]
    frame = load_training_set("churn_v1", home=home, cutoffs=[*moments, *young])
    frame = frame[frame["last_purchase_at"].notna()].sort_values([EVENT_TIMESTAMP, CUSTOMER_ID], kind="stable")
    groups = []
    with connect(pq.read_table(home.models / "purchases.parquet")) as con:
        for cutoff in moments:
            rows = frame[frame[EVENT_TIMESTAMP] == cutoff].reset_index(drop=True)
            names, inputs = customer_inputs(to_columns(rows), np.full(len(rows), cutoff.timestamp()))
            customers = rows[CUSTOMER_ID].astype(str).to_numpy(dtype=np.str_)
            truth = lapsed(con, customers.tolist(), cutoff, horizon, as_of)
            groups.append(ChurnRows(cutoff, customers, inputs, truth))
    today = None
    for moment in young:
        rows = frame[frame[EVENT_TIMESTAMP] == moment]
        today = customer_inputs(to_columns(rows), np.full(len(rows), moment.timestamp()))[1]
    result = fit_churn(groups, names, horizon, params.churn, today)
    folder = fresh(home.models / "churn")
    newest = groups[0]
    write_model(folder, "churn", result.fitted, result.calibration, names, newest.inputs)
    evidence = {
        CUSTOMER_ID: newest.customers.tolist(),
        "truth": newest.truth,
        "probability": result.probability,
        "baseline": result.baseline,
        "orders": np.expm1(newest.inputs[:, names.index("log_purchase_count_total")]).round(),
        "language": load_languages(home, newest.customers, newest.cutoff),
        "browses": ~np.isnan(newest.inputs[:, names.index("browse_age_days")]),
    }
    columns = {f"input_{name}": newest.inputs[:, j] for j, name in enumerate(names)}
    pq.write_table(pa.table(evidence | columns), folder / "evidence.parquet", compression="zstd")
    compared = {f"{n}_auc_behind": str(d) for n, d in result.differences.items()}
    write_report(folder, result, names, compared | ({"note": result.note} if result.note else {}))
    write_json(folder / REPORT, quality.to_json())
    write_profile(folder / PROFILE, profile)
    return result
