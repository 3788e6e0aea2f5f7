"""Batch features: about thirty small named aggregates over a customer's history, as of a cutoff.

A feature at cutoff T sees events with `occurred_at < T` and `received_at <= T`; a window of w days is [T - w, T).
Counts and sums are int64 (money in minor units); times stay times, so that an age is taken at the moment of use
(`features/frame.py`). Where the log holds no event of a feature's source by T, the feature is absent (null); where it
does and the customer has none, a count or sum is 0 and everything else is absent.

The expressions are Ibis: `compute` runs on DuckDB on one machine and on Spark on many.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ibis

from features import batch_relations as relations
from features.batch_relations import KEYS, UNIT_SCORE_STEPS, Known, Relation
from features.online import RecordSchema

INT, FLOAT, TEXT, TIME = "int64", "float64", "string", "timestamp('UTC', 6)"


@dataclass(frozen=True)
class FeatureSpec:
    """One feature: its name, type, unit, window in days (None: all history), source type of event and meaning.

    `zero` says that a customer without such events has 0, not an absent value.
    """

    name: str
    dtype: str
    unit: str
    window_days: int | None
    source: str
    description: str
    zero: bool
    relation: Relation
    expression: Callable[[Any, Any], Any]

    @property
    def absence(self) -> str:
        """What null and zero mean for this feature, in words."""
        if self.zero:
            return f"0: none; null: the log has no {self.source} events"
        return "null: not known or not defined for her"


BATCH_FEATURES: dict[str, FeatureSpec] = {}


def _declare(
    relation: Relation,
    source: str,
    name: str,
    unit: str,
    description: str,
    expression: Callable[[Any, Any], Any],
    *,
    window_days: int | None = None,
    dtype: str = INT,
) -> None:
    """Add a feature; `expression(rows, inside)` aggregates a relation, `inside` being True for rows in the window."""
    BATCH_FEATURES[name] = FeatureSpec(
        name, dtype, unit, window_days, source, description, dtype == INT, relation, expression
    )


def _unit_mean(rows: Any, inside: Any) -> Any:
    return rows.unit_score.sum(where=inside) / (rows.unit_score.count(where=inside) * UNIT_SCORE_STEPS).nullif(0)


def _population_sd(rows: Any) -> Any:
    """sqrt(n * sum(x^2) - sum(x)^2) / n over whole seconds, in exact integers up to the root; null below two gaps."""
    whole = "decimal(19, 0)"
    n, total, squares = rows.gap.count(), rows.gap.sum().cast(whole), (rows.gap * rows.gap).sum().cast(whole)
    spread = (n.cast(whole) * squares - total * total).cast(FLOAT)
    return ibis.ifelse(n >= 2, spread.sqrt() / n, ibis.null(FLOAT))


def _late(rows: Any, _inside: Any) -> Any:
    late = (rows.delivered_at >= rows.since_365d) & (rows.delivered_at > rows.promised_at)
    overdue = rows.delivered_at.isnull() & ~rows.ended
    overdue &= (rows.promised_at >= rows.since_365d) & (rows.promised_at < rows.event_timestamp)
    return rows.count(where=late) + rows.count(where=overdue)


def _declare_purchases() -> None:
    p, lines, gaps, source = relations.purchases, relations.purchase_lines, relations.gaps, "purchase"
    _declare(p, source, "first_purchase_at", "time", "First purchase.", lambda r, _w: r.occurred_at.min(), dtype=TIME)
    _declare(p, source, "last_purchase_at", "time", "Last purchase.", lambda r, _w: r.occurred_at.max(), dtype=TIME)
    for days in (30, 90, 365):
        _declare(
            p,
            source,
            f"purchase_count_{days}d",
            "purchases",
            "Purchases.",
            lambda r, w: r.count(where=w),
            window_days=days,
        )
    _declare(p, source, "purchase_count_total", "purchases", "Purchases.", lambda r, _w: r.count())
    for days in (90, 365):
        _declare(
            lines,
            source,
            f"revenue_{days}d",
            "minor units",
            "Paid for purchase lines, returns not taken off.",
            lambda r, w: r.paid.sum(where=w),
            window_days=days,
        )
    _declare(
        lines,
        source,
        "revenue_total",
        "minor units",
        "Paid for purchase lines, returns not taken off.",
        lambda r, _w: r.paid.sum(),
    )
    _declare(lines, source, "items_total", "pieces", "Quantity bought.", lambda r, _w: r.quantity.sum())
    _declare(
        lines, source, "distinct_items_total", "items", "Different items bought.", lambda r, _w: r.item_id.nunique()
    )
    _declare(
        lines,
        source,
        "discount_share_365d",
        "share 0-1",
        "Discount as a share of the undiscounted price; null where nothing was bought.",
        lambda r, w: r.discount.sum(where=w) / r.gross.sum(where=w).nullif(0),
        window_days=365,
        dtype=FLOAT,
    )
    _declare(
        gaps,
        source,
        "mean_gap_seconds",
        "seconds",
        "Mean gap between distinct purchase times (whole seconds); null below two.",
        lambda r, _w: r.gap.sum() / r.gap.count().nullif(0),
        dtype=FLOAT,
    )
    _declare(
        gaps,
        source,
        "sd_gap_seconds",
        "seconds",
        "Population standard deviation of those gaps; null below three purchase times.",
        lambda r, _w: _population_sd(r),
        dtype=FLOAT,
    )
    _declare(
        gaps,
        source,
        "last_gap_seconds",
        "seconds",
        "The last of those gaps.",
        lambda r, _w: r.gap.argmax(r.second).cast(FLOAT),
        dtype=FLOAT,
    )
    _declare(
        relations.categories,
        source,
        "top_category",
        "category",
        "Top-level category with most purchase lines (ties: first by name), by the catalogue at the cutoff.",
        lambda r, _w: r.category.argmin(ibis.struct({"fewest": -r.lines, "name": r.category})),
        window_days=365,
        dtype=TEXT,
    )
    _declare(
        relations.categories,
        source,
        "top_category_share_365d",
        "share 0-1",
        "Its share of purchase lines whose category is known.",
        lambda r, _w: r.lines.max() / r.lines.sum(),
        window_days=365,
        dtype=FLOAT,
    )


def _declare_returns() -> None:
    _declare(
        relations.returns,
        "return",
        "return_count_365d",
        "returns",
        "Returns.",
        lambda r, w: r.count(where=w),
        window_days=365,
    )
    _declare(
        relations.return_lines,
        "return",
        "returned_amount_365d",
        "minor units",
        "Money given back.",
        lambda r, w: r.amount.sum(where=w),
        window_days=365,
    )


def _declare_browsing() -> None:
    def counted(name: str, unit: str, description: str, expression: Callable[[Any, Any], Any]) -> None:
        _declare(relations.browsing, "browse", name, unit, description, expression, window_days=30)

    counted("browse_views_30d", "views", "Item views.", lambda r, w: r.count(where=w & (r.action == "view")))
    counted("browse_sessions_30d", "sessions", "Sessions.", lambda r, w: r.session_id.nunique(where=w))
    counted(
        "cart_adds_30d", "items", "Items put into the cart.", lambda r, w: r.count(where=w & (r.action == "cart_add"))
    )
    counted(
        "searches_without_result_30d",
        "searches",
        "Searches that found nothing.",
        lambda r, w: r.count(where=w & (r.action == "search") & (r.result_count == 0)),
    )
    _declare(
        relations.browsing,
        "browse",
        "last_browse_at",
        "time",
        "Last browse event.",
        lambda r, _w: r.occurred_at.max(),
        dtype=TIME,
    )


def _declare_experience() -> None:
    f, d = relations.feedback, relations.delivered_orders
    _declare(
        f, "feedback", "feedback_count_365d", "feedbacks", "Feedback given, with a score or not.",
        lambda r, w: r.count(where=w), window_days=365,
    )  # fmt: skip
    _declare(
        f,
        "feedback",
        "feedback_mean_365d",
        "unit score 0-1",
        "Mean score, 1 the best of its scale whatever its direction.",
        _unit_mean,
        window_days=365,
        dtype=FLOAT,
    )
    _declare(
        f,
        "feedback",
        "feedback_trend",
        "unit score",
        "Mean score of the last 90 days minus that of the 275 days before.",
        lambda r, w: _unit_mean(r, r.occurred_at >= r.since_90d) - _unit_mean(r, w & (r.occurred_at < r.since_90d)),
        window_days=365,
        dtype=FLOAT,
    )
    _declare(
        d,
        "delivery",
        "late_delivery_count_365d",
        "orders",
        "Orders delivered after their first promised time, and those promised in the window still on their way.",
        _late,
        window_days=365,
    )
    _declare(
        d,
        "delivery",
        "lateness_mean_seconds_365d",
        "seconds",
        "Mean lateness (0 when on time) of orders delivered in the window that had a promised time.",
        lambda r, _w: (
            r.lateness_seconds.sum(where=r.delivered_at >= r.since_365d)
            / r.lateness_seconds.count(where=r.delivered_at >= r.since_365d).nullif(0)
        ),
        window_days=365,
        dtype=FLOAT,
    )


def _declare_contacts() -> None:
    def counted(name: str, days: int, description: str, which: Callable[[Any], Any]) -> None:
        _declare(
            relations.contacts, "contact", name, "contacts", description,
            lambda r, w: r.count(where=w & which(r)), window_days=days,
        )  # fmt: skip

    counted("email_contacts_28d", 28, "E-mails sent.", lambda r: (r.channel == "email") & (r.status == "sent"))
    counted("email_clicks_90d", 90, "Clicks in e-mails.", lambda r: (r.channel == "email") & (r.status == "click"))
    counted("offers_accepted_365d", 365, "Contacts accepted, any channel.", lambda r: r.status == "accept")


_declare_purchases()
_declare_returns()
_declare_browsing()
_declare_experience()
_declare_contacts()


def schema_hash() -> str:
    """Hash of the ordered names and types of all batch features: that of the packed records of `customer_batch`."""
    kinds = tuple("timestamp" if spec.dtype == TIME else spec.dtype for spec in BATCH_FEATURES.values())
    return RecordSchema(tuple(BATCH_FEATURES), kinds).hash


def compute(events: Any, links: Any | None, items: Any | None, cutoffs: Sequence[datetime]) -> Any:
    """All batch features of every customer known at each cutoff: columns `customer_id`, `event_timestamp`, features.

    `events` is an Ibis table of `columns.EVENT_SCHEMA`; `links` of `event_log.LINK_SCHEMA` (None: nobody is linked);
    `items` of `catalogue.ITEM_SCHEMA` (None: no categories); `cutoffs` aware datetimes. Nothing runs until it is
    executed; rows come in no order.
    """
    known = Known(events, links, items, cutoffs)
    result = known.customers().join(known.presence(), "event_timestamp")
    by_relation: dict[Relation, list[FeatureSpec]] = {}
    for spec in BATCH_FEATURES.values():
        by_relation.setdefault(spec.relation, []).append(spec)
    for relation, specs in by_relation.items():
        rows = relation(known)
        wanted = {spec.name: spec.expression(rows, _inside(rows, spec)) for spec in specs}
        aggregated = rows.group_by(*KEYS).agg(**wanted)
        result = result.left_join(
            aggregated.rename(of_customer="customer_id", at_cutoff="event_timestamp"),
            [("customer_id", "of_customer"), ("event_timestamp", "at_cutoff")],
        ).drop("of_customer", "at_cutoff")
    return result.select(*KEYS, **{name: _finished(result, spec) for name, spec in BATCH_FEATURES.items()})


def _inside(rows: Any, spec: FeatureSpec) -> Any:
    column = f"since_{spec.window_days}d"
    return rows.occurred_at >= rows[column] if column in rows.columns and "occurred_at" in rows.columns else None


def _finished(result: Any, spec: FeatureSpec) -> Any:
    value = result[spec.name].cast(spec.dtype)
    if not spec.zero:
        return value
    return ibis.ifelse(result[f"has_{spec.source}"], ibis.coalesce(value, 0), ibis.null(spec.dtype))
