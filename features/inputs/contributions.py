"""What each input adds to a model's output for one customer, in log-odds: why the model says what it says.

Trees: LightGBM's own contributions (TreeSHAP). A line: coefficient times standardised input. Where models are joined,
their parts are carried through the joining by secants, so that the sum stays exact: the rescale rule (Shrikumar,
Greenside & Kundaje, arXiv:1704.02685, section 3.5.1).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.errors import BundleError
from features.inputs.boosters import Booster
from features.inputs.candidates import Floats
from features.inputs.scoring import Matrix, Model, Spec, sigmoid

_NEAR = 1e-9


@dataclass(frozen=True)
class Contributions:
    """`base` [n] is what the model says of nobody in particular, `of` [n, p] what each input adds to it.

    `base + of.sum(axis=1)` is the uncalibrated output: its log-odds where it is a probability (`is_log_odds`).
    """

    base: Floats
    of: Floats
    is_log_odds: bool


def contributions(model: Model, rows: Matrix, names: Sequence[str]) -> Contributions:
    """Contributions of the input columns `names` to a model's output for `rows` [n, p]; 0 where it looks at none.

    Raises `BundleError` for a kind of model that is not known, or whose trees were not read from a bundle.
    """
    return _of(model.spec, model, rows, list(names))


def _of(spec: Spec, model: Model, rows: Matrix, names: list[str]) -> Contributions:
    match spec["kind"]:
        case "mean" | "product":
            return _joined(spec["kind"], [_of(part, model, rows, names) for part in spec["parts"]])
        case "column":
            of = np.zeros(rows.shape)
            column = names.index(spec["inputs"][0])
            of[:, column] = rows[:, column]
            return Contributions(np.zeros(len(rows)), of, False)
        case "logistic" | "linear":
            return _line(spec, rows, names)
        case "lightgbm":
            return _trees(spec, model, rows, names)
        case other:
            raise BundleError(f"A model of kind {other!r} is not known here. Promote again with this version.")


def _line(spec: Spec, rows: Matrix, names: list[str]) -> Contributions:
    columns = [names.index(name) for name in spec["inputs"]]
    x = rows[:, columns].astype(np.float64)
    x = np.where(spec["log"], np.log1p(np.maximum(x, 0)), x)
    x = np.where(np.isnan(x), spec["fill"], x)
    of = np.zeros(rows.shape)
    of[:, columns] = (x - np.array(spec["mean"])) / np.array(spec["scale"]) * np.array(spec["coef"])
    return Contributions(np.full(len(rows), float(spec["intercept"])), of, spec["kind"] == "logistic")


def _trees(spec: Spec, model: Model, rows: Matrix, names: list[str]) -> Contributions:
    trees = model.boosters[spec["file"]]
    if not isinstance(trees, Booster):
        raise BundleError(f"{spec['file']} was not read from a bundle. Read the model with `read_model`.")
    columns = [names.index(name) for name in spec["inputs"]]
    found = trees.contributions(rows[:, columns].astype(np.float64))
    of = np.zeros(rows.shape)
    of[:, columns] = found[:, :-1]
    return Contributions(found[:, -1], of, trees.is_log_odds)


def _joined(kind: str, parts: Sequence[Contributions]) -> Contributions:
    """Parts to probabilities, those to their mean or product, that back to log-odds, each step by its secant."""
    plain = [_unwound(part) for part in parts]
    if kind == "mean":
        of = sum((of for _, _, of in plain), np.zeros(plain[0][2].shape)) / len(plain)
        before = np.mean([base for base, _, _ in plain], axis=0)
        after = np.mean([value for _, value, _ in plain], axis=0)
        into = np.ones(len(before))
    else:  # a product is the exponential of a sum of logarithms
        of = sum(
            (of * _secant(base, value, np.log(_positive(base)), np.log(_positive(value)), 1 / _positive(base))[:, None]
             for base, value, of in plain), np.zeros(plain[0][2].shape)
        )  # fmt: skip
        before = np.prod([base for base, _, _ in plain], axis=0)
        after = np.prod([value for _, value, _ in plain], axis=0)
        into = _secant(np.log(_positive(before)), np.log(_positive(after)), before, after, before)
    if not all(part.is_log_odds for part in parts):
        return Contributions(before, of * into[:, None], False)
    inside = _inside(before)
    back = into * _secant(before, after, _log_odds(before), _log_odds(after), 1 / (inside * (1 - inside)))
    return Contributions(_log_odds(before), of * back[:, None], True)


def _unwound(part: Contributions) -> tuple[Floats, Floats, Floats]:
    """Base, output and contributions of a part on the scale of its output."""
    total = part.base + part.of.sum(axis=1)
    if not part.is_log_odds:
        return part.base, total, part.of
    base, value = sigmoid(part.base), sigmoid(total)
    return base, value, part.of * _secant(part.base, total, base, value, base * (1 - base))[:, None]


def _secant(x0: Floats, x1: Floats, y0: Floats, y1: Floats, tangent: Floats) -> Floats:
    """(y1 - y0) / (x1 - x0), the tangent at x0 where the two are one."""
    far = np.abs(x1 - x0) > _NEAR * np.maximum(np.abs(x0), _NEAR)
    return np.where(far, np.divide(y1 - y0, x1 - x0, out=np.zeros(len(x0)), where=far), tangent)


def _inside(p: Floats) -> Floats:
    """Off the ends, where there are no log-odds: far closer to them than `scoring.logit` keeps."""
    return np.clip(p, 1e-300, 1 - 1e-15)


def _log_odds(p: Floats) -> Floats:
    inside = _inside(p)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def _positive(p: Floats) -> Floats:
    return np.maximum(p, np.finfo(np.float64).tiny)
