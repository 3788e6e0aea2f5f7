"""Promotion: the newly trained models through every gate, then into a bundle, in force by one atomic step; and back."""

import json
import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from features.errors import BundleError, DataError
from features.home import Home
from features.inputs.candidates import CANDIDATE_INPUTS
from features.inputs.places import places
from features.inputs.scoring import read_model
from pipelines.bundles import check_bundle, current_id
from pipelines.quality import keep_profile
from pipelines.retraining.files import read_json
from pipelines.write_bundle import PARTS, sync, write_bundle
from training.gates import ChurnEvidence, Gate, OfferEvidence, churn_gates, offer_gates
from training.metrics import Array, score_lists
from training.params import Params
from training.registry import champion_of_bundle, mark_champion

CHURN_SEGMENTS = {"first_purchase": (0, 1), "few_purchases": (2, 4), "regulars": (5, np.inf)}


@dataclass(frozen=True)
class PromotionResult:
    """What the gates said, and which bundle is in force now."""

    promoted: bool
    bundle: str | None
    previous: str | None
    gates: list[Gate]

    @property
    def failed(self) -> list[Gate]:
        """The gates that did not hold."""
        return [gate for gate in self.gates if not gate.passed]

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "promoted": self.promoted,
            "bundle": self.bundle,
            "previous": self.previous,
            "gates": [vars(gate) for gate in self.gates],
        }

    def __str__(self) -> str:
        if not self.promoted:
            told = "\n".join(f"  {gate}" for gate in self.failed)
            return (
                f"Not promoted, {self.bundle or 'no bundle'} stays in force. {len(self.failed)} gates failed:\n{told}"
            )
        if not self.gates:
            return f"Bundle {self.bundle} is in force again, after {self.previous}."
        return f"Bundle {self.bundle} is in force; {len(self.gates)} gates passed. Before: {self.previous or 'none'}."


def promote(home: Home, params: Params | None = None, *, now: datetime) -> PromotionResult:
    """Judge what `retrain` left in `home.models`; if every gate holds, write its bundle and put it in force.

    Raises `DataError` if nothing was trained.
    """
    limits = (params or Params()).promotion
    if not (home.models / "metrics.json").exists():
        raise DataError(f"Nothing was trained in {home.models} yet. Run: tahdikas retrain")
    current = current_id(home)
    gates = churn_gates(_churn_evidence(home, current), limits) + offer_gates(_offer_evidence(home, current), limits)
    if not all(gate.passed for gate in gates):
        return PromotionResult(False, current, current, gates)
    bundle = write_bundle(home, now)
    _keep_evidence(home, bundle)
    if bundle != current:
        _put_in_force(home, bundle, [*_history(home), bundle])
    logged = json.loads((home.models / "mlflow.json").read_text("utf-8"))
    mark_champion(home, logged["versions"], bundle)
    return PromotionResult(True, bundle, current, gates)


def rollback(home: Home) -> PromotionResult:
    """Put the bundle before the current one in force; raises `BundleError` if there is none whole."""
    history = _history(home)
    if len(history) < 2:
        raise BundleError("There is no earlier bundle to return to. Retrain and promote instead.")
    left, back = history[-1], history[-2]
    check_bundle(home.bundles / back)
    _put_in_force(home, back, history[:-1])
    mark_champion(home, champion_of_bundle(home, back), back)
    return PromotionResult(True, back, left, [])


def _put_in_force(home: Home, bundle: str, history: list[str]) -> None:
    draft = home.bundles / f".current.{os.getpid()}"
    draft.write_text(json.dumps({"bundle": bundle, "history": history}) + "\n", "utf-8")
    sync(draft)
    draft.replace(home.bundles / "current.json")
    sync(home.bundles)


def _history(home: Home) -> list[str]:
    path = home.bundles / "current.json"
    if not path.exists():
        return []
    found: list[str] = json.loads(path.read_text("utf-8"))["history"]
    return found


