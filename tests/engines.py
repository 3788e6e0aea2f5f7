"""Which suites run on both engines of the live store: by the same tests, unchanged, on a real PostgreSQL server.

A suite is named by its path under `tests/`. In the `LEAN` ones every test runs on both in `make test`; in the others
what runs on PostgreSQL is marked slow. `TAHDIKAS_TEST_STORE=postgresql` runs anything on PostgreSQL alone.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from features.home import Home
from features.log.store import Connection

LEAN = (
    "serving/core/test_records.py",
    "serving/core/test_service.py",
    "scenarios/test_t1_open_exchange.py",
)
WHOLE = (
    "console/test_campaigns.py",
    "console/test_forgetting.py",
    "console/test_people.py",
    "features/test_doubts.py",
    "features/test_event_log.py",
    "features/test_event_log_laws.py",
    "features/test_hold_rules.py",
    "features/test_holds_of_cases.py",
    "features/test_identity_laws.py",
    "features/test_incidents.py",
    "features/test_live_folding.py",
    "features/test_short_transactions.py",
    "features/test_staff_and_late_words.py",
    "faults/test_no_way_past_tact.py",
    "pipelines/test_campaigns.py",
    "scenarios/",
    "serving/alarms/",
    "serving/api/",
    "serving/core/test_laws_of_stores.py",
    "serving/core/test_snapshots.py",
    "serving/desk/",
    "serving/experience/",
    "serving/test_dissatisfaction.py",
    "serving/test_security.py",
    "serving/test_stock.py",
)
FILE_ONLY = "sqlite_only"
"""The marker of a test of the SQLite file itself: torn, emptied, read-only, another's lock."""


def engines(path: Path, tests: Path) -> list[Any]:
    """The engines that a test file's tests run on, as parameters; empty: the default alone."""
    if os.environ.get("TAHDIKAS_TEST_STORE"):
        return [os.environ["TAHDIKAS_TEST_STORE"]]
    name = path.relative_to(tests).as_posix() if path.is_relative_to(tests) else ""
    if name in LEAN:
        return ["sqlite", "postgresql"]
    return ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)] if name.startswith(WHOLE) else []


def table_names(run: Connection) -> list[str]:
    """The store's tables."""
    everywhere = (
        "select tablename from pg_tables where schemaname = current_schema()"
        if run.has("pg_catalog.pg_tables")
        else "select name from sqlite_master where type = 'table'"
    )
    return sorted(name for (name,) in run.execute(everywhere))


def on_postgres(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every data folder that is opened from now on keeps its live store on the server."""
    from tests.postgres_server import name_postgres, shared, upgrade

    plain: Callable[[Any], Home] = Home.open

    def opened(root: Any) -> Home:
        home = plain(root)
        if not (home.config / "store.yaml").exists() and not home.live_db.exists():
            upgrade(name_postgres(home, shared()))
        return home

    monkeypatch.setattr(Home, "open", opened)
