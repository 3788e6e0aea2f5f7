"""One gate, and the ways to decide one: a figure against a limit, and a paired difference against a margin.

A challenger is refused where it is clearly worse, and may be worse by more than the margin. So enough rows must show
that it loses less than the margin, and nobody is refused for having few: an equal model passes in 39 of 40 windows of
any size. With enough rows this is the usual test of non-inferiority (the interval lies above minus the margin).
"""

import math
from dataclasses import dataclass

import numpy as np

from training.metrics import Array, Difference, ece

FEWEST = 50  # rows of a segment; a smaller one's figures are mostly chance


@dataclass(frozen=True)
class Gate:
    """One gate: the figure found, the limit, and whether it holds; `unsure` where it does for want of rows to tell."""

    name: str
    passed: bool
    value: float
    limit: float
    text: str
    unsure: bool = False

    def __str__(self) -> str:
        return f"{'passed' if self.passed else 'FAILED'} {self.name}: {self.text}"


def at_least(name: str, value: float, limit: float, what: str) -> Gate:
    """The figure reaches the limit."""
    text = f"{value:.4g} {what}, at least {limit:g}"
    if not value >= limit:
        short = limit - value
        text += f", {short:.4g} too few" if float(value).is_integer() else f", {short:.4f} short"
    return Gate(name, bool(value >= limit), 0.0 if math.isnan(value) else float(value), float(limit), text)


def at_most(name: str, value: float, limit: float, what: str) -> Gate:
    """The figure does not pass the limit."""
    text = f"{what} {value:.4f}, at most {limit:.4g}"
    if not value <= limit:
        text += f": {value - limit:.4f} too much"
    return Gate(name, bool(value <= limit), float(value), float(limit), text)


def not_worse(name: str, difference: Difference, what: str) -> Gate:
    """Not clearly worse than something simple: the interval does not lie below zero."""
    text = f"{what} {difference}"
    if difference.worse:
        text += f": worse by {-difference.value:.4f}, and the interval excludes zero"
    return Gate(name, not difference.worse, difference.value, 0.0, text)


def not_inferior(name: str, difference: Difference, margin: float, n: int, what: str) -> Gate:
    """The interval of `n` rows lies above minus the margin, or is too wide to tell and does not lie below zero.

    >>> str(not_inferior("g", Difference(-0.002, -0.005, 0.001), 0.01, 9000, "AUC less the champion's"))
    "passed g: AUC less the champion's -0.0020 [-0.0050, +0.0010], margin 0.01"
    """
    text = f"{what} {difference}, margin {margin:.3g}"
    if math.isnan(difference.low):
        return Gate(name, True, 0.0, -margin, f"{what}: one kind of row only, nothing to compare")
    within = difference.low > -margin
    if not within:
        beyond = -margin - difference.low
        if difference.worse:
            text += f": clearly worse, and by up to {beyond:.4f} more than the margin allows"
        else:
            text += f": too few rows to tell, the interval reaches {beyond:.4f} beyond the margin; {n} are there"
            text += f", about {rows_needed(difference, margin, n):,} would tell" if margin else ""
    passed = within or not difference.worse
    return Gate(name, passed, difference.value, -margin, text, unsure=passed and not within)


def rows_needed(difference: Difference, margin: float, n: int) -> int:
    """With how many rows an equal model's interval would nearly always lie above minus the margin.

    Its value lies within one arm of zero, its lower end another arm below; arms shrink with the root of the rows.
    """
    arm = difference.value - difference.low
    return math.ceil(n * (2 * arm / margin) ** 2)


def calibrated(name: str, truth: Array, p: Array, limit: float) -> Gate:
    """The error allowed is the limit and what a perfectly calibrated model of so few rows would show by chance."""
    chance = np.sqrt(2 / np.pi) * np.sqrt(np.mean(p * (1 - p)) / (len(p) / 10))
    found = ece(truth, p)
    allowed = limit + float(chance)
    text = f"calibration error {found:.4f}, at most {allowed:.4f} ({limit:g} and {chance:.4f} by chance)"
    if found > allowed:
        text += f": {found - allowed:.4f} too much"
    return Gate(name, bool(found <= allowed), found, allowed, text)


def level(name: str, truth: Array, p: Array, limit: float) -> Gate:
    """Mean prediction and observed rate lie no further apart than the limit and two standard errors."""
    gap = abs(float(p.mean() - truth.mean()))
    allowed = limit + 2 * float(np.sqrt(np.mean(p * (1 - p)) / len(p)))
    text = f"predicted {p.mean():.3f}, observed {truth.mean():.3f} of {len(p)} customers, apart at most {allowed:.3f}"
    if gap > allowed:
        text += f": {gap - allowed:.3f} too much"
    return Gate(name, gap <= allowed, gap, allowed, text)


def share_at_most(name: str, wrong: Array, limit: float, what: str) -> Gate:
    """The share of `wrong` (booleans) is no more than the limit and two standard errors of a share at the limit."""
    allowed = limit + 2 * math.sqrt(limit * (1 - limit) / len(wrong))
    return at_most(name, float(np.mean(wrong)), allowed, f"{what}, of {len(wrong)}, {limit:g} and what chance adds:")
