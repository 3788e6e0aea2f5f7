"""A small Olist folder to be read by eye, and one of any size."""

import csv
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

HEADERS = {
    "olist_orders_dataset.csv": (
        "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,order_delivered_carrier_date,"
        "order_delivered_customer_date,order_estimated_delivery_date"
    ),
    "olist_order_items_dataset.csv": (
        "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value"
    ),
    "olist_order_reviews_dataset.csv": (
        "review_id,order_id,review_score,review_comment_title,review_comment_message,review_creation_date,"
        "review_answer_timestamp"
    ),
    "olist_customers_dataset.csv": (
        "customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state"
    ),
    "olist_products_dataset.csv": (
        "product_id,product_category_name,product_name_lenght,product_description_lenght,product_photos_qty,"
        "product_weight_g,product_length_cm,product_height_cm,product_width_cm"
    ),
    "product_category_name_translation.csv": "product_category_name,product_category_name_english",
}
ORDERS, ITEMS, REVIEWS, CUSTOMERS, PRODUCTS, TRANSLATIONS = HEADERS

SMALL = {
    ORDERS: """
o1,c1,delivered,2017-10-02 10:56:33,2017-10-02 11:07:15,2017-10-04 19:55:00,2017-10-10 21:25:13,2017-10-18 00:00:00
o2,c2,canceled,2018-01-05 09:00:00,2018-01-05 09:10:00,,,2018-01-20 00:00:00
o3,c3,unavailable,2018-02-01 12:00:00,2018-02-01 12:00:00,,,2018-02-20 00:00:00
o4,c4,shipped,2018-07-01 12:00:00,2018-07-01 12:30:00,2018-07-02 08:00:00,,2018-07-10 00:00:00
o5,c9,delivered,2018-07-02 12:00:00,,,2018-07-04 12:00:00,2018-07-10 00:00:00
o6,c6,delivered,yesterday,,,,2018-07-10 00:00:00
o7,c7,delivered,2018-07-03 12:00:00,2018-07-03 12:00:00,,,2018-07-10 00:00:00
o1,c1,shipped,2017-10-02 10:56:33,,,,2017-10-18 00:00:00
o8,c8,lost,2018-07-03 12:00:00,,,,2018-07-10 00:00:00
""",
    ITEMS: """
o1,1,p1,s1,2017-10-06 11:07:15,29.99,8.72
o1,2,p1,s1,2017-10-06 11:07:15,29.99,8.72
o1,3,p2,s1,2017-10-06 11:07:15,5.00,8.72
o2,1,p1,s1,2018-01-09 09:00:00,30.50,8.72
o4,1,p3,s1,2018-07-05 12:00:00,10.00,0.00
o4,2,p3,s1,2018-07-05 12:00:00,ten,0.00
o4,3,p3,s1,2018-07-05 12:00:00,-1.00,0.00
o4,4,,s1,2018-07-05 12:00:00,1.00,0.00
o5,1,p1,s1,2018-07-05 12:00:00,29.99,8.72
o6,1,p1,s1,2018-07-05 12:00:00,29.99,8.72
o7,1,p1,s1,2018-07-05 12:00:00,29.99,8.72
o99,1,p1,s1,2018-07-05 12:00:00,29.99,8.72
""",
    REVIEWS: """
r1,o1,4,Recomendo,"Aparelho eficiente,
no site a ""marca"" é outra",2017-10-11 00:00:00,2017-10-12 03:43:48
r2,o1,5,,,2017-10-11 00:00:00,2017-10-13 12:00:00
r3,o3,1,,Não recebi,2018-02-21 00:00:00,2018-02-22 12:00:00
r4,o4,9,,,2018-07-11 00:00:00,2018-07-12 12:00:00
r5,o4,good,,,2018-07-11 00:00:00,2018-07-12 12:00:00
r6,o4,3,,,2018-07-11 00:00:00,
r7,o5,3,,,2018-07-11 00:00:00,2018-07-12 12:00:00
r8,o99,3,,,2018-07-11 00:00:00,2018-07-12 12:00:00
r2,o4,5,,,2017-10-11 00:00:00,2018-07-13 12:00:00
r2,o4,5,,,2017-10-11 00:00:00,2018-07-13 12:00:00
r3,o3,2,,,2018-02-21 00:00:00,2018-02-23 12:00:00
""",
    CUSTOMERS: """
c1,ana,14409,franca,SP
c2,ana,09790,sao bernardo do campo,SP
c3,bia,01151,sao paulo,SP
c4,ana,09790,sao bernardo do campo,SP
c6,bia,01151,sao paulo,SP
c7,bia,01151,sao paulo,SP
c8,bia,01151,sao paulo,SP
""",
    PRODUCTS: """
p1,beleza_saude,40,287,1,225,16,10,14
p2,pc_gamer,44,276,1,1000,30,18,20
p3,,,,,,,,
p4,bebes,44,276,1,1000,30,18,20
""",
    TRANSLATIONS: """
beleza_saude,health_beauty
bebes,baby
""",
}


