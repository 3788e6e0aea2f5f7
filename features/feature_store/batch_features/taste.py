"""What she buys: categories, and the same again."""

from typing import Any

import ibis

from features.feature_store.batch_relations.purchases import purchase_lines
from features.feature_store.batch_relations.taste import categories
from features.feature_store.declaration import ALWAYS, FLOAT, TEXT, feature


@feature(categories, "purchase", "category", days=365, dtype=TEXT)
def top_category(rows: Any, _inside: Any) -> Any:
    """Top-level category with most purchase lines (ties: first by name), by the catalogue at the cutoff."""
    return rows.category.argmin(ibis.struct({"fewest": -rows.lines, "name": rows.category}))


@feature(categories, "purchase", "share 0-1", days=365, dtype=FLOAT)
def top_category_share_365d(rows: Any, _inside: Any) -> Any:
    """Its share of purchase lines whose category is known."""
    return rows.lines.max() / rows.lines.sum().nullif(0)


@feature(categories, "purchase", "categories", days=365, zero=False)
def distinct_categories_365d(rows: Any, _inside: Any) -> Any:
    """Different top-level categories bought from; null where none is known."""
    return rows.count()


@feature(purchase_lines, "purchase", "share 0-1", since=ALWAYS, dtype=FLOAT)
def repeat_share_total(rows: Any, _inside: Any) -> Any:
    """Share of purchase lines that are not the first of their item; null where nothing was bought."""
    return (rows.count() - rows.item_id.nunique()) / rows.count().nullif(0)
