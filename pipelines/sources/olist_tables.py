"""The SQL that judges every row of Olist's files and brings what is good into order; `olist.py` says what it means."""

STATUSES = ("created", "approved", "invoiced", "processing", "shipped", "delivered", "canceled", "unavailable")
_TIMES = {
    "bought": "order_purchase_timestamp",
    "approved": "order_approved_at",
    "shipped": "order_delivered_carrier_date",
    "delivered": "order_delivered_customer_date",
    "promised": "order_estimated_delivery_date",
}


def _local(text: str) -> str:
    return f"timezone('America/Sao_Paulo', try_cast({text} AS TIMESTAMP))"


def _raw(table: str, file: str, columns: str, *more: str) -> str:
    """A raw row as the quarantine keeps it, as JSON."""
    fields = ", ".join(f"{column} := {table}.{column}" for column in columns.split())
    told = "".join(f"{one}, " for one in more)
    return f"to_json(struct_pack({told}rows := [struct_pack(file := '{file}', row := {table}.row, {fields})]))::VARCHAR"


_PEOPLE = """
CREATE TABLE people AS
SELECT
    trim(customer_id) AS customer_id,
    if(min(customer_unique_id) = max(customer_unique_id), trim(min(customer_unique_id)), NULL) AS person,
    upper(trim(arg_min(customer_state, row))) AS state,
    trim(arg_min(customer_city, row)) AS city
FROM raw_customers
WHERE trim(customer_id) <> ''
GROUP BY ALL
"""

# The end of the promised day, where no time of day is given.
_PROMISED = """timezone('America/Sao_Paulo', if(promised_day = date_trunc('day', promised_day),
    promised_day + INTERVAL 86399 SECOND, promised_day))"""

_ORDERS = f"""
CREATE TABLE orders AS
WITH typed AS (
    SELECT
        o.*,
        trim(o.order_id) AS id,
        lower(trim(o.order_status)) AS state_of_order,
        {", ".join(f"{_local(column)} AS {name}" for name, column in _TIMES.items() if name != "promised")},
        try_cast(o.order_estimated_delivery_date AS TIMESTAMP) AS promised_day,
        p.person, p.state, p.city,
        row_number() OVER (PARTITION BY trim(o.order_id) ORDER BY o.row) AS nth
    FROM raw_orders o LEFT JOIN people p ON p.customer_id = trim(o.customer_id)
), dated AS (
    SELECT *, {_PROMISED} AS promised FROM typed
)
SELECT
    *,
    greatest(promised, bought, approved, shipped, delivered) AS over_at,
    CASE
        WHEN coalesce(id, '') = '' THEN 'missing_field'
        WHEN nth > 1 THEN 'conflicting_duplicate'
        WHEN bought IS NULL OR {" OR ".join(f"({n} IS NULL) <> ({c} IS NULL)" for n, c in _TIMES.items())}
            THEN 'bad_time'
        WHEN person IS NULL OR person = '' THEN 'missing_who'
        WHEN state_of_order IS NULL OR state_of_order NOT IN {STATUSES} THEN 'bad_choice'
    END AS reason
FROM dated
"""

_ITEMS = """
CREATE TABLE items AS
SELECT
    i.*,
    trim(i.order_id) AS id,
    trim(i.product_id) AS item,
    round(100 * try_cast(i.price AS DECIMAL(18, 6)))::BIGINT AS cents,
    o.bought AS moment,
    o.person,
    CASE
        WHEN coalesce(trim(i.order_id), '') = '' OR coalesce(trim(i.product_id), '') = '' THEN 'missing_field'
        WHEN o.id IS NULL THEN 'missing_who'
        WHEN o.reason IS NOT NULL THEN o.reason
        WHEN try_cast(i.price AS DECIMAL(18, 6)) IS NULL THEN 'unparseable'
        WHEN try_cast(i.price AS DECIMAL(18, 6)) < 0 THEN 'negative_price'
    END AS reason
FROM raw_items i LEFT JOIN (SELECT id, bought, person, reason FROM orders WHERE nth = 1) o ON o.id = trim(i.order_id)
"""

_REVIEWS = f"""
CREATE TABLE reviews AS
SELECT
    r.*,
    trim(r.review_id) AS id,
    trim(r.order_id) AS order_,
    {_local("r.review_answer_timestamp")} AS moment,
    try_cast(r.review_score AS DOUBLE) AS score,
    nullif(concat_ws(chr(10), nullif(trim(r.review_comment_title), ''), nullif(trim(r.review_comment_message), '')), '')
        AS text,
    o.person,
    CASE
        WHEN coalesce(trim(r.review_id), '') = '' OR coalesce(trim(r.order_id), '') = '' THEN 'missing_field'
        WHEN o.person IS NULL OR o.person = '' THEN 'missing_who'
        WHEN {_local("r.review_answer_timestamp")} IS NULL THEN 'bad_time'
        WHEN try_cast(r.review_score AS DOUBLE) IS NULL THEN 'unparseable'
    END AS reason
FROM raw_reviews r LEFT JOIN (SELECT id, person FROM orders WHERE nth = 1) o ON o.id = trim(r.order_id)
"""

JUDGED = (_PEOPLE, _ORDERS, _ITEMS, _REVIEWS)

LINES = """
SELECT moment, id AS order_id, person, item AS product_id, cents AS price,
    coalesce(try_cast(order_item_id AS BIGINT), row) AS place
FROM items WHERE reason IS NULL ORDER BY moment, order_id, place
"""


