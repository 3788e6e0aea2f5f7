"""K1: anonymous first; after log-in, the stricter of both sides wins."""

import json
import shutil
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.columns import EVENT_SCHEMA
from features.log.event_log import EventLog
from pipelines.retraining.sessions import sessions_files, train_sessions, write_views
from tests.serving.core.test_bundles import write_bundle
from training.params import Params
from training.purchases import load_purchases
from training.retrieval import connect, item_table


def test_k1_a_visitor_gets_sensible_suggestions_from_this_session_alone(shop):
    assert shop.front_page("visitor-1").actions == {"popular_items"}, "nothing is known: what everybody buys"

    shop.looks_at("visitor-1", "sneaker-39")
    answer = shop.front_page("visitor-1")
    assert answer.actions == {"session_items"}
    assert answer.products == ["boot-39", "clog-39"], "other shoes, not the ones she has seen"
    assert "viewed_now" in [reason["code"] for reason in answer["actions"][0]["reasons"]]

    shop.looks_at("visitor-1", "boot-39")
    assert shop.front_page("visitor-1").products == ["clog-39"]


def test_k1_what_others_bought_with_it_comes_first_and_changes_with_every_look(shop):
    for number in range(9):
        shop.orders(f"n{number}", "rain-coat", "wool-socks")
        shop.orders(f"m{number}", "sneaker-39", "shoe-care")
    shop.wait(seconds=1)
    with EventLog(shop.home) as log:
        log.flush_live()
    with connect(load_purchases(shop.home)) as con:
        table = item_table(con, shop.now)
    shop.takes_up(write_bundle(shop.home, learned=[lambda folder: table.save(folder / "items.npz")]))

    def suggested(name="visitor-1"):
        actions = shop.asks(name, "front_page", n=9)["actions"]
        return [i["item_id"] for a in actions if a["action_id"] == "session_items" for i in a["items"]]

    shop.looks_at("visitor-1", "rain-coat")
    assert suggested()[0] == "wool-socks"
    shop.looks_at("visitor-1", "sneaker-39")
    assert suggested()[:2] == ["shoe-care", "wool-socks"], "her latest look counts most"
    shop.looks_at("visitor-1", "shoe-care")
    assert "shoe-care" not in suggested() and suggested()[0] == "wool-socks", "what she has seen is left out"
    assert suggested("visitor-2") == [], "of another visitor this says nothing"


def browsed(shop, *sessions):
    """What the shop's web statistics hold: sessions of visitors, one after the other, a month ago."""
    rows = []
    for number, items in enumerate(sessions):
        at = shop.now - timedelta(days=30) + timedelta(minutes=10 * number)
        for place, item in enumerate(items):
            moment = at + timedelta(minutes=place)
            rows.append({
                "event_id": f"web-{number}-{place}", "type": "browse", "anonymous_id": f"web-{number}",
                "occurred_at": moment, "received_at": moment, "channel": "web", "source": "statistics",
                "schema_version": 1, "action": "view", "session_id": f"web-{number}", "item_id": item,
            })  # fmt: skip
    with EventLog(shop.home) as log:
        log.append_history([pa.Table.from_pylist(rows, schema=EVENT_SCHEMA)], source="statistics", now=shop.now)


def learns_from_browsing(shop):
    """Training's step, and its files in the bundle in force."""
    shop.home.models.mkdir(exist_ok=True)
    with EventLog(shop.home) as log:
        log.flush_live()
    purchases = load_purchases(shop.home)
    pq.write_table(purchases, shop.home.models / "purchases.parquet")
    write_views(shop.home, shop.now)
    choice = train_sessions(shop.home, Params())
    files = sessions_files(shop.home)
    learned = [lambda folder: [shutil.copy(path, folder) for path in files.values()]]
    with connect(purchases) as con:
        table = item_table(con, shop.now)
    learned.append(lambda folder: table.save(folder / "items.npz"))
    canaries = json.loads((shop.home.models / "sessions" / "canaries.json").read_text())
    shop.takes_up(write_bundle(shop.home, learned=learned, canaries_of={"sessions": canaries}))
    return choice


