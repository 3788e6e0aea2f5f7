import json
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from log_contents import NOW, at, event, lake_rows, link, new_home, purchase, rating, table

from features.columns import EVENT_SCHEMA
from features.customer.state import decode
from features.errors import DataError, HomeError
from features.home import Home
from features.log.event_log import EventLog
from features.log.history_intake import IngestReport
from features.log.lake import only_writer
from features.log.live_folding import KEPT_BROWSING
from features.log.rejects import Reason, Reject, SourceBatch
from features.log.store import connect, from_micros


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return new_home(tmp_path / "home")


@pytest.fixture
def log(home: Home) -> EventLog:
    return EventLog(home, durable=False)


def history(log: EventLog, *batches: list[dict[str, object]], source: str = "t") -> IngestReport:
    return log.append_history([table(batch) for batch in batches], source=source, now=NOW)


def test_history_lies_in_the_lake_by_day_sorted_with_facts_and_state(log: EventLog, home: Home) -> None:
    report = history(log, [purchase("b", "aino", 30), purchase("a", "aino", 1)], [rating("c", "elli", 2, 1)])
    assert (report.read, report.accepted, report.days, report.first_day) == (3, 3, 2, "2026-08-01")
    assert [str(path.relative_to(home.root)) for path in log.files()] == [
        "lake/day=2026-08-01/000001-0.parquet",
        "lake/day=2026-08-02/000001-0.parquet",
    ]
    assert [row["event_id"] for row in lake_rows(log)] == ["a", "b", "c"]
    assert [fact.event_id for fact in log.facts_of("aino")] == ["a", "b"]
    fact = log.facts_of("elli")[0]
    assert (fact.type, fact.origin, fact.payload) == ("feedback", "elli", {"kind": "rating", "score": 1.0})
    assert fact.occurred_at.isoformat() == at(2)
    assert fact.received_at.isoformat() == at(3)
    found = log.state_of("aino")
    assert found is not None
    assert (found[0], decode(found[1]).order_count) == (2, 2)
    assert log.counts() == {"feedback": 1, "purchase": 2}
    assert log.watermarks()["t"][0].isoformat() == at(30)
    log.append_live([rating("late", "aino", 2, 3)], source="t", now=NOW)
    assert log.watermarks()["t"][0].isoformat() == at(30), "a late event sets no source back"


def test_duckdb_reads_exactly_the_listed_files_and_an_empty_log_has_the_same_columns(log: EventLog) -> None:
    connection = duckdb.connect()
    empty = connection.sql(log.scan())
    history(log, [purchase("a", "aino", 1)])
    full = connection.sql(log.scan())
    assert empty.columns == full.columns == EVENT_SCHEMA.names
    assert empty.types == full.types
    assert (len(empty.fetchall()), len(full.fetchall())) == (0, 1)


def test_the_same_event_again_counts_once_and_with_other_content_is_quarantined(log: EventLog, home: Home) -> None:
    first = purchase("a", "aino", 1)
    later = first | {"received_at": at(9), "source": "elsewhere"}
    other = purchase("a", "aino", 1, item="boots")
    assert history(log, [first, later, other]).to_json() | {"seconds": 0} == {
        "source": "t", "read": 3, "accepted": 1, "duplicates": 1, "rejected": {"conflicting_duplicate": 1},
        "by_type": {"purchase": 1}, "days": 1, "first_day": "2026-08-01", "last_day": "2026-08-01", "missing": [],
        "items": 0, "seconds": 0, "lag_seconds": 0.0,
    }  # fmt: skip
    again = history(log, [first], [other])
    assert (again.accepted, again.duplicates, again.rejected) == (0, 1, {"conflicting_duplicate": 1})
    live = log.append_live([first, other], source="api", now=NOW)
    assert [(r.status, r.reason) for r in live] == [("duplicate", None), ("rejected", "conflicting_duplicate")]
    assert [row["lines"][0]["item_id"] for row in lake_rows(log)] == ["socks"]
    entries = connect(home).execute("select reason, times from quarantine order by source").fetchall()
    assert entries == [("conflicting_duplicate", 1), ("conflicting_duplicate", 2)]


