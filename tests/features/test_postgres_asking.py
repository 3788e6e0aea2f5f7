"""What is sent to PostgreSQL together is answered as if asked one by one; what fails leaves nothing half."""

import time
from contextlib import closing

import pytest

from features.log.connection import PostgresError, one_moment, transaction
from features.log.store import connect
from features.log.value_lists import marks
from tests.postgres_server import home_on

SEEN = "insert into seen values (?, ?)"
ALL = "select event_id from seen order by 1"


@pytest.fixture
def home(tmp_path):
    return home_on("postgresql", tmp_path / "home")


@pytest.fixture
def run(home):
    with closing(connect(home)) as run:
        yield run


def test_what_is_asked_ahead_tells_of_the_same_moment(home, run):
    run.executemany(SEEN, [("a", b"1"), ("b", b"2")])
    one = "select content from seen where event_id = ?", ("a",)
    with closing(connect(home)) as other, one_moment(run, [one, (ALL, ())]):
        other.execute(SEEN, ("c", b"3"))
        run.ask_ahead([("select event_id from seen where event_id in (?,?,?)", ("b", "c", "d"))])
        assert run.execute("select event_id from seen where event_id in (?,?,?)", ("b", "c", "d")).fetchall() == [
            ("b",)
        ]
        assert run.execute(*one).fetchall() == [(b"1",)]
        assert [run.execute(ALL).fetchall() for _ in range(2)] == [[("a",), ("b",)]] * 2
    assert len(run.execute(ALL).fetchall()) == 3


def test_what_is_written_in_a_turn_is_seen_by_what_is_asked_after_it(run):
    with transaction(run, [(ALL, ())]):
        assert run.execute(ALL).fetchall() == []
        run.add("seen", [("a", b""), ("b", b""), ("c", b"")])
        run.executemany("delete from seen where event_id = ?", [("a",), ("c",)])
        assert run.execute(ALL).fetchall() == [("b",)]
    assert run.execute(ALL).fetchall() == [("b",)]


@pytest.mark.parametrize("asks", [False, True], ids=["at its end", "within"])
def test_a_turn_of_which_one_statement_fails_keeps_nothing(run, asks):
    run.execute(SEEN, ("a", b""))
    with pytest.raises(PostgresError, match="23505"), transaction(run):
        run.add("seen", [("b", b"")])
        run.executemany(SEEN, [("a", b""), ("c", b"")])
        if asks:
            run.execute("select 1")
    assert not run.in_transaction
    assert run.execute(ALL).fetchall() == [("a",)]
    with transaction(run):
        run.add("seen", [("b", b"")])
    assert run.execute(ALL).fetchall() == [("a",), ("b",)]


def test_outside_a_transaction_all_rows_are_written_or_none(run):
    with pytest.raises(PostgresError, match="23505"):
        run.executemany(SEEN, [("a", b""), ("b", b""), ("a", b"")])
    assert run.execute(ALL).fetchall() == []


def test_a_failed_statement_swallowed_within_a_turn_is_told_at_its_end(run):
    with pytest.raises(PostgresError, match="nothing of it was kept"), transaction(run):
        run.add("seen", [("a", b"")])
        with pytest.raises(PostgresError):
            run.execute("select 1 from nowhere")
    assert run.execute(ALL).fetchall() == []


def test_a_moment_that_is_over_is_over_for_the_server_too(home, run):
    with one_moment(run):
        run.execute("select 1")
    idle = "select count(*) from pg_stat_activity where pid = ? and state = 'idle'"
    with closing(connect(home)) as other:
        until = time.monotonic() + 10
        while not (over := other.execute(idle, (run._open.info.backend_pid,)).fetchone()[0]):
            assert time.monotonic() < until
    assert over == 1


def test_few_lengths_of_lists_are_known_to_the_server_and_not_everything_ever_asked(run):
    wanted = [f"e{n}" for n in range(40)]
    run.executemany(SEEN, [(one, b"") for one in wanted])
    for _ in range(5):
        for count in range(1, 41):
            found = run.execute(
                f"select event_id from seen where event_id in ({marks(wanted[:count])})", wanted[:count]
            )
            assert len(found.fetchall()) == count
    planned = "select count(*) from pg_prepared_statements where statement like '%seen where%'"
    assert run.execute(planned).fetchone() == (7,)
    for number in range(250):
        for _ in range(5):
            assert run.execute(f"select {number} + ?", (1,)).fetchone() == (number + 1,)
    assert run.execute("select count(*) from pg_prepared_statements").fetchone()[0] <= 201


def test_rows_with_gaps_are_one_statement_to_the_server_wherever_the_gaps_are(run):
    table, anew = "state (customer_id, position, body, concern_until)", "on conflict (customer_id) do update set {}"
    anew = anew.format("concern_until = excluded.concern_until")
    for gaps in range(16):
        with transaction(run):
            run.add(table, [(f"c{n}", 1, b"", None if gaps >> n & 1 else n) for n in range(4)], anew)
        found = run.execute("select concern_until from state order by customer_id").fetchall()
        assert found == [(None if gaps >> n & 1 else n,) for n in range(4)]
    planned = "select count(*) from pg_prepared_statements where statement like 'insert into state%'"
    assert run.execute(planned).fetchone() == (1,)


@pytest.mark.parametrize("odd", ["\ud800", 2**70])
def test_a_value_that_cannot_be_sent_harms_nothing_else(run, odd):
    kept = run._open
    with pytest.raises((ValueError, OverflowError, PostgresError)), transaction(run):
        run.execute(SEEN, ("a", b""))
        run.executemany("delete from seen where event_id = ?", [("b",), (odd,)])
        run.execute("select 1")
    assert run.execute(ALL).fetchall() == [] and run._open is kept
