"""The steps of sessions at which a visitor came to something new: what is learned from and judged on."""

from dataclasses import dataclass

import numpy as np

from features.recommenders.sequences import Ints, Sequences
from features.recommenders.session_views import as_looked_at
from training.sessions import views_of

STEPS_A_BLOCK = 1500  # drawn of each block; more make the trees hardly better and learning slower


@dataclass(frozen=True)
class Looks:
    """Steps to an item new to the session: what it held before, which item came, and whose session it was."""

    seen: list[Ints]  # all that was seen so far, oldest first
    so_far: Sequences  # that as serving knows it, of items that earlier sessions hold
    then: Sequences  # one basket of one item each
    session: Ints

    def __len__(self) -> int:
        return len(self.seen)


def looks_in(known: Sequences, block: tuple[int, int], seed: int) -> Looks:
    """At most `STEPS_A_BLOCK` steps, drawn, of the sessions `block[0]` up to `block[1]`, in order.

    An item that no earlier session holds is left out of what was seen, as a model of the earlier ones would, but may be
    what came: then no idea can be right.
    """
    session, ends = _first_looks(known, block)
    if len(ends) > STEPS_A_BLOCK:
        drawn = np.random.default_rng([seed, block[0]]).choice(len(ends), STEPS_A_BLOCK, replace=False)
        session, ends = session[np.sort(drawn)], ends[np.sort(drawn)]
    first = known.basket_start[known.owner_start[session]]
    seen = [known.item[a:b] for a, b in zip(first.tolist(), ends.tolist(), strict=True)]
    earlier = np.zeros(known.size, bool)
    earlier[known.item[known.owner < block[0]]] = True
    so_far = as_looked_at(views_of([views[earlier[views]] for views in seen], known.size))
    return Looks(seen, so_far, views_of(list(known.item[ends][:, None]), known.size), session)


def _first_looks(known: Sequences, block: tuple[int, int]) -> tuple[Ints, Ints]:
    """Session and row of every first look at an item but the session's first of all."""
    rows = np.flatnonzero((known.owner >= block[0]) & (known.owner < block[1]))
    key = known.owner[rows] * max(known.size, 1) + known.item[rows]
    first = np.sort(rows[np.unique(key, return_index=True)[1]])
    session = known.owner[first]
    later = first > known.basket_start[known.owner_start[session]]
    return session[later], first[later]
