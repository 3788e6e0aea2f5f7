"""K3: journey stage. One stage a customer, in the API and in the lists."""

from datetime import timedelta

import pyarrow.parquet as pq


def test_k3_a_customer_goes_through_the_stages_of_her_journey(shop):
    shop.agrees("aino")
    assert shop.known("aino")["stage"] == "considering"
    shop.happens("browse", "aino", action="cart_add", session_id="s1", item_id="coffee-500")
    shop.wait(minutes=1)
    assert shop.known("aino")["stage"] == "buying"
    shop.orders("aino", "coffee-500")
    shop.wait(minutes=1)
    assert shop.known("aino")["stage"] == "onboarding"
    for _ in range(3):
        shop.wait(days=20)
        shop.orders("aino", "coffee-500")
    shop.wait(days=20)
    assert shop.known("aino")["stage"] == "active"
    shop.wait(days=25)
    assert shop.known("aino")["stage"] == "lapsing", "more than twice her twenty days are gone"
    shop.wait(days=40)
    assert shop.known("aino")["stage"] == "lapsed"
    shop.orders("aino", "coffee-500")
    shop.wait(minutes=1)
    assert shop.known("aino")["stage"] == "active"
    shop.case("aino", "opened", reason="wrong size")
    shop.wait(minutes=1)
    assert shop.known("aino")["stage"] == "in_recovery", "whatever else she is, this comes first"


def test_k3_a_slow_rhythm_is_not_lapsing(shop):
    shop.agrees("aino")
    for days in (330, 220, 110):
        shop.orders("aino", "boot-39", ago=timedelta(days=days))
    shop.wait(seconds=1)
    assert shop.known("aino")["stage"] == "active", "she comes every hundred days or so, as she always did"


def test_k3_orders_made_one_after_the_other_are_one_visit_to_the_shop(shop):
    shop.agrees("aino")
    for days in (220, 40):
        for hours in range(3):
            shop.orders("aino", "boot-39", ago=timedelta(days=days, hours=hours))
    shop.wait(seconds=1)
    assert shop.known("aino")["stage"] == "active", "twice a year, three orders at a time: she is not missed in a month"
    assert "lapsing_question" not in shop.asks("aino", "email", "email", n=9).actions


def test_k3_an_ordinary_return_is_no_recovery(shop):
    shop.regular("aino")
    shop.case("aino", "opened", kind="return")
    shop.wait(seconds=1)
    assert shop.known("aino")["stage"] == "active"


def test_k3_lists_say_the_stage_and_conditions_may_ask_for_it(shop):
    shop.regular("aino")
    shop.regular("eeva")
    shop.case("eeva", "opened", reason="wrong size")
    shop.wait(minutes=1)
    report = shop.builds_list("stages")
    (listed,) = pq.read_table(report.folder / "list.parquet").to_pylist()
    assert (listed["customer_id"], listed["stage"]) == ("aino", "active")
    assert shop.kept_off(report)["eeva"]["stage"] == "in_recovery"

    condition = [{"feature": "stage", "op": "in", "value": ["lapsing", "lapsed"]}]
    shop.edits_action("recommended_items", lambda action: action.update(applicability=condition))
    why = {c["action_id"]: c for c in shop.why("aino")["candidates"]}["recommended_items"]
    (block,) = [b for b in why["blocks"] if b["gate"] == "applicability"]
    assert block["ends"] == "when stage in [lapsing, lapsed] (now active)"
