"""The product's side of the main job: the same functions as the command line's, in a home that lives for one run."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.measure import Spent, spent
from features.columns import CUSTOMER_ID
from features.home import Home
from features.inputs.frame import customer_inputs, to_columns
from features.inputs.scoring import read_model
from training.params import Params, read_params

PARAMS = Path(__file__).parents[1] / "params.yaml"


@dataclass(frozen=True)
class ProductRun:
    """What the product made of a case: scores as name -> probability and name -> ranked items, and what it said."""

    churn: dict[str, float]
    offers: dict[str, list[str]]
    spent: dict[str, Spent]
    ingest: dict[str, Any]
    manifest: dict[str, Any]
    models: dict[str, Any]


def run_product(
    root: Path,
    *,
    source: str,
    path: Path,
    as_of: datetime,
    horizon_days: int,
    k: int,
    now: datetime,
    accept: tuple[str, ...] = (),
) -> ProductRun:
    """Ingest, retrain as of `as_of`, promote, and score everyone known at `as_of`.

    The model is chosen by the product itself, on windows that end by `as_of`; what follows is scored once. `accept`
    names findings of data quality to go on in spite of.
    """
    from pipelines.ingest import ingest
    from pipelines.promote import promote
    from pipelines.retraining.retrain import retrain
    from pipelines.score import score_churn, score_offers

    home = Home.open(root)
    with spent() as taking:
        report = ingest(home, source, path, now=now, progress=None)
    with spent() as training:
        retrain(home, as_of, params_of(horizon_days, k, accept), progress=None)
    with spent() as promoting:
        promote(home, now=now)
    with spent() as scoring:
        score_churn(home, as_of, root / "churn.parquet")
        score_offers(home, as_of, k, root / "offers.parquet")
    bundle = home.bundles / json.loads((home.bundles / "current.json").read_text("utf-8"))["bundle"]
    return ProductRun(
        churn=_probabilities(root / "churn.parquet"),
        offers=_lists(root / "offers.parquet"),
        spent={"ingest": taking, "retrain": training, "promote": promoting, "score": scoring},
        ingest=report.to_json(),
        manifest=json.loads((bundle / "manifest.json").read_text("utf-8")),
        models={name: json.loads((bundle / f"{name}.json").read_text("utf-8")) for name in ("churn", "ranker")},
    )


def train_and_score_churn(home: Home, as_of: datetime, params: Params) -> tuple[dict[str, float], dict[str, Any]]:
    """The churn model trained as of a moment in a home that has the events, everybody's probability then, and how it
    was chosen (`report.json`). The steps of `retrain`, without the other models; it is not promoted.
    """
    from pipelines.materialize import build_snapshots
    from pipelines.retraining.churn import train_churn
    from pipelines.retraining.prepare import prepare
    from training.dataset import load_training_set

    prepare(home, as_of, params)
    train_churn(home, params)
    build_snapshots(home, [as_of])
    frame = load_training_set("churn_v1", home=home, cutoffs=[as_of])
    names, inputs = customer_inputs(to_columns(frame), np.full(len(frame), as_of.timestamp()))
    probability = read_model(home.models / "churn", "churn").probability(inputs, names)
    report = json.loads((home.models / "churn" / "report.json").read_text("utf-8"))
    return dict(zip(frame[CUSTOMER_ID].astype(str), probability.tolist(), strict=True)), report


def describe_model(spec: dict[str, Any]) -> str:
    """A model of a bundle in a few words: its kind, its parts and how many inputs it has."""
    if "parts" in spec:
        return f"{spec['kind']} of ({', '.join(describe_model(part) for part in spec['parts'])})"
    return f"{spec['kind']} on {len(spec['inputs'])} inputs"


def params_of(horizon_days: int, k: int = 10, accept: tuple[str, ...] = ()) -> Params:
    """The shipped parameters, with this horizon of churn and length of lists."""
    params = read_params(PARAMS)
    return params.model_copy(
        update={
            "churn": params.churn.model_copy(update={"horizon_days": horizon_days}),
            "next_offer": params.next_offer.model_copy(update={"k": k}),
            "quality": params.quality.model_copy(update={"accept": accept}),
        }
    )


def _probabilities(path: Path) -> dict[str, float]:
    table = pq.read_table(path)
    return dict(zip(table["customer_id"].to_pylist(), table["churn_probability"].to_pylist(), strict=True))


def _lists(path: Path) -> dict[str, list[str]]:
    table = pq.read_table(path).sort_by([("customer_id", "ascending"), ("rank", "ascending")])
    found: dict[str, list[str]] = {}
    for customer, item in zip(table["customer_id"].to_pylist(), table["item_id"].to_pylist(), strict=True):
        found.setdefault(customer, []).append(item)
    return found
