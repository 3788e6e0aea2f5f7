"""The items each action would show a customer."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property

import numpy as np

from features.inputs.candidates import POPULAR, ItemHistory
from serving.core.action_checks import TELLS
from serving.core.catalogue import Catalogue
from serving.core.conditions import Bools, Floats
from serving.core.items import Articles, Scored, pick
from serving.core.question import Request, Snapshot
from serving.core.scorer import Scorer

LISTED = 200  # popular items asked for
PROPOSED = 60  # items asked of a model before those that may not be shown are taken out
MODELLED = ("next_offer", "repeat")
SERVED_AGAIN_DAYS = 180
NOBODY = ItemHistory((), (), (), ())
Picked = dict[int, list[Scored]]


class Popular:
    """What everybody buys now, best first, and each item's place in it."""

    def __init__(self, scorer: Scorer) -> None:
        self.items = scorer.popular(LISTED)

    @cached_property
    def place(self) -> dict[str, int]:
        """Each popular item's place, from 0."""
        return {one.item_id: rank for rank, one in enumerate(self.items)}


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
    wanted = catalogue.with_items
    personal = [j for j, need in wanted if need.source in MODELLED]
    asks = np.flatnonzero(shown[:, personal].any(axis=1) & ~objects) if personal else np.empty(0, np.int64)
    found = (
        scorer.next_items([snapshots[i].history or NOBODY for i in asks.tolist()], at[asks], PROPOSED)
        if len(asks)
        else []
    )
    proposed = dict(zip(asks.tolist(), found, strict=True))
    popular = Popular(scorer)
    most: dict[str, int] = {}
    for _, need in wanted:
        most[need.source] = max(most.get(need.source, 0), need.count)
    result: list[Picked] = []
    for i, (request, snapshot) in enumerate(zip(requests, snapshots, strict=True)):
        owned = owned_by(snapshot)
        before_her = [request.context.get("item"), *(request.context.get("cart") or ())]
        chosen: dict[str, list[Scored]] = {}
        shared: dict[tuple[str, int], list[Scored]] = {}
        picked: Picked = {}
        for j, need in wanted:
            if not shown[i, j]:
                continue
            if need.source in TELLS:
                picked[j] = worth_knowing(need.source, snapshot, before_her, articles)[: need.count]
                continue
            if need.source not in chosen:
                served = served_lately(request, snapshot, articles) if need.source == "seasonal" else owned
                chosen[need.source] = pick(
                    _candidates(need.source, request, proposed.get(i, []), snapshot, before_her, popular, articles),
                    articles,
                    count=most[need.source] * spare,
                    month=request.now.month,
                    owned=served,
                    returned=snapshot.returned,
                    shown=before_her,
                    repeats_only=need.source == "repeat",
                )
            key = (need.source, need.count)
            if key not in shared:
                shared[key] = chosen[need.source][: need.count * spare]
            picked[j] = shared[key]
        result.append(picked)
    return result


def owned_by(snapshot: Snapshot) -> frozenset[str]:
    """The items she has bought."""
    return frozenset(snapshot.history.items) if snapshot.history else frozenset()


def _candidates(
    source: str,
    request: Request,
    proposed: list[Scored],
    snapshot: Snapshot,
    before_her: Sequence[str | None],
    popular: Popular,
    articles: Articles,
) -> Iterable[Scored]:
    match source:
        case "popular":
            return popular.items
        case "session":
            return of_this_session(snapshot, articles, popular)
        case "accessories":
            return that_fit(before_her, articles, popular)
        case "seasonal":
            hers = owned_by(snapshot) - snapshot.returned - snapshot.never_came
            return in_their_season(request.now.month, hers, articles, popular)
        case "cart":
            return [Scored(item, float("nan"), POPULAR) for item in snapshot.cart]
    return proposed


def of_this_session(snapshot: Snapshot, articles: Articles, popular: Popular) -> Iterable[Scored]:
    """Items of the categories she looks into in this session, those she has looked at left out, the popular first.

    Nothing of her history is looked at.
    """
    looked_into = {*snapshot.viewed_categories, *(articles.category(item) for item in snapshot.viewed_items)}
    there = {item for category in looked_into if category for item in articles.by_category.get(category, ())}
    return _by_place(there.difference(snapshot.viewed_items), popular)


def that_fit(items: Iterable[str | None], articles: Articles, popular: Popular) -> Iterable[Scored]:
    """The accessories of some items, the popular first."""
    return _by_place({one for item in items if item for one in articles.accessories.get(item, ())}, popular)


def in_their_season(month: int, owned: Collection[str], articles: Articles, popular: Popular) -> Iterable[Scored]:
    """Accessories of and services for what she owns whose stated season has this month in it, the popular first.

    What has no season stated is for any month, hence for none in particular.
    """
    fitting = {one for item in owned for one in (*articles.accessories.get(item, ()), *articles.services.get(item, ()))}
    return _by_place({one for one in fitting if month in articles.by_id[one].months}, popular)


def served_lately(request: Request, snapshot: Snapshot, articles: Articles) -> frozenset[str]:
    """What she owns, but for services done to her things a season ago or longer: those may be due again."""
    history = snapshot.history
    if history is None:
        return frozenset()
    since = request.now.timestamp() - SERVED_AGAIN_DAYS * 86_400
    bought = zip(history.items, np.asarray(history.last_at).tolist(), strict=True)
    done = articles.by_id
    return frozenset(i for i, at in bought if at > since or i not in done or not done[i].service_for)


def worth_knowing(
    source: str, snapshot: Snapshot, before_her: Sequence[str | None], articles: Articles
) -> list[Scored]:
    """Products with a page worth reading: of her latest order those new to her, or those she looks at, latest first."""
    looked_at = [*(item for item in before_her if item), *snapshot.viewed_items]
    items = snapshot.newly_bought if source == "bought" else tuple(dict.fromkeys(looked_at))
    told = (item for item in items if (known := articles.by_id.get(item)) and known.knowledge_url)
    return [Scored(item, float("nan"), POPULAR) for item in told if item not in snapshot.returned]


def _by_place(items: Collection[str], popular: Popular) -> Iterator[Scored]:
    """The popular first, the best of them first of all, then the rest by id, which few ever ask for."""
    place = popular.place
    for item in sorted((one for one in items if one in place), key=place.__getitem__):
        yield Scored(item, float("nan"), POPULAR)
    for item in sorted(one for one in items if one not in place):
        yield Scored(item, float("nan"), POPULAR)
