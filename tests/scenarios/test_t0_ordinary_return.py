"""T0: an ordinary return is no drama."""

from datetime import timedelta

import pytest


@pytest.fixture(autouse=True)
def eager_letters(shop):
    """Only what this story is about keeps a letter back."""
    shop.writes_eagerly()


def test_t0_an_ordinary_return_stops_the_mail_but_not_the_shop_window(shop):
    shop.regular("aino")
    assert shop.email("aino").sells and shop.front_page("aino").sells, "before the return she gets offers in both"

    shop.happens(
        "case", "aino", touchpoint="returns", case_id="rma-1", kind="return", status="opened",
        order_id="aino-order-0", promised_by=(shop.now + timedelta(days=10)).isoformat(),
    )  # fmt: skip
    shop.wait(seconds=1)

    mail = shop.email("aino")
    assert mail.holds == {"open_return"}
    assert not mail.sells, "no offer is pushed at her meanwhile"
    assert shop.front_page("aino").sells, "but she may look around the shop like anyone"

    shop.happens("case", "aino", touchpoint="returns", case_id="rma-1", kind="return", status="closed")
    shop.wait(seconds=1)
    mail = shop.email("aino")
    assert mail.holds == set()
    assert mail.sells, "once it is closed the letters may come again"


def test_t0_a_return_that_is_asked_about_is_one_no_longer_ordinary(shop):
    shop.regular("aino")
    shop.happens("case", "aino", case_id="rma-1", kind="return", status="opened")
    shop.wait(days=2)
    shop.happens("case", "aino", case_id="rma-1", kind="return", status="customer_asked")
    shop.wait(seconds=1)
    answer = shop.front_page("aino")
    assert "open_case" in answer.holds
    assert not answer.sells, "she had to chase it: now the shop window is silent too"
