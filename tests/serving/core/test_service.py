"""The service over a real store: records before it answers, sees events at once, retries safely, explains."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import msgspec
import pyarrow as pa
import pytest

from features.catalogue import ITEM_SCHEMA, merge_items
from features.errors import DataError
from features.home import Home
from features.log.store import connect
from serving.core.catalogue import DEFAULT_ACTIONS
from serving.core.question import Request
from serving.core.recheck import ListRow
from serving.records import Entry, KeyReusedError
from serving.service import DecisionService, Outcome
from tests.eager import eager_actions, eager_policy


@pytest.fixture
def home(tmp_path):
    home = Home.open(tmp_path / "home")
    rows = [
        dict.fromkeys(ITEM_SCHEMA.names)
        | {"item_id": i, "title": i.title(), "price": 1000, "margin": 500, "in_stock": True}
        for i in ("coffee", "tea", "boots", "coat")
    ]
    merge_items(home, pa.Table.from_pylist(rows, schema=ITEM_SCHEMA))
    home.config.mkdir(exist_ok=True)
    (home.config / "policy.yaml").write_text(eager_policy(), encoding="utf-8")
    (home.config / "actions.yaml").write_text(eager_actions(), encoding="utf-8")
    return home


@pytest.fixture
def service(home):
    service = DecisionService(home)
    yield service
    service.close()


class Shopkeeper:
    """Feeds events to a service and asks it."""

    def __init__(self, service, now):
        self.service, self.now, self.count = service, now, 0

    def happens(self, event_type, customer="aino", ago=timedelta(0), channel="web", **payload):
        self.count += 1
        event = {
            "event_id": f"e{self.count}", "type": event_type, "customer_id": customer, "channel": channel,
            "occurred_at": (self.now - ago).isoformat(), "payload": payload,
        }  # fmt: skip
        (result,) = self.service.ingest([event], self.now)
        assert result.status == "accepted", result

    def tells(self, event_type, visitor="v1", **payload):
        self.count += 1
        event = {
            "event_id": f"e{self.count}", "type": event_type, "anonymous_id": visitor, "channel": "web",
            "occurred_at": self.now.isoformat(), "payload": payload,
        }  # fmt: skip
        (result,) = self.service.ingest([event], self.now)
        assert result.status == "accepted", result

    def regular(self, customer="aino"):
        for purpose in ("marketing", "feedback"):
            self.happens("consent", customer, timedelta(days=99), purpose=purpose, status="granted")
        for n in range(3):
            line = {"item_id": "coffee", "quantity": 1, "unit_price": 1000, "discount": 0}
            self.happens(
                "purchase",
                customer,
                timedelta(days=15 + 20 * n),
                order_id=f"{customer}{n}",
                currency="EUR",
                lines=[line],
            )

    def question(self, placement="email", channel="email", customer="aino", **more):
        now = more.pop("now", self.now)
        return Request(customer_id=customer, placement=placement, channel=channel, now=now, **more)

    def ask(self, *place, **more):
        return self.service.decide(self.question(*place, **more))


@pytest.fixture
def keeper(service, shop):
    return Shopkeeper(service, shop.NOON)


def sells(decision):
    return any(a.category == "sales" for a in decision.actions)


def test_a_decision_is_on_record_before_it_is_answered_and_survives_a_restart(home, service, keeper):
    keeper.regular()
    answer = keeper.ask()
    assert sells(answer) and answer.latency_seconds > 0
    again = DecisionService(home)
    assert again.decision(answer.decision_id) == answer
    again.close()


def test_simulate_writes_nothing_and_reserves_nothing(service, keeper):
    keeper.regular()
    for _ in range(9):
        answer = keeper.ask(mode="simulate")
        assert sells(answer) and service.decision(answer.decision_id) is None


def test_an_acknowledged_event_is_seen_by_the_next_decision(keeper):
    keeper.regular()
    assert sells(keeper.ask("front_page", "web"))
    keeper.happens("case", case_id="c1", kind="exchange", status="opened")
    answer = keeper.ask("front_page", "web")
    assert [a.action_id for a in answer.actions] == ["case_status"]
    assert answer.withheld.gates == ("hold", "service_first")


def test_a_retry_gets_the_same_answer_until_it_no_longer_stands(keeper):
    keeper.regular()
    first = keeper.ask(idempotency_key="k1")
    keeper.now += timedelta(minutes=5)
    assert keeper.ask(idempotency_key="k1") == first
    keeper.happens("case", case_id="c1", kind="exchange", status="opened")
    retry = keeper.ask(idempotency_key="k1")
    assert retry.decision_id == first.decision_id and retry.superseded and not retry.actions
    assert retry.no_action_reason.code == "superseded" and "case of hers is open" in retry.no_action_reason.text
    with pytest.raises(KeyReusedError):
        keeper.ask("front_page", "web", idempotency_key="k1")


def test_a_filled_cap_does_not_take_back_its_own_answers(keeper):
    keeper.regular()
    answers = [keeper.ask(idempotency_key=f"k{i}") for i in range(2)]
    assert all(sells(a) for a in answers) and not sells(keeper.ask())
    assert [keeper.ask(idempotency_key=f"k{i}") for i in range(2)] == answers


def test_recheck_asks_the_gates_again(service, keeper):
    keeper.regular()
    answer = keeper.ask()
    (fine, unknown) = service.recheck([answer.decision_id, "d-nothing"], keeper.now)
    assert fine.allowed and not unknown.allowed
    keeper.happens("feedback", channel="store", kind="rating", score=1, scale_min=1, scale_max=5)
    (held,) = service.recheck([answer.decision_id], keeper.now)
    assert not held.allowed and "hold" in [r.code for r in held.reasons]


def test_an_outcome_counts_once_and_what_was_sent_counts_toward_the_cap(service, keeper):
    keeper.regular()
    answer = keeper.ask()
    sent = Outcome(decision_id=answer.decision_id, outcome="sent", occurred_at=keeper.now)
    assert service.record_outcome(sent, keeper.now) is True
    assert service.record_outcome(sent, keeper.now) is False
    assert keeper.ask(mode="simulate").evidence.spent[1] == 1.0
    keeper.now += timedelta(days=3)
    assert keeper.ask(mode="simulate").evidence.spent[1] == 1.0, "sent, not merely reserved"
    (click,) = [Outcome(decision_id=answer.decision_id, outcome="click", occurred_at=keeper.now)]
    assert service.record_outcome(click, keeper.now) is True
    assert keeper.ask(mode="simulate").evidence.spent[1] == 1.0, "a click is no second contact"


def test_a_released_reservation_frees_its_place(service, keeper):
    keeper.regular()
    answer = keeper.ask()
    assert keeper.ask(mode="simulate").evidence.spent[1] == 1.0
    released = Outcome(decision_id=answer.decision_id, outcome="released", occurred_at=keeper.now)
    assert service.record_outcome(released, keeper.now)
    assert keeper.ask(mode="simulate").evidence.spent[1] == 0.0


def test_on_site_only_what_was_seen_counts(service, keeper):
    keeper.regular()
    answer = keeper.ask("front_page", "web")
    assert keeper.ask("front_page", "web", mode="simulate").evidence.spent[1] == 0.0
    seen = Outcome(decision_id=answer.decision_id, outcome="impression", occurred_at=keeper.now)
    service.record_outcome(seen, keeper.now)
    assert keeper.ask("front_page", "web", mode="simulate").evidence.spent[1] == 0.02


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"decision_id": "d-x"}, "no decision 'd-x'"),
        ({"outcome": "eaten"}, "'eaten'"),
        ({"action_id": "zzz"}, "no action 'zzz'"),
    ],
)
def test_an_outcome_of_nothing_is_refused(service, keeper, change, says):
    keeper.regular()
    answer = keeper.ask()
    values = {"decision_id": answer.decision_id, "outcome": "sent", "occurred_at": keeper.now} | change
    with pytest.raises(DataError, match=says):
        service.record_outcome(Outcome(**values), keeper.now)


def test_what_cannot_be_recorded_is_not_sold(home, keeper):
    keeper.regular()
    assert sells(keeper.ask("front_page", "web"))
    with closing(connect(home)) as connection:
        connection.execute("alter table decisions rename to gone")
    answer = keeper.ask("front_page", "web")
    assert not sells(answer) and answer.state_status == "unknown:unrecorded"
    keeper.happens("case", case_id="c1", kind="exchange", status="opened")
    assert [a.action_id for a in keeper.ask("front_page", "web").actions] == ["case_status"]


def test_a_list_and_requests_give_the_same_answers(service, keeper):
    for i in range(12):
        keeper.regular(f"c{i}")
    keeper.happens("feedback", "c3", channel="store", kind="rating", score=1, scale_min=1, scale_max=5)
    asked = [
        Request(customer_id=f"c{i}", placement="email", channel="email", mode="list", now=keeper.now) for i in range(12)
    ]
    listed = service.decide_many(asked)
    for i, row in enumerate(listed):
        answer = keeper.ask(customer=f"c{i}", now=keeper.now + timedelta(hours=3), mode="simulate")
        assert (answer.actions, answer.no_action_reason) == (row.actions, row.no_action_reason)
    assert not sells(listed[3]) and sum(sells(d) for d in listed) == 11


def test_why_and_why_not_now_and_then(service, keeper):
    keeper.regular()
    before = keeper.ask("front_page", "web")
    keeper.now += timedelta(hours=1)
    keeper.happens("case", case_id="c1", kind="exchange", status="opened")
    now = service.why("aino", keeper.now, channel="web", placement="front_page")
    assert now["source"] == "live" and now["withheld"]["action_id"] == "recommended_items"
    verdicts = {c["action_id"]: c for c in now["candidates"]}
    held, _ = verdicts["recommended_items"]["blocks"]
    assert held["gate"] == "hold" and held["text"] and held["text_fi"] and held["until"] is None
    unmet = verdicts["staff_call"]["blocks"][0]["conditions"][0]
    assert unmet == {"feature": "unresolved_severity", "op": ">=", "value": 4.0, "observed": 2.0, "met": False}
    then = service.why("aino", keeper.now, at=keeper.now - timedelta(minutes=30))
    assert then["source"] == "record" and then["decision_id"] == before.decision_id
    assert [a["action_id"] for a in then["actions"]] == ["recommended_items"] and not then["holds"]
    (alone,) = service.why("aino", keeper.now, "welcome")["candidates"]
    assert alone["action_id"] == "welcome"
    assert service.why("nobody", keeper.now) is None
    assert service.why("aino", keeper.now, at=keeper.now - timedelta(days=900)) is None
    with pytest.raises(DataError, match="'sell_more' is not in the catalogue"):
        service.why("aino", keeper.now, "sell_more")


def test_why_then_is_told_by_the_policy_of_then(home, service, keeper):
    keeper.regular()
    for _ in range(3):
        keeper.now += timedelta(minutes=1)
        keeper.ask()
    text = (home.config / "policy.yaml").read_text()
    (home.config / "policy.yaml").write_text(text.replace("{days: 1, limit: 2}", "{days: 1, limit: 2.5}"))
    then = service.why("aino", keeper.now, "recommended_items", at=keeper.now, placement="email")
    (cap,) = [b for b in then["candidates"][0]["blocks"] if b["gate"] == "contact_cap"]
    assert cap["windows"][0] == {"days": 1.0, "limit": 2.0, "spent": 2.0}, "by the policy of then"
    assert cap["until"] == (keeper.now + timedelta(days=1, minutes=-2)).isoformat(), "when the first leaves the window"
    assert cap["decides"]
    assert "if nothing is sent meanwhile" in cap["ends"] and "jos mitään ei" in cap["ends_fi"]
    (without,) = [w for w in then["without"] if w["gate"] == "contact_cap"]
    assert without["changes"] and without["action_id"] == "recommended_items"
    assert without["text"] == "Without it she would get: Products for her"


def test_a_decision_is_replayed_exactly_whatever_happened_since(home, service, keeper):
    keeper.regular()
    sold, silent = keeper.ask(n=3), keeper.ask("front_page", "web")
    keeper.now += timedelta(days=3)
    keeper.happens("case", case_id="c1", kind="complaint", status="opened")
    held = keeper.ask(n=3)
    keeper.happens("case", case_id="c1", kind="complaint", status="resolved")
    text = (home.config / "policy.yaml").read_text()
    (home.config / "policy.yaml").write_text(text.replace("salt: tahdikas-1", "salt: another"))
    (home.config / "actions.yaml").write_text(DEFAULT_ACTIONS.read_text().replace("prior: 0.06", "prior: 0.6"))
    keeper.ask()
    for decision in (sold, silent, held):
        again = service.replay(decision.decision_id)
        assert again["exact"] and again["differences"] == [], again["differences"]
        assert again["decision"]["actions"] == msgspec.to_builtins(decision.actions)
        assert again["decision"]["candidates"] == [msgspec.structs.asdict(c) for c in decision.candidates]
    assert service.replay("d-none") is None


def test_a_record_that_says_otherwise_than_its_evidence_is_found_out(service, keeper):
    keeper.regular()
    decision = keeper.ask()
    forged = msgspec.structs.replace(decision, decision_id="d-forged", no_action_propensity=0.5)
    service.records.write([Entry(forged, keeper.question())])
    found = service.replay("d-forged")
    assert not found["exact"]
    assert found["differences"] == [{"field": "no_action_propensity", "recorded": 0.5, "replayed": 0.0}]


def test_a_row_changed_by_hand_is_gated_like_all(service, keeper):
    keeper.regular()
    row = ListRow(customer_id="aino", action_id="recommended_items", channel="email", placement="email")
    rows = [
        row,
        msgspec.structs.replace(row, item_ids=("boots",)),
        msgspec.structs.replace(row, item_ids=("never heard of",)),
        msgspec.structs.replace(row, action_id="never_heard_of"),
        msgspec.structs.replace(row, placement="nowhere"),
        msgspec.structs.replace(row, customer_id="stranger"),
    ]
    found = service.recheck_rows(rows, keeper.now)
    assert [r.allowed for r in found] == [True, True, False, False, False, False]
    assert [r.reasons[0].code for r in found[2:]] == ["no_items", "placement", "placement", "consent"]
    keeper.happens("case", case_id="c1", kind="exchange", status="opened")
    (held,) = service.recheck_rows([row], keeper.now)
    assert not held.allowed and "hold" in [r.code for r in held.reasons] and held.holds


def test_what_was_promised_to_the_visitor_counts_for_the_customer_she_turns_out_to_be(service, keeper):
    keeper.regular()
    for purpose in ("marketing", "feedback"):
        keeper.tells("consent", purpose=purpose, status="granted")
    letters = [service.decide(keeper.question(customer=None, anonymous_id="v1")) for _ in range(2)]
    assert all(sells(letter) for letter in letters), "reserved, and not yet sent"
    assert sells(keeper.ask(mode="simulate"))
    keeper.happens("identity", action="link", external_id="v1")
    full = keeper.ask()
    assert not sells(full) and full.no_action_reason.code == "contact_cap" and full.evidence.spent[0] == 2.0


def test_a_place_promised_to_the_visitor_is_no_reason_to_fall_silent(service, keeper):
    keeper.regular()
    keeper.tells("consent", purpose="marketing", status="granted")
    assert sells(service.decide(keeper.question(customer=None, anonymous_id="v1")))
    keeper.happens("identity", action="link", external_id="v1")
    answer = keeper.ask()
    assert answer.state_status == "ok" and sells(answer), "one of two places is left"


def test_of_both_ids_asked_in_one_breath_one_takes_the_last_place(service, keeper):
    keeper.regular()
    keeper.tells("consent", purpose="marketing", status="granted")
    keeper.ask()
    visitor = keeper.question(customer=None, anonymous_id="v1")
    both = keeper.question(anonymous_id="v1")
    answers = service.decide_many([visitor, both])
    assert [sells(a) for a in answers] == [True, False], "what the visitor was promised counts for her by both ids"


def test_of_two_processes_at_the_same_moment_one_takes_the_last_place(home, keeper):
    """Both read the same state before either writes; the cap has one place left."""
    keeper.regular()
    keeper.ask()
    others = [DecisionService(home) for _ in range(4)]
    start = threading.Barrier(len(others))

    def ask(service):
        service.decide(keeper.question("front_page", "web", mode="simulate"))  # all is loaded
        start.wait(10)
        return service.decide(keeper.question())

    with ThreadPoolExecutor(len(others)) as pool:
        answers = list(pool.map(ask, others))
    for service in others:
        service.close()
    assert sum(sells(a) for a in answers) == 1


def test_a_customer_as_staff_see_her(service, keeper):
    keeper.regular()
    keeper.happens("case", case_id="c1", kind="exchange", status="opened")
    found = service.customer("aino", keeper.now)
    assert found["open_cases"][0]["case_id"] == "c1" and found["holds"][0]["kind"] == "open_case"
    assert {"purpose": "marketing", "channel": None, "status": "granted"} in found["consents"]
    assert len(found["orders"]) == 3 and found["arm"] == "treated"
    assert service.customer("nobody", keeper.now) is None


def test_health_says_what_is_degraded(home, service, keeper):
    health = service.health(keeper.now)
    assert health.ready and len(health.degraded) == 1 and "no model bundle" in health.degraded[0]
    assert {"engine", "policy", "catalogue", "bundle"} <= set(health.versions)
    (home.config / "actions.yaml").write_text(DEFAULT_ACTIONS.read_text() + "\nmore: 1\n")
    assert any("unknown key 'more'" in d for d in service.health(keeper.now).degraded)


def test_threads_share_a_service_and_a_key_is_answered_once(service, keeper):
    keeper.regular()
    found, failed = [], []

    def ask():
        try:
            found.append(keeper.ask(idempotency_key="same").decision_id)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed and len(set(found)) == 1
