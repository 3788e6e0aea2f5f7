"""The SQL that judges RetailRocket's rows and brings what is good into order; `retailrocket.py` says what it means."""

SESSION_GAP = "INTERVAL 30 MINUTE"
_LATEST_MS = 7_258_118_400_000  # 2200, after which no event is accepted


def _moment(milliseconds: str) -> str:
    return (
        f"if(try_cast({milliseconds} AS BIGINT) BETWEEN 0 AND {_LATEST_MS},"
        f" make_timestamp(1000 * try_cast({milliseconds} AS BIGINT)) AT TIME ZONE 'UTC', NULL)"
    )


def _number(column: str) -> str:
    """A number's digits as text, also where it was written as 213.0; null where there is none."""
    return f"nullif(regexp_replace(trim({column}), '\\.0+$', ''), '')"


_TYPED = f"""
CREATE TABLE typed AS
SELECT
    row, timestamp, visitorid, event, itemid, transactionid,
    trim(timestamp) AS ms,
    {_moment("timestamp")} AS moment,
    {_number("visitorid")} AS visitor,
    {_number("itemid")} AS item,
    {_number("transactionid")} AS deal,
    CASE lower(trim(event))
        WHEN 'view' THEN 'view' WHEN 'addtocart' THEN 'cart_add' WHEN 'transaction' THEN 'bought'
    END AS action
FROM raw_events
"""

_SHARED = """
CREATE TABLE shared AS
SELECT deal FROM typed WHERE action = 'bought' AND deal IS NOT NULL
GROUP BY deal HAVING min(visitor) <> max(visitor)
"""

_JUDGED = """
CREATE TABLE judged AS
SELECT t.*, CASE
    WHEN moment IS NULL THEN 'bad_time'
    WHEN visitor IS NULL THEN 'missing_who'
    WHEN action IS NULL THEN 'bad_choice'
    WHEN item IS NULL OR (action = 'bought' AND t.deal IS NULL) THEN 'missing_field'
    WHEN action = 'bought' AND s.deal IS NOT NULL THEN 'bad_value'
END AS reason
FROM typed t LEFT JOIN shared s ON s.deal = t.deal
"""

_SESSIONS = f"""
CREATE TABLE steps AS
WITH begun AS (
    SELECT *, lag(moment) OVER (PARTITION BY visitor ORDER BY moment, row) AS before,
        if(moment <= before + {SESSION_GAP}, NULL, moment) AS start
    FROM judged WHERE reason IS NULL
)
SELECT moment, ms, visitor, item, action, deal, row, visitor || '-' || epoch_ms(
    max(start) OVER (PARTITION BY visitor ORDER BY moment, row ROWS UNBOUNDED PRECEDING)
) AS session_id
FROM begun
"""

_PROPERTIES = f"""
CREATE TABLE properties AS
SELECT
    *,
    {_number("itemid")} AS item,
    {_moment("timestamp")} AS moment,
    if(property = 'categoryid', {_number("value")}, NULL) AS category,
    if(property = '790', round(100 * try_cast(regexp_extract(value, '^\\s*n([0-9]+(\\.[0-9]+)?)(\\s|$)', 1)
        AS DECIMAL(18, 3)))::BIGINT, NULL) AS price,
    if(property = 'available', CASE trim(value) WHEN '1' THEN true WHEN '0' THEN false END, NULL) AS in_stock
FROM (
    SELECT * EXCLUDE (row), trim(property) AS property FROM (
        SELECT row, timestamp, itemid, property, value FROM raw_first
        UNION ALL SELECT row, timestamp, itemid, property, value FROM raw_second
    )
)
WHERE property IN ('categoryid', '790', 'available')
"""

_PRICED = """
CREATE TABLE priced AS
WITH deals AS (
    SELECT deal, item, visitor, row, max(moment) OVER (PARTITION BY deal) AS moment FROM steps WHERE action = 'bought'
), prices AS (
    SELECT item, moment, max(price) AS price FROM properties SEMI JOIN deals USING (item)
    WHERE price IS NOT NULL AND moment IS NOT NULL GROUP BY ALL
), first_prices AS (
    SELECT item, arg_min(price, moment) AS price FROM prices GROUP BY item
)
SELECT d.*, coalesce(p.price, f.price) AS price
FROM deals d
ASOF LEFT JOIN prices p ON p.item = d.item AND d.moment >= p.moment
LEFT JOIN first_prices f ON f.item = d.item
"""

JUDGED = (_TYPED, _SHARED, _JUDGED, "DROP TABLE typed", _SESSIONS, _PROPERTIES, _PRICED)

