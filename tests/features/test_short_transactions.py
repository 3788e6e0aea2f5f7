"""Whoever posts much at once lets others write in between: so many events, and so much to be judged, at a time."""

from contextlib import contextmanager

import pytest
from log_contents import NOW, event, link, new_home, purchase, rating

from features.log import live_intake
from features.log.event_log import EventLog
from features.log.live_intake import AT_ONCE, LINKS_AT_ONCE, TEXT_AT_ONCE


@contextmanager
def counted():
    """How many facts each transaction keeps."""
    kept = []

    def facts(run):
        return run.execute("select count(*) from facts").fetchone()[0]

    @contextmanager
    def transaction(*told):
        with whole(*told) as run:
            before = facts(run)
            yield run
            kept.append(facts(run) - before)

    whole = live_intake.transaction
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(live_intake, "transaction", transaction)
        yield kept


def none_follows(_, __):
    return []


@pytest.fixture
def log(tmp_path):
    with EventLog(new_home(tmp_path / "home"), durable=False) as log:
        yield log


@pytest.mark.parametrize("follow", [None, none_follows], ids=["not judged", "judged"])
def test_many_events_are_kept_some_at_a_time_and_answered_in_their_order(log, follow):
    many = [rating(f"r{n}", f"c{n % 7}", n / 100, 5) for n in range(2 * AT_ONCE + 30)]
    many[3] = {"event_id": "r3"}
    many[AT_ONCE + 4] = many[5]
    with counted() as kept:
        results = log.append_live(many, source="api", now=NOW, follow=follow)
    assert kept == [AT_ONCE - 1, AT_ONCE - 1, 30]
    assert [r.event_id for r in results] == [one["event_id"] for one in many]
    statuses = {n: r.status for n, r in enumerate(results) if r.status != "accepted"}
    assert statuses == {3: "rejected", AT_ONCE + 4: "duplicate"}


def test_of_long_texts_few_are_kept_at_a_time(log):
    def says(n, length):
        return event(f"f{n}", "feedback", "aino", n / 100, kind="comment", text="a" * length)

    long = [
        says(0, TEXT_AT_ONCE + 1),
        says(1, TEXT_AT_ONCE),
        says(2, 1),
        says(3, TEXT_AT_ONCE - 1),
        purchase("p", "aino", 1),
    ]
    with counted() as kept:
        log.append_live(long, source="api", now=NOW, follow=none_follows)
    assert kept == [1, 1, 3]


def test_of_who_is_who_little_is_told_at_a_time(log):
    links = [link(f"l{n}", f"v{n}", f"c{n}", n / 100) for n in range(2 * LINKS_AT_ONCE)]
    with counted() as kept:
        log.append_live([purchase("p", "aino", 1), *links], source="api", now=NOW)
    assert kept == [LINKS_AT_ONCE + 1, LINKS_AT_ONCE]


def test_what_is_no_event_is_no_obstacle():
    odd = [7, None, {"payload": 7}, {"payload": {"text": 7}}, []]
    assert list(live_intake.in_parts(odd)) == [odd]
    assert list(live_intake.in_parts([])) == [[]]


@pytest.mark.parametrize("kind", ["newcomers", "late"])
def test_who_comes_for_the_first_time_or_out_of_order_is_folded_before_others_have_to_wait(log, kind, monkeypatch):
    log.append_live([rating(f"r{n}", f"c{n}", 9, 5) for n in range(5)], source="api", now=NOW)
    who, hours = ("new", 9) if kind == "newcomers" else ("c", 1)
    within = []
    fold = live_intake.fold_news

    def folded(*told):
        within.append(told)
        return fold(*told)

    monkeypatch.setattr(live_intake, "fold_news", folded)
    with counted() as kept:
        log.append_live([purchase(f"p{n}", f"{who}{n}", hours) for n in range(5)], source="api", now=NOW)
    assert kept == [5] and not within
    before = {f"{who}{n}": log.state_of(f"{who}{n}") for n in range(5)}
    log.refold_all()
    assert before == {customer: log.state_of(customer) for customer in before}
