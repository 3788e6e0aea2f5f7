"""Olist (a Brazilian marketplace, 2016-2018) as purchases, deliveries, reviews and places, from the public CSV folder.

A row of orders, items and reviews ends as part of an event, as a known duplicate, or in the quarantine.

| row | becomes |
|---|---|
| of items | a piece in a line of its order's `purchase`; money in centavos, freight left out |
| of orders | `delivery` promised, shipped, delivered, cancelled, as far as its times and status say |
| of reviews | `feedback` review, score 1 to 5, title and message as its text |
| first order of a customer at a place, as customers have it | `profile` with country, state and city |

Times are the marketplace's own, America/Sao_Paulo. The promise (`order_estimated_delivery_date`) is a day: it is kept
until that day is over. When an order was cancelled or became unavailable is not said, nor always when it arrived: it
counts from the end of the promised day, or from the order's last known step where that is later, so that nobody knows
of it too early and no promise is broken by it.

The person is `customer_unique_id`; `customer_id` is another one for every order.
"""

from datetime import timedelta
from pathlib import Path

import duckdb

from pipelines.sources import olist_tables
from pipelines.sources.parted import PartedSource, keep
from pipelines.sources.raw_csv import broken, raw_files, view

TABLES = {
    "orders": (
        "olist_orders_dataset.csv",
        "order_id customer_id order_status order_purchase_timestamp order_approved_at order_delivered_carrier_date "
        "order_delivered_customer_date order_estimated_delivery_date",
    ),
    "items": ("olist_order_items_dataset.csv", "order_id order_item_id product_id price"),
    "reviews": (
        "olist_order_reviews_dataset.csv",
        "review_id order_id review_score review_comment_title review_comment_message review_answer_timestamp",
    ),
    "customers": ("olist_customers_dataset.csv", "customer_id customer_unique_id customer_city customer_state"),
    "products": ("olist_products_dataset.csv", "product_id product_category_name"),
    "translations": (
        "product_category_name_translation.csv",
        "product_category_name product_category_name_english",
    ),
}
"""The files we read, and the columns they must have. Payments, sellers and places on the map tell nothing we keep."""

REMEDY = (
    "Name the folder of the public CSV files (Brazilian E-Commerce Public Dataset by Olist), all of them, unpacked."
)

_PURCHASES = """
WITH pieces AS (
    SELECT order_id, moment, person, product_id, price, count(*) AS pieces, min(place) AS place
    FROM lines
    WHERE moment >= {start} AND moment < {end}
    GROUP BY ALL
)
SELECT
    'olist:order:' || order_id AS event_id,
    'purchase' AS type,
    person AS customer_id,
    moment AS occurred_at,
    moment + INTERVAL {lag} SECOND AS received_at,
    'web' AS channel,
    'checkout' AS touchpoint,
    'olist' AS source,
    1::SMALLINT AS schema_version,
    order_id,
    'BRL' AS currency,
    list(struct_pack(
        item_id := product_id,
        quantity := pieces,
        unit_price := price,
        discount := 0::BIGINT,
        amount := NULL::BIGINT,
        offer_id := NULL::VARCHAR
    ) ORDER BY place, product_id, price) AS lines
FROM pieces
GROUP BY order_id, moment, person
ORDER BY occurred_at, event_id
"""

_TOLD = """
SELECT
    event_id,
    type,
    person AS customer_id,
    moment AS occurred_at,
    moment + if(type = 'feedback', INTERVAL 0 SECOND, INTERVAL {lag} SECOND) AS received_at,
    if(type = 'feedback', 'email', 'web') AS channel,
    CASE type WHEN 'feedback' THEN 'survey' WHEN 'profile' THEN 'checkout' ELSE 'delivery' END AS touchpoint,
    'olist' AS source,
    1::SMALLINT AS schema_version,
    order_id,
    status,
    promised_at,
    if(type = 'feedback', 'review', NULL) AS kind,
    score,
    text,
    if(text IS NULL, NULL, 'pt') AS language,
    facts
FROM told
WHERE moment >= {start} AND moment < {end}
ORDER BY occurred_at, event_id
"""


class Olist(PartedSource):
    """Converter of the folder of CSV files."""

    name = "olist"
    lag = timedelta(minutes=5)  # the marketplace's own order system; a review is heard of when it is answered
    version = 1
    tables = ("lines", "told")
    queries = (_PURCHASES, _TOLD)
    missing = (
        "browsing",
        "cases, complaints beyond the reviews, and returns",
        "consents (none are invented)",
        "contacts and offers",
        "when an order was cancelled",
        "freight and the way of payment (they are in the files, and not taken)",
        "titles, stock, margins and seasons of items",
        "discounts",
    )

    def files(self, path: Path) -> list[Path]:
        """The six files we read. Raises `SourceError` naming those that are absent."""
        return raw_files(path, tuple(file for file, _ in TABLES.values()), REMEDY)

    def convert(self, con: duckdb.DuckDBPyConnection, path: Path, folder: Path) -> None:
        """Order lines and what else is told, sorted by time; rejects; items. Raises `SourceError` for broken files."""
        for (name, (_, columns)), file in zip(TABLES.items(), self.files(path), strict=True):
            view(con, f"raw_{name}", file, columns, REMEDY)
        try:
            for statement in olist_tables.JUDGED:
                con.execute(statement)
            keep(con, folder, "lines", olist_tables.LINES)
            keep(con, folder, "told", olist_tables.TOLD)
            keep(con, folder, "rejects", olist_tables.REJECTS)
            keep(con, folder, "items", olist_tables.ITEMS)
        except duckdb.InvalidInputException as error:
            raise broken(error, REMEDY) from error
