"""One item of the catalogue, what may be told of its stock, and how items point at each other."""

from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import NamedTuple


class Article(NamedTuple):
    """One item of the catalogue; money in minor units, None where the source does not say.

    `category` is a path, widest first ("shoes/running"); `accessory_of` are the items it fits, `service_for` those it
    is done to, `replaces` those it came in place of; `knowledge_url` is a page worth reading about it. `in_stock` was
    so at `stock_at`, in microseconds since 1970 (None: ever since).
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
    stock_at: int | None = None


class StockWord(NamedTuple):
    """What was told of an item's stock: so it was at `occurred_at`, in microseconds since 1970."""

    item_id: str
    in_stock: bool
    occurred_at: int


class Pointers:
    """Who points at whom among the items: made once a catalogue, when first asked."""

    def __init__(self, by_id: Mapping[str, Article]) -> None:
        self._by_id = by_id

    @cached_property
    def accessories(self) -> dict[str, list[str]]:
        """The items that fit each item, by id."""
        return self._inverse(lambda article: article.accessory_of)

    @cached_property
    def services(self) -> dict[str, list[str]]:
        """The services done to each item, by id."""
        return self._inverse(lambda article: article.service_for)

    @cached_property
    def successors(self) -> dict[str, list[str]]:
        """The items that replace each item, by id."""
        return self._inverse(lambda article: article.replaces)

    @cached_property
    def by_category(self) -> dict[str, list[str]]:
        """The items of each category, those of its branches included, by id."""
        found: dict[str, list[str]] = {}
        for item_id in sorted(self._by_id):
            path = self._by_id[item_id].category
            while path:
                found.setdefault(path, []).append(item_id)
                path = path.rpartition("/")[0]
        return found

    def _inverse(self, at: Callable[[Article], Collection[str]]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for item_id in sorted(self._by_id):
            for other in at(self._by_id[item_id]):
                found.setdefault(other, []).append(item_id)
        return found
