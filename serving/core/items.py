"""The shop's items as the decision core needs them: titles, stock, margins, and which may be shown to whom.

In stock, not owned unless it is used up and bought again, not just returned, in season. What the catalogue does not
say (null) stands in no item's way; an item that a filled catalogue does not know is never shown.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow as pa

from features.inputs.candidates import PERSONAL


class Article(NamedTuple):
    """One item of the catalogue; money in minor units, None where the source does not say."""

    item_id: str
    title: str | None = None
    price: int | None = None
    margin: int | None = None
    in_stock: bool | None = None
    consumable: bool | None = None
    months: frozenset[int] = frozenset()


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
            ["item_id", "title", "price", "margin", "in_stock", "consumable", "season_months"]
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
                )
                for r in rows
            },
            version,
        )

    def title(self, item_id: str) -> str | None:
        """The item's title, None where not known."""
        article = self.by_id.get(item_id)
        return article.title if article else None

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

    `shown` are items already before her (the page's, the cart's).
    """
    chosen: list[Scored] = []
    for scored in proposed:
        item = scored.item_id
        if repeats_only and item not in owned:
            continue
        if item in returned or item in shown or not articles.showable(item, month):
            continue
        if item in owned and not articles.repeats(item, proposed=repeats_only or bool(scored.source & PERSONAL)):
            continue
        chosen.append(scored)
        if len(chosen) == count:
            break
    return chosen