def test_live_results_come_in_order_and_one_bad_event_harms_no_other(log: EventLog) -> None:
    sent = [rating("a", "aino", 1, 1), {"event_id": "x"}, rating("b", "aino", 2, 9), rating("a", "aino", 1, 1), 7]
    results = log.append_live(sent, source="api", now=NOW)
    assert [(r.event_id, r.status) for r in results] == [
        ("a", "accepted"), ("x", "rejected"), ("b", "rejected"), ("a", "duplicate"), (None, "rejected"),
    ]  # fmt: skip
    assert [r.reason for r in results] == [None, "missing_field", "score_outside_scale", None, "unparseable"]
    assert results[0].customer_id == "aino"
    assert log.append_live([], source="api", now=NOW) == []


def test_a_live_event_is_in_facts_and_state_at_once_and_in_the_lake_after_a_flush(log: EventLog) -> None:
    log.append_live([rating("a", "aino", 1, 1)], source="api", now=NOW)
    found = log.state_of("aino")
    assert found is not None
    assert found[0] == log.position() == 1
    assert len(decode(found[1]).marks) == 1
    assert (log.counts(), log.files()) == ({"feedback": 1}, [])
    assert (log.flush_live(), log.flush_live()) == (1, 0)
    assert [row["event_id"] for row in lake_rows(log)] == ["a"]
    assert log.counts() == {"feedback": 1}
    assert history(log, [rating("a", "aino", 1, 1)]).duplicates == 1


def test_of_browsing_the_newest_stay_facts_and_the_lake_keeps_all(log: EventLog) -> None:
    many = KEPT_BROWSING + 7
    views = [event(f"v{n:03d}", "browse", "aino", n, action="view", session_id="s") for n in range(many)]
    log.append_live(list(reversed(views)), source="api", now=NOW)
    assert [fact.event_id for fact in log.facts_of("aino")] == [f"v{n:03d}" for n in range(7, many)]
    assert log.flush_live() == many
    assert log.append_live([views[0]], source="api", now=NOW)[0].status == "duplicate"


def test_a_visitor_who_logs_in_brings_her_history_and_an_unlink_takes_it_back(log: EventLog) -> None:
    log.append_live([rating("a", "~v", 1, 1), purchase("b", "aino", 2)], source="api", now=NOW)
    assert [fact.event_id for fact in log.facts_of("anonymous:v")] == ["a"]
    (linked,) = log.append_live([link("l", "v", "aino", 3)], source="api", now=NOW)
    assert linked.customer_id == "aino"
    assert [(f.event_id, f.origin) for f in log.facts_of("aino")] == [
        ("a", "anonymous:v"),
        ("b", "aino"),
        ("l", "aino"),
    ]
    assert log.state_of("anonymous:v") is None
    assert log.facts_of("anonymous:v") == []
    state = log.state_of("aino")
    assert state is not None
    assert len(decode(state[1]).marks) == 1
    (later,) = log.append_live([rating("c", "~v", 4, 5)], source="api", now=NOW)
    assert later.customer_id == "aino"
    log.append_live([link("u", "v", "aino", 5, "unlink")], source="api", now=NOW)
    state = log.state_of("aino")
    assert state is not None
    assert decode(state[1]).marks == []
    assert [fact.event_id for fact in log.facts_of("anonymous:v")] == ["a", "c"]
    assert log.state_of("anonymous:v") is not None
    assert log.links().to_pylist() == [
        {
            "anonymous_id": "v",
            "customer_id": "aino",
            "linked_at": datetime.fromisoformat(at(4)),
            "unlinked_at": datetime.fromisoformat(at(6)),
        }
    ]


def test_a_link_in_history_joins_what_came_before_and_after(log: EventLog) -> None:
    log.append_live([rating("a", "~v", 1, 1)], source="api", now=NOW)
    history(log, [link("l", "v", "aino", 3), rating("b", "~w", 1, 2)], [link("m", "w", "aino", 4)])
    assert [fact.event_id for fact in log.facts_of("aino")] == ["a", "b", "l", "m"]
    everyone = {customer: sorted(f.event_id for f in facts) for customer, facts in log.all_facts()}
    assert everyone == {"aino": ["a", "b", "l", "m"]}
    assert [c for c, _ in log.all_facts(["aino", "nobody", "anonymous:v"])] == ["aino"]


