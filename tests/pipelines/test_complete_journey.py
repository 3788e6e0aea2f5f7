import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features.columns import EVENT_SCHEMA
from features.errors import SourceError
from pipelines.sources import complete_journey
from pipelines.sources.base import Reject
from pipelines.sources.complete_journey import CompleteJourney

TRANSACTION = ("household_id", "basket_id", "product_id", "quantity", "sales_value", "retail_disc", "coupon_disc",
               "coupon_match_disc", "transaction_timestamp")  # fmt: skip
LATE = datetime(2017, 7, 1, 3, 59)  # noqa: DTZ001 -- UTC without a zone, as in the package
TRANSACTIONS = [
    (900, 31, 1095275, 1, 0.50, 0.0, 0.0, 0.0, datetime(2017, 1, 1, 11, 53, 26)),  # noqa: DTZ001
    (900, 32, 850562, 2, 3.55, 1.78, 0.55, 0.45, LATE),  # shelf 5.78, paid 3.00
    (900, 32, 918368, 1, 1.38, 0.51, 1.67, 0.0, LATE),  # the coupon is worth more than the article
    (900, 32, 873902, 3, 1.00, 0.0, 0.0, 0.0, LATE),  # 33 1/3 cents a piece
    (900, 32, 6534178, 9095, 20.10, 0.50, 0.0, 0.0, LATE),  # fuel, in thousandths of a gallon
    (900, 32, 1002418, 1, 0.0, 0.0, 0.0, 0.0, LATE),  # a gift
    (900, 32, 5978656, 0, 0.0, 0.0, 2.0, 0.0, LATE),  # a coupon slip
    (900, 33, 5978656, 0, 0.0, 0.0, 1.0, 0.0, LATE),  # a basket of nothing else
]
TABLES: dict[str, list[dict[str, Any]]] = {
    "transactions": [dict(zip(TRANSACTION, row, strict=True)) for row in TRANSACTIONS],
    "campaigns": [{"campaign_id": 18, "household_id": 900}, {"campaign_id": 99, "household_id": 900}],
    "campaign_descriptions": [
        {
            "campaign_id": 18,
            "campaign_type": "Type A",
            "start_date": datetime(2017, 10, 30),  # noqa: DTZ001
            "end_date": datetime(2017, 12, 24),  # noqa: DTZ001
        }
    ],
    "coupon_redemptions": [
        {
            "household_id": 900,
            "coupon_upc": 51380041013,
            "campaign_id": 18,
            "redemption_date": datetime(2017, 11, 2),  # noqa: DTZ001
        }
    ],
    "demographics": [
        {
            "household_id": 900,
            "age": "45-54",
            "income": "50-74K",
            "home_ownership": None,
            "marital_status": "Married",
            "household_size": "2",
            "household_comp": "2 Adults No Kids",
            "kids_count": "0",
        }
    ],
    "products": [
        {
            "product_id": 850562,
            "department": "GROCERY",
            "brand": "National",
            "product_category": "COOKIES/CONES",
            "product_type": "SPECIALTY COOKIES",
            "package_size": "14 OZ",
        },
        {
            "product_id": 26081,
            "department": "MISCELLANEOUS",
            "brand": "National",
            "product_category": None,
            "product_type": None,
            "package_size": None,
        },
    ],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, rows in TABLES.items():
        schema = pa.schema([("product_category", pa.string()), ("product_type", pa.string())])
        table = pa.Table.from_pylist(rows)
        for field in schema:
            if field.name in table.column_names:
                table = table.set_column(
                    table.column_names.index(field.name), field, table[field.name].cast(field.type)
                )
        pq.write_table(table, tmp_path / f"{name}.parquet")
    return tmp_path


def convert(path: Path) -> tuple[dict[str, dict[str, Any]], list[Reject]]:
    batches = list(CompleteJourney().batches(path))
    assert all(batch.events.schema == EVENT_SCHEMA for batch in batches)
    events = {row["event_id"]: row for batch in batches for row in batch.events.to_pylist()}
    return events, [reject for batch in batches for reject in batch.rejected]


def test_a_basket_is_a_purchase_whose_paid_amount_is_exact(folder: Path) -> None:
    basket = convert(folder)[0]["complete_journey:basket:32"]
    assert (basket["type"], basket["customer_id"], basket["order_id"], basket["currency"]) == (
        "purchase",
        "900",
        "32",
        "USD",
    )
    assert basket["occurred_at"] == LATE.replace(tzinfo=UTC)
    assert basket["received_at"] == basket["occurred_at"] + CompleteJourney.lag
    lines = [(line["item_id"], line["quantity"], line["unit_price"], line["discount"]) for line in basket["lines"]]
    assert lines == [
        ("850562", 2, 289, 278),  # 1.78 loyalty + 0.45 match + 0.55 coupon
        ("918368", 1, 189, 189),
        ("873902", 3, 34, 2),
        ("6534178", 1, 2060, 50),
        ("1002418", 1, 0, 0),
    ]
    assert [q * price - off for _, q, price, off in lines] == [300, 0, 100, 2010, 0]


def test_nothing_bought_is_rejected_row_by_row(folder: Path) -> None:
    events, rejects = convert(folder)
    assert "complete_journey:basket:33" not in events
    assert [(r.reason, json.loads(r.raw)["rows"][0]["row"]) for r in rejects] == [
        ("bad_quantity", 7),
        ("bad_quantity", 8),
        ("bad_value", 2),  # campaign 99 is not described
    ]
    assert json.loads(rejects[0].raw)["rows"][0]["coupon_disc"] == 2.0


def test_a_campaign_is_a_contact_and_a_redemption_its_outcome(folder: Path) -> None:
    events, _ = convert(folder)
    sent = events["complete_journey:campaign:18:900"]
    accepted = events["complete_journey:redemption:18:900:51380041013:20171102"]
    assert (sent["status"], sent["occurred_at"]) == ("sent", datetime(2017, 10, 30, 4, tzinfo=UTC))
    assert (accepted["status"], accepted["occurred_at"]) == ("accept", datetime(2017, 11, 3, 3, 59, 59, tzinfo=UTC))
    assert {(e["action_id"], e["treatment_id"]) for e in (sent, accepted)} == {("campaign_type_a", "campaign_18")}


def test_demographics_are_profile_facts_without_the_unknown_ones(folder: Path) -> None:
    profile = convert(folder)[0]["complete_journey:household:900"]
    assert profile["occurred_at"] == datetime(2017, 1, 1, 5, tzinfo=UTC)
    assert json.loads(profile["facts"]) == {
        "age_band": "45-54",
        "income_band": "50-74K",
        "marital_status": "Married",
        "household_size": "2",
        "household_composition": "2 Adults No Kids",
        "kids_count": "0",
    }


def test_items_have_a_category_path(folder: Path) -> None:
    items = CompleteJourney().items(folder).select(["item_id", "title", "category", "price"]).to_pylist()
    assert items == [
        {"item_id": "26081", "title": "MISCELLANEOUS", "category": "MISCELLANEOUS", "price": None},
        {
            "item_id": "850562",
            "title": "SPECIALTY COOKIES 14 OZ",
            "category": "GROCERY/COOKIES-CONES/SPECIALTY COOKIES",
            "price": 289,
        },
    ]


def test_what_cannot_be_read_names_the_remedy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "campaigns.parquet").write_bytes(b"PAR1")
    with pytest.raises(SourceError, match=r"campaigns.parquet is not a whole Parquet file.*make demo"):
        convert(folder)
    (folder / "campaigns.parquet").unlink()
    with pytest.raises(SourceError, match=r"campaigns.parquet is absent"):
        convert(folder)
    pq.write_table(pa.table({"campaign_id": [1]}), folder / "campaigns.parquet")
    with pytest.raises(SourceError, match=r"lacks the column\(s\) household_id"):
        convert(folder)
    with pytest.raises(SourceError, match="is not a folder"):
        convert(folder / "nowhere")
    monkeypatch.setattr(complete_journey, "find_spec", lambda name: None)
    with pytest.raises(SourceError, match=r"not installed. Run `make demo SOURCE=complete_journey`, or: pip install"):
        convert(Path("-"))


def test_every_real_row_is_in_exactly_one_place() -> None:
    source = CompleteJourney()
    rows, lines, ids, paid = 0, 0, set(), 0
    for batch in source.batches():
        assert batch.events.num_rows <= 200_000
        rows += len(batch.rejected) + batch.events.filter(pc.not_equal(batch.events["type"], "purchase")).num_rows
        line = pc.list_flatten(batch.events["lines"]).combine_chunks()
        lines += len(line)
        quantity, price, off = (pc.struct_field(line, name) for name in ("quantity", "unit_price", "discount"))
        amounts = pc.subtract(pc.multiply(quantity, price), off)
        paid += pc.sum(amounts).as_py() or 0
        assert (pc.min(amounts).as_py() or 0) >= 0 and (pc.min(off).as_py() or 0) >= 0
        ids |= set(batch.events["event_id"].to_pylist())
    assert (lines, rows + lines) == (1_460_438, source.total_rows())
    assert len(ids) == 155_518 + 6_589 + 2_102 + 801
    assert paid == 457_653_693  # cents: all sales values less coupons, the capped ones aside
