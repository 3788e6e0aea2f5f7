"""The shop's items as the decision core needs them: titles, stock, margins, and which may be shown to whom.

In stock, not owned unless it is used up and bought again, not returned, in season. A returned item counts against its
like: items of the same category go last. What the catalogue does not say (null) stands in no item's way; an item that
a filled catalogue does not know is never shown.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from features.catalogue import RELATIONS
from features.inputs.candidates import PERSONAL
from serving.core.articles import Article, Pointers, StockWord
from serving.core.scored import Scored

__all__ = ["Article", "Articles", "Scored", "StockWord", "pick", "stand_in"]


@dataclass(frozen=True)
class Articles:
    """All items of the shop at one moment, by id; `stock` is what was told since the catalogue said it."""

    by_id: dict[str, Article] = field(default_factory=dict)
    version: str = "none"
    stock: Mapping[str, bool] = field(default_factory=dict)
    pointers: Pointers = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pointers", Pointers(self.by_id))

    @classmethod
    def of(cls, items: pa.Table, version: str = "") -> "Articles":
        """From catalogue rows valid at one moment (`features.catalogue.load_items(home, at)`)."""
        said = pc.coalesce(items["stock_at"], items["valid_from"]).cast(pa.int64())
        items = items.set_column(items.schema.get_field_index("stock_at"), "stock_at", said)
        made = map(Article, *(_values(items, name) for name in Article._fields))
        return cls({article.item_id: article for article in made}, version)

    def with_stock(self, words: Iterable[StockWord], version: str) -> "Articles":
        """The same items with what was told of their stock, each word later than those before it of that item.

        A word older than what the catalogue itself says is passed over, and so is one of an item not in it.
        """
        told = {w.item_id: w.in_stock for w in words if w.item_id in self.by_id and _is_news(w, self.by_id[w.item_id])}
        found = Articles(self.by_id, version, {**self.stock, **told})
        object.__setattr__(found, "pointers", self.pointers)
        return found

    def in_stock(self, item_id: str) -> bool | None:
        """Whether it can be had now; None where nobody says."""
        if item_id in self.stock:
            return self.stock[item_id]
        article = self.by_id.get(item_id)
        return article.in_stock if article else None

    def title(self, item_id: str) -> str | None:
        """The item's title, None where not known."""
        article = self.by_id.get(item_id)
        return article.title if article else None

    def category(self, item_id: str) -> str | None:
        """The item's category path, None where not known."""
        article = self.by_id.get(item_id)
        return article.category if article else None

    @property
    def accessories(self) -> dict[str, list[str]]:
        """The items that fit each item, by id."""
        return self.pointers.accessories

    @property
    def services(self) -> dict[str, list[str]]:
        """The services done to each item, by id."""
        return self.pointers.services

    @property
    def by_category(self) -> dict[str, list[str]]:
        """The items of each category, those of its branches included, by id."""
        return self.pointers.by_category

    def replacements(self, item_id: str) -> list[str]:
        """What may stand in for an item, nearest first: its successors, and for one out of stock those after it."""
        successors = self.pointers.successors
        seen, found, layer = {item_id}, list[str](), list(successors.get(item_id, ()))
        while layer:
            after: list[str] = []
            for one in layer:
                if one not in seen:
                    seen.add(one)
                    (after.extend(successors.get(one, ())) if self.in_stock(one) is False else found.append(one))
            layer = after
        return found

    def margin(self, item_id: str, *, default: float, share: float) -> float:
        """Its margin: as stated, else a share of its price, else the policy's default."""
        return margin_of(self.by_id.get(item_id), default, share)

    def showable(self, item_id: str, month: int) -> bool:
        """In stock and in season, for anybody."""
        article = self.by_id.get(item_id)
        if article is None:
            return not self.by_id
        months = article.months
        return self.stock.get(item_id, article.in_stock) is not False and (not months or month in months)

    def repeats(self, item_id: str, *, proposed: bool) -> bool:
        """Whether an owner may be shown it again: a consumable, or unknown to be one and proposed as a repeat."""
        article = self.by_id.get(item_id)
        consumable = article.consumable if article else None
        return proposed if consumable is None else consumable


def _values(items: pa.Table, name: str) -> list[Any]:
    """The column behind a field of an article, lists as sets."""
    column = items["season_months" if name == "months" else name]
    if name not in ("months", *RELATIONS):
        plain: list[Any] = column.to_pylist()
        return plain
    lists = column.combine_chunks()
    listed: dict[int, list[Any]] = {}  # few items have any
    for row, one in zip(pc.list_parent_indices(lists).to_pylist(), pc.list_flatten(lists).to_pylist(), strict=True):
        listed.setdefault(row, []).append(one)
    none: frozenset[Any] = frozenset()
    return [frozenset(listed[row]) if row in listed else none for row in range(len(lists))]


def _is_news(word: StockWord, article: Article) -> bool:
    return article.in_stock is None or article.stock_at is None or word.occurred_at >= article.stock_at


def margin_of(article: Article | None, default: float, share: float) -> float:
    """The margin of an item, None for one not known."""
    if article is None:
        return default
    if article.margin is not None:
        return float(article.margin)
    return default if article.price is None else article.price * share


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
    go after all others, in their order. With `repeats_only`, an item out of stock gives its place to what replaces it,
    of which the chance is not known.
    """
    disliked = {articles.category(item) for item in returned} - {None} if returned else None
    chosen: list[Scored] = []
    like_returned: list[Scored] = []
    stood_in: set[str] = set()
    for scored in proposed:
        item = scored.item_id
        owns, personal = item in owned, bool(scored.source & PERSONAL)
        if (repeats_only and not (owns and personal)) or item in returned or item in shown:
            continue
        if owns and not articles.repeats(item, proposed=repeats_only or personal):
            continue
        if not articles.showable(item, month):
            if (
                not repeats_only
                or (other := stand_in(item, articles, month, {*owned, *returned, *shown, *stood_in})) is None
            ):
                continue
            stood_in.add(other)
            item, scored = other, Scored(other, float("nan"), scored.source)
        (like_returned if disliked and articles.category(item) in disliked else chosen).append(scored)
        if len(chosen) == count:
            break
    return [*chosen, *like_returned][:count]


def stand_in(item_id: str, articles: Articles, month: int, out: Collection[str]) -> str | None:
    """What may be shown in place of an item out of stock: the nearest replacement that is not among `out`, if any."""
    if articles.in_stock(item_id) is not False:
        return None
    found = (one for one in articles.replacements(item_id) if one not in out and articles.showable(one, month))
    return next(found, None)