def test_k1_what_visitors_look_at_next_is_learned_from_browsing_and_every_look_changes_the_answer(shop):
    shop.orders("n1", "rain-coat", "coffee-500")
    shop.wait(seconds=1)
    rain = ["rain-coat", "sun-hat", "boot-39", "wool-socks"]
    walk = ["sneaker-39", "clog-39", "laces"]
    browsed(shop, *([rain, walk] * 550))
    choice = learns_from_browsing(shop)
    assert choice.chosen != "goes_with" and choice.metrics["mrr"] > choice.metrics["goes_with.mrr"] + 0.3

    def suggested(name="visitor-1"):
        actions = shop.asks(name, "front_page", n=9)["actions"]
        return [i["item_id"] for a in actions if a["action_id"] == "session_items" for i in a["items"]]

    shop.looks_at("visitor-1", "rain-coat")
    assert suggested()[:2] == ["boot-39", "wool-socks"] and "sun-hat" not in suggested(), "hats are sold out"
    shop.looks_at("visitor-1", "sneaker-39")
    assert suggested()[0] == "clog-39", "she is about something else now"
    shop.looks_at("visitor-1", "boot-39")
    assert suggested()[0] == "wool-socks" and "boot-39" not in suggested(), "not what she has just seen"
    assert suggested("visitor-2") == [], "of another visitor this says nothing"


def test_k1_a_category_she_looked_into_is_enough(shop):
    shop.happens("browse", "visitor-1", action="view", session_id="s", category="clothing")
    shop.wait(seconds=1)
    assert set(shop.front_page("visitor-1").products) == {"boot-39", "clog-39", "rain-coat", "sneaker-39"}


def test_k1_the_session_of_another_visitor_or_of_an_hour_ago_says_nothing(shop):
    shop.looks_at("visitor-1", "sneaker-39")
    assert shop.front_page("visitor-2").actions == {"popular_items"}
    shop.wait(hours=1)
    assert shop.front_page("visitor-1").actions == {"popular_items"}


def test_k1_nothing_is_sent_to_a_visitor_and_her_things_must_be_in_stock(shop):
    shop.looks_at("visitor-1", "sun-hat")
    assert shop.front_page("visitor-1").actions == {"popular_items"}, "other hats there are none"
    assert shop.email("visitor-1").actions == set()


def test_k1_who_objects_to_profiling_gets_popular_products_whatever_she_looks_at(shop):
    shop.happens("consent", "visitor-1", purpose="profiling", status="objected")
    shop.looks_at("visitor-1", "sneaker-39")
    assert shop.front_page("visitor-1").actions == {"popular_items"}


def test_k1_after_log_in_the_history_is_joined(shop):
    shop.regular("aino")
    shop.looks_at("visitor-1", "sneaker-39")
    shop.logs_in("visitor-1", "aino")
    shop.wait(seconds=1)
    for name in ("aino", "visitor-1"):
        answer = shop.front_page(name)
        assert answer["customer_key"] == "aino"
        assert answer.actions == {"recommended_items"}
        assert answer.products[0] == "coffee-500", "what she buys again and again comes first"
        assert "session_items" in shop.asks(name, "front_page", n=5).actions, "and what she looks at now is not lost"


def test_k1_holds_of_both_sides_survive(shop):
    shop.regular("aino")
    shop.regular("venla")
    shop.happens("feedback", "visitor-1", touchpoint="checkout", kind="rating", score=1)
    shop.case("venla", "opened")
    shop.wait(hours=1)
    assert shop.front_page("aino").sells

    shop.logs_in("visitor-1", "aino")
    shop.logs_in("visitor-2", "venla")
    shop.wait(seconds=1)
    for name in ("aino", "visitor-1"):
        assert shop.front_page(name).holds == {"bad_rating"} and not shop.front_page(name).sells
    for name in ("venla", "visitor-2"):
        assert shop.front_page(name).holds == {"open_case"} and not shop.front_page(name).sells