def test_an_id_moves_to_the_customer_named_last_whatever_came_first(log: EventLog) -> None:
    log.append_live([link("2", "v", "elli", 5)], source="api", now=NOW)
    log.append_live([link("1", "v", "aino", 1), rating("r", "~v", 2, 1)], source="api", now=NOW)
    assert [fact.event_id for fact in log.facts_of("elli")] == ["r", "2"]
    rows = log.links().to_pylist()
    # What was received later about earlier days counts from when it was received.
    assert [(row["customer_id"], row["unlinked_at"]) for row in rows] == [
        ("aino", datetime.fromisoformat(at(6))), ("elli", None),
    ]  # fmt: skip


def test_who_no_longer_owns_an_id_by_what_we_knew_earlier_is_folded_again(log: EventLog) -> None:
    late = link("1", "v", "aino", 1) | {"received_at": at(10)}
    log.append_live([rating("r", "~v", 2, 1), late], source="api", now=NOW)
    log.append_live([link("2", "v", "elli", 5)], source="api", now=NOW)
    assert [row["customer_id"] for row in log.links().to_pylist()] == ["elli"]
    state = log.state_of("aino")
    assert state is not None
    assert decode(state[1]).marks == []


def test_a_flush_in_parts_moves_each_event_once(log: EventLog) -> None:
    log.append_live([rating(f"r{n}", "aino", n, 3) for n in range(5)], source="api", now=NOW)
    assert log.flush_live(rows_at_once=2) == 5
    assert [row["event_id"] for row in lake_rows(log)] == [f"r{n}" for n in range(5)]


def test_shop_level_events_are_facts_of_nobody(log: EventLog) -> None:
    told = event(
        "i", "incident", None, 1, action="declare", incident_id="strike", rule={"carrier": "posti"}, person="liisa"
    )
    (result,) = log.append_live([told], source="api", now=NOW)
    assert (result.status, result.customer_id) == ("accepted", None)
    assert [json.loads(fact.payload["rule"]) for fact in log.shop_facts()] == [{"carrier": "posti"}]
    assert list(log.all_facts()) == []


def test_a_source_error_in_the_middle_leaves_nothing(log: EventLog, home: Home) -> None:
    def batches():  # type: ignore[no-untyped-def]
        yield SourceBatch(table([purchase("a", "aino", 1)]), [Reject("r", Reason.BAD_VALUE, "why", "{}")])
        raise DataError("the file ends here")

    with pytest.raises(DataError, match="ends here"):
        log.append_history(batches(), source="t", now=NOW)
    assert (log.files(), log.counts(), log.position()) == ([], {}, 0)
    assert connect(home).execute("select count(*) from quarantine").fetchone() == (0,)
    assert list(home.lake.iterdir()) == []


def test_progress_counts_rows_and_converters_rejects_are_read_too(log: EventLog) -> None:
    seen: list[int] = []
    reject = Reject("r", Reason.NOT_A_PRODUCT, "postage", "{}")
    batches = [SourceBatch(table([purchase("a", "aino", 1)]), [reject]), table([purchase("b", "aino", 1)])]
    report = log.append_history(batches, source="t", now=NOW, progress=seen.append)
    assert seen == [2, 3]
    assert (report.read, report.accepted, report.rejected) == (3, 2, {"not_a_product": 1})
    assert "not_a_product: 1" in str(report)


def test_the_fingerprint_follows_the_files_and_not_their_order(tmp_path: Path) -> None:
    days = [[purchase("a", "aino", 1)], [purchase("b", "aino", 30)]]
    prints = []
    for number, order in enumerate((days, days[::-1])):
        log = EventLog(new_home(tmp_path / str(number)), durable=False)
        before = log.fingerprint()
        for day in order:
            history(log, day)
        prints.append(log.fingerprint())
        assert before != prints[-1]
    assert prints[0] == prints[1]


def test_what_a_log_lacks_is_said(log: EventLog) -> None:
    history(log, [rating("a", "aino", 1, 1)])
    log.append_live([event("b", "browse", "aino", 1, action="view", session_id="s")], source="api", now=NOW)
    lacks = log.missing_sources()
    assert "purchase" in lacks
    assert {"feedback.text", "browse.query"} <= set(lacks)
    assert not {"feedback", "browse", "feedback.score", "browse.session_id"} & set(lacks)


