"""What the decision core asks of models, and what answers where no model is in force."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from features.customer.journey import GIVEN_UP
from features.inputs.candidates import PERSONAL, POPULAR, ItemHistory
from serving.core.conditions import Floats
from serving.core.items import Articles, Scored

NO_MODEL = "none"


class Scorer(Protocol):
    """Probabilities and items. `at` is epoch seconds, one a customer; no answer depends on the other customers."""

    @property
    def id(self) -> str:
        """The bundle in force, "none" without one."""

    @property
    def uses_inputs(self) -> bool:
        """Whether there is a model to ask about churn."""

    def churn(self, inputs: Floats, names: Sequence[str]) -> Floats:
        """The chance that each customer leaves, [n], from inputs [n, p] and their names; NaN where she never bought."""

    def next_items(self, histories: Sequence[ItemHistory], at: Floats, k: int) -> list[list[Scored]]:
        """What each buys next, best first, at most `k`; probabilities are NaN without a model."""

    def popular(self, k: int) -> list[Scored]:
        """What everybody buys now, best first, without any person in it."""


@dataclass(frozen=True)
class WithoutModel:
    """No bundle: her own repeated items first, by her rhythm, then the catalogue's as they come; no probabilities."""

    articles: Articles

    @property
    def id(self) -> str:
        """Always "none"."""
        return NO_MODEL

    @property
    def uses_inputs(self) -> bool:
        """There is none."""
        return False

    def churn(self, inputs: Floats, names: Sequence[str]) -> Floats:
        """Unknown."""
        return np.full(len(inputs), np.nan)

    def next_items(self, histories: Sequence[ItemHistory], at: Floats, k: int) -> list[list[Scored]]:
        """Items bought more than once, what runs out first first, then the catalogue's."""
        proposed = []
        for history, moment in zip(histories, at.tolist(), strict=True):
            own = _repeated(history, moment)
            known = {one.item_id for one in own}
            proposed.append([*own, *(one for one in self.popular(k + len(own)) if one.item_id not in known)][:k])
        return proposed

    def popular(self, k: int) -> list[Scored]:
        """The catalogue in the order of item ids: nobody has counted yet."""
        return self._listed[:k]

    @cached_property
    def _listed(self) -> list[Scored]:
        return [Scored(item, float("nan"), POPULAR) for item in sorted(self.articles.by_id)]


def _repeated(history: ItemHistory, at: float) -> list[Scored]:
    """Items bought more than once, what runs out first first, by her own mean gap; what she gave up comes last."""
    ranked = []
    columns = (np.asarray(c).tolist() for c in (history.counts, history.first_at, history.last_at))
    for item, count, first, last in zip(history.items, *columns, strict=True):
        if count > 1:
            gap = (last - first) / (count - 1)
            used_up = (at - last) / gap if gap > 0 else 0.0
            ranked.append((used_up > GIVEN_UP, -min(used_up, 1.0), -count, -last, item))
    return [Scored(row[-1], float("nan"), PERSONAL) for row in sorted(ranked)]
