"""The batch features: each a small named aggregate over one relation of `features/feature_store/batch_relations.py`.

To add one, write a function of `(rows, inside)` with a docstring that says what it means and `@feature` above it:
`rows` is the relation, one group a customer and cutoff, `inside` is true for rows in the window. Counts and sums are
int64 (money in minor units) and 0 for a customer without any; all else is absent for her. Names never end in `_y`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ibis

from features.feature_store import batch_relations as relations
from features.feature_store.batch_relations import UNIT_SCORE_STEPS, Relation

INT, FLOAT, TEXT, TIME = "int64", "float64", "string", "timestamp('UTC', 6)"
Expression = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class FeatureSpec:
    """One feature: its name, type, unit, window in days (None: all history), source type of event and meaning."""

    name: str
    dtype: str
    unit: str
    window_days: int | None
    source: str
    description: str
    relation: Relation
    expression: Expression

    @property
    def zero(self) -> bool:
        """Whether a customer without such events has 0, not an absent value."""
        return self.dtype == INT

    @property
    def absence(self) -> str:
        """What null and zero mean for this feature, in words."""
        if self.zero:
            return f"0: none; null: the log has no {self.source} events"
        return "null: not known or not defined for her"


BATCH_FEATURES: dict[str, FeatureSpec] = {}


def feature(
    relation: Relation, source: str, unit: str, *, days: int | None = None, dtype: str = INT, name: str | None = None
) -> Callable[[Expression], Expression]:
    """Declare a feature under the function's name, or under `name` where one function serves several windows."""

    def declare(expression: Expression) -> Expression:
        called, meaning = name or expression.__name__, " ".join((expression.__doc__ or "").split())
        BATCH_FEATURES[called] = FeatureSpec(called, dtype, unit, days, source, meaning, relation, expression)
        return expression

    return declare


def _unit_mean(rows: Any, which: Any) -> Any:
    return rows.unit_score.sum(where=which) / (rows.unit_score.count(where=which) * UNIT_SCORE_STEPS).nullif(0)


# Purchases: recency, frequency


@feature(relations.purchases, "purchase", "time", dtype=TIME)
def first_purchase_at(rows: Any, _inside: Any) -> Any:
    """First purchase."""
    return rows.occurred_at.min()


@feature(relations.purchases, "purchase", "time", dtype=TIME)
def last_purchase_at(rows: Any, _inside: Any) -> Any:
    """Last purchase."""
    return rows.occurred_at.max()


@feature(relations.purchases, "purchase", "purchases", name="purchase_count_total")
@feature(relations.purchases, "purchase", "purchases", name="purchase_count_365d", days=365)
@feature(relations.purchases, "purchase", "purchases", name="purchase_count_90d", days=90)
@feature(relations.purchases, "purchase", "purchases", name="purchase_count_30d", days=30)
def purchase_count(rows: Any, inside: Any) -> Any:
    """Purchases."""
    return rows.count(where=inside)


# Purchases: money and items


@feature(relations.purchase_lines, "purchase", "minor units", name="revenue_total")
@feature(relations.purchase_lines, "purchase", "minor units", name="revenue_365d", days=365)
@feature(relations.purchase_lines, "purchase", "minor units", name="revenue_90d", days=90)
def revenue(rows: Any, inside: Any) -> Any:
    """Paid for purchase lines, returns not taken off."""
    return rows.paid.sum(where=inside)


@feature(relations.purchase_lines, "purchase", "pieces")
def items_total(rows: Any, _inside: Any) -> Any:
    """Quantity bought."""
    return rows.quantity.sum()


@feature(relations.purchase_lines, "purchase", "items")
def distinct_items_total(rows: Any, _inside: Any) -> Any:
    """Different items bought."""
    return rows.item_id.nunique()


@feature(relations.purchase_lines, "purchase", "share 0-1", days=365, dtype=FLOAT)
def discount_share_365d(rows: Any, inside: Any) -> Any:
    """Discount as a share of the undiscounted price; null where nothing was bought."""
    return rows.discount.sum(where=inside) / rows.gross.sum(where=inside).nullif(0)


# Purchases: rhythm


@feature(relations.gaps, "purchase", "seconds", dtype=FLOAT)
def mean_gap_seconds(rows: Any, _inside: Any) -> Any:
    """Mean gap between distinct purchase times (whole seconds); null below two."""
    return rows.gap.sum() / rows.gap.count().nullif(0)


@feature(relations.gaps, "purchase", "seconds", dtype=FLOAT)
def sd_gap_seconds(rows: Any, _inside: Any) -> Any:
    """Population standard deviation of those gaps; null below three purchase times."""
    # sqrt(n * sum(x^2) - sum(x)^2) / n, exact integers up to the root: no order of summation can change it.
    whole = "decimal(19, 0)"
    n, total, squares = rows.gap.count(), rows.gap.sum().cast(whole), (rows.gap * rows.gap).sum().cast(whole)
    spread = (n.cast(whole) * squares - total * total).cast(FLOAT)
    return ibis.ifelse(n >= 2, spread.sqrt() / n, ibis.null(FLOAT))


