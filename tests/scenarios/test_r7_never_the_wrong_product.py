"""R7: out of stock, already owned, just returned: never recommended. A returned item counts against its like."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from features.catalogue import ITEM_SCHEMA, merge_items
from features.log.event_log import EventLog
from tests.serving.core.test_bundles import write_bundle
from training.purchases import item_categories, load_purchases
from training.retrieval import connect, item_table

from .conftest import ARTICLES


def buys(shop, customer, item_id):
    line = {"item_id": item_id, "quantity": 1, "unit_price": 4900, "discount": 0}
    shop.happens("purchase", customer, order_id=f"{item_id} for {customer}", currency="EUR", lines=[line])
    shop.wait(seconds=1)


def returns(shop, customer, item_id):
    line = {"item_id": item_id, "quantity": 1, "amount": 4900}
    shop.happens("return", customer, touchpoint="returns", order_id=f"{item_id} for {customer}", lines=[line])
    shop.wait(seconds=1)


def everywhere(shop, customer):
    """Every product that any sales action would show her, in order, place by place."""
    places = [
        ("front_page", "web"),
        ("product_page", "web"),
        ("cart", "web"),
        ("email", "email"),
        ("store_desk", "store"),
    ]
    answers = [shop.asks(customer, place, channel, n=9, context={"item": "rain-coat"}) for place, channel in places]
    return [item for answer in answers for item in answer.products]


@pytest.fixture
def many(shop):
    """A slot shows up to ten products, so that all that may be shown are."""
    for action in ("recommended_items", "popular_items", "session_items"):
        shop.edits_action(action, lambda action: action["items"].update(count=10))
    shop.regular("aino")
    return shop


def test_r7_out_of_stock_is_never_recommended(many):
    assert "boot-39" in everywhere(many, "aino") and "sun-hat" not in everywhere(many, "aino")

    sold_out = [item | {"in_stock": False} for item in ARTICLES if item["item_id"] == "boot-39"]
    merge_items(many.home, pa.Table.from_pylist(sold_out, schema=ITEM_SCHEMA))
    assert "boot-39" not in everywhere(many, "aino"), "sold out a moment ago"


def test_r7_out_of_season_neither(many):
    winter = [item | {"season_months": [11, 12, 1]} for item in ARTICLES if item["item_id"] == "boot-39"]
    merge_items(many.home, pa.Table.from_pylist(winter, schema=ITEM_SCHEMA))
    assert "boot-39" not in everywhere(many, "aino"), "it is September"
    many.now = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
    assert "boot-39" in everywhere(many, "aino")


def test_r7_what_she_owns_is_not_recommended_unless_it_is_used_up(many):
    assert "clog-39" in everywhere(many, "aino")
    buys(many, "aino", "clog-39")
    shown = everywhere(many, "aino")
    assert "clog-39" not in shown
    assert "coffee-500" in shown, "coffee is drunk and bought again"


def test_r7_what_she_sent_back_is_never_recommended_again(many):
    buys(many, "aino", "coffee-500")
    returns(many, "aino", "coffee-500")
    assert "coffee-500" not in everywhere(many, "aino"), "not even what is otherwise bought again and again"


def test_r7_a_returned_item_counts_against_its_like(many):
    before = many.asks("aino", "front_page").products
    assert before.index("clog-39") < before.index("wool-socks")
    buys(many, "aino", "sneaker-39")
    returns(many, "aino", "sneaker-39")
    after = many.asks("aino", "front_page").products
    shoes = [item for item in after if item in ("boot-39", "clog-39")]
    assert shoes == after[-2:] == ["boot-39", "clog-39"], "other shoes may be shown, after everything else"
    assert [i for i in after if i not in shoes] == [i for i in before if i not in (*shoes, "sneaker-39")]


def test_r7_anothers_return_is_nothing_to_her(many):
    before = many.asks("aino", "front_page").products
    many.regular("venla")
    buys(many, "venla", "sneaker-39")
    returns(many, "venla", "sneaker-39")
    assert many.asks("aino", "front_page").products == before


def test_r7_an_answer_kept_for_later_is_taken_back_when_its_product_is_sold_out(many):
    answer = many.email("aino")
    assert "boot-39" in answer.products
    sold_out = [item | {"in_stock": False} for item in ARTICLES if item["item_id"] == "boot-39"]
    merge_items(many.home, pa.Table.from_pylist(sold_out, schema=ITEM_SCHEMA))
    many.wait(minutes=1)
    (row,) = many.rechecks([answer["decision_id"]])
    assert row["allowed"] is False
    assert [reason["code"] for reason in row["reasons"]] == ["no_items"]


def test_r7_what_she_sent_back_counts_against_its_like_also_among_what_goes_together(many):
    learns_what_goes_together(many)
    many.looks_at("aino", "rain-coat")
    before = many.asks("aino", "front_page", n=9)
    assert session_items(before)[:2] == ["wool-socks", "boot-39"], "bought with rain coats, socks most"
    buys(many, "aino", "sneaker-39")
    returns(many, "aino", "sneaker-39")
    many.looks_at("aino", "rain-coat")
    after = session_items(many.asks("aino", "front_page", n=9))
    assert after[0] == "wool-socks" and after.index("boot-39") > 0
    assert all(item not in after[:-2] for item in ("boot-39", "clog-39")), "other shoes come after everything else"
    assert "sneaker-39" not in after, "and the pair itself does not come at all"


def test_r7_a_product_listed_yesterday_is_proposed_to_who_buys_its_like_and_obeys_the_same_rules(many):
    learns_what_goes_together(many)
    buys(many, "aino", "boot-39")
    listed = many.now - timedelta(days=1)
    many.stocks("arctic-boot", "Arctic boots", "clothing/shoes", 13900, valid_from=listed)
    many.wait(seconds=1)
    assert "arctic-boot" in recommended(many, "aino"), "nobody has bought it yet: it is like her boots"
    many.stocks("arctic-boot", "Arctic boots", "clothing/shoes", 13900, valid_from=listed, in_stock=False)
    assert "arctic-boot" not in recommended(many, "aino")


def learns_what_goes_together(shop):
    """Many buy socks, some boots, with their rain coats; of that a bundle is made and put in force."""
    for number in range(9):
        shop.orders(f"n{number}", "rain-coat", "wool-socks", *(["boot-39"] if number < 5 else []))
    shop.wait(seconds=1)
    with EventLog(shop.home) as log:
        log.flush_live()
    with connect(load_purchases(shop.home)) as con:
        table = item_table(con, shop.now, categories=item_categories(shop.home))
    shop.takes_up(write_bundle(shop.home, learned=[lambda folder: table.save(folder / "items.npz")]))


def session_items(answer):
    """What the session's own offer shows."""
    return [i["item_id"] for a in answer["actions"] if a["action_id"] == "session_items" for i in a["items"]]


def recommended(shop, customer):
    """What is recommended to her by what she bought."""
    actions = shop.asks(customer, "front_page", n=9)["actions"]
    return [i["item_id"] for a in actions if a["action_id"] == "recommended_items" for i in a["items"]]
