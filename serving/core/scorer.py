"""What the decision core asks of models, and what answers where no model is in force."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

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
    """No bundle: her own repeated items first, then the catalogue's as they come; no probabilities anywhere."""

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
        """Items bought more than once, most often and latest first, then the catalogue's."""
        proposed = []
        for history in histories:
            own = _repeated(history)
            known = {one.item_id for one in own}
            proposed.append([*own, *(one for one in self.popular(k + len(own)) if one.item_id not in known)][:k])
        return proposed

    def popular(self, k: int) -> list[Scored]:
        """The catalogue in the order of item ids: nobody has counted yet."""
        return self._listed[:k]

    @cached_property
    def _listed(self) -> list[Scored]:
        return [Scored(item, float("nan"), POPULAR) for item in sorted(self.articles.by_id)]


def _repeated(history: ItemHistory) -> list[Scored]:
    rows = zip(history.items, np.asarray(history.counts), np.asarray(history.last_at), strict=True)
    bought = sorted(((-float(count), -float(last), item) for item, count, last in rows if count > 1))
    return [Scored(item, float("nan"), PERSONAL) for _, _, item in bought]
