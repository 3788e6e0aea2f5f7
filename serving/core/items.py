"""The shop's items as the decision core needs them: titles, stock, margins, and which may be shown to whom.

In stock, not owned unless it is used up and bought again, not returned, in season. A returned item counts against its
like: items of the same category go last. What the catalogue does not say (null) stands in no item's way; an item that
a filled catalogue does not know is never shown.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import pyarrow as pa

from features.inputs.candidates import PERSONAL


class Article(NamedTuple):
    """One item of the catalogue; money in minor units, None where the source does not say.

    `category` is a path, widest first ("shoes/running"); `accessory_of` are the items it fits.
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
        rows: list[dict[str, Any]] = items.select(
            [
                "item_id",
                "title",
                "price",
                "margin",
                "in_stock",
                "consumable",
                "season_months",
                "category",
                "accessory_of",
            ]
        ).to_pylist()
        return cls(
            {
                r["item_id"]: Article(
                    r["item_id"],
                    r["title"],
                    r["price"],
                    r["margin"],
                    r["in_stock"],
                    r["consumable"],
                    frozenset(r["season_months"] or ()),
                    r["category"],
                    frozenset(r["accessory_of"] or ()),
                )
                for r in rows
            },
            version,
        )

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
        found: dict[str, list[str]] = {}
        for item_id in sorted(self.by_id):
            for fitted in self.by_id[item_id].accessory_of:
                found.setdefault(fitted, []).append(item_id)
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
