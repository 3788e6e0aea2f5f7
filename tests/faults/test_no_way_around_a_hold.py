"""Promise 1: once the event behind a hold was acknowledged, no clock, worker, second id or fault gets round it."""

import sqlite3
import threading
from datetime import UTC, datetime

import pytest
from regular_customer import MINUTE, NOON, sells

from features.errors import HomeError
from features.home import Home
from serving.api import create_app
from serving.records import Entry, Records
from serving.security import KeyStore
from serving.service import DecisionService, Outcome
from serving.settings import ServingSettings

PLACES = [("front_page", "web"), ("product_page", "app"), ("store_desk", "store"), ("email", "email"),
          ("app_push", "app"), ("social_audience", "social"), ("partner_mailing", "partner")]  # fmt: skip


def declares(shop, rule):
    shop.told += 1
    event = {"event_id": f"i{shop.told}", "type": "incident", "occurred_at": shop.now.isoformat(),
             "payload": {"action": "declare", "incident_id": "parcels", "person": "liisa", "rule": rule}}  # fmt: skip
    (result,) = shop.service.ingest([event], shop.now)
    assert result.status == "accepted", result


@pytest.mark.parametrize("minutes", [0.01, 4.9])
def test_a_complaint_that_the_shops_clock_dates_ahead_of_ours_holds_at_once(shop, minutes):
    emailed = shop.ask("email", "email")
    assert sells(emailed)
    shop.happens("feedback", ahead=minutes * MINUTE, kind="complaint")
    assert not any(sells(shop.ask(*place, n=5)) for place in PLACES)
    assert shop.ask().actions[0].action_id == "case_status", "and she sees what becomes of it"
    (again,) = shop.service.recheck([emailed.decision_id], shop.now)
    assert not again.allowed and [h.kind for h in again.holds] == ["open_complaint"]


def test_a_clock_that_is_set_back_reopens_nothing(shop):
    shop.happens("feedback", kind="complaint")
    for back in (1, 4, 6, 600):
        assert not sells(shop.ask(now=shop.now - back * MINUTE))


def test_a_clock_that_is_set_back_forgets_no_incident(shop):
    shop.happens("delivery", days=10, order_id="o0", status="shipped", carrier="posti")
    declares(shop, {"carrier": "posti"})
    for back in (0, 1, 4, 6, 120):
        assert not sells(shop.ask("email", "email", now=shop.now - back * MINUTE)), back


def test_a_clock_that_is_set_back_makes_no_room_in_the_cap(shop):
    assert [sells(shop.ask("email", "email")) for _ in range(3)] == [True, True, False]
    for back in (1, 6, 120):
        assert not sells(shop.ask("email", "email", now=shop.now - back * MINUTE)), back


def test_a_letter_that_the_sender_s_clock_dates_long_ago_counts_toward_the_cap(shop):
    for _ in range(2):
        letter = shop.ask("email", "email")
        long_ago = datetime(1999, 12, 31, tzinfo=UTC)
        shop.service.record_outcome(
            Outcome(decision_id=letter.decision_id, outcome="sent", occurred_at=long_ago), shop.now
        )
    assert not sells(shop.ask("email", "email"))


@pytest.mark.parametrize("carrier", ["Posti ", " POSTI"])
def test_an_incident_of_a_carrier_takes_her_in_however_it_is_written(shop, carrier):
    shop.happens("delivery", days=3, order_id="o0", status="shipped", carrier="posti")
    declares(shop, {"carrier": carrier})
    assert not sells(shop.ask("email", "email"))


def test_a_declaration_that_cannot_be_read_ends_no_incident(shop):
    """The door lets none in, but a store may hold one from before the door knew."""
    shop.happens("delivery", days=3, order_id="o0", status="shipped", carrier="posti")
    declares(shop, {"carrier": "posti"})
    declares(shop, {"carrier": "posti"})
    store = sqlite3.connect(shop.home.live_db)
    (position, body), *_ = store.execute("select position, body from facts where type = 'incident' order by 1 desc")
    assert b"carrier" in body
    store.execute("update facts set body = ? where position = ?", (body.replace(b"carrier", b"courier"), position))
    store.commit()
    store.close()
    shop.service.close()
    shop.service = DecisionService(shop.home, durable=False)
    assert not sells(shop.ask("email", "email"))


def test_an_event_dated_ahead_ends_no_hold_before_its_time(shop):
    shop.happens("feedback", days=30, ahead=3 * MINUTE, kind="rating", score=1)
    assert not sells(shop.ask())
    shop.happens("browse", ahead=4 * MINUTE, action="view", session_id="s")
    assert not sells(shop.ask()), "three minutes of the thirty days are left"
    assert sells(shop.ask(now=shop.now + 5 * MINUTE))


def test_consent_withdrawn_on_a_clock_ahead_of_ours_is_withdrawn(shop):
    shop.happens("consent", ahead=3 * MINUTE, purpose="marketing", status="withdrawn")
    assert not sells(shop.ask("email", "email"))


