"""What a visitor looks at next, by items' names: the recommender of sessions as a shop asks it.

A shop shows nothing that she has just seen, so the question is which of the other items comes next. It is learned
(`training/next_views.py`) and asked from the same view of a session, `session_views.as_looked_at`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from features.recommenders.base import Lists, best
from features.recommenders.blend import Blend
from features.recommenders.sequences import Items, Sequences
from features.recommenders.session_neighbours import Neighbours
from features.recommenders.session_views import LOOKED_AT, as_looked_at

Ideas = Neighbours | Blend


def new_ones(ideas: Ideas, of: Sequences, k: int) -> Lists:
    """The `k` best items of each session that it does not hold; `of` as from `as_looked_at`."""
    ranked = best(ideas.scores(of), k + LOOKED_AT)
    wide = max(of.size, 1)
    new = ~np.isin(ranked.owner * wide + ranked.item, of.owner * wide + of.item)
    owner, item, score = ranked.owner[new], ranked.item[new], ranked.score[new]
    place = np.arange(len(owner)) - np.searchsorted(owner, np.arange(len(of)))[owner]
    return Lists(owner, item, place, score).first(k)


@dataclass(frozen=True)
class NextViews:
    """The ideas, and the names of the items they speak of, ascending."""

    names: list[str]
    ideas: Ideas

    def after(self, viewed: Sequence[str], k: int) -> list[str]:
        """At most `k` items likeliest to be looked at next, best first; `viewed` has the latest first, unknown items
        are passed over."""
        told = [item for item in viewed if item in self._items.number][:LOOKED_AT]
        if not told:
            return []
        ranked = new_ones(self.ideas, as_looked_at(Sequences.of_sessions([told[::-1]], self._items)), k)
        return [self.names[item] for item in ranked.item.tolist()]

    @cached_property
    def _items(self) -> Items[str]:
        return Items(self.names)
