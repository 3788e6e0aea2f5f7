"""A rejected event that could have held her leaves her in doubt until it is cleared, whatever door it came by."""

from datetime import UTC, datetime

import pytest
from log_contents import NOW, event, link, new_home, purchase, rating, table

from features.errors import DataError
from features.log import quarantine
from features.log.doubts import COULD_HOLD, Doubt, customers_in_doubt, doubt_of, in_doubt
from features.log.event_log import EventLog
from features.log.rejects import Reason, Reject, SourceBatch, raw_text
from features.log.store import connect


@pytest.fixture
def home(tmp_path):
    return new_home(tmp_path)


def doubted(home):
    connection = connect(home)
    try:
        return customers_in_doubt(connection)
    finally:
        connection.close()


def sends(home, *events):
    with EventLog(home) as log:
        return [result.status for result in log.append_live(list(events), source="api", now=NOW)]


def imports(home, *batches):
    with EventLog(home) as log:
        return log.append_history(list(batches), source="file", now=NOW)


BAD = rating("e1", "aino", 1, 9)
"""A rating of 9 on a scale of 1 to 5."""
BAD_IN_A_FILE = table([rating("e1", "aino", 1, 9)])


@pytest.mark.parametrize("kind", [*sorted(COULD_HOLD), "compliant", None])
def test_what_could_hold_her_leaves_her_in_doubt(kind):
    assert doubt_of(raw_text({"type": kind, "customer_id": "aino"})).origin_id == "aino"


@pytest.mark.parametrize("kind", ["purchase", "browse", "profile", "score", "contact"])
def test_what_could_not_does_not(kind):
    assert doubt_of(raw_text({"type": kind, "customer_id": "aino"})) == Doubt(kind, None, None)


@pytest.mark.parametrize(("told", "origin", "visitor"), [
    ({"anonymous_id": "v1"}, "anonymous:v1", None),
    ({"customer_id": "aino", "anonymous_id": "v1"}, "aino", "anonymous:v1"),
    ({"customer_id": "aino", "payload": {"external_id": "card-7"}}, "aino", "anonymous:card-7"),
    ({"customer_id": " aino\u200b"}, "aino", None),
    ({"customer_id": 17}, "17", None),
    ({"customer_id": ["aino"]}, None, None),
    ({"customer_id": "  "}, None, None),
    ({}, None, None),
], ids=str)  # fmt: skip
def test_whom_it_is_about_is_read_as_it_was_meant(told, origin, visitor):
    assert doubt_of(raw_text({"type": "case"} | told)) == Doubt("case", origin, visitor)


def test_to_unsubscribe_takes_a_permission_back():
    told = {"type": "contact", "customer_id": "aino", "payload": {"status": "unsubscribe", "action_id": ""}}
    assert doubt_of(raw_text(told)).origin_id == "aino"


def test_a_line_that_is_no_json_is_read_as_far_as_it_goes():
    raw = raw_text('{"event_id": "e1", "type": "case", "customer_id": "aino", "payload": {"case')
    assert doubt_of(raw) == Doubt("case", "aino", None)


@pytest.mark.parametrize("raw", ["", "null", "[1]", '"\\ud800"', "{", '{"type": {}}'])
def test_nonsense_is_about_nobody(raw):
    assert doubt_of(raw).origin_id is None


def test_a_rejected_rating_leaves_her_and_nobody_else_in_doubt(home):
    assert sends(home, BAD, purchase("e2", "bea", 1)) == ["rejected", "accepted"]
    assert doubted(home) == ["aino"]
    assert in_doubt(connect(home), ["aino", "bea"]) == {"aino"}


def test_an_import_leaves_her_in_doubt_as_well(home):
    unread = Reject("e2", Reason.BAD_TIME, "", raw_text({"type": "case", "customer_id": "bea"}), 0)
    imports(home, SourceBatch(BAD_IN_A_FILE, [unread]))
    assert doubted(home) == ["aino", "bea"]


def test_a_visitor_s_rejected_event_counts_for_the_customer_she_is(home):
    sends(home, link("l1", "v1", "aino", 1), rating("e1", "~v1", 2, 9))
    assert doubted(home) == ["aino"]
    sends(home, link("l2", "v1", "aino", 3, "unlink"))
    assert doubted(home) == ["anonymous:v1"]


def test_a_rejected_link_leaves_both_sides_in_doubt(home):
    sends(home, link("l1", "v1", "aino", 1, "merge"))
    assert doubted(home) == ["aino", "anonymous:v1"]