def test_who_unsubscribes_gets_no_other_letter_the_next_moment(shop):
    letter = shop.ask("email", "email")
    outcome = Outcome(decision_id=letter.decision_id, outcome="unsubscribe", occurred_at=shop.now)
    assert shop.service.record_outcome(outcome, shop.now)
    assert shop.ask("email", "email").actions == []


def test_a_live_store_that_is_lost_is_not_taken_for_a_new_shop(shop):
    shop.happens("feedback", kind="complaint")
    shop.service.close()
    for path in shop.home.root.glob("live.db*"):
        if path.suffix != ".made":
            path.unlink()
    with pytest.raises(HomeError, match="Restore it from a copy"):
        DecisionService(shop.home)


def test_a_live_store_that_is_lost_while_serving_sells_nothing_from_a_new_one(shop):
    shop.happens("feedback", kind="complaint")
    for path in shop.home.root.glob("live.db*"):
        if path.suffix != ".made":
            path.unlink()
    answers = []
    worker = threading.Thread(target=lambda: answers.append(shop.ask()))  # a thread opens a connection of its own
    worker.start()
    worker.join(10)
    assert answers[0].state_status.startswith("unknown:") and not sells(answers[0])


def test_contacts_dated_ahead_count_toward_the_cap(shop):
    for n in range(3):
        shop.happens("contact", ahead=2 * MINUTE, action_id=f"letter{n}", status="sent")
    assert not sells(shop.ask("email", "email"))


def test_who_complained_before_she_logged_in_is_known_by_both_ids_of_the_question(shop):
    before = shop.ask(anonymous_id="v1")
    assert sells(before)
    shop.happens("feedback", anonymous_id="v1", kind="complaint")
    after = shop.ask(anonymous_id="v1", n=5)
    assert not sells(after) and after.actions[0].action_id == "case_status"
    assert not shop.service.recheck([before.decision_id], shop.now)[0].allowed
    shop.happens("identity", action="link", external_id="v1")
    assert not sells(shop.ask())


@pytest.mark.parametrize("odd", [" aino", "aino ", "ai\u200bno", "aino\x00", "aino\xa0", "\ufeffaino", ""])
def test_asked_for_by_an_id_that_no_event_can_have_nobody_is_sold_to(shop, odd):
    """The page that sends a stray space asks for her who complained."""
    shop.happens("feedback", kind="complaint")
    for who in ({"customer_id": odd}, {"customer_id": None, "anonymous_id": odd}, {"anonymous_id": odd}):
        answer = shop.ask(**who)
        assert answer.state_status == "unknown:bad_id" and not sells(answer), who
    assert sells(shop.ask(customer_id="bo")) and sells(shop.ask(customer_id="åsa"))


def test_a_visitor_id_that_belongs_to_someone_else_says_nothing_about_her(shop):
    shop.happens("feedback", anonymous_id="v1", kind="complaint")
    link = {"event_id": "link", "type": "identity", "customer_id": "bo", "anonymous_id": "v1",
            "occurred_at": NOON.isoformat(), "payload": {"action": "link"}}  # fmt: skip
    shop.service.ingest([link], NOON)
    assert sells(shop.ask(anonymous_id="v1")) and not sells(shop.ask(customer_id="bo"))


def test_a_retry_that_another_worker_overtook_is_rechecked(shop, tmp_path):
    """The other worker decided before the complaint; it writes between the retry's look for an answer and its own."""
    asked = shop.question(idempotency_key="k")
    sold = shop.ask(mode="simulate")
    assert sells(sold)
    twin = Home.open(tmp_path / "twin")
    records = Records(twin, durable=False)
    records.write([Entry(sold, asked)])
    records.close()
    shop.happens("feedback", kind="complaint")
    patient, answers = DecisionService(shop.home, durable=False), []

    def retry():
        patient.decide(shop.question(customer_id="bo"))  # what a worker does once is done
        step.wait(10)
        step.wait(10)
        answers.append(patient.decide(asked))

    step, worker = threading.Barrier(2), threading.Thread(target=retry)
    worker.start()
    other = sqlite3.connect(shop.home.live_db, isolation_level=None)
    other.execute("attach ? as twin", (str(twin.live_db),))
    step.wait(10)
    other.execute("begin immediate")
    step.wait(10)
    worker.join(0.5)
    assert worker.is_alive(), "it waits for its turn to write"
    for table in ("decisions", "idempotency"):
        other.execute(f"insert into main.{table} select * from twin.{table}")
    other.execute("commit")
    other.close()
    worker.join(10)
    patient.close()
    (answer,) = answers
    assert answer.decision_id == sold.decision_id and answer.superseded and not answer.actions


