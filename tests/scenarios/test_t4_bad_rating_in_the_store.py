"""T4: a bad rating in the store silences the web shop."""

from datetime import timedelta

import pytest


def rate(shop, customer, score, **more):
    shop.happens(
        "feedback", customer, channel="store", touchpoint="store_visit",
        kind="rating", score=score, scale_min=1, scale_max=5, **more,
    )  # fmt: skip


@pytest.mark.parametrize("score", [1, 2])
def test_t4_a_bad_rating_on_the_tablet_stops_the_online_offer_one_second_later(shop, score):
    shop.regular("aino")
    assert shop.front_page("aino").sells

    rate(shop, "aino", score)
    shop.wait(seconds=1)

    answer = shop.front_page("aino")
    assert answer.holds == {"bad_rating"}
    assert not answer.sells
    (hold,) = answer["holds"]
    assert hold["ends_at"] == (shop.now - timedelta(seconds=1) + timedelta(days=30)).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("score", [3, 4, 5])
def test_t4_a_fair_rating_changes_nothing(shop, score):
    shop.regular("aino")
    rate(shop, "aino", score)
    shop.wait(seconds=1)
    assert shop.front_page("aino").sells


def test_t4_it_ends_by_a_later_good_rating_at_the_same_touchpoint_or_after_thirty_days(shop):
    shop.regular("aino")
    shop.regular("venla")
    rate(shop, "aino", 1)
    rate(shop, "venla", 1)
    shop.wait(days=5)
    rate(shop, "aino", 5)
    shop.wait(seconds=1)
    assert "bad_rating" not in shop.front_page("aino").holds
    assert "bad_rating" in shop.front_page("venla").holds
    shop.wait(days=26)
    assert "bad_rating" not in shop.front_page("venla").holds


def test_t4_the_direction_of_the_scale_counts(shop):
    shop.regular("aino")
    shop.happens(
        "feedback", "aino", touchpoint="checkout", kind="ces", score=7, scale_min=1, scale_max=7, higher_is_better=False
    )
    shop.wait(seconds=1)
    assert shop.front_page("aino").holds == {"bad_rating"}, "seven of seven effort is as bad as it gets"