def test_a_correction_under_the_same_id_clears_it_live(home):
    assert sends(home, BAD) == ["rejected"]
    assert sends(home, rating("e1", "aino", 1, 5)) == ["accepted"]
    assert doubted(home) == []


def test_so_it_does_in_the_same_batch_if_it_came_after(home):
    assert sends(home, BAD, rating("e1", "aino", 1, 5)) == ["rejected", "accepted"]
    assert doubted(home) == []
    assert sends(home, rating("f1", "bea", 1, 5), rating("f1", "bea", 1, 9)) == ["accepted", "rejected"]
    assert doubted(home) == ["bea"]


def test_so_it_does_in_an_import(home):
    sends(home, BAD)
    imports(home, table([rating("e1", "aino", 1, 5)]))
    assert doubted(home) == []


def test_so_it_does_within_one_import_if_it_came_after(home):
    imports(home, table([rating("e1", "aino", 1, 9), rating("e1", "aino", 1, 5)]))
    assert doubted(home) == []
    imports(home, table([rating("f1", "bea", 1, 5), rating("f1", "bea", 1, 9)]))
    assert doubted(home) == ["bea"]


@pytest.mark.parametrize("late", [True, False], ids=["bad first", "good first"])
def test_so_it_does_across_the_batches_of_one_import(home, late):
    bad, good = table([rating("e1", "aino", 1, 9)]), table([rating("e1", "aino", 1, 5)])
    imports(home, *([bad, good] if late else [good, bad]))
    assert doubted(home) == ([] if late else ["aino"])


def test_what_the_source_could_not_read_is_not_taken_for_mended_by_a_row_beside_it(home):
    unread = Reject("e1", Reason.BAD_TIME, "", raw_text({"type": "case", "customer_id": "aino"}), 0)
    imports(home, SourceBatch(table([rating("e1", "aino", 1, 5)]), [unread]))
    assert doubted(home) == ["aino"]


def test_another_content_under_a_known_id_leaves_her_in_doubt_and_a_retry_of_the_first_clears_nothing(home):
    good = rating("e1", "aino", 1, 5)
    assert sends(home, good, rating("e1", "aino", 1, 1), good) == ["accepted", "rejected", "duplicate"]
    assert doubted(home) == ["aino"]


def test_a_replay_that_is_accepted_clears_it(home):
    ahead = rating("e1", "aino", 24 * 40, 1)
    assert sends(home, ahead) == ["rejected"]
    quarantine.replay(home, now=NOW)
    assert doubted(home) == ["aino"]
    quarantine.replay(home, now=datetime(2026, 12, 1, tzinfo=UTC))
    assert doubted(home) == []


def test_a_corrected_replay_clears_it(home):
    sends(home, BAD)
    (entry,) = quarantine.entries(home)
    assert (entry.type, entry.origin_id) == ("feedback", "aino")
    quarantine.replay(home, now=NOW, ids=[], corrected={entry.id: rating("e1", "aino", 1, 2)})
    assert doubted(home) == []


def test_a_person_dismisses_it_and_it_is_kept_with_who_and_why(home):
    sends(home, BAD)
    (entry,) = quarantine.entries(home)
    dismissed = quarantine.dismiss(home, entry.id, person="liisa", reason="a test of ours", now=NOW)
    assert (dismissed.dismissed_by, dismissed.dismissed_reason, dismissed.dismissed_at) == (
        "liisa",
        "a test of ours",
        NOW,
    )
    assert doubted(home) == [] and quarantine.entries(home) == [] and quarantine.counts(home) == {}
    assert [e.id for e in quarantine.entries(home, replayed=True)] == [entry.id]
    sends(home, BAD)
    assert doubted(home) == [], "the same text again was judged already"
    with pytest.raises(DataError, match="quarantine list"):
        quarantine.dismiss(home, entry.id, person="liisa", reason="again", now=NOW)


@pytest.mark.parametrize(("person", "reason"), [("", "why"), ("liisa", " ")])
def test_nobody_dismisses_without_a_name_and_a_reason(home, person, reason):
    sends(home, BAD)
    (entry,) = quarantine.entries(home)
    with pytest.raises(DataError, match="person and a reason"):
        quarantine.dismiss(home, entry.id, person=person, reason=reason, now=NOW)
    assert doubted(home) == ["aino"]


def test_other_events_of_hers_clear_nothing(home):
    sends(home, BAD)
    sends(
        home, rating("e2", "aino", 2, 5), event("e3", "case", "aino", 3, case_id="C1", kind="return", status="closed")
    )
    assert doubted(home) == ["aino"]
