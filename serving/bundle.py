"""Loading a model bundle without trusting it: sums, a trial in a child process, canaries; docs/bundle.md is the format.

A truncated LightGBM file can kill the process that opens it, and one flipped bit can change scores silently. So nothing
is opened here before its SHA-256 is right and a child process has opened it and given the canaries' scores.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from features.errors import BundleError
from features.favourites import Habits, Rhythm, read_rhythm
from features.home import Home
from features.inputs.candidates import (
    CANDIDATE_INPUTS,
    NEIGHBOUR,
    POPULAR,
    Floats,
    Histories,
    ItemHistory,
    ItemTable,
)
from features.inputs.dissatisfaction import SPEC, Dissatisfaction
from features.inputs.frame import CHURN_INPUTS
from features.inputs.goes_with import goes_with
from features.inputs.scoring import Model, next_items, read_model
from features.inputs.seasons import Seasons
from serving.core.scored import Proposals, Scored
from serving.trials import REMEDY, TRIAL_SECONDS, current_id, passes

if TYPE_CHECKING:
    from features.inputs.newcomers import Newcomer
    from features.inputs.value import ValueModel
    from features.recommenders.next_views import NextViews

FORMAT = 1
NEXT_VIEWS = 50  # items that sessions propose: more than any place shows after what may not be shown is taken out
CANARY_TOLERANCE = 1e-9


class Canary(msgspec.Struct, frozen=True):
    """Rows of model inputs (None = absent) and what they must give: probabilities, or amounts with their interval."""

    inputs: list[list[float | None]]
    expected: list[float]
    low: list[float] = []
    high: list[float] = []

    @property
    def rows(self) -> Floats:
        """The inputs, NaN where absent."""
        return np.array([[np.nan if v is None else v for v in row] for row in self.inputs], dtype=np.float64)


class Manifest(msgspec.Struct, frozen=True):
    """What a bundle says of itself; keys not named here are for people."""

    format: int
    id: str
    created_at: str
    as_of: str
    horizon_days: float
    files: dict[str, str]
    feature_schema_hash: str
    churn_inputs: list[str]
    ranker_inputs: list[str]
    canaries: dict[str, Canary]
    metrics: dict[str, float] = {}
    typical: dict[str, float] = {}
    """The middle value of each churn input among the customers it was validated on, where one is known."""


@dataclass(frozen=True)
class Bundle:
    """A bundle in memory: a `scorer.Scorer`."""

    manifest: Manifest
    churn_model: Model
    ranker: Model
    table: ItemTable
    rhythm: Rhythm = field(default_factory=Rhythm)
    seasons: Seasons = field(default_factory=Seasons)
    dissatisfaction: Dissatisfaction | None = None
    sessions: "NextViews | None" = None  # where browsing taught more than the table's neighbours know
    second_purchase_model: Model | None = None
    value_model: "ValueModel | None" = None

    @property
    def id(self) -> str:
        """The bundle's id."""
        return self.manifest.id

    def with_newcomers(self, newcomers: "Sequence[Newcomer]") -> "Bundle":
        """The same models, what was listed since they were trained among the items."""
        from features.inputs.newcomers import with_newcomers  # pyarrow, which a trial does without

        table = with_newcomers(self.table, newcomers)
        return self if table is self.table else replace(self, table=table)

    @property
    def uses_inputs(self) -> bool:
        """Always."""
        return True

    def churn(self, inputs: Floats, names: Sequence[str]) -> Floats:
        """The chance of no purchase within the horizon, [n]; NaN where no purchase is known."""
        never = np.isnan(inputs[:, names.index("recency_days")])
        return np.where(never, np.nan, self.churn_model.probability(inputs, names))

    def second_purchase(self, inputs: Floats, names: Sequence[str]) -> Floats:
        """The chance that a customer with exactly one order orders again within the horizon, [n]; else NaN."""
        found = np.full(len(inputs), np.nan)
        if self.second_purchase_model is None:
            return found
        once = np.round(np.expm1(inputs[:, names.index("log_purchase_count_total")])) == 1
        if once.any():
            found[once] = self.second_purchase_model.probability(inputs[once], list(names))
        return found

    def value(self, inputs: Floats, names: Sequence[str]) -> Floats:
        """What each brings within the horizon, minor units, [n, 3]: expected, and the ends of an interval of 80 %.

        NaN where no purchase is known, or without such a model.
        """
        found = np.full((len(inputs), 3), np.nan)
        bought = ~np.isnan(inputs[:, list(names).index("recency_days")])
        if self.value_model is not None and bought.any():
            worth = self.value_model.worth(inputs[bought], list(names))
            found[bought] = np.stack([worth.expected, worth.low, worth.high], axis=1)
        return found

    def next_items(self, histories: Sequence[ItemHistory], at: Floats, k: int) -> list[Proposals]:
        """The likeliest next items of each customer with their calibrated probabilities."""
        ranked = next_items(self.ranker, self.table, Histories.of(histories, self.table), at, k)
        name = self.table.names.__getitem__
        return [
            Proposals([*map(name, items.tolist())], chances.tolist(), sources.tolist())
            for items, chances, sources in zip(ranked.items, ranked.probabilities, ranked.sources, strict=True)
        ]

    def popular(self, k: int) -> list[Scored]:
        """What most customers bought lately."""
        return self._popular[:k]

    def goes_with(self, items: Sequence[str]) -> list[Scored]:
        """What visitors look at next, where that was learned, then what is bought with them, or by the same customers.

        No probabilities: a look is not a purchase.
        """
        if not items:
            return []
        near = self.sessions.after(items, NEXT_VIEWS) if self.sessions else []
        rows, _ = goes_with(items, self.table)
        return [Scored(i, float("nan"), NEIGHBOUR) for i in dict.fromkeys([*near, *self.table.item_id[rows].tolist()])]

    @cached_property
    def habits(self) -> Habits:
        """What was learned of how things are used up."""
        return Habits(self.rhythm, self.table)

    @cached_property
    def _popular(self) -> list[Scored]:
        return [Scored(str(item), float("nan"), POPULAR) for item in self.table.item_id[self.table.popular]]


