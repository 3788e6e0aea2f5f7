"""What is written is judged before it is acknowledged: the next decision knows, and nothing is held up by a model."""

import itertools
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from features.customer.state import decode
from features.home import Home
from features.inputs.dissatisfaction import NAME, Dissatisfaction
from features.log.event_log import EventLog
from features.log.quarantine import entries
from serving.dissatisfaction import Mood
from serving.service import DecisionService
from serving.trials import current_id
from tests.serving.core.test_bundles import put_in_force, write_bundle
from tests.training.rated_texts import rated_texts
from training.dissatisfaction import train_dissatisfaction
from training.params import DissatisfactionParams

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
BAD, GOOD = "paketti ei tullut perille, nobody answers my calls", "quick and friendly, kaunis väri"


@pytest.fixture(scope="module")
def model():
    return train_dissatisfaction(rated_texts(400, 1), DissatisfactionParams()).model


@pytest.fixture
def home(tmp_path, model):
    home = Home.open(tmp_path / "home")
    write_bundle(home, learned=[lambda folder: model.save(folder, None, {})])
    return home


@pytest.fixture
def service(home):
    service = DecisionService(home)
    yield service
    service.close()


_ids = itertools.count(1)


def says(text, on=0.0, kind="comment", who=None, **more):
    """A piece of feedback, `on` days after noon."""
    at = (NOON + timedelta(days=on)).isoformat()
    payload = {"kind": kind, "text": text} | more
    who = {"customer_id": "aino"} if who is None else who
    return {"event_id": f"f{next(_ids)}", "type": "feedback", **who, "occurred_at": at, "payload": payload}


def take(service, *events, on=100.0):
    results = service.ingest(list(events), NOON + timedelta(days=on))
    assert all(one.status == "accepted" for one in results), results


def scores(home, who="aino"):
    with EventLog(home) as log:
        found = log.state_of(who)
        return [] if found is None else decode(found[1]).scores


def held(service, on, who="aino"):
    told = service.customer(who, NOON + timedelta(days=on))
    return {hold["kind"]: hold for hold in told["holds"]}


def test_one_bad_comment_is_a_score_with_its_causes_at_the_moment_it_was_written(service, home, model):
    take(service, says(BAD), on=0)
    (score,) = scores(home)
    assert score.model == NAME and score.version == current_id(home) and score.holds_from == model.holds_from
    assert score.value == model.judge(BAD, ()).probability > model.holds_from
    assert score.at == NOON.timestamp() * 1e6 and score.reason.startswith("words: ")
    assert held(service, 0)["predicted"]["covers"]["categories"] == ("sales",)


def test_a_later_good_text_releases_it(service):
    take(service, says(BAD), on=0)
    take(service, says(GOOD, on=1), on=1)
    assert "predicted" in held(service, 0.5) and "predicted" not in held(service, 1)


@pytest.mark.parametrize("text", ["hello again", "order 1234", "ostin tämän", "ok"])
def test_a_word_that_is_not_good_releases_nothing(service, text):
    """Asking again may sound calm to a model; only praise, or a good rating beside it, says that she is content."""
    take(service, says(BAD), on=0)
    take(service, says(text, on=1), on=1)
    assert "predicted" in held(service, 2)


def test_a_good_rating_beside_it_releases_whatever_the_language(service):
    take(service, says(BAD), on=0)
    take(service, says("çok güzel", on=1, kind="review", score=5), on=1)
    assert "predicted" not in held(service, 2)


def test_nothing_to_read_is_no_score(service, home):
    take(service, says("  "), says(BAD, kind="rating", score=3, who={"customer_id": "bea"}))
    event = says("x")
    del event["payload"]["text"]
    take(service, event)
    assert scores(home) == [] and len(scores(home, "bea")) == 1


def test_sent_again_it_is_judged_once_even_by_another_model(service, home, model):
    event = says(BAD)
    take(service, event)
    other = Dissatisfaction(model.model, 0.99)
    write_bundle(home, as_of="20260901", learned=[lambda folder: other.save(folder, None, {})])
    (again,) = service.ingest([event], NOON + timedelta(days=100))
    assert again.status == "duplicate" and len(scores(home)) == 1
    take(service, says(BAD, on=1))
    assert [one.holds_from for one in scores(home)] == [model.holds_from, 0.99]
    assert entries(home) == []


def test_a_rejected_comment_is_not_judged(service, home):
    (result,) = service.ingest([says(BAD, kind="rating")], NOON)
    assert result.status == "rejected" and scores(home) == []


def test_a_visitor_s_words_are_hers_when_she_logs_in(service):
    visitor = {"anonymous_id": "v1"}
    link = {"event_id": "l1", "type": "identity", "occurred_at": NOON.isoformat(), "payload": {"action": "link"}}
    take(service, link | visitor | {"customer_id": "aino"}, says(BAD, who=visitor))
    assert "predicted" in held(service, 1)
    take(service, says(GOOD, on=2))
    assert "predicted" in held(service, 3), "another identity's good word ends nothing"


