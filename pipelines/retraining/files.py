"""What the steps share: the files they read and write under `home.models`."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from features.errors import DataError
from features.home import Home
from features.inputs.scoring import Spec, read_model
from pipelines.retraining.model_report import ModelReport
from training.churn import ChurnResult
from training.learners import Fitted, model_text
from training.report import write_json
from training.segments import people_segments, segments_of

HELD = "days_held"  # column of evidence and of segments: for how much of the window she was held
CANARIES = 8
ROWS_FOR_CANARIES = 100_000  # scored to pick them from; more would only take longer


def write_model(folder: Path, name: str, fitted: Fitted, calibration: Spec, names: Sequence[str], rows: Any) -> None:
    """Model files, and canaries: rows spread over the scores, with what the files just written give for them."""
    write_json(folder / f"{name}.json", fitted.spec)
    write_json(folder / f"{name}_calibration.json", calibration)
    for file, booster in fitted.boosters.items():
        (folder / file).write_text(model_text(booster), "utf-8")
    model = read_model(folder, name)
    if len(rows) > ROWS_FOR_CANARIES:
        rows = rows[np.linspace(0, len(rows) - 1, ROWS_FOR_CANARIES).astype(int)]
    probability = model.probability(rows, names)
    chosen = np.argsort(probability, kind="stable")[np.linspace(0, len(rows) - 1, CANARIES).astype(int)]
    inputs = [[None if v != v else v for v in row] for row in rows[chosen].astype(np.float64).tolist()]
    write_json(folder / "canaries.json", {"inputs": inputs, "expected": probability[chosen].tolist()})


def write_report(folder: Path, result: ChurnResult, names: Sequence[str], compared: dict[str, str]) -> None:
    """report.json of a model that gives customers a probability, its segments by the evidence.parquet beside it."""
    ModelReport(
        model=folder.name,
        figure="auc",
        chosen=result.chosen,
        validated_at=result.validated_at.isoformat(),
        inputs=names,
        metrics=flat(result.scores),
        compared=compared,
        source_worth={name: vars(worth) for name, worth in result.source_worth.items()},
        segments=_people_segments(folder / "evidence.parquet"),
        reliability=result.reliability,
        importance=result.importance,
        notes=[result.note] if result.note else [],
    ).write(folder)


def flat(scores: dict[str, dict[str, float]]) -> dict[str, float]:
    """Figures of all candidates by one name each: those of the champion without its name."""
    others = {f"{c}.{k}": v for c, s in scores.items() if c != "champion" for k, v in s.items()}
    return scores["champion"] | others


def _people_segments(evidence: Path) -> list[dict[str, Any]]:
    table = pq.read_table(evidence)
    names = ("truth", "probability", "orders", "language", "browses")
    truth, probability, *who = (table[name].to_numpy(zero_copy_only=False) for name in names)
    rows = people_segments(truth, probability, *who)
    if HELD in table.column_names:
        held, masks = table[HELD].to_numpy(), segments_of(*who)
        rows = [row | {HELD: float(held[masks[row["segment"]]].mean())} for row in rows]
    return rows


def prepared_of(home: Home) -> dict[str, Any]:
    return read_json(home.models / "prepared.json")


def read_json(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise DataError(f"{path} is not there: nothing was trained in this folder yet. Run: tahdikas retrain")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def fresh(folder: Path) -> Path:
    """An empty folder: files of an earlier kind of model must not stay."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder
