"""The step that learns who of the first-time buyers comes back: churn's rows -> `home.models/second_purchase/`."""

from features.errors import DataError
from features.home import Home
from pipelines.retraining.files import fresh, write_model, write_report
from pipelines.retraining.left_out import write_left_out
from pipelines.retraining.people import People, write_evidence
from training.params import Params
from training.people import Result
from training.second_purchase import second_purchase_rows
from training.second_purchase import train_second_purchase as fit_second_purchase

NAME = "second_purchase"


def train_second_purchase(home: Home, params: Params, people: People | None = None) -> Result | None:
    """prepared.json, purchases.parquet and the snapshots -> `home.models/second_purchase/`.

    None, and only a report that says why, where the shop has too few customers with one order.
    """
    rows = (people or People(home, params.churn.most_customers)).rows
    folder = fresh(home.models / NAME)
    try:
        result = fit_second_purchase(rows.groups, rows.names, rows.horizon_days, params.churn, rows.today)
    except DataError as error:
        write_left_out(folder, str(error))
        return None
    newest = second_purchase_rows(rows.groups[0], rows.names)
    write_model(folder, NAME, result.fitted, result.calibration, rows.names, newest.inputs)
    write_evidence(folder, home, newest, rows.names, {"probability": result.probability, "baseline": result.baseline})
    compared = {f"{n}_auc_behind": str(d) for n, d in result.differences.items()}
    write_report(folder, result, rows.names, compared | ({"note": result.note} if result.note else {}))
    return result
