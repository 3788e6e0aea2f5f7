"""UCI Online Retail (a British gift webshop, 2010-2011) as purchases, returns and countries.

A row of the file ends in exactly one place: a line of an event, or the quarantine with its reason and raw text.

| row | becomes |
|---|---|
| of an invoice | a line of a `purchase`; money in pence |
| of a cancellation (`InvoiceNo` starts with C, quantity < 0) | a line of a `return` (*) |
| without `CustomerID` | rejected `missing_who`, one reject for the whole invoice |
| of postage, fees, manual entries, discounts, samples | rejected `not_a_product` |
| with a price of nothing, below nothing, or unreadable fields | rejected with the reason |

(*) The file does not say which order a cancellation belongs to: its order_id is its own number.

An invoice's lines may be minutes apart: it occurred when its last line did. Times in the file are the shop's own,
Europe/London. A customer's country is a `profile` event at the first invoice that names it and at every change.
Stock codes are upper-cased: 85123a and 85123A are one article.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from features.catalogue import as_items
from pipelines.sources.base import SourceBatch
from pipelines.sources.relation import connect, event_batches, reject_batches
from pipelines.sources.retail_file import count_rows, load_raw

NON_PRODUCTS = (
    "ADJUST",
    "ADJUST2",
    "AMAZONFEE",
    "B",  # bad debt
    "BANK CHARGES",
    "C2",  # carriage
    "CRUK",  # a charity's commission
    "D",  # discount on a whole invoice
    "DOT",
    "M",  # manual
    "POST",
    "S",  # samples
    "TEST001",
    "TEST002",
)

_TYPED = f"""
CREATE TEMP VIEW typed AS
SELECT
    raw.*,
    trim(InvoiceNo) AS invoice,
    starts_with(upper(trim(InvoiceNo)), 'C') AS cancels,
    upper(trim(StockCode)) AS item_id,
    upper(trim(StockCode)) IN {NON_PRODUCTS} AS not_a_product,
    try_cast(regexp_replace(Quantity, '\\.0+$', '') AS BIGINT) AS quantity_,
    try_cast(UnitPrice AS DOUBLE) AS price,
    round(100 * try_cast(UnitPrice AS DECIMAL(18, 6)))::BIGINT AS pence,
    regexp_replace(nullif(trim(CustomerID), ''), '\\.0+$', '') AS customer_id,
    nullif(nullif(trim(Country), ''), 'Unspecified') AS country_,
    timezone('Europe/London', coalesce(
        try_cast(InvoiceDate AS TIMESTAMP),
        try_strptime(InvoiceDate, ['%m/%d/%Y %H:%M', '%m/%d/%y %H:%M'])
    )) AS moment
FROM raw
"""

_JUDGED = """
CREATE TEMP TABLE judged AS
SELECT *, CASE
    WHEN coalesce(invoice, '') = '' OR coalesce(item_id, '') = '' THEN 'missing_field'
    WHEN moment IS NULL THEN 'bad_time'
    WHEN quantity_ IS NULL OR price IS NULL OR NOT isfinite(price) THEN 'unparseable'
    WHEN customer_id IS NULL THEN 'missing_who'
    WHEN min(customer_id) OVER same <> max(customer_id) OVER same THEN 'bad_value'
    WHEN not_a_product THEN 'not_a_product'
    WHEN quantity_ = 0 OR cancels <> (quantity_ < 0) THEN 'bad_quantity'
    WHEN price < 0 THEN 'negative_price'
    WHEN pence IS NULL OR pence = 0 THEN 'bad_value'
END AS reason
FROM typed
WINDOW same AS (PARTITION BY invoice)
"""

_EVENTS = """
SELECT
    'online_retail:' || invoice AS event_id,
    if(cancels, 'return', 'purchase') AS type,
    any_value(customer_id) AS customer_id,
    max(moment) AS occurred_at,
    max(moment) + INTERVAL {lag} SECOND AS received_at,
    'web' AS channel,
    if(cancels, 'returns', 'checkout') AS touchpoint,
    'online_retail' AS source,
    1::SMALLINT AS schema_version,
    invoice AS order_id,
    if(cancels, NULL, 'GBP') AS currency,
    list(struct_pack(
        item_id := item_id,
        quantity := abs(quantity_),
        unit_price := if(cancels, NULL, pence),
        discount := if(cancels, NULL, 0::BIGINT),
        amount := if(cancels, abs(quantity_) * pence, NULL),
        offer_id := NULL::VARCHAR
    ) ORDER BY row) AS lines
