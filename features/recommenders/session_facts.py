"""Facts of a session, of an item, and of the item in the session: the blend's inputs beside what the ideas say."""

from dataclasses import dataclass

import numpy as np

from features.recommenders.sequences import Floats, Ints, Sequences
from features.recommenders.session_views import LatestViews

NEW_SHARE = 0.05  # the newest sessions that count as recent

OWN = ("own_views", "own_ago", "own_first_ago", "own_gap")
SESSION = ("length", "distinct", "last_was_known", "last_twice")
ITEM = ("item_sessions", "item_recent", "item_silent", "item_age", "item_again", "item_at_once", "item_ends")


@dataclass(frozen=True)
class SessionFacts:
    """What past sessions say of each item; columns of `items` are `ITEM`."""

    items: Floats  # [items, len(ITEM)]

    @property
    def names(self) -> tuple[str, ...]:
        """See `Facts`; of the session's last item as of the candidate."""
        return (*OWN, *SESSION, *ITEM, *(f"last_{name}" for name in ITEM))

    @classmethod
    def fit(cls, known: Sequences) -> "SessionFacts":
        """Sessions must come in order of time, oldest first."""
        return cls(np.column_stack(_of_items(known)) if known.size else np.empty((0, len(ITEM))))

    def values(self, of: Sequences, owner: Ints, item: Ints) -> Floats:
        """See `Facts`."""
        length = np.diff(of.owner_start)
        own = _own(of, owner, item)
        distinct = np.bincount(LatestViews.of(of, of.baskets + 1).owner, minlength=len(of))
        last, before = _view(of, 0), _view(of, 1)
        earlier = _seen_before_last(of, last)
        session = np.column_stack([length, distinct, earlier, np.where(before < 0, np.nan, last == before)])[owner]
        of_last = np.where(last[:, None] < 0, np.nan, self.items[last])[owner]
        return np.column_stack([own, session, self.items[item], of_last])


def _of_items(known: Sequences) -> tuple[Floats, ...]:
    sessions, size = len(known), known.size
    views = LatestViews.of(known, known.baskets + 1)
    held = np.bincount(views.item, minlength=size).astype(np.float64)
    recent = np.bincount(views.item[views.owner >= sessions * (1 - NEW_SHARE)], minlength=size)
    latest, first = np.full(size, -1), np.full(size, sessions)
    np.maximum.at(latest, views.item, views.owner)
    np.minimum.at(first, views.item, views.owner)
    all_views = np.bincount(known.item, minlength=size)
    same = (known.item[1:] == known.item[:-1]) & (known.owner[1:] == known.owner[:-1])
    at_once = np.bincount(known.item[1:][same], minlength=size)
    ends = np.bincount(known.item[known.baskets_ago == 0], minlength=size)
    damped = held + 5
    return (
        np.log1p(held),
        np.log1p(recent),
        np.log1p(sessions - latest),
        np.log1p(sessions - first),
        (all_views - held + 1) / damped,
        (at_once + 1) / damped,
        (ends + 1) / damped,
    )


def _own(of: Sequences, owner: Ints, item: Ints) -> Floats:
    """Views, views since the latest and the first, and between the two latest, of the item in the session."""
    wide = max(of.size, 1)
    order = np.lexsort((of.baskets_ago, of.owner * wide + of.item))
    key, ago = (of.owner * wide + of.item)[order], of.baskets_ago[order]
    keys, first, count = np.unique(key, return_index=True, return_counts=True)
    if not len(keys):
        return np.column_stack([np.zeros(len(owner)), np.full((len(owner), 3), np.nan)])
    twice = np.minimum(first + 1, len(ago) - 1)
    gap = np.where(count > 1, ago[twice] - ago[first], np.nan)
    told = np.column_stack([count, ago[first], ago[first + count - 1], gap])
    wanted = owner * wide + item
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    nothing = np.array([0.0, np.nan, np.nan, np.nan])
    return np.where((keys[place] == wanted)[:, None], told[place], nothing)


def _view(of: Sequences, ago: int) -> Ints:
    """The item viewed `ago` views before the end, -1 where there is none (of several at once: the greatest)."""
    found = np.full(len(of), -1)
    rows = of.baskets_ago == ago
    np.maximum.at(found, of.owner[rows], of.item[rows])
    return found


def _seen_before_last(of: Sequences, last: Ints) -> Floats:
    """1 where the session's last item was viewed earlier in it, too."""
    found = np.zeros(len(of))
    rows = (of.baskets_ago > 0) & (of.item == last[of.owner])
    found[of.owner[rows]] = 1.0
    return found
