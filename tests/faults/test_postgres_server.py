"""PostgreSQL hung, killed, emptied, read-only, another's: nobody is sold to meanwhile, within the deadline; then again.

Each harms a real server of its own.
"""

import signal
import time
from contextlib import contextmanager

import psutil
import psycopg
import pytest
from regular_customer import NOON, Shop, sells

from features.errors import HomeError
from features.home import Home
from features.log.connection import PostgresError
from features.log.event_log import EventLog
from features.log.postgres.server import made
from serving.service import DecisionService
from tests.postgres_server import Server, name_postgres, upgrade

PATIENCE = 0.2
"""Seconds that a decision of `Shop` waits for the store."""
SLACK = 1.5
"""Seconds for all else that a decision takes on a machine that does other things too."""
PROMPT = {"connect_timeout_ms": 200, "retry_after_ms": 300, "statement_timeout_ms": 1_000}


@pytest.fixture(scope="module")
def server():
    server = Server()
    yield server
    server.close()


@pytest.fixture
def shop(server, tmp_path):
    home = name_postgres(Home.open(tmp_path / "home"), server, **PROMPT)
    upgrade(home)
    shop = Shop(home)
    shop.service.close()
    shop.service = DecisionService(home, patience_seconds=PATIENCE)  # durable
    assert sells(shop.ask())
    yield shop
    shop.service.close()


@contextmanager
def stopped(server):
    """The server and all its processes do nothing, as if the machine hung."""
    postmaster = psutil.Process(server.pid)
    everyone = [postmaster, *postmaster.children(recursive=True)]
    for process in everyone:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in everyone:
            process.send_signal(signal.SIGCONT)


def asked_in_time(shop, times=3):
    """Answers, none of which took longer than the deadline."""
    answers = []
    for _ in range(times):
        began = time.monotonic()
        answers.append(shop.ask())
        assert time.monotonic() - began < PATIENCE + SLACK
    return answers


