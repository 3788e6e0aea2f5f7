"""The rhythm of purchases: the gaps between them, the days of the week, the season."""

from typing import Any

import ibis

from features.feature_store.batch_relations.purchases import gaps, purchases
from features.feature_store.declaration import ALWAYS, FLOAT, feature

_WHOLE = "decimal(19, 0)"
_SATURDAY = 5


def _spread(rows: Any) -> Any:
    """n^2 times the population variance of the gaps, as a float: exact integers up to here, whatever their order."""
    n, total, squares = rows.gap.count(), rows.gap.sum().cast(_WHOLE), (rows.gap * rows.gap).sum().cast(_WHOLE)
    return (n.cast(_WHOLE) * squares - total * total).cast(FLOAT)


@feature(gaps, "purchase", "seconds", since=ALWAYS, dtype=FLOAT)
def mean_gap_seconds(rows: Any, _inside: Any) -> Any:
    """Mean gap between distinct purchase times (whole seconds); null below two."""
    return rows.gap.sum() / rows.gap.count().nullif(0)


@feature(gaps, "purchase", "seconds", since=ALWAYS, dtype=FLOAT)
def sd_gap_seconds(rows: Any, _inside: Any) -> Any:
    """Population standard deviation of those gaps; null below three purchase times."""
    n = rows.gap.count()
    return ibis.ifelse(n >= 2, _spread(rows).sqrt() / n.nullif(0), ibis.null(FLOAT))


@feature(gaps, "purchase", "ratio", since=ALWAYS, dtype=FLOAT)
def gap_variation(rows: Any, _inside: Any) -> Any:
    """That standard deviation over the mean gap: 0 a clock, 1 chance; null below three purchase times."""
    return ibis.ifelse(rows.gap.count() >= 2, _spread(rows).sqrt() / rows.gap.sum().nullif(0), ibis.null(FLOAT))


@feature(gaps, "purchase", "seconds", since=ALWAYS, dtype=FLOAT)
def last_gap_seconds(rows: Any, _inside: Any) -> Any:
    """The last of those gaps."""
    return rows.gap.argmax(rows.second)


@feature(purchases, "purchase", "share 0-1", days=365, dtype=FLOAT)
def weekend_share_365d(rows: Any, inside: Any) -> Any:
    """Share of purchases made on a Saturday or Sunday (UTC); null where nothing was bought."""
    return rows.count(where=inside & (rows.weekday >= _SATURDAY)) / rows.count(where=inside).nullif(0)


@feature(purchases, "purchase", "purchases", days=365, edges=(275,))
def purchases_a_year_ago(rows: Any, inside: Any) -> Any:
    """Purchases in the first 90 days of the window: the season now beginning, a year ago."""
    return rows.count(where=inside & (rows.occurred_at < rows.since_275d))


@feature(purchases, "purchase", "share 0-1", days=730, edges=(640, 365, 275), dtype=FLOAT)
def season_share(rows: Any, inside: Any) -> Any:
    """Of the purchases of two years, the share in the first 90 days of either; null where nothing was bought."""
    first, second = rows.occurred_at < rows.since_640d, rows.occurred_at >= rows.since_365d
    season = first | (second & (rows.occurred_at < rows.since_275d))
    return rows.count(where=inside & season) / rows.count(where=inside).nullif(0)
