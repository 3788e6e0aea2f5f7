"""What the oracle found: each disagreement as the smallest story that shows it. Mended now, and staying so."""

import re
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from features.catalogue import ITEM_SCHEMA, merge_items
from features.home import Home
from serving.core.catalogue import DEFAULT_ACTIONS
from serving.core.policy import DEFAULT_POLICY
from serving.core.question import Request
from serving.service import DecisionService, Outcome

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)


class Shop:
    """A shop with one customer, Aino, and a visitor v1 who may be she; nobody is in the holdout."""

    def __init__(self, home):
        self.home = home
        home.config.mkdir()
        (home.config / "policy.yaml").write_text(DEFAULT_POLICY.read_text().replace("holdout: 0.05", "holdout: 0.0"))
        uncapped = re.sub(r"^    cap: .*\n", "", DEFAULT_ACTIONS.read_text(encoding="utf-8"), flags=re.MULTILINE)
        (home.config / "actions.yaml").write_text(uncapped, encoding="utf-8")  # the common cap is what is asked about
        items = [{"item_id": i, "title": i, "in_stock": True, "consumable": i != "lamp"} for i in ("bread", "lamp")]
        merge_items(home, pa.Table.from_pylist(items, schema=ITEM_SCHEMA))
        self.service, self.told = DecisionService(home, durable=False), 0
        for who in ({"customer_id": "aino"}, {"anonymous_id": "v1"}):
            self.happens("consent", who, days=50, purpose="marketing", status="granted")
        line = {"item_id": "coat", "quantity": 1, "unit_price": 9900}
        for n in range(3):
            self.happens("purchase", days=20 + n, order_id=f"o{n}", currency="EUR", lines=[line])

    def happens(self, kind, who=None, /, *, days=0.0, **payload):
        self.told += 1
        who = who or {"customer_id": "aino"}
        at = NOON - timedelta(days=days)
        event = {"event_id": f"e{self.told}", "type": kind, "occurred_at": at.isoformat(), "payload": payload, **who}
        return self.service.ingest([event], NOON)[0]

    def asks(self, placement="email", channel="email", **who):
        return Request(placement=placement, channel=channel, now=NOON, **(who or {"customer_id": "aino"}))

    def sells(self, *where, **who):
        decision = self.service.decide(self.asks(*where, **who))
        return any(a.category == "sales" for a in decision.actions)

    def sells_to_the_visitor(self):
        """As many letters as she may have, each with its place reserved; returns how many."""
        count = 0
        while self.sells(anonymous_id="v1"):
            count += 1
        return count


@pytest.fixture
def shop(tmp_path):
    shop = Shop(Home.open(tmp_path / "home"))
    yield shop
    shop.service.close()


def test_letters_promised_to_a_visitor_count_when_she_turns_out_to_be_a_customer(shop):
    assert shop.sells_to_the_visitor() == 2
    shop.happens("identity", {"customer_id": "aino", "anonymous_id": "v1"}, action="link")
    assert not shop.sells(), "contacts add up: what a sender may be sending to the visitor, it sends to Aino"


def test_letters_promised_to_a_visitor_count_when_she_is_asked_about_by_both_ids(shop):
    assert shop.sells_to_the_visitor() == 2
    assert not shop.sells(customer_id="aino", anonymous_id="v1")


def test_an_objection_is_not_lifted_by_a_later_withdrawal(shop):
    shop.happens("consent", days=3, purpose="marketing", status="objected")
    assert not shop.sells("front_page", "web")
    shop.happens("consent", days=2, purpose="marketing", status="withdrawn")
    assert not shop.sells("front_page", "web"), "a refusal wins until a later explicit grant"


