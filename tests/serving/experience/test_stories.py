"""The worst stories: whose they are, in which order, and how the case stands now."""

from datetime import timedelta

from serving.experience.stories import LONGEST_TEXT

from .shop import NOW, Shop


def test_the_worst_first_and_one_a_person(shop: Shop) -> None:
    shop.rates("aino", 2, 5, text="Not good")
    shop.rates("aino", 1, 6, text="Bad")
    shop.rates("elli", 2, 3, text="Slow")
    shop.rates("iida", 5, 2, text="Lovely")
    shop.tells("feedback", "saara", 4, "support", kind="complaint", text="Nobody answers")
    shop.rates("helmi", 1, 1)
    told = shop.touchpoints(stories=10)["support"].stories
    assert [(story.customer_id, story.score, story.text) for story in told] == [
        ("saara", None, "Nobody answers"),  # a complaint goes before a score of its own weight
        ("aino", 0.0, "Bad"),  # words go before none
        ("helmi", 0.0, ""),
        ("elli", 0.25, "Slow"),
    ]
    assert told[1].at == NOW - timedelta(days=6)
    assert [s.customer_id for s in shop.touchpoints(stories=2)["support"].stories] == ["saara", "aino"]
    assert shop.touchpoints(stories=0)["support"].stories == []


def test_the_case_is_told_as_it_stands_now(shop: Shop) -> None:
    shop.tells("feedback", "aino", 9, "delivery", kind="complaint", text="It never came")
    complaint = shop.events[-1]["event_id"]
    shop.tells("case", "aino", 5, "support", case_id=complaint, kind="complaint", status="waiting_shop")
    shop.rates("elli", 1, 8, "delivery", case_id="k2")
    shop.tells("case", "elli", 7, "support", case_id="k2", kind="exchange", status="opened")
    shop.tells("case", "elli", 1, "support", case_id="k2", kind="exchange", status="closed")
    shop.rates("iida", 1, 8, "delivery", order_id="o7")
    shop.tells("case", "iida", 7, "support", case_id="k3", kind="warranty", status="opened", order_id="o7")
    shop.rates("saara", 1, 8, "delivery")
    told = {s.customer_id: s.case for s in shop.touchpoints(stories=10)["delivery"].stories}
    assert {who: case and (case.case_id, case.status) for who, case in told.items()} == {
        "aino": (complaint, "waiting_shop"), "elli": ("k2", "closed"), "iida": ("k3", "opened"), "saara": None,
    }  # fmt: skip
    then = shop.touchpoints(now=NOW - timedelta(days=3), stories=10)["delivery"].stories
    assert {s.customer_id: s.case and s.case.status for s in then}["elli"] == "opened", "as it was known then"


def test_what_was_heard_of_her_case_later_was_not_known_then(shop: Shop) -> None:
    shop.rates("aino", 1, 8, case_id="k1")
    shop.tells("case", "aino", 7, "support", case_id="k1", kind="exchange", status="opened")
    shop.tells("case", "aino", 6, "support", case_id="k1", kind="exchange", status="closed", heard_days_ago=2)
    (then,) = shop.touchpoints(now=NOW - timedelta(days=3))["support"].stories
    (now,) = shop.touchpoints()["support"].stories
    assert then.case is not None and then.case.is_open and now.case is not None and not now.case.is_open


def test_a_story_of_a_visitor_is_told_under_her_name_once_she_gave_it(shop: Shop) -> None:
    shop.rates("~v", 1, 5, text="Bad")
    shop.links("~v", "aino", 2)
    (story,) = shop.touchpoints()["support"].stories
    assert story.customer_id == "aino"
    (before,) = shop.touchpoints(now=NOW - timedelta(days=3))["support"].stories
    assert before.customer_id == "anonymous:v"


def test_a_long_text_is_cut(shop: Shop) -> None:
    shop.rates("aino", 1, 1, text="so " * 500)
    (story,) = shop.touchpoints()["support"].stories
    assert len(story.text) <= LONGEST_TEXT and story.text.endswith("so…")
