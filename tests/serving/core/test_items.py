"""Which items may be shown to whom."""

import pyarrow as pa

from features.catalogue import as_items
from serving.core.items import Article, Articles, Scored, pick

SHOP = Articles(
    {
        "coffee": Article("coffee", consumable=True, in_stock=True),
        "coat": Article("coat", consumable=False, in_stock=True),
        "lamp": Article("lamp", in_stock=False),
        "skis": Article("skis", in_stock=True, months=frozenset({11, 12, 1})),
        "mug": Article("mug"),
    }
)
PROPOSED = [Scored(i, 0.5, 1) for i in ("coffee", "coat", "lamp", "skis", "mug", "unheard-of")]


def shown(month=9, owned=(), returned=(), **more):
    return [s.item_id for s in pick(PROPOSED, SHOP, count=9, month=month, owned=owned, returned=returned, **more)]


def test_in_stock_in_season_and_in_the_catalogue():
    assert shown() == ["coffee", "coat", "mug"]
    assert shown(month=12) == ["coffee", "coat", "skis", "mug"]


def test_the_owned_is_shown_again_only_if_it_is_used_up_or_a_repeat_where_nobody_says():
    assert shown(owned={"coffee", "coat", "mug"}) == ["coffee", "mug"]
    popular = [Scored("mug", 0.5, 4)]
    assert pick(popular, SHOP, count=9, month=9, owned={"mug"}, returned=()) == []


def test_the_returned_and_what_is_before_her_is_left_out():
    assert shown(returned={"coffee"}) == ["coat", "mug"]
    assert shown(shown={"mug"}) == ["coffee", "coat"]


def test_repeats_only_and_the_count():
    assert shown(owned={"coffee"}, repeats_only=True) == ["coffee"]
    assert [s.item_id for s in pick(PROPOSED, SHOP, count=1, month=9, owned=(), returned=())] == ["coffee"]


def test_a_shop_without_a_catalogue_shows_what_is_proposed():
    assert len(pick(PROPOSED, Articles(), count=9, month=9, owned=(), returned=())) == 6


def test_margin_is_stated_or_a_share_of_the_price_or_the_default():
    articles = Articles({"a": Article("a", price=1000, margin=300), "b": Article("b", price=1000), "c": Article("c")})
    assert [articles.margin(i, default=50, share=0.25) for i in "abcd"] == [300, 250, 50, 50]


def test_the_relations_are_read_from_the_catalogue():
    rows = [
        {"item_id": "bike"},
        {"item_id": "tyre", "accessory_of": ["bike"], "knowledge_url": "https://shop.example/tyres"},
        {"item_id": "tune-up", "service_for": ["bike"]},
        {"item_id": "wax", "service_for": ["bike", "skis"]},
    ]
    articles = Articles.of(as_items(pa.Table.from_pylist(rows, schema=as_items(pa.table({"item_id": ["x"]})).schema)))
    assert articles.accessories == {"bike": ["tyre"]}
    assert articles.services == {"bike": ["tune-up", "wax"], "skis": ["wax"]}
    assert articles.by_id["tyre"].knowledge_url == "https://shop.example/tyres"
    assert articles.replacement == {}


def test_the_replacement_of_an_item_is_its_nearest_successor_in_stock():
    articles = Articles(
        {
            "v2": Article("v2", in_stock=False, replaces=frozenset({"v1"})),
            "v3": Article("v3", in_stock=True, replaces=frozenset({"v2"})),
            "v4": Article("v4", in_stock=True, replaces=frozenset({"v3"})),
        }
    )
    assert articles.replacement == {"v1": ["v3"], "v2": ["v3"], "v3": ["v4"]}


def test_a_loop_of_successors_out_of_stock_ends_in_none():
    round_and_round = {
        "a": Article("a", in_stock=False, replaces=frozenset({"b"})),
        "b": Article("b", in_stock=False, replaces=frozenset({"a"})),
    }
    assert Articles(round_and_round).replacement == {}