def test_a_cut_lake_file_is_named_instead_of_read(log: EventLog) -> None:
    history(log, [purchase("a", "aino", 1)])
    (path,) = log.files()
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert len(log.damaged()) == 1
    path.write_bytes(whole[:-9])
    with pytest.raises(DataError, match=r"2026-08-01.*instead of"):
        log.files()
    path.unlink()
    with pytest.raises(DataError, match="is missing"):
        log.scan()


def test_live_events_that_overtake_an_import_of_the_same_events_count_once(log: EventLog, home: Home) -> None:
    def batches():  # type: ignore[no-untyped-def]
        yield table([purchase("same", "aino", 1), purchase("other", "aino", 1), purchase("fresh", "aino", 1)])
        log.append_live([purchase("same", "aino", 1), purchase("other", "aino", 1, "boots")], source="api", now=NOW)

    report = log.append_history(batches(), source="t", now=NOW)
    assert (report.accepted, report.duplicates, report.rejected) == (1, 1, {"conflicting_duplicate": 1})
    assert [fact.event_id for fact in log.facts_of("aino")] == ["fresh", "other", "same"]
    log.flush_live()
    rows = {row["event_id"]: row["lines"][0]["item_id"] for row in lake_rows(log)}
    assert rows == {"fresh": "socks", "other": "boots", "same": "socks"}
    state = log.state_of("aino")
    assert state is not None
    assert decode(state[1]).order_count == 3


def test_threads_may_share_a_log(log: EventLog) -> None:
    def send(name: str) -> None:
        for number in range(10):
            log.append_live([rating(f"{name}{number}", name, number, 3)], source="api", now=NOW)

    threads = [threading.Thread(target=send, args=(name,)) for name in ("aino", "elli", "liisa")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {customer: len(facts) for customer, facts in log.all_facts()} == {"aino": 10, "elli": 10, "liisa": 10}


def test_refolding_everyone_changes_nothing(log: EventLog, home: Home) -> None:
    history(log, [rating("a", "aino", 1, 1), link("l", "v", "aino", 2), rating("b", "~v", 3, 4)])
    connection = connect(home)
    before = connection.execute("select * from state").fetchall()
    assert log.refold_all() == 1
    assert connection.execute("select * from state").fetchall() == before


def test_only_one_import_at_a_time_and_an_opening_beside_it_sweeps_nothing(log: EventLog, home: Home) -> None:
    stray = home.lake / "day=2026-08-01" / "000009-0.parquet"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"PAR1 torn")
    with only_writer(home), EventLog(home) as beside:
        assert beside.swept == []
        assert stray.exists()
        with only_writer(home, wait=False) as alone:
            assert not alone
    with EventLog(home) as after:
        assert after.swept == ["lake/day=2026-08-01/000009-0.parquet"]
    assert not stray.parent.exists()


@pytest.mark.sqlite_only
def test_a_store_of_another_kind_or_version_is_refused(home: Home) -> None:
    connect(home).execute("update meta set value = '99'")
    with pytest.raises(HomeError, match="schema version 99"):
        EventLog(home)
    home.live_db.write_bytes(b"no database at all " * 99)
    for leftover in home.root.glob("live.db-*"):
        leftover.unlink()
    with pytest.raises(HomeError, match="cannot be used"):
        EventLog(home)


@pytest.mark.sqlite_only
def test_a_read_only_store_must_exist(home: Home) -> None:
    with pytest.raises(HomeError, match="does not exist yet"):
        connect(home, read_only=True)


def test_the_live_path_imports_nothing_heavy() -> None:
    heavy = "{'pandas', 'ibis', 'feast', 'duckdb', 'sklearn', 'mlflow'}"
    code = f"import sys, features.log.event_log; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_instants_keep_their_microsecond() -> None:
    moment = NOW + timedelta(microseconds=1)
    assert from_micros(int(moment.timestamp()) * 1_000_000 + 1) == moment
    assert pa.scalar(moment, pa.timestamp("us", tz="UTC")).value == int(moment.timestamp()) * 1_000_000 + 1
