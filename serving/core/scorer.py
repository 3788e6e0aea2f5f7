"""What the decision core asks of models, and what answers where no model is in force."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from features.favourites import Habits
from features.inputs.candidates import PERSONAL, POPULAR, ItemHistory
from features.inputs.seasons import Seasons
from serving.core.conditions import Floats
from serving.core.favourites import favourites_of
from serving.core.items import Articles, Scored

NO_MODEL = "none"


class Scorer(Protocol):
    """Probabilities and items. `at` is epoch seconds, one a customer; no answer depends on the other customers."""

    @property
    def id(self) -> str:
        """The bundle in force, "none" without one."""

    @property
    def uses_inputs(self) -> bool:
        """Whether there are models of people to ask."""

    def churn(self, inputs: Floats, names: Sequence[str]) -> Floats:
        """The chance that each customer leaves, [n], from inputs [n, p] and their names; NaN where she never bought."""

    def second_purchase(self, inputs: Floats, names: Sequence[str]) -> Floats:
        """The chance that each with one order orders again, [n], from the same; NaN for others, or without a model."""

    def value(self, inputs: Floats, names: Sequence[str]) -> Floats:
        """What each will bring, minor units, [n, 3]: expected, low, high, from the same; NaN without a model."""

    def next_items(self, histories: Sequence[ItemHistory], at: Floats, k: int) -> Sequence[Sequence[Scored]]:
        """What each buys next, best first, at most `k`; probabilities are NaN without a model."""

    def popular(self, k: int) -> list[Scored]:
        """What everybody buys now, best first, without any person in it."""

    def goes_with(self, items: Sequence[str]) -> list[Scored]:
        """What goes with some items, of which the first counts most, best first; those items may be among it."""

    @property
    def habits(self) -> Habits:
        """How things are used up here."""

    @property
    def seasons(self) -> Seasons:
        """The seasons learned from sales."""


@dataclass(frozen=True)
class WithoutModel:
    """No bundle: what she uses up first, by her rhythm, then the catalogue's as they come; no probabilities."""

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

    def second_purchase(self, inputs: Floats, names: Sequence[str]) -> Floats:
        """Unknown."""
        return np.full(len(inputs), np.nan)

    def value(self, inputs: Floats, names: Sequence[str]) -> Floats:
        """Unknown."""
        return np.full((len(inputs), 3), np.nan)

    def next_items(self, histories: Sequence[ItemHistory], at: Floats, k: int) -> list[list[Scored]]:
        """Items bought more than once, the likeliest to run out first, then the catalogue's."""
        proposed = []
        for history, soon in zip(histories, favourites_of(histories, at, self.habits), strict=True):
            own = [Scored(item, float("nan"), PERSONAL) for item in soon.items]
            own += _no_rhythm(history, set(soon.items))
            known = {one.item_id for one in own}
            proposed.append([*own, *(one for one in self.popular(k + len(own)) if one.item_id not in known)][:k])
        return proposed

    def popular(self, k: int) -> list[Scored]:
        """The catalogue in the order of item ids: nobody has counted yet."""
        return self._listed[:k]

    def goes_with(self, items: Sequence[str]) -> list[Scored]:
        """Nothing is known of that."""
        return []

    @property
    def habits(self) -> Habits:
        """A grocer's, without anything known of items."""
        return Habits()

    @property
    def seasons(self) -> Seasons:
        """None were learned: every month is as any other."""
        return Seasons()

    @cached_property
    def _listed(self) -> list[Scored]:
        return [Scored(item, float("nan"), POPULAR) for item in sorted(self.articles.by_id)]


def _no_rhythm(history: ItemHistory, known: Collection[str]) -> list[Scored]:
    """What else she bought more than once, most often first."""
    bought = zip(np.asarray(history.counts).tolist(), history.items, strict=True)
    often = sorted((-count, item) for count, item in bought if count > 1 and item not in known)
    return [Scored(item, float("nan"), PERSONAL) for _, item in often]
