"""Promise 1 for what she writes: it is judged by whatever door it comes in, before anybody can sell to her."""

import json
from datetime import timedelta

import pytest
from regular_customer import MINUTE, NOON, Shop, sells

from features.columns import EVENT_SCHEMA
from features.customer.state import decode
from features.home import Home
from features.log import history_intake
from features.log.event_log import EventLog
from features.log.event_objects import rows_from_json
from features.log.quarantine import entries, replay
from pipelines.campaigns import build_campaign
from pipelines.export import export_campaign
from pipelines.ingest import ingest
from pipelines.judged import judge_for
from serving.core.recheck import ListRow
from serving.desk.desk import Desk, next_of
from serving.service import DecisionService

FURIOUS = "Terrible, broken, never again. I want my money back!"
CONTENT = "Kiitos, erinomainen palvelu!"


def says(text=FURIOUS, event_id="f1", *, days=1.0, who=None, **more):
    """A comment written `days` before the shop's noon."""
    return {
        "event_id": event_id, "type": "feedback", **({"customer_id": "aino"} if who is None else who),
        "occurred_at": (NOON - timedelta(days=days)).isoformat(), "payload": {"kind": "comment", "text": text} | more,
    }  # fmt: skip


def by_file(shop, *events):
    file = shop.home.root.parent / f"{events[0]['event_id']}.jsonl"
    file.write_text("".join(json.dumps(event) + "\n" for event in events), "utf-8")
    return ingest(shop.home, "canonical", file, now=shop.now)


def by_replay(shop, *events):
    """Each was rejected for its wrong payload before; a person corrects it."""
    for event in events:
        (result,) = shop.service.ingest([event | {"payload": {"kind": "shout"}}], shop.now)
        assert result.status == "rejected"
    fixed = {entry.id: next(e for e in events if e["event_id"] == entry.event_id) for entry in entries(shop.home)}
    report = replay(shop.home, now=shop.now, ids=[], corrected=fixed, follow=judge_for(shop.home, shop.now).follow)
    assert report.accepted == len(events)


def by_no_judge(shop, *events):
    """Kept by somebody who judges nothing: an older version, say. The service's next round hears it."""
    table, rejects = rows_from_json(list(events), source="old", received_at=shop.now)
    assert not rejects and table.schema.names == EVENT_SCHEMA.names
    with EventLog(shop.home) as log:
        log.append_history([table], source="old", now=shop.now)
    assert not shop.service.judge_unheard(shop.now), "nothing more waits"


DOORS = pytest.mark.parametrize("door", [by_file, by_replay, by_no_judge])


def scores(home, who="aino"):
    with EventLog(home) as log:
        found = log.state_of(who)
        return [] if found is None else decode(found[1]).scores


def score_facts(home, who="aino"):
    with EventLog(home) as log:
        return [fact for fact in log.facts_of(who) if fact.type == "score"]


@DOORS
def test_what_she_wrote_yesterday_holds_whatever_door_it_came_in_by(shop, door):
    emailed = shop.ask("email", "email")
    assert sells(emailed)
    door(shop, says())
    answer = shop.ask("email", "email")
    assert not sells(answer) and [hold.kind for hold in answer.holds] == ["predicted"]
    (again,) = shop.service.recheck([emailed.decision_id], shop.now)
    assert not again.allowed
    (score,) = scores(shop.home)
    assert score.version == "seed_words" and score.at == (NOON - timedelta(days=1)).timestamp() * 1e6


@DOORS
def test_nor_does_a_list_that_was_made_before_nor_the_feed_pass_her_by(shop, door):
    listed = build_campaign(shop.home, name="Autumn", channel="email", placement="email", now=shop.now)
    assert listed.listed == 1
    desk = Desk(shop.service)
    told = next_of(desk.feed(shop.now).cursor)
    door(shop, says())
    exported = export_campaign(shop.home, listed.id, now=shop.now + MINUTE)
    assert exported.kept == 0 and [row["customer_id"] for row in exported.dropped] == ["aino"]
    news = desk.feed(shop.now + MINUTE, after=told).customers
    assert [(one.customer_id, [hold.kind for hold in one.holds]) for one in news] == [("aino", ["predicted"])]
    row = ListRow(customer_id="aino", action_id="next_offer", channel="email", placement="email")
    (by_hand,) = shop.service.recheck_rows([row], shop.now)
    assert not by_hand.allowed
    again = build_campaign(shop.home, name="Again", channel="email", placement="email", now=shop.now + MINUTE)
    assert again.listed == 0


