"""The items that actions would show a customer."""

from collections.abc import Sequence

from features.inputs.candidates import ItemHistory
from serving.core.action_checks import TELLS
from serving.core.conditions import Bools, Floats
from serving.core.favourites import NONE, favourites_of
from serving.core.item_sources import Shop, Visit, candidates_of, served_lately, shop_of, worth_knowing
from serving.core.items import Articles, Scored, pick
from serving.core.plan import Plan, Shelf
from serving.core.question import Request, Snapshot
from serving.core.scored import Proposals
from serving.core.scorer import Scorer

PROPOSED = 60  # items asked of a model before those that may not be shown are taken out
NOBODY = ItemHistory((), (), (), ())


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
) -> list[list[list[Scored]]]:
    """The items of each list of the place's `plan.shelf`, `spare` times as many as it asks for where there are so many.

    Nobody who objects to profiling is put before a model.
    """
    shop = shop_of(articles, scorer, plan.shops)
    shelves = [plan.shelf(r.placement) for r in requests]
    result = []
    for visit, shelf in zip(_visits(requests, snapshots, at, objects, scorer, shelves), shelves, strict=True):
        chosen = {source: _pick(source, visit, shop, most * spare) for source, most in shelf.most.items()}
        result.append(
            [chosen[one.source][: one.count if one.source in TELLS else one.count * spare] for one in shelf.lists]
        )
    return result


def _visits(
    requests: Sequence[Request],
    snapshots: Sequence[Snapshot],
    at: Floats,
    objects: Bools,
    scorer: Scorer,
    shelves: Sequence[Shelf],
) -> list[Visit]:
    """Everybody with what models say of her, where an action that the place may show asks them."""
    told = [not one for one in objects.tolist()]
    rows = [i for i, shelf in enumerate(shelves) if told[i] and shelf.asks("next_offer", "repeat")]
    histories = [snapshots[i].history or NOBODY for i in rows]
    proposed = dict(zip(rows, scorer.next_items(histories, at[rows], PROPOSED) if rows else [], strict=True))
    rows = [i for i, shelf in enumerate(shelves) if told[i] and "repeat" in shelf.most]
    histories = [snapshots[i].history or NOBODY for i in rows]
    favourites = dict(zip(rows, favourites_of(histories, at[rows], scorer.habits), strict=True))
    return [
        Visit(request, snapshot, Proposals.of(proposed.get(i, ())), favourites.get(i, NONE))
        for i, (request, snapshot) in enumerate(zip(requests, snapshots, strict=True))
    ]


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
