"""Which items may be shown to whom."""

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
