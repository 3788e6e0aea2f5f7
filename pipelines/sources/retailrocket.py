"""RetailRocket (a webshop, 2015) as browsing and purchases of visitors, from the public folder of CSV files.

A row of events ends as part of an event, as a known duplicate, or in the quarantine.

| row | becomes |
|---|---|
| view, addtocart | `browse` view or cart_add of the anonymous visitor |
| transaction | a piece in a line of its transaction's `purchase`; who buys is a customer under the visitor's number |
| a visitor's first transaction | `identity`: the visitor is that customer, so that what she looked at is hers |

The shop knew nobody by name: a visitor who never buys stays a visitor. What she does within half an hour of her step
before is of one session. A transaction occurred when its last row did; equal rows of one are pieces.

Prices are the item property 790, as other users of these data take it; the publisher, who hashed the names of
properties, does not say so. The currency is not said either: XXX, in hundredths. A line has the price last told by its
moment; before the first, the first.
"""

from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from features.errors import SourceError
from pipelines.sources import retailrocket_tables
from pipelines.sources.parted import PartedSource, keep
from pipelines.sources.raw_csv import broken, raw_files, view

PROPERTIES = ("item_properties_part1.csv", "item_properties_part2.csv")
_PROPERTY_COLUMNS = "timestamp itemid property value"
TABLES = {
    "raw_events": ("events.csv", "timestamp visitorid event itemid transactionid"),
    "raw_first": (PROPERTIES[0], _PROPERTY_COLUMNS),
    "raw_second": (PROPERTIES[1], _PROPERTY_COLUMNS),
    "raw_tree": ("category_tree.csv", "categoryid parentid"),
}
"""The files, and the columns they must have."""

REMEDY = (
    "Name the folder of the public CSV files (Retailrocket recommender system dataset), all four of them, unpacked."
)

_ENVELOPE = """
    moment AS occurred_at,
    moment + INTERVAL {lag} SECOND AS received_at,
    'web' AS channel,
    'retailrocket' AS source,
    1::SMALLINT AS schema_version"""

_BROWSING = f"""
SELECT
    'retailrocket:' || ms || ':' || visitor || ':' || action || ':' || item AS event_id,
    'browse' AS type,
    visitor AS anonymous_id,
    if(action = 'view', 'product_page', 'cart') AS touchpoint,
    {_ENVELOPE},
    action,
    item AS item_id,
    session_id
FROM browsing
WHERE moment >= {{start}} AND moment < {{end}}
ORDER BY occurred_at, event_id
"""

_BUYERS = f"""
SELECT
    'retailrocket:visitor:' || visitor AS event_id,
    'identity' AS type,
    visitor AS customer_id,
    visitor AS anonymous_id,
    'checkout' AS touchpoint,
    {_ENVELOPE},
    'link' AS action
FROM buyers
WHERE moment >= {{start}} AND moment < {{end}}
ORDER BY occurred_at, event_id
"""

_PURCHASES = f"""
WITH pieces AS (
    SELECT deal, moment, visitor, item, price, count(*) AS pieces
    FROM lines
    WHERE moment >= {{start}} AND moment < {{end}}
    GROUP BY ALL
)
SELECT
    'retailrocket:transaction:' || deal AS event_id,
    'purchase' AS type,
    visitor AS customer_id,
    'checkout' AS touchpoint,
    {_ENVELOPE},
    deal AS order_id,
    'XXX' AS currency,
    list(struct_pack(
        item_id := item,
        quantity := pieces,
        unit_price := price,
        discount := 0::BIGINT,
        amount := NULL::BIGINT,
        offer_id := NULL::VARCHAR
    ) ORDER BY item) AS lines
FROM pieces
GROUP BY deal, moment, visitor
ORDER BY occurred_at, event_id
"""


class RetailRocket(PartedSource):
    """Converter of the folder of CSV files."""

    name = "retailrocket"
    lag = timedelta(0)  # lines of a web log, written as it happens
    version = 1
    tables = ("browsing", "buyers", "lines")
    queries = (_BROWSING, _BUYERS, _PURCHASES)
    missing = (
        "who the visitors are: one person may be several",
        "what is searched for, and how long is looked",
        "feedback and cases",
        "deliveries and returns",
        "consents (none are invented)",
        "contacts and offers",
        "the currency, and which property is the price (790 is assumed)",
        "titles, margins and seasons of items",
        "discounts",
    )

    def files(self, path: Path) -> list[Path]:
        """The four files. Raises `SourceError` naming those that are absent."""
        return raw_files(path, tuple(file for file, _ in TABLES.values()), REMEDY)

    def convert(self, con: duckdb.DuckDBPyConnection, path: Path, folder: Path) -> None:
        """Browsing, buyers and bought pieces, sorted by time; rejects; items. Raises `SourceError` for broken files."""
        files = self.files(path)
        for (name, (_, columns)), file in zip(TABLES.items(), files, strict=True):
            view(con, name, file, columns, REMEDY)
        try:
            con.register("paths", category_paths(con.sql("FROM raw_tree ORDER BY row").fetchall(), files[-1]))
            for statement in retailrocket_tables.JUDGED:
                con.execute(statement)
            for table in (*self.tables, "rejects", "items"):
                keep(con, folder, table, retailrocket_tables.KEPT[table])
        except duckdb.InvalidInputException as error:
            raise broken(error, REMEDY) from error


def category_paths(rows: list[tuple[int, str, str | None]], file: Path) -> pa.Table:
    """(category, path) from (row, category, parent or None): "9/213/1016", the widest first.

    Raises `SourceError` for a category that is among its own parents, or has two.
    """
    parents: dict[str, str | None] = {}
    for row, category, parent in rows:
        own, above = _plain(category), _plain(parent)
        if own is None or parents.setdefault(own, above) != above:
            raise SourceError(f"{file}, data row {row}: category {category} is empty or has two parents. {REMEDY}")
    paths = []
    for category in parents:
        path = [category]
        while (above := parents.get(path[-1])) is not None:
            if above in path:
                raise SourceError(f"{file}: category {category} is among its own parents. {REMEDY}")
            path.append(above)
        paths.append("/".join(reversed(path)))
    return pa.table({"category": pa.array(list(parents), pa.string()), "path": pa.array(paths, pa.string())})


def _plain(number: str | None) -> str | None:
    """A category's number as text, also where it was written as 213.0."""
    return (number or "").strip().removesuffix(".0") or None