def test_what_is_doubtful_of_a_visitor_says_nothing_about_the_customers_other_questions(shop):
    shop.happens("feedback", {"anonymous_id": "v2"}, kind="complaint", nonsense=1)
    alone, together = (
        shop.asks("front_page", "web"),
        shop.asks("front_page", "web", customer_id="aino", anonymous_id="v2"),
    )
    by_itself = shop.service.decide(alone).state_status
    beside = [decision.state_status for decision in shop.service.decide_many([alone, together])]
    assert by_itself == "ok" and beside == ["ok", "unknown:rejected_event"], "single equals batch"


def test_a_letter_given_back_and_taken_again_holds_its_place_again(shop):
    letter = shop.service.decide(shop.asks())
    assert letter.actions
    shop.service.record_outcome(Outcome(decision_id=letter.decision_id, outcome="released", occurred_at=NOON), NOON)
    (verdict,) = shop.service.recheck([letter.decision_id], NOON, reserve=True)
    assert verdict.allowed
    sold = 0
    while shop.sells():
        sold += 1
    assert sold == 1, "two a day, and one of them is the one taken again"


def test_what_she_bought_again_since_is_not_shown_though_it_turns_out_that_she_had_it_before(shop):
    lamp = {"order_id": "lamp", "currency": "EUR", "lines": [{"item_id": "lamp", "quantity": 1, "unit_price": 4900}]}
    shop.happens("purchase", {"anonymous_id": "v1"}, days=10, **lamp)
    letter = shop.service.decide(shop.asks())
    assert "lamp" in [item.item_id for item in letter.actions[0].items]
    assert shop.service.recheck([letter.decision_id], NOON)[0].allowed
    later = NOON + timedelta(hours=1)
    event = {"event_id": "again", "type": "purchase", "occurred_at": later.isoformat(), "customer_id": "aino"}
    shop.service.ingest([event | {"payload": lamp | {"order_id": "lamp-2"}}], later)
    link = {"event_id": "link", "type": "identity", "occurred_at": later.isoformat(), "payload": {"action": "link"}}
    shop.service.ingest([link | {"customer_id": "aino", "anonymous_id": "v1"}], later)
    (again,) = shop.service.recheck([letter.decision_id], later)
    assert not again.allowed and "no_items" in [r.code for r in again.reasons]


TWO_FORMS = """\
extends: default
actions:
  gift_cards:
    name: {en: "Gift cards", fi: "Lahjakortit"}
    category: sales
    group: gifts
    response: {prior: 0.9}
    value: 100000
    treatments:
      - treatment: summer
        channels: [email]
        valid_until: 2026-09-01T13:00:00+00:00
        applicability: [{feature: orders_total, op: ">=", value: SUMMER}]
        text: {en: "A gift for the summer", fi: "Lahja kesäksi"}
      - treatment: autumn
        channels: [email]
        valid_from: 2026-09-01T13:00:00+00:00
        text: {en: "A gift for the autumn", fi: "Lahja syksyksi"}
"""


def test_a_form_that_is_not_for_her_is_not_shown_because_another_will_be_one_day(shop):
    """The summer letter is valid and not for her, the autumn letter for her and not valid."""
    (shop.home.config / "actions.yaml").write_text(TWO_FORMS.replace("SUMMER", "9"), encoding="utf-8")
    letter = shop.service.decide(shop.asks())
    assert "gift_cards" not in [action.action_id for action in letter.actions]
    assert {c.action_id: c.gates for c in letter.candidates}["gift_cards"] == ("applicability",)


def test_what_was_decided_in_one_form_does_not_go_because_another_would(shop):
    (shop.home.config / "actions.yaml").write_text(TWO_FORMS.replace("SUMMER", "1"), encoding="utf-8")
    letter = shop.service.decide(shop.asks())
    assert [(a.action_id, a.treatment_id) for a in letter.actions] == [("gift_cards", "summer")]
    assert shop.service.recheck([letter.decision_id], NOON)[0].allowed
    (again,) = shop.service.recheck([letter.decision_id], NOON, send_at=NOON + timedelta(hours=2))
    assert not again.allowed and [r.code for r in again.reasons] == ["validity"]
