"""Which items may be shown to whom."""

from math import isnan

import pyarrow as pa

from features.catalogue import ITEM_SCHEMA, as_items
from serving.core.items import Article, Articles, Scored, StockWord, pick

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
    articles = Articles.of(as_items(pa.Table.from_pylist(rows, schema=ITEM_SCHEMA)))
    assert articles.accessories == {"bike": ["tyre"]}
    assert articles.services == {"bike": ["tune-up", "wax"], "skis": ["wax"]}
    assert articles.by_id["tyre"].knowledge_url == "https://shop.example/tyres"
    assert articles.replacements("bike") == []


V = {
    "v2": Article("v2", in_stock=False, replaces=frozenset({"v1"})),
    "v3": Article("v3", in_stock=True, replaces=frozenset({"v2"})),
    "v4": Article("v4", in_stock=True, replaces=frozenset({"v3"})),
}


def test_an_item_is_replaced_by_its_nearest_successors_in_stock():
    articles = Articles(V)
    assert [articles.replacements(v) for v in ("v1", "v2", "v3", "v4")] == [["v3"], ["v3"], ["v4"], []]
    assert articles.with_stock([StockWord("v2", True, 5)], "later").replacements("v1") == ["v2"]


def test_a_loop_of_successors_out_of_stock_ends_in_none():
    round_and_round = {
        "a": Article("a", in_stock=False, replaces=frozenset({"b"})),
        "b": Article("b", in_stock=False, replaces=frozenset({"a"})),
    }
    assert Articles(round_and_round).replacements("a") == []


def test_what_was_told_of_the_stock_since_the_catalogue_said_it_counts():
    articles = Articles({"a": Article("a", in_stock=True, stock_at=100), "b": Article("b", in_stock=True)}, "v1")
    words = [StockWord("a", False, 99), StockWord("b", False, 1), StockWord("unheard-of", True, 500)]
    told = articles.with_stock(words, "v2")
    assert (told.in_stock("a"), told.in_stock("b"), told.in_stock("unheard-of")) == (True, False, None)
    assert told.version == "v2" and not told.showable("b", 9) and not told.showable("unheard-of", 9)
    later = told.with_stock([StockWord("a", False, 100), StockWord("b", True, 2)], "v3")
    assert (later.in_stock("a"), later.in_stock("b")) == (False, True)
    assert (articles.in_stock("a"), told.in_stock("b")) == (True, False), "what was in force is as it was"


FAVOURITES = Articles(
    {
        "old": Article("old", in_stock=False, consumable=True),
        "new": Article("new", in_stock=True, replaces=frozenset({"old"})),
        "newer": Article("newer", in_stock=True, replaces=frozenset({"old"})),
        "tea": Article("tea", in_stock=True, consumable=True),
        "coat": Article("coat", in_stock=False, consumable=False),
        "coat-2": Article("coat-2", in_stock=True, replaces=frozenset({"coat"})),
    }
)


def favourites(*items, owned=("old", "tea", "coat"), returned=(), shown=(), repeats_only=True):
    proposed = [Scored(item, 0.5, 1) for item in items]
    found = pick(
        proposed, FAVOURITES, count=9, month=9, owned=owned, returned=returned, shown=shown, repeats_only=repeats_only
    )
    return [one.item_id for one in found]


def test_a_favourite_out_of_stock_gives_its_place_to_what_replaces_it():
    assert favourites("old", "tea") == ["new", "tea"]
    assert favourites("old", "tea", returned=("new",)) == ["newer", "tea"]
    assert favourites("old", "tea", shown=("new",)) == ["newer", "tea"]
    assert favourites("old", "tea", owned=("old", "tea", "new", "newer")) == ["tea"]


def test_the_chance_of_a_replacement_is_not_known():
    (one,) = pick([Scored("old", 0.5, 1)], FAVOURITES, count=1, month=9, owned=["old"], returned=(), repeats_only=True)
    assert one.item_id == "new" and isnan(one.probability)


def test_nothing_stands_in_for_what_she_would_not_buy_again_or_returned_or_outside_the_favourites():
    assert favourites("coat") == [], "a coat is not used up"
    assert favourites("old", returned=("old",)) == []
    assert favourites("old", repeats_only=False) == []
    assert favourites("old", owned=()) == []


def test_one_replacement_of_two_favourites_is_shown_once():
    both = Articles(
        {
            "a": Article("a", in_stock=False),
            "b": Article("b", in_stock=False),
            "c": Article("c", in_stock=True, replaces=frozenset({"a", "b"})),
        }
    )
    proposed = [Scored("a", 0.5, 1), Scored("b", 0.4, 1)]
    found = pick(proposed, both, count=9, month=9, owned={"a", "b"}, returned=(), repeats_only=True)
    assert [one.item_id for one in found] == ["c"]
