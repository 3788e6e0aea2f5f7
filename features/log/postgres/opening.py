"""Opening connections to PostgreSQL within a time limit, and leaving a server alone that has just not answered."""

import hashlib
import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from psycopg import waiting
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.generators import connect as connecting

from features.errors import HomeError
from features.log.connection import PostgresError
from features.log.postgres.dialect import adapt
from features.log.settings import StoreSettings
from features.pause import Pause

T = TypeVar("T")
_CHECK_SECONDS = 0.1
_PREPARED_AT_MOST = 200


class Patient(psycopg.Connection[tuple[Any, ...]]):
    """A connection whose every wait ends after `patience` seconds; it cannot be used after one that did."""

    patience = 30.0

    def wait(self, gen: PQGen[T], interval: float = _CHECK_SECONDS, timeout: float | None = None) -> T:
        """Wait for the server, no longer than the patience."""
        return super().wait(gen, interval, self.patience if timeout is None else timeout)

    def __del__(self) -> None:  # type: ignore[override]
        """Nobody holds it any more, as of a thread that has ended."""
        self.pgconn.finish()


_pauses: dict[str, Pause] = {}
_pauses_lock = threading.Lock()


def _pause_of(settings: StoreSettings) -> Pause:
    with _pauses_lock:
        return _pauses.setdefault(settings.url, Pause(settings.retry_after_ms / 1000))


class Opener:
    """Opens connections to one store; `check` looks at each before it is used and raises where it is not ours."""

    def __init__(
        self, settings: StoreSettings, *, read_only: bool, durable: bool, check: Callable[[Patient], None]
    ) -> None:
        self._settings, self._check = settings, check
        self._options = {
            "search_path": settings.db_schema,
            "application_name": "tahdikas",
            "client_min_messages": "warning",
            "statement_timeout": str(settings.statement_timeout_ms),
            "lock_timeout": str(settings.statement_timeout_ms),
            "idle_in_transaction_session_timeout": "60000",
            "client_connection_check_interval": "1000",
            "synchronous_commit": "on" if durable else "off",
            "default_transaction_read_only": "on" if read_only else "off",
        }
        self.statement_seconds = settings.statement_timeout_ms / 1000
        self.stage = f"{settings.db_schema}_stage"
        self.write_lock = _number(settings.db_schema)
        self.pause = _pause_of(settings)

    def open(self, seconds: float) -> Patient:
        """A new connection, given up after `seconds` or what the settings say. Raises `PostgresError`, `HomeError`."""
        if self.pause.lasts():
            raise PostgresError("the server did not answer a moment ago and is not asked again yet")
        limit = min(seconds, self._settings.connect_timeout_ms / 1000)
        try:
            run = Patient(waiting.wait_conn(connecting(self._conninfo()), interval=_CHECK_SECONDS, timeout=limit))
        except psycopg.Error as error:
            self.pause.begin()
            raise PostgresError(f"{self._settings.url} cannot be reached: {error}") from error
        try:
            run.patience = limit
            run.autocommit = True
            run.cursor_factory = psycopg.RawCursor
            run.prepared_max = _PREPARED_AT_MOST
            adapt(run.adapters)
            self._check(run)
        except psycopg.Error as error:
            run.pgconn.finish()
            self.pause.begin()
            raise PostgresError(f"{self._settings.url} did not answer: {error}") from error
        except BaseException:
            run.pgconn.finish()
            raise
        return run

    def _conninfo(self) -> str:
        given: dict[str, Any] = conninfo_to_dict(self._settings.url)
        ours = " ".join(f"-c {name}={value}" for name, value in self._options.items())
        told = given | _password(self._settings) | {"options": f"{given.get('options') or ''} {ours}".strip()}
        return make_conninfo(**told)


def _password(settings: StoreSettings) -> dict[str, str]:
    name = settings.password_env
    if name is None:
        return {}
    if name not in os.environ:
        raise HomeError(
            f"The environment variable {name}, which config/store.yaml names for the store's password, is not set. "
            "Set it, or keep the password in a pgpass file and take password_env away."
        )
    return {"password": os.environ[name]}


def _number(text: str) -> int:
    """A lock's number for a name: 63 bits of its hash."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
