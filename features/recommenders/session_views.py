"""Distinct items of each session with their latest place: what neighbours and transitions are asked about."""

from dataclasses import dataclass

import numpy as np

from features.recommenders.sequences import Ints, Sequences

LOOKED_AT = 20  # items of a session that an answer looks at


@dataclass(frozen=True)
class LatestViews:
    """Each item of each owner once, newest first within the owner; `ago` is how many views came after its last one."""

    owner: Ints
    item: Ints
    ago: Ints

    @classmethod
    def of(cls, of: Sequences, last: int) -> "LatestViews":
        """Of the newest `last` views of each owner."""
        near = np.flatnonzero(of.baskets_ago < last)
        order = near[np.lexsort((of.item[near], of.baskets_ago[near], of.owner[near]))]
        kept = np.sort(np.unique(of.owner[order] * max(of.size, 1) + of.item[order], return_index=True)[1])
        rows = order[kept]
        return cls(of.owner[rows], of.item[rows], of.baskets_ago[rows])


def as_looked_at(of: Sequences, most: int = LOOKED_AT) -> Sequences:
    """Each session as serving knows it: every item once, where it was viewed last, the `most` latest, oldest first."""
    views = LatestViews.of(of, of.baskets + 1)
    start = np.searchsorted(views.owner, np.arange(len(of)))
    kept = np.flatnonzero(np.arange(len(views.owner)) - start[views.owner] < most)
    rows = kept[np.lexsort((-views.ago[kept], views.owner[kept]))]
    lengths = np.bincount(views.owner[rows], minlength=len(of))
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Sequences(starts, np.arange(len(rows) + 1), views.item[rows], of.size)
