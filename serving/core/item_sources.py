"""Where an action's items come from, source by source, in the order proposed; `items.pick` takes what may be shown."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from features.inputs.candidates import PERSONAL, POPULAR
from features.inputs.seasons import IN_SEASON, OUT_OF_SEASON
from serving.core.favourites import Favourites
from serving.core.items import Articles, Scored
from serving.core.question import Request, Snapshot
from serving.core.scored import Proposals
from serving.core.scorer import Scorer

LISTED = 200  # popular items asked for
SERVED_AGAIN_DAYS = 180


class Popular:
    """What everybody buys now, best first, and each item's place in it."""

    def __init__(self, scorer: Scorer) -> None:
        self.items = scorer.popular(LISTED)

    @cached_property
    def place(self) -> dict[str, int]:
        """Each popular item's place, from 0."""
        return {one.item_id: rank for rank, one in enumerate(self.items)}


@dataclass(frozen=True)
class Shop:
    """What is the same for everybody: the items, what is popular, the models."""

    articles: Articles
    popular: Popular
    scorer: Scorer

    def season(self, item: str, month: int) -> float:
        """How much more or less of its like is bought in a month, where the catalogue states no season: 1 is usual."""
        article = self.articles.by_id.get(item)
        if article is None or article.months:
            return 1.0
        return self.scorer.seasons.at(article.category, month)


def shop_of(articles: Articles, scorer: Scorer, kept: list[Shop]) -> Shop:
    """The shop of these items and models: the one in `kept`, unless either has changed since."""
    found = kept[0] if kept else None
    if found is None or found.articles is not articles or found.scorer is not scorer:
        found = Shop(articles, Popular(scorer), scorer)
        kept[:] = [found]
    return found


@dataclass(frozen=True)
class Visit:
    """One customer before one place: the question, what is known of her, what a model proposes, her favourites."""

    request: Request
    snapshot: Snapshot
    proposed: Proposals
    favourites: Favourites

    @cached_property
    def before_her(self) -> list[str]:
        """The page's item, then the cart's."""
        context = self.request.context
        return [item for item in (context.get("item"), *(context.get("cart") or ())) if item]

    @cached_property
    def owned(self) -> frozenset[str]:
        """The items she has bought."""
        return frozenset(self.snapshot.history.items) if self.snapshot.history else frozenset()


def candidates_of(source: str, visit: Visit, shop: Shop) -> Iterable[Scored]:
    """The items of a source, best first, those that may not be shown among them."""
    snapshot, articles, popular, month = visit.snapshot, shop.articles, shop.popular, visit.request.now.month
    match source:
        case "popular":
            return not_out_of_season(popular.items, month, shop)
        case "session":
            return of_this_session(snapshot, shop)
        case "accessories":
            return that_fit(visit.before_her, articles, popular)
        case "seasonal":
            hers = visit.owned - snapshot.returned - snapshot.never_came
            return in_their_season(month, hers, shop)
        case "cart":
            return [Scored(item, float("nan"), POPULAR) for item in snapshot.cart]
        case "repeat":
            return with_chances(visit.favourites, visit.proposed)
    return not_out_of_season(visit.proposed, month, shop)


def not_out_of_season(proposed: Iterable[Scored], month: int, shop: Shop) -> Iterable[Scored]:
    """Those whose like is bought now; what she uses up and buys again is left in, her rhythm knows better."""
    if not len(shop.scorer.seasons):
        return proposed
    season = shop.season
    return (one for one in proposed if one.source & PERSONAL or season(one.item_id, month) >= OUT_OF_SEASON)


def with_chances(favourites: Favourites, proposed: Proposals) -> Iterator[Scored]:
    """Her favourites, each with the chance that she buys it where the model proposed it."""
    chances = proposed.chances
    return (one._replace(probability=chances.get(one.item_id, one.probability)) for one in favourites.told())


def of_this_session(snapshot: Snapshot, shop: Shop) -> Iterable[Scored]:
    """What goes with the items she has looked at in this session, the latest counting most; then items of the
    categories she looks into, the popular first. Those she has looked at are left out.

    Nothing of her history is looked at.
    """
    if not (snapshot.viewed_items or snapshot.viewed_categories):
        return []
    near = [one for one in shop.scorer.goes_with(snapshot.viewed_items) if one.item_id not in snapshot.viewed_items]
    known, articles = {one.item_id for one in near}, shop.articles
    looked_into = {*snapshot.viewed_categories, *(articles.category(item) for item in snapshot.viewed_items)}
    there = {item for category in looked_into if category for item in articles.by_category.get(category, ())}
    return [*near, *_by_place(there.difference(snapshot.viewed_items, known), shop.popular)]


def that_fit(items: Iterable[str], articles: Articles, popular: Popular) -> Iterable[Scored]:
    """The accessories of some items, the popular first."""
    return _by_place({one for item in items for one in articles.accessories.get(item, ())}, popular)


def in_their_season(month: int, owned: Collection[str], shop: Shop) -> Iterable[Scored]:
    """Accessories of and services for what she owns whose season has this month in it, the popular first.

    The season is the stated one, else the one learned for the category; what has neither is for any month, hence for
    none in particular.
    """
    if not owned:
        return []
    by_id, pointing = shop.articles.by_id, (shop.articles.accessories, shop.articles.services)
    fitting = {one for of in pointing for item in of.keys() & owned for one in of[item]}
    now = {one for one in fitting if month in by_id[one].months or shop.season(one, month) >= IN_SEASON}
    return _by_place(now, shop.popular)


def served_lately(visit: Visit, articles: Articles) -> frozenset[str]:
    """What she owns, but for services done to her things a season ago or longer: those may be due again."""
    history = visit.snapshot.history
    if history is None:
        return frozenset()
    since = visit.request.now.timestamp() - SERVED_AGAIN_DAYS * 86_400
    bought = zip(history.items, np.asarray(history.last_at).tolist(), strict=True)
    done = articles.by_id
    return frozenset(i for i, at in bought if at > since or i not in done or not done[i].service_for)


def worth_knowing(source: str, snapshot: Snapshot, before_her: Sequence[str], articles: Articles) -> list[Scored]:
    """Products with a page worth reading: of her latest order those new to her, or those she looks at, latest first."""
    looked_at = [*before_her, *snapshot.viewed_items]
    items = snapshot.newly_bought if source == "bought" else tuple(dict.fromkeys(looked_at))
    told = (item for item in items if (known := articles.by_id.get(item)) and known.knowledge_url)
    return [Scored(item, float("nan"), POPULAR) for item in told if item not in snapshot.returned]


def _by_place(items: Collection[str], popular: Popular) -> Iterable[Scored]:
    """The popular first, the best of them first of all, then the rest by id, which few ever ask for."""
    return _placed(items, popular.place) if items else []  # nobody's places need be known


def _placed(items: Collection[str], place: Mapping[str, int]) -> Iterator[Scored]:
    for item in sorted((one for one in items if one in place), key=place.__getitem__):
        yield Scored(item, float("nan"), POPULAR)
    for item in sorted(one for one in items if one not in place):
        yield Scored(item, float("nan"), POPULAR)