FROM judged
WHERE reason IS NULL
GROUP BY invoice, cancels
ORDER BY occurred_at, event_id
"""

_COUNTRIES = """
WITH seen AS (
    SELECT invoice, customer_id, max(moment) AS moment, min(country_) AS country
    FROM judged WHERE reason IS NULL AND country_ IS NOT NULL
    GROUP BY invoice, customer_id
), changes AS (
    SELECT *, country IS DISTINCT FROM lag(country) OVER (PARTITION BY customer_id ORDER BY moment, invoice) AS new
    FROM seen
)
SELECT
    'online_retail:' || invoice || ':country' AS event_id,
    'profile' AS type,
    customer_id,
    moment AS occurred_at,
    moment + INTERVAL {lag} SECOND AS received_at,
    'web' AS channel,
    'checkout' AS touchpoint,
    'online_retail' AS source,
    1::SMALLINT AS schema_version,
    json_object('country', country)::VARCHAR AS facts
FROM changes
WHERE new
ORDER BY occurred_at, event_id
"""

_RAW_ROW = """struct_pack(
    row := row, InvoiceNo := InvoiceNo, StockCode := StockCode, Description := Description, Quantity := Quantity,
    InvoiceDate := InvoiceDate, UnitPrice := UnitPrice, CustomerID := CustomerID, Country := Country
)"""

_REJECTS = f"""
SELECT
    'online_retail:' || any_value(invoice) AS event_id,
    reason,
    if(reason = 'missing_who', 'invoice ' || any_value(invoice), 'row ' || min(row)) || ': ' || CASE reason
        WHEN 'missing_field' THEN 'no InvoiceNo or StockCode'
        WHEN 'bad_time' THEN format('InvoiceDate {{}} is no time', coalesce(any_value(InvoiceDate), 'empty'))
        WHEN 'unparseable' THEN format('Quantity {{}} or UnitPrice {{}} is no number',
            coalesce(any_value(Quantity), 'empty'), coalesce(any_value(UnitPrice), 'empty'))
        WHEN 'missing_who' THEN format('{{}} row(s) without CustomerID', count(*))
        WHEN 'not_a_product' THEN format('StockCode {{}} is a charge or correction', any_value(item_id))
        WHEN 'bad_quantity' THEN format('Quantity {{}} does not fit invoice {{}}', any_value(Quantity),
            any_value(invoice))
        WHEN 'negative_price' THEN format('UnitPrice {{}} is below nothing', any_value(UnitPrice))
        ELSE format('UnitPrice {{}} is less than a penny, or invoice {{}} has several customers', any_value(UnitPrice),
            any_value(invoice))
    END AS detail,
    to_json(struct_pack(rows := list({_RAW_ROW} ORDER BY row)))::VARCHAR AS raw
FROM judged
WHERE reason IS NOT NULL
GROUP BY reason, if(reason = 'missing_who', invoice, row::VARCHAR)
ORDER BY min(row)
"""

_ITEMS = """
WITH titles AS (
    SELECT item_id, Description AS title, count(*) AS times
    FROM judged
    WHERE Description IS NOT NULL AND price > 0 AND quantity_ > 0 AND NOT not_a_product
    GROUP BY ALL
)
SELECT
    item_id,
    (SELECT arg_max(trim(title), (times, title)) FROM titles t WHERE t.item_id = judged.item_id) AS title,
    mode(pence ORDER BY pence) AS price,
    min(moment) AS valid_from
FROM judged
WHERE reason IS NULL AND NOT cancels
GROUP BY item_id
ORDER BY item_id
"""


class OnlineRetail:
    """Converter of the Online Retail (and Online Retail II) file."""

    name = "online_retail"
    lag = timedelta(minutes=5)  # the shop's own order system; the file does not say
    missing = (
        "browsing",
        "feedback and cases",
        "deliveries",
        "consents (none are invented)",
        "contacts and offers",
        "who the customer is, beyond the country",
        "which order a cancellation belongs to",
        "item categories, stock and margins",
        "discounts on single lines",
    )

    def __init__(self) -> None:
        self._last: tuple[Any, duckdb.DuckDBPyConnection] | None = None

    def batches(self, path: Path) -> Iterator[SourceBatch]:
        """Purchases and returns, then countries, then the rejects. Raises `SourceError` as `load_raw`."""
        con = self._judged(path)
        seconds = int(self.lag.total_seconds())
        yield from event_batches(con, _EVENTS.format(lag=seconds))
        yield from event_batches(con, _COUNTRIES.format(lag=seconds))
        yield from reject_batches(con, _REJECTS)

    def items(self, path: Path) -> pa.Table:
        """Each article sold to a known customer: its most frequent description and price, valid from its first sale."""
        return as_items(self._judged(path).sql(_ITEMS).to_arrow_table())

    def total_rows(self, path: Path) -> int | None:
        """Data rows of the file; None for a workbook."""
        return count_rows(path)

    def _judged(self, path: Path) -> duckdb.DuckDBPyConnection:
        """The file as table `judged`. The last one is kept: events and items of a workbook cost one reading."""
        key = (path.absolute(), path.stat().st_size, path.stat().st_mtime_ns) if path.exists() else None
        if self._last is None or key is None or self._last[0] != key:
            self._last = None
            con = connect()
            load_raw(con, path)
            con.execute(_TYPED)
            con.execute(_JUDGED)
            self._last = (key, con)
        return self._last[1]
