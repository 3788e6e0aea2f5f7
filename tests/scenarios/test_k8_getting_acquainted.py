"""K8: getting acquainted. One useful fact at a good moment; a refusal is never asked again; nothing requires it."""

import pytest

QUESTIONS = {"ask_interest", "ask_delivery_day"}


def asked(shop, name="aino", placement="account_page"):
    return shop.asks(name, placement, n=9).actions & QUESTIONS


def test_k8_one_fact_is_asked_for_with_what_she_gains_by_telling(shop):
    shop.regular("aino")
    answer = shop.asks("aino", "account_page", language="en")
    (question,) = answer["actions"]
    assert question["action_id"] == "ask_interest"
    assert question["message"] == "What interests you most? We show that first, and spare you the rest"


def test_k8_one_question_in_half_a_year_not_one_after_the_other(shop):
    shop.regular("aino")
    shop.reports(shop.asks("aino", "account_page"), "impression")
    shop.wait(days=1)
    assert asked(shop) == set()
    shop.wait(days=185)
    assert asked(shop) == QUESTIONS, "after half a year it may be asked again, or the other one"


@pytest.mark.parametrize("answer", [{"facts": {"interest": "cycling"}}, {"refused": ["interest"]}])
def test_k8_what_she_told_or_would_rather_not_tell_is_never_asked_again(shop, answer):
    shop.regular("aino")
    shop.happens("profile", "aino", **answer)
    for _ in range(3):
        shop.wait(days=100)
        assert "ask_interest" not in asked(shop)
    why = {c["action_id"]: c["gates"] for c in shop.why("aino", "account_page")["candidates"]}
    assert "already_known" in why["ask_interest"]


def test_k8_nothing_requires_it(shop):
    shop.regular("aino")
    shop.regular("eeva")
    shop.happens("profile", "eeva", refused=["interest", "delivery_day"])
    shop.wait(seconds=1)
    assert shop.front_page("eeva").actions == shop.front_page("aino").actions


def test_k8_no_question_in_a_hold_at_the_checkout_or_by_letter(shop):
    shop.regular("aino")
    assert asked(shop, placement="checkout") == set()
    assert shop.asks("aino", "email", "email", n=9).actions & QUESTIONS == set()
    shop.happens("feedback", "aino", kind="rating", score=1, touchpoint="store_visit", channel="store")
    shop.wait(seconds=1)
    assert asked(shop) == set()


def test_k8_a_stranger_is_not_questioned(shop):
    shop.looks_at("visitor-1", "boot-39")
    assert asked(shop, "visitor-1") == set()
