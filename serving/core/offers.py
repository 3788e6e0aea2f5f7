"""The items each action would show a customer."""

from collections.abc import Sequence

import numpy as np

from features.inputs.candidates import ItemHistory
from serving.core.action_checks import TELLS
from serving.core.catalogue import Catalogue
from serving.core.conditions import Bools, Floats
from serving.core.favourites import NONE, favourites_of
from serving.core.item_sources import Popular, Shop, Visit, candidates_of, served_lately, worth_knowing
from serving.core.items import Articles, Scored, pick
from serving.core.question import Request, Snapshot
from serving.core.scored import Proposals
from serving.core.scorer import Scorer

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
    *,
    spare: int = 1,
) -> list[Picked]:
    """The items of every item action the place may show, `spare` times as many as it asks for where there are so many.

    Nobody who objects to profiling is put before a model. Actions of the same source and count share one list.
    """
    visits = _visits(requests, snapshots, at, objects, shown, scorer, catalogue)
    shop = Shop(articles, Popular(scorer), scorer)
    result: list[Picked] = []
    for visit, here in zip(visits, shown.tolist(), strict=True):
        chosen: dict[str, list[Scored]] = {}
        shared: dict[tuple[str, int], list[Scored]] = {}
        picked: Picked = {}
        for j, need in catalogue.with_items:
            if not here[j]:
                continue
            source, length = need.source, need.count if need.source in TELLS else need.count * spare
            if source not in chosen:
                chosen[source] = _pick(source, visit, shop, catalogue.most_items[source] * spare)
            if (source, length) not in shared:
                shared[source, length] = chosen[source][:length]
            picked[j] = shared[source, length]
        result.append(picked)
    return result


def _visits(
    requests: Sequence[Request],
    snapshots: Sequence[Snapshot],
    at: Floats,
    objects: Bools,
    shown: Bools,
    scorer: Scorer,
    catalogue: Catalogue,
) -> list[Visit]:
    """Everybody with what models say of her, where an action that the place may show asks them."""

    def asked(sources: Sequence[str]) -> tuple[list[int], list[ItemHistory]]:
        columns = [j for source in sources for j in catalogue.by_source.get(source, ())]
        rows = np.flatnonzero(shown[:, columns].any(axis=1) & ~objects).tolist() if columns else []
        return rows, [snapshots[i].history or NOBODY for i in rows]

    rows, histories = asked(MODELLED)
    proposed = dict(zip(rows, scorer.next_items(histories, at[rows], PROPOSED) if rows else [], strict=True))
    rows, histories = asked(("repeat",))
    favourites = dict(zip(rows, favourites_of(histories, at[rows], scorer.habits), strict=True))
    return [
        Visit(request, snapshot, Proposals.of(proposed.get(i, ())), favourites.get(i, NONE))
        for i, (request, snapshot) in enumerate(zip(requests, snapshots, strict=True))
    ]


def _pick(source: str, visit: Visit, shop: Shop, count: int) -> list[Scored]:
    """As many items of a source as may be shown to her, at most `count`."""
    if source in TELLS:
        return worth_knowing(source, visit.snapshot, visit.before_her, shop.articles)
    return pick(
        candidates_of(source, visit, shop),
        shop.articles,
        count=count,
        month=visit.request.now.month,
        owned=served_lately(visit, shop.articles) if source == "seasonal" else visit.owned,
        returned=visit.snapshot.returned,
        shown=visit.before_her,
        repeats_only=source == "repeat",
    )