@feature(relations.gaps, "purchase", "seconds", dtype=FLOAT)
def last_gap_seconds(rows: Any, _inside: Any) -> Any:
    """The last of those gaps."""
    return rows.gap.argmax(rows.second)


# Purchases: taste


@feature(relations.categories, "purchase", "category", days=365, dtype=TEXT)
def top_category(rows: Any, _inside: Any) -> Any:
    """Top-level category with most purchase lines (ties: first by name), by the catalogue at the cutoff."""
    return rows.category.argmin(ibis.struct({"fewest": -rows.lines, "name": rows.category}))


@feature(relations.categories, "purchase", "share 0-1", days=365, dtype=FLOAT)
def top_category_share_365d(rows: Any, _inside: Any) -> Any:
    """Its share of purchase lines whose category is known."""
    return rows.lines.max() / rows.lines.sum()


# Returns


@feature(relations.returns, "return", "returns", days=365)
def return_count_365d(rows: Any, inside: Any) -> Any:
    """Returns."""
    return rows.count(where=inside)


@feature(relations.return_lines, "return", "minor units", days=365)
def returned_amount_365d(rows: Any, inside: Any) -> Any:
    """Money given back."""
    return rows.amount.sum(where=inside)


# Browsing


@feature(relations.browsing, "browse", "views", days=30)
def browse_views_30d(rows: Any, inside: Any) -> Any:
    """Item views."""
    return rows.count(where=inside & (rows.action == "view"))


@feature(relations.browsing, "browse", "sessions", days=30)
def browse_sessions_30d(rows: Any, inside: Any) -> Any:
    """Sessions."""
    return rows.session_id.nunique(where=inside)


@feature(relations.browsing, "browse", "items", days=30)
def cart_adds_30d(rows: Any, inside: Any) -> Any:
    """Items put into the cart."""
    return rows.count(where=inside & (rows.action == "cart_add"))


@feature(relations.browsing, "browse", "searches", days=30)
def searches_without_result_30d(rows: Any, inside: Any) -> Any:
    """Searches that found nothing."""
    return rows.count(where=inside & (rows.action == "search") & (rows.result_count == 0))


@feature(relations.browsing, "browse", "time", dtype=TIME)
def last_browse_at(rows: Any, _inside: Any) -> Any:
    """Last browse event."""
    return rows.occurred_at.max()


# Experience


@feature(relations.feedback, "feedback", "feedbacks", days=365)
def feedback_count_365d(rows: Any, inside: Any) -> Any:
    """Feedback given, with a score or not."""
    return rows.count(where=inside)


@feature(relations.feedback, "feedback", "unit score 0-1", days=365, dtype=FLOAT)
def feedback_mean_365d(rows: Any, inside: Any) -> Any:
    """Mean score, 1 the best of its scale whatever its direction."""
    return _unit_mean(rows, inside)


@feature(relations.feedback, "feedback", "unit score", days=365, dtype=FLOAT)
def feedback_trend(rows: Any, inside: Any) -> Any:
    """Mean score of the last 90 days minus that of the 275 days before."""
    recent = rows.occurred_at >= rows.since_90d
    return _unit_mean(rows, recent) - _unit_mean(rows, inside & ~recent)


@feature(relations.delivered_orders, "delivery", "orders", days=365)
def late_delivery_count_365d(rows: Any, _inside: Any) -> Any:
    """Orders delivered after their first promised time, and those promised in the window still on their way."""
    late = (rows.delivered_at >= rows.since_365d) & (rows.delivered_at > rows.promised_at)
    due = (rows.promised_at >= rows.since_365d) & (rows.promised_at < rows.event_timestamp)
    overdue = due & rows.delivered_at.isnull() & ~rows.ended
    # Spark counts null, not 0, where every condition is null.
    return rows.count(where=late.fill_null(False)) + rows.count(where=overdue.fill_null(False))


@feature(relations.delivered_orders, "delivery", "seconds", days=365, dtype=FLOAT)
def lateness_mean_seconds_365d(rows: Any, _inside: Any) -> Any:
    """Mean lateness (0 when on time) of orders delivered in the window that had a promised time."""
    lateness, lately = rows.lateness_seconds, rows.delivered_at >= rows.since_365d
    return lateness.sum(where=lately) / lateness.count(where=lately).nullif(0)


# Contacts


@feature(relations.contacts, "contact", "contacts", days=28)
def email_contacts_28d(rows: Any, inside: Any) -> Any:
    """E-mails sent."""
    return rows.count(where=inside & (rows.channel == "email") & (rows.status == "sent"))


@feature(relations.contacts, "contact", "contacts", days=90)
def email_clicks_90d(rows: Any, inside: Any) -> Any:
    """Clicks in e-mails."""
    return rows.count(where=inside & (rows.channel == "email") & (rows.status == "click"))


@feature(relations.contacts, "contact", "contacts", days=365)
def offers_accepted_365d(rows: Any, inside: Any) -> Any:
    """Contacts accepted, any channel."""
    return rows.count(where=inside & (rows.status == "accept"))
