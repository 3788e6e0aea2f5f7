"""Trained models as files of plain text and numbers, and the one way to evaluate them; docs/bundle.md is the format.

A model is `<name>.json` (what kind it is), `<name>_calibration.json` (how its output becomes a probability) and, where
the first names it, LightGBM text. Rows of inputs are `[n, p]` with the names of the columns beside them; NaN is absent.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from features.errors import BundleError
from features.inputs.boosters import Booster
from features.inputs.candidates import (
    CANDIDATE_INPUTS,
    SOURCES,
    Candidates,
    Floats,
    Histories,
    ItemTable,
    candidates_of,
)
from features.inputs.forest import Block
from features.inputs.places import in_order

Spec = dict[str, Any]
Matrix = npt.NDArray[np.floating[Any]]
SMALLEST = 1e-6  # a probability closer to 0 or 1 has no more logit
ROWS_AT_ONCE = 200_000  # evaluated together: bounds the memory of a large batch


class Trees(Protocol):
    """Boosted trees that predict: `boosters.Booster`, or LightGBM's own just after training."""

    def predict(self, rows: Matrix, /, *, num_threads: int) -> Any:
        """One number a row."""


def sigmoid(z: Floats) -> Floats:
    """1 / (1 + e^-z), without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * z)))


def logit(p: Floats) -> Floats:
    """log(p / (1 - p)), with p clipped to [1e-6, 1 - 1e-6]."""
    inside = np.minimum(np.maximum(p, SMALLEST), 1 - SMALLEST)
    return np.asarray(np.log(inside / (1 - inside)))


def calibrate(spec: Spec, score: Floats) -> Floats:
    """The probability that belongs to each score."""
    match spec["kind"]:
        case "none":
            return score
        case "platt":
            z = logit(score) if spec["on"] == "logit" else score
            return sigmoid(spec["slope"] * z + spec["intercept"])
        case "isotonic":
            return np.asarray(np.interp(score, spec["x"], spec["y"]))
        case other:
            raise BundleError(f"Calibration of kind {other!r} is not known here. Promote again with this version.")


def evaluate(spec: Spec, boosters: Mapping[str, Trees], rows: Matrix, names: Sequence[str]) -> Floats:
    """The uncalibrated output of a model of any kind for each row."""
    match spec["kind"]:
        case "mean" | "product":
            return _together(spec["kind"], [evaluate(part, boosters, rows, names) for part in spec["parts"]])
        case "column":
            return rows[:, names.index(spec["inputs"][0])].astype(np.float64)
        case "logistic" | "linear":
            x = rows[:, _columns(tuple(spec["inputs"]), tuple(names))].astype(np.float64)
            x = np.where(spec["log"], np.log1p(np.maximum(x, 0)), x)
            x = np.where(np.isnan(x), spec["fill"], x)
            scaled = (x - np.array(spec["mean"])) / np.array(spec["scale"])
            # a sum along the row: the same for one row and for many, which a matrix product is not
            z = (scaled * np.array(spec["coef"])).sum(axis=1) + spec["intercept"]
            return sigmoid(z) if spec["kind"] == "logistic" else np.asarray(z)
        case "lightgbm":
            columns, trees = _columns(tuple(spec["inputs"]), tuple(names)), boosters[spec["file"]]
            if isinstance(trees, Booster):
                by_masks = trees.predict_blocks([Block(slice(0, rows.shape[1]), rows)], columns, len(rows))
                if by_masks is not None:
                    return by_masks
            told = rows.take(columns, axis=1)
            first, which = _runs(told)
            found = trees.predict(told[first].astype(np.float64), num_threads=1)
            return np.asarray(found, np.float64)[which]
        case other:
            raise BundleError(f"A model of kind {other!r} is not known here. Promote again with this version.")


def _evaluate_blocks(spec: Spec, boosters: Mapping[str, Trees], found: Candidates) -> Floats:
    """What `evaluate` gives for the rows of candidates, bit for bit."""
    match spec["kind"]:
        case "mean" | "product":
            return _together(spec["kind"], [_evaluate_blocks(part, boosters, found) for part in spec["parts"]])
        case "lightgbm" if isinstance(trees := boosters[spec["file"]], Booster):
            columns = _columns(tuple(spec["inputs"]), tuple(CANDIDATE_INPUTS))
            told = trees.predict_blocks(found.blocks, columns, len(found.item))
            if told is not None:
                return told
    return np.concatenate(
        [
            np.empty(0),
            *(
                evaluate(spec, boosters, found.frame.inputs[first : first + ROWS_AT_ONCE], found.frame.names)
                for first in range(0, len(found.item), ROWS_AT_ONCE)
            ),
        ]
    )


def _together(kind: str, parts: Sequence[Floats]) -> Floats:
    """The mean or the product of what several models say."""
    if kind == "product":
        return reduce(np.multiply, parts)
    return np.asarray(reduce(np.add, parts) / len(parts))


@lru_cache(maxsize=64)
def _columns(wanted: tuple[str, ...], names: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """Where the wanted columns stand among those named; raises `ValueError` for one that is not there."""
    return np.array([names.index(name) for name in wanted], np.int64)


def _runs(x: Matrix) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Which rows differ from the one above, and for each row the number of the last that did.

    What depends on the customer alone is equal on all her candidates: the trees are asked once. Compared are bits, by
    which NaN is as NaN.
    """
    bits = x.view(f"u{x.itemsize}")
    first = np.ones(len(x), np.bool_)
    np.logical_or.reduce(bits[1:] != bits[:-1], axis=1, out=first[1:])
    return first, first.cumsum() - 1


