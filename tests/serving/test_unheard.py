"""Feedback that nobody judged is judged beside the others' writes, and by what is known when its score is kept."""

from contextlib import closing, contextmanager
from datetime import timedelta

import pytest

from features.home import Home
from features.log.event_log import EventLog
from features.log.following import Following
from features.log.live_intake import TEXT_AT_ONCE
from features.log.store import STORE_ERRORS, connect, transaction
from serving import unheard
from serving.dissatisfaction import score_id
from serving.unheard import AT_ONCE, judge_unheard
from tests.serving.test_dissatisfaction import NOON


@pytest.fixture
def home(tmp_path):
    return Home.open(tmp_path / "home")


def says(n, text="bad", who=None):
    at = NOON - timedelta(days=1, minutes=-n)
    payload = {"kind": "comment", "text": text} if text else {"kind": "rating", "score": 3}
    told = {"event_id": f"f{n}", "type": "feedback", "occurred_at": at.isoformat(), "payload": payload}
    return told | {"customer_id": who or f"c{n}"}


def kept(home, *events):
    with EventLog(home) as log:
        assert all(r.status == "accepted" for r in log.append_live(list(events), source="old", now=NOON))


class Judge:
    """Gives every text a score, and notes how many it was asked about, and whether others had to wait meanwhile."""

    def __init__(self, home):
        self.home, self.asked, self.blocked = home, [], []

    def __call__(self, run, rows):
        written = [row for row in rows if row.get("text")]
        self.asked.append([row["event_id"] for row in written])
        with closing(connect(self.home)) as beside:
            beside.wait_at_most(0.01)
            try:
                with transaction(beside):
                    self.blocked.append(False)
            except STORE_ERRORS:
                self.blocked.append(True)
        return [
            {"event_id": score_id(row["event_id"]), "type": "score", "customer_id": row["customer_id"]}
            | {"occurred_at": row["occurred_at"], "payload": {"model": "m", "version": "1", "value": 0.9}}
            for row in written
        ]

    def following(self):
        return Following(self, NOON - timedelta(days=30))


def scores(home):
    with EventLog(home) as log:
        return log.counts().get("score", 0)


def test_few_are_judged_at_a_time_while_others_write(home):
    texts = [says(n, "" if n % 3 else "bad") for n in range(3 * (2 * AT_ONCE + 5))]
    kept(home, *texts)
    judge = Judge(home)
    with closing(connect(home)) as run:
        while judge_unheard(run, judge.following(), NOON):
            pass
    assert [len(asked) for asked in judge.asked] == [AT_ONCE, AT_ONCE, 5] and not any(judge.blocked)
    assert scores(home) == 2 * AT_ONCE + 5


def test_of_long_texts_fewer_are(home):
    kept(home, says(0, "a" * (TEXT_AT_ONCE + 1)), says(1, "a" * TEXT_AT_ONCE), says(2, "a"))
    judge = Judge(home)
    with closing(connect(home)) as run:
        while judge_unheard(run, judge.following(), NOON):
            pass
    assert judge.asked == [["f0"], ["f1"], ["f2"]] and scores(home) == 3


def test_what_has_a_score_is_passed_over(home):
    kept(home, *[says(n) for n in range(2 * AT_ONCE)])
    judge = Judge(home)
    with closing(connect(home)) as run:
        with transaction(run):
            run.executemany("insert into seen values (?, ?)", [(score_id(f"f{n}"), b"") for n in range(2 * AT_ONCE)])
        kept(home, says(2 * AT_ONCE))
        assert not judge_unheard(run, judge.following(), NOON), "an imported shop is looked through at once"
    assert judge.asked == [[f"f{2 * AT_ONCE}"]]


@pytest.mark.parametrize(("who", "times"), [("aino", 2), ("elli", 1)], ids=["of her", "of another"])
def test_if_more_becomes_known_of_her_meanwhile_she_is_judged_again(home, monkeypatch, who, times):
    kept(home, says(0, who="aino"))
    judge, waiting = Judge(home), [says(1, who=who)]

    @contextmanager
    def late(run):
        if waiting:
            kept(home, waiting.pop())
        with transaction(run):
            yield run

    monkeypatch.setattr(unheard, "transaction", late)
    with closing(connect(home)) as run:
        assert not judge_unheard(run, judge.following(), NOON)
        assert len(judge.asked) == times
        while judge_unheard(run, judge.following(), NOON):
            pass
        assert not judge_unheard(run, judge.following(), NOON)
    assert scores(home) == 2
