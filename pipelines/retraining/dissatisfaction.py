"""The step of training that learns who is dissatisfied: rated texts of the log -> `home.models/dissatisfaction/`."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.home import Home
from features.inputs.dissatisfaction import NAME, SPEC, TEXT, TREES
from pipelines.retraining.model_report import ModelReport
from training.dissatisfaction import DissatisfactionResult, train_dissatisfaction
from training.error_rates import error_rates
from training.metrics import Difference, reliability
from training.params import Params
from training.rated_texts import load_rated_texts
from training.segments import people_segments, segments_of

REPORT, EVIDENCE, SEED_WORDS = "report.json", "evidence.parquet", "seed_words"


def train(home: Home, params: Params) -> DissatisfactionResult:
    """prepared.json and the log's feedback -> the model's files and report.json; what was there before goes."""
    prepared: dict[str, Any] = json.loads((home.models / "prepared.json").read_text("utf-8"))
    told = params.dissatisfaction
    result = train_dissatisfaction(
        load_rated_texts(home, datetime.fromisoformat(prepared["as_of"]), told.most_texts), told
    )
    folder = home.models / NAME
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    costs = {"miss_cost": told.miss_cost, "silence_cost": told.silence_cost}
    result.model.save(folder, result.trees_text, costs | {"chosen": result.chosen})
    _report(result).write(folder)
    _write_evidence(folder, result)
    return result


def _report(result: DissatisfactionResult) -> ModelReport:
    newest, m, p, by_seeds = result.newest, result.metrics, result.probability, result.chosen == SEED_WORDS
    orders = newest.facts[:, list(newest.names).index("orders_total")]
    masks = segments_of(orders, np.array(newest.languages, dtype=np.str_))
    behind = [m[f"auc_over_seed_words{end}"] for end in ("", "_low", "_high")] if "auc" in m else []
    return ModelReport(
        model=NAME,
        figure="seed_words.auc" if by_seeds else "auc",
        chosen=result.chosen,
        validated_at=datetime.fromtimestamp(newest.written[0], UTC).isoformat() if len(newest.written) else None,
        inputs=["text", *result.model.model.facts],
        metrics=m,
        compared={"learned_less_seed_words_auc": str(Difference(*behind))} if behind else {},
        reliability=reliability(newest.truth, p) if len(newest) else [],
        importance=result.importance,
        source_worth={name: vars(worth) for name, worth in result.source_worth.items()},
        segments=people_segments(newest.truth, p, orders, np.array(newest.languages, dtype=np.str_), None),
        errors=[] if by_seeds else error_rates(newest.truth, p, m["threshold"], masks),
        notes=result.notes,
    )


def _write_evidence(folder: Path, result: DissatisfactionResult) -> None:
    """evidence.parquet: the texts the model was judged on, by ids that do not tell what is in them."""
    newest = result.newest
    evidence = {
        "text_id": pa.array(newest.ids, pa.string()),
        "written": pa.array(newest.written, pa.float64()),
        "truth": newest.truth,
        "probability": result.probability,
        "seed_words": result.seed_words,
        "language": pa.array(newest.languages, pa.string()),
        "orders": newest.facts[:, list(newest.names).index("orders_total")],
    }
    pq.write_table(pa.table(evidence), folder / EVIDENCE, compression="zstd")


def model_files(home: Home) -> dict[str, Path]:
    """What belongs into a bundle, by name."""
    return {name: path for name in (SPEC, TEXT, TREES) if (path := home.models / NAME / name).exists()}


def report(home: Home) -> dict[str, Any] | None:
    """What the step said of itself; None where it did not run."""
    path = home.models / NAME / REPORT
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def told(found: dict[str, Any]) -> str:
    """One or two lines of the report for people."""
    m = found["metrics"]
    if found["chosen"] == SEED_WORDS:
        return f"dissatisfaction: {' '.join(found['notes'])}\n"
    return (
        f"dissatisfaction: {found['chosen']}, AUC {m['auc']:.3f} (seed words: {m['seed_words.auc']:.3f}), Brier "
        f"{m['brier']:.3f}; from {m['threshold']:.2f} on she is held: {m['miss_rate']:.0%} of the dissatisfied missed, "
        f"{m['needless_rate']:.0%} of the others held\n"
    )