@DOORS
def test_a_service_that_was_started_later_knows(shop, door):
    door(shop, says())
    shop.service.close()
    shop.service = DecisionService(shop.home, durable=False)
    assert not sells(shop.ask("email", "email"))


@DOORS
def test_the_hold_is_counted_from_what_she_wrote_and_known_since_it_was_judged(shop, door):
    door(shop, says(days=29))
    assert not sells(shop.ask("email", "email"))
    assert not any(h.kind == "predicted" for h in shop.ask("email", "email", now=NOON + timedelta(days=1.1)).holds)
    (fact,) = score_facts(shop.home)
    assert fact.occurred_at == NOON - timedelta(days=29) and fact.received_at == NOON


@DOORS
def test_what_can_hold_nobody_any_more_is_not_judged(shop, door):
    door(shop, says(days=31))
    assert len(scores(shop.home)) == (door is by_replay), "what a person sends in by hand is judged as what is posted"
    assert sells(shop.ask("email", "email"))


@DOORS
def test_a_later_good_word_ends_it_as_it_does_live(shop, door):
    door(shop, says(), says(CONTENT, "f2", days=0.5))
    assert len(scores(shop.home)) == 2 and sells(shop.ask("email", "email"))


@DOORS
def test_the_words_of_a_visitor_hold_the_customer_whom_she_turned_out_to_be(shop, door):
    visitor = {"anonymous_id": "v1"}
    shop.happens("browse", anonymous_id="v1", days=2, action="view", session_id="s")
    link = {"event_id": "link", "type": "identity", "customer_id": "aino", "occurred_at": NOON.isoformat()}
    (result,) = shop.service.ingest([link | visitor | {"payload": {"action": "link"}}], shop.now)
    assert result.status == "accepted"
    door(shop, says(who=visitor))
    door(shop, says(CONTENT, "f2", days=0.5))
    assert not sells(shop.ask("email", "email")), "another identity's good word ends nothing"


@DOORS
def test_what_was_posted_is_not_judged_again(shop, door):
    shop.happens("feedback", days=1, kind="comment", text=FURIOUS)
    door(shop, says("hello", "f2"))
    while shop.service.judge_unheard(shop.now):
        pass
    assert len(score_facts(shop.home)) == 1


def test_taken_again_or_judged_again_it_is_one_score(shop):
    for _ in range(2):
        by_file(shop, says())
        assert not shop.service.judge_unheard(shop.now)
    (result,) = shop.service.ingest([says()], shop.now)
    assert result.status == "duplicate" and len(score_facts(shop.home)) == 1
    assert entries(shop.home) == []


def test_a_file_that_brings_its_own_scores_is_taken_at_its_word(shop, tmp_path):
    """As an export taken in elsewhere: the score that stands there is the one that counts."""
    by_file(shop, says())
    (known,) = score_facts(shop.home)
    other = Shop(Home.open(tmp_path / "other"))
    payload = {"model": known.payload["model"], "version": "theirs", "value": 0.97}
    score = {"event_id": known.event_id, "type": "score", "customer_id": "aino", "payload": payload}
    by_file(other, says(), score | {"occurred_at": known.occurred_at.isoformat()})
    assert [one.version for one in scores(other.home)] == ["theirs"]
    other.service.close()


def test_many_are_heard_round_by_round_each_of_them(shop):
    texts = [says(event_id=f"f{n}", who={"customer_id": f"c{n}"}) for n in range(1_203)]
    table, _ = rows_from_json(texts, source="old", received_at=shop.now)
    with EventLog(shop.home) as log:
        log.append_history([table], source="old", now=shop.now)
    rounds = 1
    while shop.service.judge_unheard(shop.now):
        rounds += 1
    assert rounds > 1 and all(len(scores(shop.home, f"c{n}")) == 1 for n in range(1_203))


def test_a_policy_that_cannot_be_read_lets_nobody_by(shop):
    shop.set_policy("holdout: 0.0", "holdout: [")
    by_file(shop, says())
    assert not sells(shop.ask("email", "email"))


def test_a_file_of_next_minute_s_clock_is_judged_as_well(shop):
    by_file(shop, says(days=-2 * MINUTE / timedelta(days=1)))
    assert not sells(shop.ask("email", "email"))


def test_of_a_large_file_all_that_was_written_is_judged_though_only_so_much_at_once(shop, monkeypatch):
    monkeypatch.setattr(history_intake, "_FEEDBACK_AT_ONCE", 2)
    people = [f"writer-{number}" for number in range(5)]
    by_file(shop, *(says(event_id=who, who={"customer_id": who}) for who in people))
    assert [len(scores(shop.home, who)) for who in people] == [1] * 5
