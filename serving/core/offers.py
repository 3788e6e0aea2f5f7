"""The items each action would show a customer."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from features.inputs.candidates import POPULAR, ItemHistory
from serving.core.catalogue import Catalogue
from serving.core.conditions import Bools, Floats
from serving.core.decision import Request, Snapshot
from serving.core.items import Articles, Scored, pick
from serving.core.scorer import Scorer

LISTED = 200  # popular items asked for
PROPOSED = 60  # items asked of a model before those that may not be shown are taken out
MODELLED = ("next_offer", "repeat")
NOBODY = ItemHistory((), (), (), ())
Picked = dict[int, list[Scored]]


def items_for(
    requests: Sequence[Request],
    snapshots: Sequence[Snapshot],
    at: Floats,
    objects: Bools,
    shown: Bools,
    scorer: Scorer,
    articles: Articles,
    catalogue: Catalogue,
) -> list[Picked]:
    """The items of every item action the place may show. Nobody who objects to profiling is put before a model."""
    wanted = [(j, a.items) for j, a in enumerate(catalogue.actions) if a.items]
    personal = [j for j, need in wanted if need.source in MODELLED]
    asks = np.flatnonzero(shown[:, personal].any(axis=1) & ~objects) if personal else np.empty(0, np.int64)
    found = (
        scorer.next_items([snapshots[i].history or NOBODY for i in asks.tolist()], at[asks], PROPOSED)
        if len(asks)
        else []
    )
    proposed = dict(zip(asks.tolist(), found, strict=True))
    popular = scorer.popular(LISTED)
    place = {one.item_id: rank for rank, one in enumerate(popular)}
    result: list[Picked] = []
    for i, (request, snapshot) in enumerate(zip(requests, snapshots, strict=True)):
        owned = frozenset(snapshot.history.items) if snapshot.history else frozenset()
        before_her = [request.context.get("item"), *(request.context.get("cart") or ())]
        picked: Picked = {}
        for j, need in wanted:
            if not shown[i, j]:
                continue
            if need.source in MODELLED:
                candidates = proposed.get(i, [])
            elif need.source == "popular":
                candidates = popular
            elif need.source == "session":
                candidates = of_this_session(snapshot, articles, place)
            else:
                candidates = that_fit(before_her, articles, place)
            picked[j] = pick(
                candidates,
                articles,
                count=need.count,
                month=request.now.month,
                owned=owned,
                returned=snapshot.returned,
                shown=before_her,
                repeats_only=need.source == "repeat",
            )
        result.append(picked)
    return result


def of_this_session(snapshot: Snapshot, articles: Articles, place: Mapping[str, int]) -> list[Scored]:
    """Items of the categories she looks into in this session, those she has looked at left out, the popular first.

    `place` is each popular item's place. Nothing of her history is looked at.
    """
    looked_into = {*snapshot.viewed_categories, *(articles.category(item) for item in snapshot.viewed_items)}
    there = {item for category in looked_into if category for item in articles.by_category.get(category, ())}
    return _by_place(there.difference(snapshot.viewed_items), place)


def that_fit(items: Iterable[str | None], articles: Articles, place: Mapping[str, int]) -> list[Scored]:
    """The accessories of some items, the popular first."""
    return _by_place({one for item in items if item for one in articles.accessories.get(item, ())}, place)


def _by_place(items: Collection[str], place: Mapping[str, int]) -> list[Scored]:
    last = len(place)
    return [Scored(item, float("nan"), POPULAR) for item in sorted(items, key=lambda i: (place.get(i, last), i))]