def _churn_evidence(home: Home, current: str | None) -> ChurnEvidence:
    table = pq.read_table(home.models / "churn" / "evidence.parquet")
    orders = table["orders"].to_numpy()
    segment = np.full(len(orders), "other", dtype="<U16")
    for name, (low, high) in CHURN_SEGMENTS.items():
        segment[(orders >= low) & (orders <= high)] = name
    return ChurnEvidence(
        truth=table["truth"].to_numpy(),
        challenger=table["probability"].to_numpy(),
        baseline=table["baseline"].to_numpy(),
        champion=None if current is None else _champion_churn(home, current, table),
        segment=segment,
    )


def _champion_churn(home: Home, current: str, table: Any) -> Array | None:
    """The champion's probabilities of the same customers: out of fold where it was validated on the same window."""
    kept = _kept_evidence(home, current, "churn")
    if kept is not None and kept["customer_id"].equals(table["customer_id"]) and kept["truth"].equals(table["truth"]):
        return np.asarray(kept["probability"].to_numpy())
    names = read_json(home.bundles / current / "manifest.json")["churn_inputs"]
    if any(f"input_{name}" not in table.column_names for name in names):
        return None  # it was trained on features that are no longer made
    rows = np.column_stack([table[f"input_{name}"].to_numpy() for name in names])
    return read_model(home.bundles / current, "churn").probability(rows, names)


def _offer_evidence(home: Home, current: str | None) -> OfferEvidence:
    folder = home.models / "next_offer"
    table, calibrated = pq.read_table(folder / "evidence.parquet"), pq.read_table(folder / "calibrated.parquet")
    ours, champion = table["ndcg"].to_numpy(), None
    kept = None if current is None else _kept_evidence(home, current, "next_offer")
    if kept is not None and kept["customer_id"].equals(table["customer_id"]) and kept["k"].equals(table["k"]):
        champion = np.asarray(kept["ndcg"].to_numpy())
    elif current is not None:
        theirs = _champion_offers(home, current, int(table["k"][0].as_py()))
        champion = None if theirs is None else np.concatenate([theirs, ours[len(theirs) :]])
    return OfferEvidence(
        challenger=ours,
        baseline=table["baseline"].to_numpy(),
        champion=champion,
        truth=calibrated["truth"].to_numpy(),
        probability=calibrated["probability"].to_numpy(),
    )


def _champion_offers(home: Home, current: str, k: int) -> Array | None:
    """NDCG of the champion's ranking of the kept candidates, for the first customers of the evidence."""
    names = read_json(home.bundles / current / "manifest.json")["ranker_inputs"]
    if not set(names) <= set(CANDIDATE_INPUTS):
        return None
    table = pq.read_table(home.models / "next_offer" / "candidates.parquet")
    bought = pq.read_table(home.models / "next_offer" / "bought.parquet")
    rows = np.column_stack([table[f"input_{name}"].to_numpy() for name in names])
    raw = read_model(home.bundles / current, "ranker").raw(rows, names)
    customer, item = table["customer"].to_numpy(), table["item"].to_numpy()
    place = places(customer, -raw, -table["recent_buyers"].to_numpy(), item)
    return score_lists((customer, item, place), (bought["customer"].to_numpy(), bought["item"].to_numpy()), k).ndcg


def _keep_evidence(home: Home, bundle: str) -> None:
    """Keep what the champion showed on its own window, to compare a challenger of the same window fairly, and what
    its data was like."""
    folder = home.models / "champions" / bundle
    for name in PARTS:
        (folder / name).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(home.models / name / "evidence.parquet", folder / name / "evidence.parquet")
    keep_profile(home, bundle)


def _kept_evidence(home: Home, bundle: str, name: str) -> Any:
    path = home.models / "champions" / bundle / name / "evidence.parquet"
    return pq.read_table(path) if path.exists() else None