def load_bundle(home: Home, *, trial_seconds: float = TRIAL_SECONDS) -> Bundle | None:
    """The bundle in force, None before the first promotion. Raises `BundleError` with what is wrong with it."""
    bundle_id = current_id(home)
    return None if bundle_id is None else load(home.bundles / bundle_id, trial_seconds=trial_seconds)


def load(folder: Path, *, trial_seconds: float = TRIAL_SECONDS) -> Bundle:
    """A bundle, after its sums were checked and a child process has tried it. Raises `BundleError`.

    What passed its trial in this process is not tried again: its manifest, whose sums were right now, is all of it.
    """
    manifest = checked_manifest(folder)
    passes(folder, manifest, trial_seconds)
    return opened(folder, manifest)


def checked_manifest(folder: Path) -> Manifest:
    """The manifest, after comparing everything that can be compared without opening a model. Raises `BundleError`."""
    try:
        manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError, RecursionError) as error:
        raise BundleError(f"{folder / 'manifest.json'} cannot be read ({error}). {REMEDY}") from error
    if manifest.format != FORMAT:
        raise BundleError(f"{folder} has format {manifest.format}, this program reads {FORMAT}. {REMEDY}")
    if manifest.id != folder.name:
        raise BundleError(f"{folder} says it is {manifest.id}. It was renamed or mixed up. {REMEDY}")
    for inputs, own in ((manifest.churn_inputs, CHURN_INPUTS), (manifest.ranker_inputs, tuple(CANDIDATE_INPUTS))):
        if tuple(inputs) != own:
            odd = sorted(set(inputs) ^ set(own)) or ["their order"]
            raise BundleError(f"{folder} was trained on other inputs ({', '.join(odd)}). Retrain and promote again.")
    there = {p.name for p in folder.iterdir()} - {"manifest.json"}
    for name in sorted(there ^ set(manifest.files)):
        raise BundleError(f"{folder / name} is {'not in the manifest' if name in there else 'missing'}. {REMEDY}")
    for name, expected in manifest.files.items():
        with (folder / name).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            raise BundleError(f"{folder / name} has SHA-256 {found[:12]}..., not {expected[:12]}.... {REMEDY}")
    return manifest


