"""What the newest rated texts tell of a model of dissatisfaction, and of the champion's on those it never saw."""

from datetime import datetime
from typing import Any

import numpy as np

from features.errors import BundleError
from features.home import Home
from features.inputs.dissatisfaction import NAME, SPEC, TEXT, Dissatisfaction
from pipelines.promotion.evidence import kept, table_of
from pipelines.retraining.files import read_json
from training.gates.moods import MoodEvidence
from training.metrics import Array
from training.params import Params
from training.rated_texts import load_rated_texts
from training.segments import segments_of


def mood_evidence(home: Home, current: str | None, params: Params) -> MoodEvidence | None:
    """None where there are no rated texts."""
    if not (home.models / NAME / "evidence.parquet").exists() or not len(table := table_of(home, NAME)):
        return None
    report = read_json(home.models / NAME / "report.json")
    return MoodEvidence(
        truth=table["truth"].to_numpy(),
        challenger=table["probability"].to_numpy(),
        seed_words=table["seed_words"].to_numpy(),
        champion=None if current is None else _champion(home, current, table, params),
        threshold=report["metrics"].get("threshold", float("nan")),
        segments=segments_of(table["orders"].to_numpy(), np.array(table["language"].to_pylist(), np.str_)),
    )


def is_learned(home: Home) -> bool:
    """Whether more than the seed words would judge."""
    return (home.models / NAME / TEXT).exists()


def _champion(home: Home, current: str, table: Any, params: Params) -> Array | None:
    """Its probabilities of texts that it did not learn from, NaN of the others; None where it has no such model."""
    manifest = read_json(home.bundles / current / "manifest.json")
    if SPEC not in manifest["files"]:
        return None
    found = np.full(len(table), np.nan)
    place = {text: row for row, text in enumerate(table["text_id"].to_pylist())}
    before = kept(home, current, NAME)
    if before is not None:
        for text, p in zip(before["text_id"].to_pylist(), before["probability"].to_pylist(), strict=True):
            if text in place:
                found[place[text]] = p
    since = datetime.fromisoformat(manifest["as_of"]).timestamp()
    new = np.isnan(found) & (table["written"].to_numpy() >= since)
    if new.any():
        _judge(home, current, place, new, found, params)
    return found


def _judge(home: Home, current: str, place: dict[str, int], new: Array, found: Array, params: Params) -> None:
    """Fill in what the champion says of new texts, read again from the log."""
    as_of = datetime.fromisoformat(read_json(home.models / "prepared.json")["as_of"])
    rated = load_rated_texts(home, as_of, params.dissatisfaction.most_texts)
    try:
        model = Dissatisfaction.load(home.bundles / current).model
    except BundleError:  # it was learned from facts that are no longer made
        return
    rows = [row for row, text in enumerate(rated.ids) if text in place and new[place[text]]]
    if rows:
        p = model.probability(
            [rated.texts[row] for row in rows], rated.facts[rows] if model.trees is not None else None
        )
        found[[place[rated.ids[row]] for row in rows]] = p
