"""Visits: what she looks at, searches, wishes for and leaves in the cart."""

from typing import Any

from features.feature_store.batch_relations.browsing import browsing, cart_items
from features.feature_store.declaration import ALWAYS, TIME, feature


@feature(browsing, "browse", "views", days=30)
def browse_views_30d(rows: Any, inside: Any) -> Any:
    """Item views."""
    return rows.count(where=inside & (rows.action == "view"))


@feature(browsing, "browse", "sessions", days=30)
def browse_sessions_30d(rows: Any, inside: Any) -> Any:
    """Sessions."""
    return rows.session_id.nunique(where=inside)


@feature(browsing, "browse", "days", days=90)
def browse_days_90d(rows: Any, inside: Any) -> Any:
    """Days (UTC) with a browse event."""
    return rows.day.nunique(where=inside)


@feature(browsing, "browse", "items", days=30)
def distinct_items_viewed_30d(rows: Any, inside: Any) -> Any:
    """Different items viewed."""
    return rows.item_id.nunique(where=inside & (rows.action == "view"))


@feature(browsing, "browse", "items", days=30)
def cart_adds_30d(rows: Any, inside: Any) -> Any:
    """Items put into the cart."""
    return rows.count(where=inside & (rows.action == "cart_add"))


@feature(browsing, "browse", "checkouts", days=30)
def checkout_starts_30d(rows: Any, inside: Any) -> Any:
    """Times she went to the checkout."""
    return rows.count(where=inside & (rows.action == "checkout_start"))


@feature(browsing, "browse", "items", days=90)
def wishlist_adds_90d(rows: Any, inside: Any) -> Any:
    """Items put on the wish list."""
    return rows.count(where=inside & (rows.action == "wishlist"))


@feature(browsing, "browse", "searches", days=90)
def searches_90d(rows: Any, inside: Any) -> Any:
    """Searches."""
    return rows.count(where=inside & (rows.action == "search"))


@feature(browsing, "browse", "searches", days=30)
def searches_without_result_30d(rows: Any, inside: Any) -> Any:
    """Searches that found nothing."""
    return rows.count(where=inside & (rows.action == "search") & (rows.result_count == 0))


@feature(browsing, "browse", "time", since=ALWAYS, dtype=TIME)
def last_browse_at(rows: Any, _inside: Any) -> Any:
    """Last browse event."""
    return rows.occurred_at.max()


@feature(cart_items, "browse", "items", days=30)
def items_left_in_cart_30d(rows: Any, _inside: Any) -> Any:
    """Items last put into the cart in the window, and neither taken out nor bought then or since."""
    lately = rows.added >= rows.since_30d
    gone = (rows.removed >= rows.added).fill_null(False) | (rows.bought >= rows.added).fill_null(False)
    return rows.count(where=lately & ~gone)
