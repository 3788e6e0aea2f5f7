"""T1: an open exchange, no offers. The story this product began with."""

import csv
from datetime import timedelta

import pytest


@pytest.fixture(autouse=True)
def eager_letters(shop):
    """Only what this story is about keeps a letter back."""
    shop.writes_eagerly()


@pytest.fixture
def exchange(shop):
    """Aino, a good customer, sends back shoes of the wrong size; a mailing list was built the same morning."""
    shop.regular("aino")
    shop.regular("venla")
    shop.happens(
        "purchase", "aino", ago=timedelta(days=6), order_id="shoes", currency="EUR",
        lines=[{"item_id": "sneaker-39", "quantity": 1, "unit_price": 8900, "discount": 0}],
    )  # fmt: skip
    shop.happens("delivery", "aino", ago=timedelta(days=4), order_id="shoes", status="delivered")
    shop.morning_list = shop.builds_list("morning")
    assert {"aino", "venla"} <= shop.mailed(shop.morning_list), "this morning both were on the list"
    shop.morning_mail = shop.asks("aino", "email", "email", idempotency_key="newsletter-36-aino")
    assert shop.morning_mail.sells
    shop.wait(hours=1)
    shop.happens(
        "case", "aino", touchpoint="returns", case_id="exchange-1", kind="exchange", status="opened",
        order_id="shoes", item_ids=["sneaker-39"], reason="wrong size",
    )  # fmt: skip
    return shop


def test_t1_from_the_next_request_on_no_offer_reaches_her_in_any_channel(exchange):
    for placement, channel in [("front_page", "web"), ("product_page", "web"), ("cart", "web"), ("email", "email")]:
        answer = exchange.asks("aino", placement, channel)
        assert not answer.sells, (placement, answer["actions"])
        assert "open_case" in answer.holds
    assert exchange.front_page("venla").sells, "the others still get theirs"


def test_t1_she_sees_the_status_of_her_exchange_instead(exchange):
    answer = exchange.front_page("aino")
    assert answer.actions == {"case_status"}
    assert answer.categories == {"service"}


def test_t1_once_she_has_been_written_to_about_it_there_is_silence_not_a_sale(exchange):
    told = exchange.email("aino")
    assert told.actions == {"case_status"}
    outcome = {"decision_id": told["decision_id"], "outcome": "sent", "occurred_at": exchange.now.isoformat()}
    assert exchange.http.post("/v1/outcomes", json=outcome).status_code < 300
    exchange.wait(minutes=1)
    again = exchange.asks("aino", "email", "email", n=5)
    assert again.actions == set()
    assert again["no_action_reason"]["code"] == "hold", "nothing is left to say, and nothing is sold instead"


def test_t1_the_list_built_this_morning_and_exported_now_leaves_her_out(exchange):
    export = exchange.exports_list(exchange.morning_list)
    with export.file.open(encoding="utf-8-sig", newline="") as lines:
        mailed = {row["customer_id"] for row in csv.DictReader(lines)}
    assert "aino" not in mailed and "venla" in mailed
    (dropped,) = [row for row in export.dropped if row["customer_id"] == "aino"]
    assert "open_case" in dropped["reason"]


def test_t1_the_sender_who_asks_again_before_sending_is_told_no(exchange):
    again = exchange.asks("aino", "email", "email", idempotency_key="newsletter-36-aino")
    assert again["superseded"] and not again.sells

    (row,) = exchange.rechecks([exchange.morning_mail["decision_id"]])
    assert row["allowed"] is False
    assert "hold" in {reason["code"] for reason in row["reasons"]}


def test_t1_the_sender_who_keeps_the_feed_of_new_holds_hears_of_it_by_itself(shop):
    shop.regular("aino")
    cursor = shop.http.get("/v1/holds/feed").json()["next"]
    shop.wait(minutes=1)
    assert shop.http.get("/v1/holds/feed", params={"after": cursor}).json()["customers"] == []
    shop.case("aino", "opened")
    shop.wait(seconds=1)
    (told,) = shop.http.get("/v1/holds/feed", params={"after": cursor}).json()["customers"]
    assert told["customer_id"] == "aino"
    assert [hold["kind"] for hold in told["holds"]] == ["open_case"]


def test_t1_a_month_of_waiting_makes_it_worse_not_better(exchange):
    for _ in range(4):
        exchange.wait(days=7)
        exchange.happens("case", "aino", case_id="exchange-1", kind="exchange", status="customer_asked")
        exchange.wait(seconds=1)
        answer = exchange.front_page("aino")
        assert not answer.sells
    assert max(hold["severity"] for hold in answer["holds"]) == 5
    assert exchange.asks("aino", "call_list", "phone").actions == {"staff_call"}
