"""R4: the second purchase. Its chance is a model of its own; its nurture is not what a regular gets."""

from datetime import timedelta

import pytest


@pytest.fixture
def newcomer(shop):
    """Aino bought once, a month ago, and was welcomed."""
    shop.agrees("aino")
    shop.orders("aino", "sneaker-39", ago=timedelta(days=30))
    shop.wait(seconds=1)
    return shop


def scored(shop, customer, value):
    shop.happens("score", customer, model="second_purchase", version="1", value=value)
    shop.wait(seconds=1)


def nurture(shop):
    why = shop.why("aino", "email", "email")
    return next(c for c in why["candidates"] if c["action_id"] == "second_purchase_nurture")


def test_r4_the_stored_chance_of_a_second_purchase_decides_what_nurture_is_worth(newcomer):
    stated = nurture(newcomer)
    assert stated["response_probability"] == 0.08, "nobody has scored her: as stated"
    scored(newcomer, "aino", 0.4)
    likely = nurture(newcomer)
    assert likely["response_probability"] == 0.4
    assert likely["expected_gain"] > stated["expected_gain"]
    assert newcomer.email("aino").actions == {"second_purchase_nurture"}


def test_r4_where_it_is_hopeless_she_is_not_nurtured(newcomer):
    scored(newcomer, "aino", 0.0)
    assert "second_purchase_nurture" not in newcomer.email("aino").actions
    assert nurture(newcomer)["expected_gain"] < 0


def test_r4_a_regular_gets_no_nurture_whatever_her_score(shop):
    shop.regular("aino")
    scored(shop, "aino", 0.9)
    assert "second_purchase_nurture" not in shop.asks("aino", "email", "email", n=9).actions
    assert "eligibility" in nurture(shop)["gates"]


def test_r4_one_who_objects_to_profiling_is_not_scored_for_it(newcomer):
    scored(newcomer, "aino", 0.9)
    newcomer.happens("consent", "aino", purpose="profiling", status="objected")
    newcomer.wait(seconds=1)
    found = nurture(newcomer)
    assert found["response_probability"] == 0.08 and "profiling_objection" in found["gates"]


def test_r4_no_nurture_while_her_exchange_is_open(newcomer):
    scored(newcomer, "aino", 0.9)
    newcomer.case("aino", "opened", reason="wrong size")
    newcomer.wait(seconds=1)
    assert newcomer.email("aino").actions == {"case_status"}
