"""T7, from her words: a model of the shop's own rated texts reads what she writes, live."""

import pytest

from tests.serving.core.test_bundles import write_bundle
from tests.training.rated_texts import rated_texts
from training.dissatisfaction import train_dissatisfaction
from training.params import DissatisfactionParams

UNHAPPY, HAPPY = "kengät hajosivat heti, nobody answers my calls", "quick and friendly, kaunis väri"


@pytest.fixture(scope="module")
def reader():
    """What was learned where words tell who is unhappy, and where only late orders do."""
    by_words = train_dissatisfaction(rated_texts(500, 11), DissatisfactionParams())
    by_facts = train_dissatisfaction(rated_texts(600, 12, tells=False, late_tells=True), DissatisfactionParams())
    return {"words": by_words, "facts": by_facts}


def reads(shop, learned):
    """The shop's bundle has a model of dissatisfaction from now on; its other models know three items."""
    for item in ("boots", "coffee", "tea"):
        shop.stocks(item, item.title(), "grocery" if item != "boots" else "shoes", 9900)
    shop.takes_up(write_bundle(shop.home, learned=[lambda folder: learned.model.save(folder, learned.trees_text, {})]))


@pytest.fixture
def shop_that_reads(shop, reader):
    shop.writes_eagerly()
    reads(shop, reader["words"])
    shop.regular("aino")
    assert shop.email("aino").sells
    shop.wait(days=3)
    return shop


def writes(shop, text, kind="comment", **more):
    shop.happens("feedback", "aino", touchpoint="product_page", kind=kind, text=text, **more)


def test_t7_a_comment_posted_now_changes_the_next_decision(shop_that_reads):
    writes(shop_that_reads, UNHAPPY)
    letter, page = shop_that_reads.email("aino"), shop_that_reads.front_page("aino")
    assert letter.holds == {"predicted"} and not letter.sells, "outbound offers pause"
    assert page.holds == {"predicted"} and page.sells, "on-site ones do not"


def test_t7_the_reason_says_how_likely_and_in_whose_words(shop_that_reads):
    writes(shop_that_reads, UNHAPPY)
    reason = shop_that_reads.email("aino")["no_action_reason"]
    assert "predicted" in reason["text"] and "% likely" in reason["text"]
    assert "ennuste" in reason["text_fi"] and "todennäköisyys" in reason["text_fi"]
    for text in (reason["text"], reason["text_fi"]):
        assert "hajosivat" in text or "nobody" in text


def test_t7_a_later_good_word_ends_it(shop_that_reads):
    writes(shop_that_reads, UNHAPPY)
    assert not shop_that_reads.email("aino").sells
    shop_that_reads.wait(hours=1)
    writes(shop_that_reads, HAPPY)
    answer = shop_that_reads.email("aino")
    assert answer.holds == set() and answer.sells


def test_t7_a_calmly_worded_complaint_does_not(shop_that_reads):
    writes(shop_that_reads, UNHAPPY)
    shop_that_reads.wait(hours=1)
    writes(shop_that_reads, HAPPY, kind="complaint", case_id="rma-1")
    assert shop_that_reads.email("aino").holds == {"predicted", "open_complaint"}


def test_t7_a_good_word_alone_changes_nothing(shop_that_reads):
    writes(shop_that_reads, HAPPY)
    answer = shop_that_reads.email("aino")
    assert answer.holds == set() and answer.sells


def test_t7_the_facts_speak_where_the_words_do_not(shop, reader):
    """The same plain words, of one whose parcel is late and of one who was promised no day."""
    shop.writes_eagerly()
    reads(shop, reader["facts"])
    for who, promised in (("aino", shop.now.isoformat()), ("bea", None)):
        shop.regular(who)
        shop.delivers(who, shop.orders(who, "wool-socks"), "shipped", promised_at=promised)
    shop.wait(days=2)
    for who in ("aino", "bea"):
        shop.happens("feedback", who, touchpoint="product_page", kind="comment", text="ostin tämän")
    unlucky, lucky = shop.email("aino"), shop.email("bea")
    assert "predicted" in unlucky.holds and "predicted" not in lucky.holds
    assert "late_orders" in unlucky.hold("predicted")["detail"]
    told = str(shop.why("aino", "email", "email"))
    assert "an order is late" in told and "tilaus on myöhässä" in told


def test_t7_after_a_roll_back_what_was_predicted_still_holds(shop_that_reads):
    writes(shop_that_reads, UNHAPPY)
    shop_that_reads.takes_up(write_bundle(shop_that_reads.home, as_of="20260701"))
    assert shop_that_reads.email("aino").holds == {"predicted"}
