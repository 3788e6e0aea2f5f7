"""The shop's items as the decision core needs them: titles, stock, margins, and which may be shown to whom.

In stock, not owned unless it is used up and bought again, not returned, in season. A returned item counts against its
like: items of the same category go last. What the catalogue does not say (null) stands in no item's way; an item that
a filled catalogue does not know is never shown.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import pyarrow as pa

from features.inputs.candidates import PERSONAL


class Article(NamedTuple):
    """One item of the catalogue; money in minor units, None where the source does not say.

    `category` is a path, widest first ("shoes/running"); `accessory_of` are the items it fits, `service_for` those it
    is done to, `replaces` those it came in place of; `knowledge_url` is a page worth reading about it.
    """

    item_id: str
    title: str | None = None
    price: int | None = None
    margin: int | None = None
    in_stock: bool | None = None
    consumable: bool | None = None
    months: frozenset[int] = frozenset()
    category: str | None = None
    accessory_of: frozenset[str] = frozenset()
    service_for: frozenset[str] = frozenset()
    replaces: frozenset[str] = frozenset()
    knowledge_url: str | None = None


class Scored(NamedTuple):
    """An item proposed: the calibrated chance that she buys it (NaN without a model), and the ways it came in."""

    item_id: str
    probability: float
    source: int


@dataclass(frozen=True)
class Articles:
    """All items of the shop at one moment, by id."""

    by_id: dict[str, Article] = field(default_factory=dict)
    version: str = "none"

    @classmethod
    def of(cls, items: pa.Table, version: str = "") -> "Articles":
        """From catalogue rows valid at one moment (`features.catalogue.load_items(home, at)`)."""
        rows: list[dict[str, Any]] = items.select([*_PLAIN, *_LISTED]).to_pylist()
        return cls({row["item_id"]: _article(row) for row in rows}, version)

    def title(self, item_id: str) -> str | None:
        """The item's title, None where not known."""
        article = self.by_id.get(item_id)
        return article.title if article else None

    def category(self, item_id: str) -> str | None:
        """The item's category path, None where not known."""
        article = self.by_id.get(item_id)
        return article.category if article else None

    @cached_property
    def accessories(self) -> dict[str, list[str]]:
        """The items that fit each item, by id."""
        return self._pointing(lambda article: article.accessory_of)

    @cached_property
    def services(self) -> dict[str, list[str]]:
        """The services done to each item, by id."""
        return self._pointing(lambda article: article.service_for)

    @cached_property
    def replacement(self) -> dict[str, list[str]]:
        """For each item replaced, what may be shown in its place, by id: the nearest successors not out of stock.

        A successor out of stock is passed over for those that replace it.
        """
        successors = self._pointing(lambda article: article.replaces)
        return {old: found for old in successors if (found := self._nearest_in_stock(old, successors))}

    def _pointing(self, at: Callable[[Article], Collection[str]]) -> dict[str, list[str]]:
        """For each item pointed at, the items that point at it, sorted."""
        found: dict[str, list[str]] = {}
        for item_id in sorted(self.by_id):
            for other in at(self.by_id[item_id]):
                found.setdefault(other, []).append(item_id)
        return found

    def _nearest_in_stock(self, old: str, successors: Mapping[str, Sequence[str]]) -> list[str]:
        seen, found, layer = {old}, [], list(successors[old])
        while layer:
            after: list[str] = []
            for item_id in layer:
                if item_id in seen:
                    continue
                seen.add(item_id)
                if self.by_id[item_id].in_stock is False:
                    after.extend(successors.get(item_id, ()))
                else:
                    found.append(item_id)
            layer = after
        return found

    @cached_property
    def by_category(self) -> dict[str, list[str]]:
        """The items of each category, those of its branches included, by id."""
        found: dict[str, list[str]] = {}
        for item_id in sorted(self.by_id):
            path = self.by_id[item_id].category
            while path:
                found.setdefault(path, []).append(item_id)
                path = path.rpartition("/")[0]
        return found

    def margin(self, item_id: str, *, default: float, share: float) -> float:
        """Its margin: as stated, else a share of its price, else the policy's default."""
        article = self.by_id.get(item_id)
        if article is None:
            return default
        if article.margin is not None:
            return float(article.margin)
        return default if article.price is None else article.price * share

    def showable(self, item_id: str, month: int) -> bool:
        """In stock and in season, for anybody."""
        if not self.by_id:
            return True
        article = self.by_id.get(item_id)
        return article is not None and article.in_stock is not False and (not article.months or month in article.months)

    def repeats(self, item_id: str, *, proposed: bool) -> bool:
        """Whether an owner may be shown it again: a consumable, or unknown to be one and proposed as a repeat."""
        article = self.by_id.get(item_id)
        consumable = article.consumable if article else None
        return proposed if consumable is None else consumable


_PLAIN = ("item_id", "title", "price", "margin", "in_stock", "consumable", "category", "knowledge_url")
_LISTED = {
    "season_months": "months",
    "accessory_of": "accessory_of",
    "service_for": "service_for",
    "replaces": "replaces",
}


def _article(row: Mapping[str, Any]) -> Article:
    fields = {name: row[name] for name in _PLAIN}
    return Article(**fields | {name: frozenset(row[column] or ()) for column, name in _LISTED.items()})


def pick(
    proposed: Iterable[Scored],
    articles: Articles,
    *,
    count: int,
    month: int,
    owned: Collection[str],
    returned: Collection[str],
    shown: Collection[str] = (),
    repeats_only: bool = False,
) -> list[Scored]:
    """The first `count` proposed items that may be shown to this customer in this month, in the order proposed.

    `shown` are items already before her (the page's, the cart's). Items of a category from which she `returned` one
    go after all others, in their order.
    """
    disliked = {articles.category(item) for item in returned} - {None}
    chosen: list[Scored] = []
    like_returned: list[Scored] = []
    for scored in proposed:
        item = scored.item_id
        if repeats_only and item not in owned:
            continue
        if item in returned or item in shown or not articles.showable(item, month):
            continue
        if item in owned and not articles.repeats(item, proposed=repeats_only or bool(scored.source & PERSONAL)):
            continue
        (like_returned if articles.category(item) in disliked else chosen).append(scored)
        if len(chosen) == count:
            break
    return [*chosen, *like_returned][:count]