def files_of(spec: Spec) -> list[str]:
    """LightGBM files that a model names."""
    own = [spec["file"]] if "file" in spec else []
    return own + [file for part in spec.get("parts", ()) for file in files_of(part)]


@dataclass(frozen=True)
class Model:
    """A model with its calibration, ready to give probabilities."""

    spec: Spec
    calibration: Spec
    boosters: Mapping[str, Trees]

    def raw(self, rows: Matrix, names: Sequence[str]) -> Floats:
        """Uncalibrated output, `[n]`."""
        if not len(rows):
            return np.empty(0)
        parts = [
            evaluate(self.spec, self.boosters, rows[first : first + ROWS_AT_ONCE], names)
            for first in range(0, len(rows), ROWS_AT_ONCE)
        ]
        return np.concatenate(parts) if len(parts) > 1 else parts[0]

    def raw_of(self, found: Candidates) -> Floats:
        """The same of candidates, `[n]`: trees are asked about what they share once."""
        return _evaluate_blocks(self.spec, self.boosters, found)

    def probability(self, rows: Matrix, names: Sequence[str]) -> Floats:
        """Calibrated probability, `[n]`, from input columns of the given names."""
        return calibrate(self.calibration, self.raw(rows, names))


def read_model(folder: Path, name: str) -> Model:
    """The model `name` of a folder; raises `BundleError` for a file that is missing or not what it should be.

    A truncated LightGBM file can kill the process: check the bundle's sums before.
    """
    try:
        spec = json.loads((folder / f"{name}.json").read_text("utf-8"))
        calibration = json.loads((folder / f"{name}_calibration.json").read_text("utf-8"))
        boosters = {file: Booster(folder / file) for file in files_of(spec)}
    except (OSError, ValueError, KeyError, TypeError, BundleError) as error:
        raise BundleError(
            f"The model {name} in {folder} cannot be read ({error}). Promote again, or roll back."
        ) from error
    return Model(spec, calibration, boosters)


@dataclass(frozen=True)
class Ranked:
    """The best items of each customer: row i holds item rows, probabilities and source bits, best first."""

    items: list[npt.NDArray[np.int64]]
    probabilities: list[Floats]
    sources: list[npt.NDArray[np.uint8]]


def next_items(model: Model, table: ItemTable, histories: Histories, at: Floats, k: int) -> Ranked:
    """The `k` likeliest next items of each customer as of `at` (epoch seconds, one a customer).

    Ties go to the more popular item, then to the smaller item id. Items are rows of the table.
    """
    return rank(model, table, candidates_of(histories, table, at), len(histories), k)


def rank(model: Model, table: ItemTable, found: Candidates, n: int, k: int) -> Ranked:
    """The `k` best candidates of each of `n` customers."""
    raw = model.raw_of(found)
    order, place = in_order(found.customer, -raw, -table.recent_buyers[found.item])  # of equals the smaller item first
    best = order[place < k]
    ends = np.cumsum(np.bincount(found.customer[best], minlength=n)).tolist()
    hers = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
    item, probability, source = found.item[best], calibrate(model.calibration, raw[best]), found.source[best]
    return Ranked([item[one] for one in hers], [probability[one] for one in hers], [source[one] for one in hers])


def source_name(bits: int) -> str:
    """How an item came into the list: the first of personal, neighbour, popular that holds."""
    return next(name for bit, name in SOURCES.items() if bits & bit)