def test_service_goes_out_in_time_while_another_holds_the_store(shop, start):
    """A large import shows itself in one transaction, which may take many times a decision's deadline."""
    _, token = KeyStore(shop.home).create("test", ["admin"], now=NOON)
    settings = ServingSettings(decision_deadline_ms=3_000)
    client = start(create_app(shop.home, clock=lambda: NOON, settings=settings), authorization=f"Bearer {token}")
    shop.happens("case", case_id="x", kind="exchange", status="opened")
    other = sqlite3.connect(shop.home.live_db, isolation_level=None)
    other.execute("begin immediate")
    for customer in ("aino", "bo"):
        asked = {"customer_id": customer, "channel": "web", "placement": "front_page"}
        answer = client.post("/v1/decisions", json=asked).json()
        assert [a["action_id"] for a in answer["actions"]] == (["case_status"] if customer == "aino" else [])
        assert answer["state_status"] == "unknown:unrecorded" and answer["decision_id"] is None
    other.execute("rollback")
    other.close()
    assert client.post("/v1/decisions", json=asked).json()["state_status"] == "ok"


def test_what_is_returned_or_bought_meanwhile_is_not_sent(shop):
    letters = [shop.ask("email", "email", mode="list") for _ in range(2)]
    assert {i.item_id for i in letters[0].actions[0].items} >= {"coffee", "boots", "coat"}
    line = {"item_id": "coffee", "quantity": 1, "unit_price": 1000}
    shop.now += MINUTE
    shop.happens("purchase", order_id="more", currency="EUR", lines=[line])
    assert shop.service.recheck([letters[0].decision_id], shop.now)[0].allowed, "coffee is used up and bought again"
    shop.happens("purchase", order_id="coat", currency="EUR", lines=[line | {"item_id": "coat"}])
    (again,) = shop.service.recheck([letters[0].decision_id], shop.now)
    assert not again.allowed and [r.code for r in again.reasons] == ["no_items"]


def test_a_returned_item_is_neither_sent_nor_answered_again(shop):
    first = shop.ask("email", "email", idempotency_key="k")
    shop.happens("return", order_id="o0", lines=[{"item_id": "coffee", "quantity": 1, "amount": 1000}])
    assert not shop.service.recheck([first.decision_id], shop.now)[0].allowed
    assert shop.ask("email", "email", idempotency_key="k").superseded


def test_a_place_that_the_policy_gave_up_stops_its_own_decisions_only(shop):
    old, letter = shop.ask("partner_mailing", "partner"), shop.ask("email", "email")
    text = (shop.home.config / "policy.yaml").read_text().splitlines(keepends=True)
    (shop.home.config / "policy.yaml").write_text("".join(x for x in text if "partner_mailing:" not in x))
    stopped, fine = shop.service.recheck([old.decision_id, letter.decision_id], shop.now)
    assert not stopped.allowed and [r.code for r in stopped.reasons] == ["placement"]
    assert fine.allowed


def test_an_objection_to_profiling_in_one_channel_acts_in_that_channel(shop):
    objection = {"event_id": "no", "type": "consent", "customer_id": "aino", "occurred_at": NOON.isoformat(),
                 "payload": {"purpose": "profiling", "channel": "web", "status": "objected"}}  # fmt: skip
    shop.service.ingest([objection], NOON)
    candidates = {c.action_id: c.gates for c in shop.ask().candidates}
    assert "profiling_objection" in candidates["recommended_items"]
    assert sells(shop.ask("email", "email"))


@pytest.mark.parametrize("scores", [(1, 5), (5, 1)])
def test_of_two_ratings_in_the_same_instant_the_bad_one_holds(shop, scores):
    for score in scores:
        shop.happens("feedback", kind="rating", score=score, touchpoint="checkout")
    assert not sells(shop.ask())


def test_a_flood_of_small_frictions_does_not_wash_away_a_grave_one(shop):
    shop.happens("friction", kind="payment_error")
    flood = [
        {"event_id": f"f{n}", "type": "friction", "customer_id": "aino", "occurred_at": NOON.isoformat(),
         "payload": {"kind": "out_of_stock"}} for n in range(300)
    ]  # fmt: skip
    shop.service.ingest(flood, NOON)
    assert not sells(shop.ask("email", "email"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("required_sources: {}", "required_sources: {api: 1.0e+300}"),
        ("reservation_hours: 48", "reservation_hours: 1.0e+300"),
        ("days_per_severity: 7", "days_per_severity: 1.0e-300"),
        ("days_per_severity: 7", "days_per_severity: .inf"),
        ("time_bucket_hours: 24", "time_bucket_hours: &itself [*itself]"),
    ],
)
def test_a_policy_that_no_decision_could_be_taken_by_is_not_taken_up(shop, old, new):
    shop.happens("case", case_id="x", kind="exchange", status="opened")
    shop.set_policy(old, new)
    answer = shop.ask()
    assert answer.state_status == "ok" and [a.action_id for a in answer.actions] == ["case_status"]
    assert any("policy" in told for told in shop.service.health(NOON).degraded)
