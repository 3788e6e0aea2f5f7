"""The items that actions would show a customer."""

from collections.abc import Hashable, Sequence
from struct import Struct

import numpy as np

from features.inputs.candidates import ItemHistory
from serving.core.action_checks import TELLS
from serving.core.conditions import Bools, Floats
from serving.core.favourites import NONE, Favourites, favourites_of
from serving.core.item_sources import Shop, Visit, candidates_of, served_lately, shop_of, worth_knowing
from serving.core.items import Articles, Scored, pick
from serving.core.plan import Plan, Shelf
from serving.core.question import Request, Snapshot
from serving.core.scored import Proposals
from serving.core.scorer import Scorer

PROPOSED = 60  # items asked of a model before those that may not be shown are taken out
NOBODY = ItemHistory((), (), (), ())
_NOTHING = Proposals()
_FOUR = Struct("4d")  # as bytes, by which what is not known is equal to itself


def items_for(
    requests: Sequence[Request],
    snapshots: Sequence[Snapshot],
    at: Floats,
    objects: Bools,
    scorer: Scorer,
    articles: Articles,
    plan: Plan,
    *,
    spare: int = 1,
) -> list[dict[str, list[Scored]]]:
    """By source the items for the place's `plan.shelf`, `spare` times as many as its longest list of that source asks
    for, where there are so many.

    Nobody who objects to profiling is put before a model.
    """
    shop = shop_of(articles, scorer, plan.shops)
    shelves = [plan.shelf(r.placement) for r in requests]
    visits = _visits(requests, snapshots, at, objects, scorer, shelves, plan)
    return [
        {source: _pick(source, visit, shop, most * spare) for source, most in shelf.most.items()}
        for visit, shelf in zip(visits, shelves, strict=True)
    ]


def _visits(
    requests: Sequence[Request],
    snapshots: Sequence[Snapshot],
    at: Floats,
    objects: Bools,
    scorer: Scorer,
    shelves: Sequence[Shelf],
    plan: Plan,
) -> list[Visit]:
    """Everybody with what models say of her, where an action that the place may show asks them."""
    rows = [
        i
        for i, (refuses, shelf) in enumerate(zip(objects.tolist(), shelves, strict=True))
        if not refuses and shelf.asks("next_offer", "repeat")
    ]
    again = [i for i in rows if "repeat" in shelves[i].most]
    histories = {i: snapshots[i].history or NOBODY for i in rows}
    keys = {i: _key(history, moment) for (i, history), moment in zip(histories.items(), at[rows].tolist(), strict=True)}

    def next_items(places: list[int]) -> Sequence[Proposals]:
        those = [rows[place] for place in places]
        return [*map(Proposals.of, scorer.next_items([histories[i] for i in those], at[those], PROPOSED))]

    def used_up(places: list[int]) -> Sequence[Favourites]:
        those = [again[place] for place in places]
        return favourites_of([histories[i] for i in those], at[those], scorer.habits)

    proposed = dict(zip(rows, plan.proposed.of(scorer, [keys[i] for i in rows], next_items), strict=True))
    favourites = dict(zip(again, plan.favourites.of(scorer, [keys[i] for i in again], used_up), strict=True))
    return [
        Visit(request, snapshot, proposed.get(i, _NOTHING), favourites.get(i, NONE))
        for i, (request, snapshot) in enumerate(zip(requests, snapshots, strict=True))
    ]


def _key(history: ItemHistory, moment: float) -> Hashable:
    """All that models of items look at."""
    columns = history.counts, history.last_at, history.first_at, history.units, history.last_units
    of_her = moment, history.orders, history.first_order_at, history.last_order_at
    bought = (b"" if column is None else np.asarray(column, np.float64).tobytes() for column in columns)
    return *history.items, *bought, _FOUR.pack(*of_her)


def _pick(source: str, visit: Visit, shop: Shop, count: int) -> list[Scored]:
    """As many items of a source as may be shown to her, at most `count`."""
    if source in TELLS:
        return worth_knowing(source, visit.snapshot, visit.before_her, shop.articles)
    proposed = candidates_of(source, visit, shop)
    if proposed == []:
        return []
    return pick(
        proposed,
        shop.articles,
        count=count,
        month=visit.request.now.month,
        owned=served_lately(visit, shop.articles) if source == "seasonal" else visit.owned,
        returned=visit.snapshot.returned,
        shown=visit.before_her,
        repeats_only=source == "repeat",
    )