def _delivery(status: str, moment: str, when: str, promised: str = "NULL::TIMESTAMPTZ") -> str:
    return f"""SELECT
        'olist:delivery:' || id || ':{status}' AS event_id, 'delivery' AS type, {moment} AS moment, person,
        id AS order_id, '{status}' AS status, {promised} AS promised_at, NULL::DOUBLE AS score, NULL::VARCHAR AS text,
        NULL::VARCHAR AS facts
    FROM orders WHERE reason IS NULL AND {when}"""


TOLD = f"""
WITH moves AS (
    SELECT id, person, bought, state, city, (state, city) IS DISTINCT FROM
        lag((state, city)) OVER (PARTITION BY person ORDER BY bought, id) AS moved
    FROM orders WHERE reason IS NULL AND coalesce(state, city) IS NOT NULL
)
{_delivery("promised", "bought", "promised IS NOT NULL", "promised")}
UNION ALL {_delivery("shipped", "shipped", "shipped IS NOT NULL")}
UNION ALL {
    _delivery("delivered", "coalesce(delivered, over_at)", "(delivered IS NOT NULL OR state_of_order = 'delivered')")
}
UNION ALL {_delivery("cancelled", "over_at", "state_of_order IN ('canceled', 'unavailable')")}
UNION ALL
SELECT 'olist:review:' || id || ':' || order_, 'feedback', moment, person, order_, NULL, NULL, score, text, NULL
FROM reviews WHERE reason IS NULL
UNION ALL
SELECT 'olist:order:' || id || ':place', 'profile', bought, person, NULL, NULL, NULL, NULL, NULL,
    json_merge_patch('{{}}', json_object('country', 'BR', 'state', state, 'city', city))::VARCHAR
FROM moves WHERE moved
ORDER BY moment, event_id
"""

_ORDER_ROW = _raw("o", "olist_orders_dataset.csv", f"order_id customer_id order_status {' '.join(_TIMES.values())}")
_ITEM_ROW = _raw("i", "olist_order_items_dataset.csv", "order_id order_item_id product_id price")
_REVIEW_ROW = _raw(
    "r",
    "olist_order_reviews_dataset.csv",
    "review_id order_id review_score review_comment_title review_comment_message review_answer_timestamp",
    "type := 'feedback'",
    "customer_id := r.person",
)

REJECTS = f"""
SELECT 'olist:order:' || id AS event_id, reason, 'row ' || row || ' of the orders: ' || CASE reason
    WHEN 'missing_field' THEN 'no order_id'
    WHEN 'conflicting_duplicate' THEN format('order {{}} is there twice', id)
    WHEN 'bad_time' THEN format('order {{}}: no purchase time, or a time that is none', id)
    WHEN 'missing_who' THEN format('customer_id {{}} has no one customer_unique_id', coalesce(customer_id, 'empty'))
    ELSE format('order_status {{}} is not known', coalesce(order_status, 'empty')) END AS detail,
    {_ORDER_ROW} AS raw
FROM orders o WHERE reason IS NOT NULL
UNION ALL
SELECT 'olist:order:' || id, 'empty_lines', format('row {{}} of the orders: order {{}} has no line', row, id),
    {_ORDER_ROW}
FROM orders o ANTI JOIN (SELECT id FROM items WHERE reason IS NULL) i USING (id) WHERE reason IS NULL
UNION ALL
SELECT 'olist:order:' || id, reason, 'row ' || row || ' of the items: ' || CASE reason
    WHEN 'missing_field' THEN 'no order_id or product_id'
    WHEN 'unparseable' THEN format('price {{}} is no number', coalesce(price, 'empty'))
    WHEN 'negative_price' THEN format('price {{}} is below nothing', price)
    WHEN 'missing_who' THEN format('order {{}} is not there, or nobody''s', id)
    ELSE format('its order {{}} was not taken', id) END,
    {_ITEM_ROW}
FROM items i WHERE reason IS NOT NULL
UNION ALL
SELECT 'olist:review:' || id || ':' || order_, reason, 'row ' || row || ' of the reviews: ' || CASE reason
    WHEN 'missing_field' THEN 'no review_id or order_id'
    WHEN 'missing_who' THEN format('order {{}} is not there, or nobody''s', order_)
    WHEN 'bad_time' THEN format('review_answer_timestamp {{}} is no time', coalesce(review_answer_timestamp, 'empty'))
    ELSE format('review_score {{}} is no number', coalesce(review_score, 'empty')) END,
    {_REVIEW_ROW}
FROM reviews r WHERE reason IS NOT NULL
"""

ITEMS = """
WITH sold AS (
    SELECT item, cents, count(*) AS times, min(moment) AS first_at FROM items WHERE reason IS NULL GROUP BY ALL
), priced AS (
    SELECT item, arg_max(cents, (times, -cents)) AS price, min(first_at) AS valid_from FROM sold GROUP BY ALL
), named AS (
    SELECT trim(product_id) AS item, arg_min(trim(product_category_name), row) AS category
    FROM raw_products WHERE trim(product_id) <> '' GROUP BY ALL
), english AS (
    SELECT trim(product_category_name) AS category, min(trim(product_category_name_english)) AS name
    FROM raw_translations GROUP BY ALL
)
SELECT item AS item_id, replace(coalesce(nullif(e.name, ''), nullif(n.category, '')), '/', '-') AS category,
    price, valid_from
FROM named n FULL JOIN priced p USING (item) LEFT JOIN english e USING (category)
ORDER BY item_id
"""
