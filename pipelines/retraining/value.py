"""The step that learns what customers will bring: churn's rows and its model -> `home.models/value/`."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from features.columns import CUSTOMER_ID
from features.errors import DataError
from features.home import Home
from features.inputs.scoring import read_model
from features.inputs.value import NAME, ValueModel, read_value
from pipelines.retraining.files import CANARIES, flat, fresh
from pipelines.retraining.left_out import write_left_out
from pipelines.retraining.model_report import ModelReport
from pipelines.retraining.people import People, PeopleRows, write_evidence
from training.amounts import Amounts, amounts_without_her
from training.learners import model_text
from training.metrics import Difference, Floats
from training.params import Params
from training.people import Rows, importance_of
from training.report import write_json
from training.segments import value_segments
from training.value import value_model
from training.value_figures import ValueFigures, value_figures
from training.value_sources import value_source_worth


def train_value(home: Home, params: Params, people: People | None = None) -> ValueModel | None:
    """prepared.json, purchases.parquet, the catalogue, the snapshots and `home.models/churn/` -> `home.models/value/`.

    It sums margins where the catalogue knows nearly all of them, else spend. None, and only a report that says why,
    where too few customers bought in the newest window.
    """
    rows = (people or People(home, params.churn.most_customers)).rows
    leaves = read_model(home.models / "churn", "churn")
    groups = [Rows(g.cutoff, g.customers, g.inputs, sums) for g, sums in zip(rows.groups, rows.brought, strict=True)]
    folder = fresh(home.models / NAME)
    try:
        model, amounts = value_model(
            groups, rows.names, rows.horizon_days, params.churn, leaves, rows.today, rows.earnings.earned
        )
    except DataError as error:
        write_left_out(folder, str(error))
        return None
    newest = groups[0]
    figures = value_figures(
        model,
        _leaves_without_her(home.models / "churn" / "evidence.parquet", newest),
        amounts_without_her(groups, rows.names, params.churn, amounts.chosen),
        newest.truth,
        newest.inputs,
        rows.names,
        params.churn.seed,
    )
    _write_model(folder, home, model, amounts, newest, rows.names)
    worth = figures.worth
    told = {"expected": worth.expected, "low": worth.low, "high": worth.high, "baseline": figures.by_rates}
    write_evidence(folder, home, newest, rows.names, told)
    lost = value_source_worth(groups, rows.names, params.churn, amounts.chosen, model.lift, model.rates)
    _report(rows, figures, amounts, lost, _segments(folder / "evidence.parquet")).write(folder)
    return model


def _leaves_without_her(evidence: Path, newest: Rows) -> Floats:
    """What the churn step said of each customer of its validation window, without her."""
    table = pq.read_table(evidence, columns=[CUSTOMER_ID, "probability"])
    if table[CUSTOMER_ID].to_pylist() != newest.customers.tolist():
        raise DataError(f"{evidence} is of other customers than these. Run the step before: tahdikas stage train-churn")
    return np.asarray(table["probability"].to_numpy(), np.float64)


def _write_model(folder: Path, home: Home, model: ValueModel, amounts: Amounts, rows: Rows, names: list[str]) -> None:
    """value.json, LightGBM text, and canaries: rows spread over what is expected, with what the files say of them."""
    write_json(folder / f"{NAME}.json", model.spec())
    for file, booster in amounts.fitted.boosters.items():
        (folder / file).write_text(model_text(booster), "utf-8")
    read = read_value(folder, read_model(home.models / "churn", "churn"))
    expected = read.expected(rows.inputs, names)
    chosen = np.argsort(expected, kind="stable")[np.linspace(0, len(expected) - 1, CANARIES).astype(int)]
    some = rows.inputs[chosen].astype(np.float64)
    worth = read.worth(some, names)
    inputs = [[None if v != v else v for v in row] for row in some.tolist()]
    told = {"expected": worth.expected, "low": worth.low, "high": worth.high}
    write_json(folder / "canaries.json", {"inputs": inputs} | {name: v.tolist() for name, v in told.items()})


def _segments(evidence: Path) -> list[dict[str, Any]]:
    table = pq.read_table(evidence, columns=["truth", "expected", "orders", "language", "browses"])
    return value_segments(*(table[name].to_numpy(zero_copy_only=False) for name in table.column_names))


def _report(
    rows: PeopleRows,
    figures: ValueFigures,
    amounts: Amounts,
    lost: dict[str, Difference],
    segments: list[dict[str, Any]],
) -> ModelReport:
    compared = {f"{name}_over_rates": str(difference) for name, difference in figures.differences.items()}
    compared |= {f"amount_{name}_error_behind": str(d) for name, d in amounts.differences.items()}
    return ModelReport(
        model=NAME,
        figure="rank",
        chosen=f"churn x {amounts.chosen}, and rates",
        validated_at=rows.groups[0].cutoff.isoformat(),
        inputs=rows.names,
        metrics=flat(figures.scores),
        compared=compared,
        reliability=figures.reliability,
        importance=importance_of(amounts.fitted),
        source_worth={name: vars(worth) for name, worth in lost.items()},
        segments=segments,
        notes=[rows.earnings.told()],
    )
