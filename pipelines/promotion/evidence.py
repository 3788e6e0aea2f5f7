"""What training left to judge a challenger by, beside what the champion says of the same customers.

Where both were validated on the same window, predictions that neither had learned from are compared; else the champion
is asked about the new window. By how much that favours it where it learned from part of the window is estimated.
"""

from datetime import datetime
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from features.home import Home
from features.inputs.candidates import CANDIDATE_INPUTS
from features.inputs.places import places
from features.inputs.scoring import read_model
from pipelines.retraining.files import read_json
from training.gates.offers import OfferEvidence
from training.gates.people import PeopleEvidence
from training.gates.value import ValueEvidence
from training.gates.verdict import FEWEST
from training.metrics import Array, auc, brier, score_lists
from training.segments import segments_of

EVIDENCE = "evidence.parquet"


def table_of(home: Home, model: str) -> Any:
    """What `retrain` kept of the model's newest window."""
    return pq.read_table(home.models / model / EVIDENCE)


def kept(home: Home, bundle: str | None, model: str) -> Any:
    """The same of a bundle when it was promoted; None where there is none."""
    path = home.models / "champions" / (bundle or "") / model / EVIDENCE
    return pq.read_table(path) if bundle is not None and path.exists() else None


def people_evidence(home: Home, model: str, current: str | None) -> PeopleEvidence:
    """Of a model that gives every customer a probability."""
    table = table_of(home, model)
    return PeopleEvidence(
        truth=table["truth"].to_numpy(),
        challenger=table["probability"].to_numpy(),
        baseline=table["baseline"].to_numpy(),
        champion=_champion(home, current, model, table),
        segments=_segments(table),
        favour={} if current is None else _favour(home, current, model, table),
    )


def value_evidence(home: Home, current: str | None) -> ValueEvidence:
    """Of value; a champion only where it was validated on the same window, for its amounts are made of two models."""
    table = table_of(home, "value")
    return ValueEvidence(
        truth=table["truth"].to_numpy(),
        challenger=table["expected"].to_numpy(),
        baseline=table["baseline"].to_numpy(),
        champion=_of_the_same_window(kept(home, current, "value"), table, "expected"),
    )


def _segments(table: Any) -> dict[str, Array]:
    return segments_of(table["orders"].to_numpy(), _column(table, "language"), _column(table, "browses"))


def _column(table: Any, name: str) -> Array | None:
    return np.asarray(table[name].to_numpy()) if name in table.column_names else None


def _champion(home: Home, current: str | None, model: str, table: Any, *, asked: bool = False) -> Array | None:
    """What it says of the rows; with `asked`, of rows that it was judged on too."""
    if current is None:
        return None
    same = None if asked else _of_the_same_window(kept(home, current, model), table)
    if same is not None:
        return same
    manifest = read_json(home.bundles / current / "manifest.json")
    names = manifest["churn_inputs"]  # all models of people take the same
    if f"{model}.json" not in manifest["files"] or any(f"input_{name}" not in table.column_names for name in names):
        return None  # there was none, or it was trained on features that are no longer made
    rows = np.column_stack([table[f"input_{name}"].to_numpy() for name in names])
    return read_model(home.bundles / current, model).probability(rows, names)


def _favour(home: Home, current: str, model: str, table: Any) -> dict[str, tuple[float, float]]:
    """By how much the champion looks too good in each segment (AUC, Brier score) where its training knew part of this
    window: what knowing the truth added on its own window, times the share of this one that lay before its training.
    """
    before = kept(home, current, model)
    share = _known_share(home, current, model)
    if before is None or not share or _of_the_same_window(before, table) is not None:
        return {}
    knowing = _champion(home, current, model, before, asked=True)
    if knowing is None:
        return {}
    truth, blind = before["truth"].to_numpy(), before["probability"].to_numpy()
    found = {}
    for name, inside in _segments(before).items():
        own = truth[inside]
        if inside.sum() >= FEWEST and own.min() < own.max():
            area = auc(own, knowing[inside]) - auc(own, blind[inside])
            error = brier(own, blind[inside]) - brier(own, knowing[inside])
            found[name] = (max(0.0, share * area), max(0.0, share * error))
    return found


def _known_share(home: Home, current: str, model: str) -> float:
    """The share of the window's days that were over when the champion was trained."""
    trained = datetime.fromisoformat(read_json(home.bundles / current / "manifest.json")["as_of"])
    began = datetime.fromisoformat(read_json(home.models / model / "report.json")["validated_at"])
    days = float(read_json(home.models / "prepared.json")["horizon_days"])
    return min(1.0, max(0.0, (trained - began).total_seconds() / 86_400 / days))


def _of_the_same_window(before: Any, table: Any, said: str = "probability") -> Array | None:
    if before is None or not all(before[name].equals(table[name]) for name in ("customer_id", "truth")):
        return None
    return np.asarray(before[said].to_numpy())


def offer_evidence(home: Home, current: str | None) -> OfferEvidence:
    """Of the ranker; the champion's lists of the kept customers where the windows differ."""
    folder = home.models / "next_offer"
    table, calibrated = table_of(home, "next_offer"), pq.read_table(folder / "calibrated.parquet")
    ours, champion = table["ndcg"].to_numpy(), None
    before = kept(home, current, "next_offer")
    if before is not None and before["customer_id"].equals(table["customer_id"]) and before["k"].equals(table["k"]):
        champion = np.asarray(before["ndcg"].to_numpy())
    elif current is not None:
        champion = _champion_lists(home, current, int(table["k"][0].as_py()))
    return OfferEvidence(
        challenger=ours,
        baseline=table["baseline"].to_numpy(),
        champion=champion,
        truth=calibrated["truth"].to_numpy(),
        probability=calibrated["probability"].to_numpy(),
    )


def _champion_lists(home: Home, current: str, k: int) -> Array | None:
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
