"""Drift: the population stability index of two counted distributions, and how much of it is chance.

PSI = sum over bins of (p - q) ln(p / q) (as `perf_psi` of the R package scorecard states it), which is Jeffreys'
divergence of information theory. Of two samples of n and m from one distribution it is about (1/n + 1/m) times a
chi-squared with bins - 1 degrees of freedom (B. Yurdakul, Statistical properties of population stability index,
dissertation, Western Michigan University, 2018): its mean is (bins - 1)(1/n + 1/m), which alone is 0.36 for ten bins
and fifty customers each. So a limit counts only beyond what chance explains.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import chi2

GROUPS = 10
FEWEST = 10
"""Values, of both samples together, that a group of bins needs for the chi-squared to hold."""


@dataclass(frozen=True)
class Drift:
    """PSI over `groups` groups of bins, and the PSI that samples of these sizes exceed by chance with `alpha`."""

    psi: float
    chance: float
    groups: int


NO_DRIFT = Drift(0.0, 0.0, 1)


def drift(before: Mapping[Any, int], after: Mapping[Any, int], *, alpha: float) -> Drift:
    """The drift between counts by bin (numbers, merged with their neighbours) or by category (text, rare ones merged).

    Half a value is added to each group, so that an empty one has a logarithm. `NO_DRIFT` where either has no values.
    """
    n, m = sum(before.values()), sum(after.values())
    if not n or not m:
        return NO_DRIFT
    groups = _groups(before, after)
    p, q = (_shares(counts, groups) for counts in (before, after))
    psi = float(np.sum((p - q) * np.log(p / q)))
    chance = float((1 / n + 1 / m) * chi2.isf(alpha, len(groups) - 1)) if len(groups) > 1 else 0.0
    return Drift(psi, chance, len(groups))


def _shares(counts: Mapping[Any, int], groups: list[list[Any]]) -> Any:
    told = np.array([sum(counts.get(key, 0) for key in group) for group in groups], dtype=np.float64) + 0.5
    return told / told.sum()


def _groups(before: Mapping[Any, int], after: Mapping[Any, int]) -> list[list[Any]]:
    """Bins in at most about `GROUPS` groups of like weight, each sample counting the same; zero stays alone."""
    n, m = sum(before.values()), sum(after.values())
    keys = before.keys() | after.keys()
    weight = {key: before.get(key, 0) / n + after.get(key, 0) / m for key in keys}
    texts = any(isinstance(key, str) for key in keys)
    order = sorted(keys, key=lambda key: (-weight[key], key)) if texts else sorted(keys)
    groups: list[list[Any]] = []
    full = True
    for key in order:
        if full or (groups[-1] == [0] and _enough(groups[-1], before, after)):
            groups.append([])
        groups[-1].append(key)
        heavy = sum(weight[one] for one in groups[-1]) >= 2 / GROUPS or (texts and len(groups) < GROUPS)
        full = heavy and _enough(groups[-1], before, after)
    if len(groups) > 1 and not _enough(groups[-1], before, after):
        groups[-2:] = [groups[-2] + groups[-1]]
    return groups


def _enough(group: list[Any], before: Mapping[Any, int], after: Mapping[Any, int]) -> bool:
    return sum(before.get(key, 0) + after.get(key, 0) for key in group) >= FEWEST