def write_small(folder: Path, **changed: str) -> Path:
    """The small folder; `changed` gives other rows for a file, named by the word in its name (orders="...")."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, header in HEADERS.items():
        rows = next((text for word, text in changed.items() if f"_{word}_dataset" in name), SMALL[name])
        bom = "\ufeff" if name == TRANSLATIONS else ""
        (folder / name).write_text(f"{bom}{header}\n{rows.lstrip()}", encoding="utf-8")
    return folder


def write_large(folder: Path, orders: int, *, days: int = 730, seed: int = 1) -> Path:
    """A folder of so many orders over so many days, with 1.2 items and a review each; 2 % cancelled, 1 % empty."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(seed)
    start = datetime(2016, 10, 1)  # noqa: DTZ001 -- the shop's local time, as in the files
    files = {name: (folder / name).open("w", encoding="utf-8", newline="") for name in HEADERS}
    out = {name: csv.writer(file, lineterminator="\n") for name, file in files.items()}
    for name, header in HEADERS.items():
        out[name].writerow(header.split(","))
    for product in range(1000):
        out[PRODUCTS].writerow([f"p{product:031d}", "beleza_saude", 40, 287, 1, 225, 16, 10, 14])
    out[TRANSLATIONS].writerow(["beleza_saude", "health_beauty"])
    for first in range(0, orders, 100_000):
        count = min(100_000, orders - first)
        minutes = draw.integers(0, days * 24 * 60, count).tolist()
        under_way = draw.integers(2, 30, count).tolist()
        lots = draw.random(count).tolist()
        products = draw.integers(0, 1000, (count, 2)).tolist()
        for place in range(count):
            order, person = f"{first + place:032x}", f"{(first + place) * 7 % max(1, orders * 9 // 10):032x}"
            bought = start + timedelta(minutes=minutes[place])
            gone = lots[place] < 0.02
            arrived = bought + timedelta(days=under_way[place])
            out[CUSTOMERS].writerow([f"c{order}", person, "01151", "sao paulo", "SP"])
            out[ORDERS].writerow(
                [order, f"c{order}", "canceled" if gone else "delivered", bought, bought, "" if gone else
                 bought + timedelta(days=1), "" if gone else arrived, (bought + timedelta(days=20)).date()]
            )  # fmt: skip
            for piece in range(0 if lots[place] > 0.99 else 1 + (lots[place] > 0.8)):
                out[ITEMS].writerow(
                    [order, piece + 1, f"p{products[place][piece]:031d}", "s1", arrived, "29.90", "8.72"]
                )
            text = "Muito bom,\nchegou antes do prazo" if lots[place] > 0.6 else ""
            score = 1 + int(5 * lots[place])
            out[REVIEWS].writerow(["r" + order, order, score, "", text, arrived.date(), arrived + timedelta(days=2)])
    for file in files.values():
        file.close()
    return folder


def count_rows(file: Path) -> int:
    """Data rows of a CSV file."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return sum(1 for _ in _rows(lines))


def _rows(lines: Iterable[str]) -> Iterable[list[str]]:
    rows = csv.reader(lines)
    next(rows)
    return rows