def sells_again(shop, seconds=10.0):
    """Whether she is sold to again, before long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if sells(shop.ask()):
            return True
        time.sleep(0.1)
    return False


def test_a_hung_server_means_silence_in_time_and_an_end_to_it(server, shop):
    with stopped(server):
        answers = asked_in_time(shop)
        assert not any(sells(answer) for answer in answers)
        assert {answer.state_status for answer in answers} <= {"unknown:unreadable", "unknown:unrecorded"}
        with pytest.raises(PostgresError):
            shop.happens("case", case_id="c0", kind="exchange", status="opened")
    assert sells_again(shop)
    shop.happens("case", case_id="c1", kind="exchange", status="opened")
    assert [hold.case_id for hold in shop.ask().holds][-1] == "c1"


def test_a_killed_server_means_silence_and_what_was_acknowledged_is_there_when_it_is_back(server, shop):
    shop.happens("case", case_id="c1", kind="exchange", status="opened")
    before = shop.ask()
    server.kill()
    answers = asked_in_time(shop)
    assert not any(sells(answer) for answer in answers)
    assert not shop.service.health(shop.now).ready
    server.start_again()
    until = time.monotonic() + 10
    while not (after := shop.ask()).holds and time.monotonic() < until:
        time.sleep(0.1)
    assert [hold.kind for hold in after.holds] == ["open_case"]
    assert shop.service.decision(before.decision_id) == before
    assert shop.service.health(shop.now).ready


def test_a_lost_connection_is_opened_anew_without_anybody_noticing(server, shop):
    server.run("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tahdikas'")
    assert sells(shop.ask())
    server.run("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tahdikas'")
    shop.happens("case", case_id="c1", kind="exchange", status="opened")
    assert not sells(shop.ask())


def test_a_store_lost_within_a_transaction_takes_nothing_in(server, shop):
    with EventLog(shop.home) as log, pytest.raises(PostgresError, match="lost within a transaction"):
        connection = log._connection
        connection.begin_writing()
        connection.execute("insert into seen values ('half', ?)", (b"",))
        server.run("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tahdikas'")
        try:
            connection.execute("insert into seen values ('whole', ?)", (b"",))
        except PostgresError:
            connection.execute("select 1")  # what was open is lost: nothing may go on as if it were not
    with EventLog(shop.home) as log:
        assert log._rows("select count(*) from seen where event_id in ('half', 'whole')") == [(0,)]


def test_an_emptied_store_means_silence_and_a_new_one_is_not_taken_for_it(server, shop):
    schema = shop.service.records.connection().execute("select current_schema()").fetchone()[0]
    server.run(f"drop schema {schema} cascade")
    assert not any(sells(answer) for answer in asked_in_time(shop))
    with pytest.raises(HomeError, match="tahdikas store upgrade"):
        EventLog(shop.home)
    upgrade(shop.home)
    with pytest.raises(HomeError, match="this data folder was used"):
        EventLog(shop.home)
    made(shop.home).unlink()
    EventLog(shop.home).close()


def test_a_store_whose_rows_were_deleted_means_silence(server, shop):
    schema = shop.service.records.connection().execute("select current_schema()").fetchone()[0]
    server.run(f"truncate {schema}.facts, {schema}.state, {schema}.seen")
    assert not any(sells(answer) for answer in asked_in_time(shop))
    assert not shop.service.health(shop.now).ready
    with pytest.raises(HomeError, match="facts were removed"):
        shop.happens("consent", purpose="marketing", status="granted")
    assert not any(sells(answer) for answer in asked_in_time(shop))
    assert shop.service.records.connection().execute("select count(*) from seen").fetchone() == (0,)


def test_a_first_event_that_was_not_kept_leaves_a_store_that_takes_the_next(server, tmp_path):
    home = name_postgres(Home.open(tmp_path / "home"), server, **PROMPT)
    upgrade(home)
    told = {"event_id": "e", "type": "feedback", "customer_id": "aino", "occurred_at": NOON.isoformat()}
    told["payload"] = {"kind": "comment", "text": "Where are my shoes?"}

    def fails(run, _):
        raise ZeroDivisionError

    with EventLog(home) as log:
        with pytest.raises(ZeroDivisionError):
            log.append_live([told], source="t", now=NOON, follow=fails)
        assert [result.status for result in log.append_live([told], source="t", now=NOON)] == ["accepted"]


def test_a_read_only_server_means_silence_for_sales_and_service_still_goes_out(server, shop):
    shop.happens("case", case_id="c1", kind="exchange", status="opened")
    shop.happens("case", case_id="c1", kind="exchange", status="resolved")
    server.run(
        "alter database postgres set default_transaction_read_only = on",
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tahdikas'",
    )
    try:
        server.run("select 1")
        assert not any(sells(answer) for answer in asked_in_time(shop))
    finally:
        with psycopg.connect(server.url, autocommit=True) as run:
            run.execute("set default_transaction_read_only = off")
            run.execute("alter database postgres reset default_transaction_read_only")


def test_a_server_that_lets_nobody_in_means_silence_until_it_does(server, shop):
    with psycopg.connect(server.url, autocommit=True) as run:
        run.execute("alter role postgres nologin")
        try:
            run.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tahdikas'")
            answers = asked_in_time(shop)
            assert {answer.state_status for answer in answers} <= {"unknown:unreadable", "unknown:unrecorded"}
            assert not any(sells(answer) for answer in answers)
            with pytest.raises(PostgresError):
                shop.happens("case", case_id="c0", kind="exchange", status="opened")
        finally:
            run.execute("alter role postgres login")
    assert sells_again(shop)


def test_a_writer_that_does_not_end_holds_up_no_decision(shop):
    other = EventLog(shop.home)
    other._connection.begin_writing()
    try:
        answers = asked_in_time(shop, times=2)
        assert all(sells(answer) for answer in answers)
        assert [shop.service.decision(answer.decision_id) for answer in answers] == answers
    finally:
        other._connection.rollback()
        other.close()


def test_a_table_that_cannot_be_written_costs_the_sale_and_no_more_than_the_patience(shop):
    other = EventLog(shop.home)
    other._connection.begin_writing()
    other._connection.execute("lock table decisions in share mode")
    try:
        answers = asked_in_time(shop, times=2)
        assert {answer.state_status for answer in answers} == {"unknown:unrecorded"}
    finally:
        other._connection.rollback()
        other.close()
    assert sells_again(shop)
