"""The Complete Journey's tables as arrays: local days, voids left out, rows in any order."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.coupon_data import day_of, to_journey


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    return {
        "transactions": pd.DataFrame(
            {
                "household_id": [5, 5, 9, 9],
                "basket_id": [31, 31, 32, 33],
                "product_id": [100, 300, 100, 200],
                "quantity": [1, 2, 1, 0],  # the last one is a coupon slip
                "sales_value": [2.0, 3.0, 0.5, 1.0],
                "retail_disc": [0.0, 0.4, 0.0, 0.0],
                "coupon_disc": [0.5, 0.0, 0.6, 0.0],
                "transaction_timestamp": pd.to_datetime(
                    ["2017-02-01 04:59", "2017-02-01 04:59", "2017-07-01 04:00", "2017-07-02 12:00"]
                ),
            }
        ),
        "products": pd.DataFrame(
            {
                "product_id": [100, 200, 300],
                "manufacturer_id": [1, 2, 1],
                "department": ["GROCERY", "MEAT", "GROCERY"],
                "product_category": ["BREAD", None, "MILK"],
                "product_type": ["RYE", None, "OAT"],
            }
        ),
        "campaigns": pd.DataFrame({"campaign_id": [8, 8, 9], "household_id": [9, 5, 5]}),
        "campaign_descriptions": pd.DataFrame(
            {
                "campaign_id": [9, 8],
                "campaign_type": ["Type B", "Type A"],
                "start_date": pd.to_datetime(["2017-03-01", "2017-02-01"]),
                "end_date": pd.to_datetime(["2017-03-31", "2017-02-28"]),
            }
        ),
        "coupons": pd.DataFrame(
            {
                "coupon_upc": [77, 77, 77, 66, 66],
                "product_id": [100, 300, 100, 200, 100],
                "campaign_id": [8, 8, 8, 8, 9],
            }
        ),
        "coupon_redemptions": pd.DataFrame(
            {
                "household_id": [5],
                "coupon_upc": [77],
                "campaign_id": [8],
                "redemption_date": pd.to_datetime(["2017-02-03"]),
            }
        ),
    }


def test_days_are_the_shops_own(tables: dict[str, pd.DataFrame]) -> None:
    journey = to_journey(tables)
    lines = journey.shop.lines
    assert journey.households.tolist() == [5, 9]
    winter, summer = lines.day[0], lines.day[2]
    assert winter == pytest.approx(day_of("2017-01-31") + (23 + 59 / 60) / 24)  # New York is five hours behind
    assert summer == day_of("2017-07-01")  # four in summer: a midnight
    assert (journey.last_day, journey.shop.first_day) == (day_of("2017-07-01"), day_of("2017-01-31"))


def test_lines_are_paid_without_the_coupon_and_slips_left_out(tables: dict[str, pd.DataFrame]) -> None:
    lines = to_journey(tables).shop.lines
    assert lines.paid.tolist() == [1.5, 3.0, 0.0]
    assert lines.coupon_used.tolist() == [True, False, True]
    assert lines.reduced.tolist() == [False, True, False]


def test_campaigns_know_their_receivers_and_what_a_coupon_is_good_for(tables: dict[str, pd.DataFrame]) -> None:
    first, second = to_journey(tables).shop.campaigns
    assert (first.number, second.number, first.kind, second.kind) == (8, 9, 0, 1)
    assert first.customers.tolist() == [0, 1]
    assert first.coupons.tolist() == [0, 1]  # 66 and 77
    assert first.items.todense().tolist() == [[0, 1, 0], [1, 0, 1]]  # a coupon named twice for an item is good once
    assert second.items.todense().tolist() == [[1, 0, 0]]


def test_rows_in_another_order_give_the_same(tables: dict[str, pd.DataFrame]) -> None:
    turned = {name: table.iloc[::-1].reset_index(drop=True) for name, table in tables.items()}
    first, second = to_journey(tables).shop, to_journey(turned).shop
    for name in vars(first.lines):
        np.testing.assert_array_equal(getattr(first.lines, name), getattr(second.lines, name))
    for one, two in zip(first.campaigns, second.campaigns, strict=True):
        np.testing.assert_array_equal(one.items.todense(), two.items.todense())
        np.testing.assert_array_equal(one.customers, two.customers)