@pytest.mark.parametrize("text", [GOOD, BAD, "ostin tämän", "", "lovely colour, thanks"])
@pytest.mark.parametrize("first", [BAD, GOOD, None])
def test_law_a_complaint_never_lowers_what_was_predicted(service, home, text, first):
    """Whatever it says, whatever was said before, together or one by one, and whichever comes in first."""
    customers = ("together", "in order", "late", "without")
    for who in customers:
        own = partial(says, who={"customer_id": who})
        earlier = [own(first, on=0)] if first else []
        complaint = own(text, on=1, kind="complaint")
        match who:
            case "together":
                take(service, *earlier, complaint)
            case "in order":
                for event in (*earlier, complaint):
                    take(service, event)
            case "late":
                for event in (complaint, *earlier):
                    take(service, event)
            case "without":
                take(service, *earlier, own(None, on=1, kind="complaint") | {"payload": {"kind": "complaint"}})
    latest = {who: max((one.value for one in scores(home, who)[-1:]), default=0.0) for who in customers}
    for who in customers[:3]:
        assert ("predicted" in held(service, 2, "without")) <= ("predicted" in held(service, 2, who)), who
    for who in customers[:2]:
        assert latest[who] >= latest["without"]


class Failing:
    """A model that cannot judge."""

    needs_facts, holds_from = False, None

    def judge(self, text, facts):
        raise ArithmeticError("no judgement")


def test_where_the_model_fails_the_seed_words_judge_and_it_is_counted(home, caplog):
    mood = Mood()
    follow = mood.following(Failing(), "b1", DecisionService(home).in_force(NOON).policy.file.holds)
    with EventLog(home) as log:
        cross, calm = says("Broken again, never answered. Terrible!"), says("order 1234", who={"customer_id": "bea"})
        results = log.append_live([cross, calm], source="api", now=NOON, follow=follow)
        assert [one.status for one in results] == ["accepted", "accepted"]
    assert mood.failures == 2 and "could not be judged" in caplog.text and "Terrible" not in caplog.text
    (score,) = scores(home)
    assert score.value > 0.7 and score.version == "seed_words" and scores(home, "bea") == []


def test_health_says_that_feedback_could_not_be_judged(service):
    mood = service._mood
    with EventLog(service.home) as log:
        rules = service.in_force(NOON).policy.file.holds
        log.append_live([says(BAD)], source="api", now=NOON, follow=mood.following(Failing(), "b1", rules))
    assert "1 pieces of feedback could not be judged" in " ".join(service.health(NOON).degraded)


def test_where_a_bundle_has_no_such_model_the_seed_words_judge(service, home):
    write_bundle(home, as_of="20260701")
    take(service, says("Broken, wrong, late; terrible. Never again: a scam, refund!"))
    assert scores(home)[0].version == "seed_words" and "predicted" in held(service, 1)


def test_seed_words_alone_hold_only_at_the_policy_s_threshold(service, home):
    seeds = train_dissatisfaction(rated_texts(10, 2), DissatisfactionParams()).model
    put_in_force(home, write_bundle(home, learned=[lambda folder: seeds.save(folder, None, {})]))
    take(service, says("It is late"))
    assert scores(home)[0].value < 0.7 and "predicted" not in held(service, 1)
    take(service, says("Broken, wrong, late; terrible. Never again: a scam, refund!", on=1))
    assert scores(home)[1].value > 0.7 and "predicted" in held(service, 2)


def test_folded_anew_it_is_the_same(service, home):
    take(service, says(BAD), says(GOOD, on=1), says(BAD, on=2, kind="complaint"))
    with EventLog(home) as log:
        before = log.state_of("aino")
        log.refold_all()
        assert log.state_of("aino") == before


@pytest.mark.parametrize(
    "text",
    [
        "never again, I want my money back", "Never again!", "I'll never order from you", "En ikinä enää tilaa teiltä",
        "haluan rahat takaisin", "Aldrig mer!", "Jag vill ha pengarna tillbaka", "Nie wieder!", "Geld zurück, bitte",
        "Nunca mais!", "quero meu dinheiro de volta", "Nunca más", "Plus jamais",
        "je veux mon argent de retour",
    ],
)  # fmt: skip
def test_who_says_that_she_is_leaving_need_say_no_more(tmp_path, text):
    bare = Home.open(tmp_path / "bare")
    service = DecisionService(bare)
    take(service, says(text), on=0)
    assert "predicted" in held(service, 0.1)
    service.close()


@pytest.mark.parametrize("letters", [500, 7_000, 20_000, 100_000])
def test_a_complaint_at_the_end_of_a_long_letter_is_read(tmp_path, letters):
    """Whoever writes at length comes to the point last."""
    calm = "The parcel came on Tuesday and I wear the socks in the garden. "
    bare = Home.open(tmp_path / "bare")
    service = DecisionService(bare)
    take(service, says(calm * (letters // len(calm)) + "Terrible, broken, never again. I want my money back!"), on=0)
    assert "predicted" in held(service, 0.1)
    service.close()


def test_before_there_is_any_model_the_seed_words_judge(tmp_path):
    """A shop's first weeks: nothing is trained, and who writes that she never comes back is heard all the same."""
    bare = Home.open(tmp_path / "bare")
    service = DecisionService(bare)
    take(service, says("Terrible, broken, never again. I want my money back!"), on=0)
    take(service, says("Kiitos, erinomainen palvelu!", who={"customer_id": "bea"}), on=0)
    (score,) = scores(bare)
    assert score.version == "seed_words"
    assert "predicted" in held(service, 0.1) and "predicted" not in held(service, 0.1, "bea")
    service.close()