def opened(folder: Path, manifest: Manifest) -> Bundle:
    """The bundle's models opened, and its canaries compared. Raises `BundleError`; may crash on a torn model file."""
    churn = read_model(folder, "churn")
    bundle = Bundle(
        manifest,
        churn,
        read_model(folder, "ranker"),
        ItemTable.load(folder / "items.npz"),
        read_rhythm(folder / "rhythm.json") if "rhythm.json" in manifest.files else Rhythm(),
        Seasons.load(folder / "seasons.npz") if "seasons.npz" in manifest.files else Seasons(),
        Dissatisfaction.load(folder) if SPEC in manifest.files else None,
        _sessions(folder, manifest) if "sessions.json" in manifest.files else None,
        read_model(folder, "second_purchase") if "second_purchase.json" in manifest.files else None,
        _value(folder, manifest, churn) if "value.json" in manifest.files else None,
    )
    for name, model, inputs in (
        ("churn", bundle.churn_model, manifest.churn_inputs),
        ("ranker", bundle.ranker, manifest.ranker_inputs),
        ("second_purchase", bundle.second_purchase_model, manifest.churn_inputs),
    ):
        if model is not None:
            canary = _canary(folder, manifest, name)
            _compare(folder, name, model.probability(canary.rows, inputs), canary.expected)
    return bundle


def _canary(folder: Path, manifest: Manifest, name: str) -> Canary:
    """The canaries of a model; raises `BundleError` where it has none."""
    canary = manifest.canaries.get(name)
    if canary is None or not canary.inputs:
        raise BundleError(f"{folder} has no canaries for {name}. {REMEDY}")
    return canary


def _compare(folder: Path, name: str, found: Floats, expected: Sequence[float]) -> None:
    """That canaries sing: within 1e-9, of amounts above 1 that share of them. Raises `BundleError`."""
    wanted = np.array(expected, dtype=np.float64)
    if len(found) != len(wanted):
        raise BundleError(f"{folder} has canaries for {name} that do not fit together. {REMEDY}")
    off = np.abs(found - wanted) / np.maximum(np.abs(wanted), 1.0)
    if not (off <= CANARY_TOLERANCE).all():
        raise BundleError(f"{folder}: the {name} model misses its canaries by {np.max(off):.3g}. {REMEDY}")


def _value(folder: Path, manifest: Manifest, churn: Model) -> "ValueModel":
    """What customers will bring, its canaries compared. scipy is imported only here, where it was learned."""
    from features.inputs.value import read_value

    model, canary = read_value(folder, churn), _canary(folder, manifest, "value")
    worth = model.worth(canary.rows, manifest.churn_inputs)
    for found, expected in ((worth.expected, canary.expected), (worth.low, canary.low), (worth.high, canary.high)):
        _compare(folder, "value", found, expected)
    return model


def _sessions(folder: Path, manifest: Manifest) -> "NextViews":
    """What sessions taught, its canaries compared. scipy is imported only here, where something was learned."""
    from features.recommenders.next_views_canaries import miss
    from features.recommenders.next_views_file import load_next_views

    model = load_next_views(folder)
    canary = _canary(folder, manifest, "sessions")
    if (off := miss(model, canary.inputs, canary.expected)) > CANARY_TOLERANCE:
        raise BundleError(f"{folder}: the sessions model misses its canaries by {off:.3g}. {REMEDY}")
    return model