_REJECTS = """
SELECT
    'retailrocket:transaction:' || deal AS event_id, reason,
    'row ' || row || ' of the events: ' || CASE reason
        WHEN 'bad_time' THEN format('timestamp {} is no time', coalesce(timestamp, 'empty'))
        WHEN 'missing_who' THEN 'no visitorid'
        WHEN 'bad_choice' THEN format('event {} is not view, addtocart or transaction', coalesce(event, 'empty'))
        WHEN 'missing_field' THEN 'no itemid, or a transaction without transactionid'
        WHEN 'no_price' THEN format('no price of item {} is known', item)
        ELSE format('transaction {} has several visitors', deal) END AS detail,
    to_json(struct_pack(rows := [struct_pack(file := 'events.csv', row := row, timestamp := timestamp,
        visitorid := visitorid, event := event, itemid := itemid, transactionid := transactionid)]))::VARCHAR AS raw
FROM (
    FROM judged WHERE reason IS NOT NULL
    UNION ALL
    SELECT j.* REPLACE ('no_price' AS reason)
    FROM judged j SEMI JOIN (SELECT row FROM priced WHERE price IS NULL) USING (row)
)
"""

_PROPERTY_REJECTS = """
SELECT
    NULL::VARCHAR AS event_id,
    CASE WHEN moment IS NULL THEN 'bad_time' WHEN item IS NULL THEN 'missing_field' ELSE 'bad_value' END AS reason,
    format('item {}: property {} with value {} at {} tells nothing', coalesce(itemid, 'empty'), property,
        coalesce(value, 'empty'), coalesce(timestamp, 'empty')) AS detail,
    to_json(struct_pack(rows := [struct_pack(file := 'item_properties', timestamp := timestamp, itemid := itemid,
        property := property, value := value)]))::VARCHAR AS raw
FROM properties
WHERE moment IS NULL OR item IS NULL OR (category IS NULL AND price IS NULL AND in_stock IS NULL)
"""

_ITEMS = """
WITH told AS (
    SELECT item, moment, max(category) AS category, max(price) AS price
    FROM properties
    WHERE moment IS NOT NULL AND item IS NOT NULL
    GROUP BY ALL
), filled AS (
    SELECT item, moment, last_value(category IGNORE NULLS) OVER so_far AS category,
        last_value(price IGNORE NULLS) OVER so_far AS price
    FROM told
    WINDOW so_far AS (PARTITION BY item ORDER BY moment ROWS UNBOUNDED PRECEDING)
), changes AS (
    SELECT *, lag(item) OVER ordered IS NULL AS first, lead(item) OVER ordered IS NULL AS last FROM (
        SELECT *, lag(item) OVER ordered IS NULL
            OR (category, price) IS DISTINCT FROM lag((category, price)) OVER ordered AS changed
        FROM filled WINDOW ordered AS (PARTITION BY item ORDER BY moment)
    ) WHERE changed
    WINDOW ordered AS (PARTITION BY item ORDER BY moment)
), stock AS (
    SELECT item, arg_max(in_stock, moment) AS in_stock, max(moment) AS stock_at
    FROM properties WHERE in_stock IS NOT NULL AND moment IS NOT NULL AND item IS NOT NULL GROUP BY item
)
SELECT
    c.item AS item_id,
    coalesce(p.path, c.category) AS category,
    c.price,
    if(c.last, s.in_stock, NULL) AS in_stock,
    if(c.first, NULL, c.moment) AS valid_from,
    if(c.last, s.stock_at, NULL) AS stock_at
FROM changes c LEFT JOIN stock s USING (item) LEFT JOIN paths p ON p.category = c.category
ORDER BY item_id, valid_from NULLS FIRST
"""

KEPT = {
    "browsing": (
        "SELECT moment, ms, visitor, action, item, session_id FROM steps WHERE action <> 'bought'"
        " ORDER BY moment, visitor, action, item"
    ),
    "buyers": (
        "SELECT visitor, min(moment) AS moment FROM steps WHERE action = 'bought'"
        " GROUP BY visitor ORDER BY moment, visitor"
    ),
    "lines": (
        "SELECT deal, moment, visitor, item, price FROM priced WHERE price IS NOT NULL ORDER BY moment, deal, item, row"
    ),
    "rejects": (
        f"SELECT * REPLACE (replace(reason, 'no_price', 'missing_field') AS reason) FROM ({_REJECTS})"
        f" UNION ALL {_PROPERTY_REJECTS}"
    ),
    "items": _ITEMS,
}
