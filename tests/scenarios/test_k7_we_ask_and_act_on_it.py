"""K7: we ask, and act on it: one short question to a sample at a touchpoint; the answer changes the next decision."""

import pytest

ASKED = "touchpoint_question"


def ordered(shop, name):
    """A regular who has just ordered."""
    shop.regular(name)
    shop.orders(name, "coffee-500")
    shop.wait(minutes=1)


def asked(shop, name, placement="thank_you_page", channel="web"):
    return ASKED in shop.asks(name, placement, channel, n=9).actions


@pytest.fixture
def sampled(shop):
    """A shop with two dozen customers who have just ordered; gives the names of those who are asked."""
    names = [f"customer-{number}" for number in range(24)]
    for name in names:
        ordered(shop, name)
    shop.sample = [name for name in names if asked(shop, name)]
    shop.rest = [name for name in names if name not in shop.sample]
    return shop


def test_k7_a_sample_is_asked_and_it_stays_the_same_however_often_the_page_is_opened(sampled):
    assert 1 <= len(sampled.sample) <= 11, "about a fifth of 24"
    assert all(asked(sampled, name) for name in sampled.sample)
    assert not any(asked(sampled, name) for name in sampled.rest)
    why = {c["action_id"]: c["gates"] for c in sampled.why(sampled.rest[0], "thank_you_page")["candidates"]}
    assert why[ASKED] == ["not_sampled"]


def test_k7_not_after_every_purchase(sampled):
    name = sampled.sample[0]
    sampled.reports(sampled.asks(name, "thank_you_page"), "impression")
    for _ in range(4):
        sampled.wait(days=5)
        sampled.orders(name, "coffee-500")
        sampled.wait(minutes=1)
        assert not asked(sampled, name), "asked once, she has peace for a month"


def test_k7_a_bad_answer_silences_the_very_next_offer(sampled):
    name = sampled.sample[0]
    assert sampled.front_page(name).sells
    sampled.happens("feedback", name, kind="csat", score=1, touchpoint="checkout")
    sampled.wait(seconds=1)
    answer = sampled.front_page(name)
    assert answer.holds == {"bad_rating"} and not answer.sells


def test_k7_never_during_a_hold(shop):
    shop.edits_action(ASKED, lambda action: action.update(sample=1.0))
    ordered(shop, "aino")
    assert asked(shop, "aino")
    shop.happens("friction", "aino", kind="long_wait", wait_seconds=3600, touchpoint="store_visit", channel="store")
    shop.wait(seconds=1)
    answer = shop.asks("aino", "thank_you_page", n=9)
    assert answer.holds == {"friction"}, "a queue of an hour that nobody complained about counts, too"
    assert ASKED not in answer.actions


def test_k7_at_the_desk_of_the_store_as_well(shop):
    shop.edits_action(ASKED, lambda action: action.update(sample=1.0))
    shop.regular("aino")
    shop.orders("aino", "coffee-500", channel="store")
    shop.wait(minutes=1)
    assert asked(shop, "aino", "store_desk", "store")


def test_k7_one_question_not_two(shop):
    shop.edits_action(ASKED, lambda action: action.update(sample=1.0))
    shop.regular("aino")
    shop.orders("aino", "coffee-500")
    shop.wait(minutes=1)
    answer = shop.asks("aino", "thank_you_page")
    assert answer.actions == {ASKED}
    shop.reports(answer, "impression")
    shop.wait(days=14)
    assert "feedback_request" not in shop.asks("aino", "account_page", n=9).actions, "the group has one cap"


def test_k7_no_letter_with_a_question_without_her_consent_to_be_asked(shop):
    shop.edits_action(ASKED, lambda action: action.update(sample=1.0))
    shop.regular("aino", consent=False)
    shop.orders("aino", "coffee-500")
    shop.wait(minutes=1)
    assert not asked(shop, "aino", "email", "email")
