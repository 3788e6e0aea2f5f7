"""Sessions like this one, and what they held near the items in common.

Nearest sessions with three fades, after Garg et al., "Sequence and Time Aware Neighborhood for Session-based
Recommendations: STAN" (SIGIR 2019), over an index of each item's newest sessions, after Kersbergen, Sprangers &
Schelter, "Serenade" (SIGMOD 2022): an item of the session counts by how lately it was viewed, a neighbour by how new it
is, and an item of the neighbour by how near it stands to the newest common item. Rare items count more (idf).
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from features.recommenders.sequences import Floats, Ints, Sequences
from features.recommenders.session_views import LatestViews

OWNERS_AT_ONCE = 200


@dataclass(frozen=True)
class Fades:
    """How the three weights fall, and how many sessions are looked at."""

    view: float = 0.7  # weight of a view, relative to the one after it
    session: float = 4e4  # sessions after which a neighbour's weight has fallen to 1 / e
    distance: float = 4.0  # views from the common item after which an item's weight has fallen to 1 / e
    newest: int = 500  # sessions of each item that are looked at
    neighbours: int = 200
    last: int = 20  # views of the session that are asked


@dataclass(frozen=True)
class Neighbours:
    """The known sessions, twice: by session, items in order of number; by item, sessions newest first."""

    name: str
    fades: Fades
    sessions: int
    session_start: Ints
    session_item: Ints
    session_place: Ints  # of the item's latest view, counted from the session's start
    item_start: Ints
    item_session: Ints
    item_place: Ints
    rarity: Floats  # [items], log(1 + sessions / sessions with the item)

    @classmethod
    def fit(cls, known: Sequences, *, name: str = "neighbours", fades: Fades | None = None) -> "Neighbours":
        """Sessions must come in order of time, oldest first."""
        told = fades or Fades()
        views = LatestViews.of(known, known.baskets + 1)
        length = np.diff(known.owner_start)
        order = np.lexsort((views.item, views.owner))
        session, item, ago = views.owner[order], views.item[order], views.ago[order]
        place = length[session] - 1 - ago
        newest = np.lexsort((-session, item))
        held = np.bincount(item, minlength=known.size)
        kept = newest[np.arange(len(newest)) - np.repeat(np.cumsum(held) - held, held) < told.newest]
        return cls(
            name=name,
            fades=told,
            sessions=len(known),
            session_start=_starts(np.bincount(session, minlength=len(known))),
            session_item=item,
            session_place=place,
            item_start=_starts(np.minimum(held, told.newest)),
            item_session=session[kept],
            item_place=place[kept],
            rarity=np.log1p(len(known) / np.maximum(held, 1)),
        )

    def scores(self, of: Sequences) -> sparse.csr_array:
        """See `Recommender`."""
        parts = [self._part(of, first) for first in range(0, len(of), OWNERS_AT_ONCE)]
        return sparse.vstack(parts, format="csr") if parts else sparse.csr_array((0, of.size))

    def _part(self, of: Sequences, first: int) -> sparse.csr_array:
        some = of.take(np.arange(first, min(first + OWNERS_AT_ONCE, len(of))))
        owner, session, weight, place = self._nearest(LatestViews.of(some, self.fades.last))
        rows, which = _expanded(self.session_start[session], self.session_start[session + 1])
        item = self.session_item[rows]
        distance = np.abs(self.session_place[rows] - place[which])
        near = weight[which] * np.exp(-distance / self.fades.distance) * self.rarity[item]
        found = sparse.csr_array((near, (owner[which], item)), shape=(len(some), of.size))
        found.sum_duplicates()
        found.data = np.maximum(found.data, 1e-300)
        return found

    def _nearest(self, views: LatestViews) -> tuple[Ints, Ints, Floats, Ints]:
        """Owner, session, weight and place of the newest common item, of the best sessions of each owner."""
        rows, which = _expanded(self.item_start[views.item], self.item_start[views.item + 1])
        key = views.owner[which] * max(self.sessions, 1) + self.item_session[rows]
        weight = (self.fades.view**views.ago * self.rarity[views.item])[which]
        keys, first, group = np.unique(key, return_index=True, return_inverse=True)
        owner, session = keys // max(self.sessions, 1), keys % max(self.sessions, 1)
        held = np.diff(self.session_start)[session]
        weight = np.bincount(group, weight, len(keys)) / np.sqrt(held)
        weight = weight * np.exp(-(self.sessions - session) / self.fades.session)
        order = np.lexsort((-session, -weight, owner))
        each = np.bincount(owner)
        kept = order[np.arange(len(order)) - np.repeat(np.cumsum(each) - each, each) < self.fades.neighbours]
        return owner[kept], session[kept], weight[kept], self.item_place[rows[first[kept]]]


def _starts(lengths: Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _expanded(first: Ints, after: Ints) -> tuple[Ints, Ints]:
    """The rows of all ranges, one after the other, and which range each is of."""
    lengths = after - first
    which = np.repeat(np.arange(len(first)), lengths)
    return np.arange(len(which)) + (first - (np.cumsum(lengths) - lengths))[which], which