def test_k1_a_good_rating_of_one_side_does_not_lift_the_others_hold(shop):
    shop.regular("aino")
    shop.happens("feedback", "visitor-1", touchpoint="checkout", kind="rating", score=1)
    shop.wait(hours=1)
    shop.happens("feedback", "aino", touchpoint="checkout", kind="rating", score=5)
    shop.logs_in("visitor-1", "aino")
    shop.wait(seconds=1)
    assert shop.front_page("aino").holds == {"bad_rating"}


@pytest.mark.parametrize("refuses", ["aino", "visitor-1"])
def test_k1_a_refusal_of_either_side_counts_silence_does_not(shop, refuses):
    shop.regular("aino")
    shop.looks_at("visitor-1", "sneaker-39")
    shop.happens("consent", refuses, purpose="marketing", status="withdrawn")
    shop.logs_in("visitor-1", "aino")
    shop.wait(seconds=1)
    assert not shop.email("aino").sells, "one of her said no"

    shop.regular("venla")
    shop.looks_at("visitor-2", "sneaker-39")
    shop.logs_in("visitor-2", "venla")
    shop.wait(seconds=1)
    assert shop.email("venla").sells, "the visitor never said anything: what venla agreed to stands"


def test_k1_contacts_add_up(shop):
    shop.regular("aino")
    for name in ("aino", "visitor-1", "visitor-1"):
        shop.wait(days=1)
        shop.happens("contact", name, channel="email", action_id="newsletter", status="sent")
    shop.wait(days=1)
    assert shop.email("aino").sells, "aino has had one letter"
    shop.wait(days=2)  # the letter prepared just now is not sent, and does not count
    shop.logs_in("visitor-1", "aino")
    shop.wait(seconds=1)
    assert shop.email("aino")["no_action_reason"]["code"] == "contact_cap", "three, with those to the visitor"


def test_k1_who_logs_out_of_anothers_account_takes_hers_with_her(shop):
    shop.regular("aino")
    shop.happens("feedback", "visitor-1", touchpoint="checkout", kind="rating", score=1)
    shop.logs_in("visitor-1", "aino")
    shop.wait(minutes=1)
    assert not shop.front_page("aino").sells
    shop.logs_out("visitor-1", "aino")
    shop.wait(seconds=1)
    assert shop.front_page("aino").sells
    assert shop.front_page("visitor-1").holds == {"bad_rating"}


def test_k1_the_arm_of_the_older_side_stays_and_the_crossover_is_on_record(shop):
    shop.edits_policy(lambda policy: policy["arms"].update(holdout=0.3, control=0.2))
    visitors = [f"visitor-{number}" for number in range(12)]
    for visitor in visitors:
        shop.looks_at(visitor, "sneaker-39")
    arms = {visitor: shop.why(visitor)["arm"] for visitor in visitors}
    assert {"treated", "holdout"} <= set(arms.values())
    shop.wait(days=1)
    for visitor in visitors:  # each becomes a customer, known for a minute
        customer = visitor.replace("visitor", "customer")
        shop.happens("profile", customer, facts={"region": "Uusimaa"})
    before = {visitor: shop.why(visitor.replace("visitor", "customer"))["arm"] for visitor in visitors}
    for visitor in visitors:
        shop.logs_in(visitor, visitor.replace("visitor", "customer"))
    shop.wait(seconds=1)
    assert before != arms, "some cross over"
    for visitor in visitors:
        told = shop.why(visitor.replace("visitor", "customer"))
        assert told["arm"] == arms[visitor], "the visitor was here first: her arm stays"
        assert told["crossover"] == ([] if before[visitor] == arms[visitor] else [before[visitor]])
        if told["arm"] == "holdout":
            assert not shop.front_page(visitor).sells


def test_k1_logged_in_and_asked_with_both_names_at_once_both_sides_count(shop):
    shop.regular("aino")
    shop.happens("feedback", "visitor-1", touchpoint="checkout", kind="rating", score=1)
    shop.wait(seconds=1)
    answer = shop.asks("aino", "front_page", anonymous_id="visitor-1")
    assert answer.holds == {"bad_rating"} and not answer.sells, "before any link was told"
    assert shop.front_page("aino").sells, "asked for by herself she is not the visitor"
