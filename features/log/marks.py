"""Marks of imports in parts: which part of which files is in the log, noted in the transaction that showed it.

So a part is in the log exactly if its mark is there, whenever a process ended.
"""

import json
from typing import Any

from features.log.connection import Connection

_PREFIX = "import:"


def mark(connection: Connection, key: str, told: dict[str, Any]) -> None:
    """Note that the part `key` is in, with what its report told; in the caller's transaction."""
    text = json.dumps(told, sort_keys=True)
    connection.execute(
        "insert into main.meta values (?, ?) on conflict (key) do update set value = excluded.value",
        (_PREFIX + key, text),
    )


def marks(connection: Connection, start: str) -> dict[str, dict[str, Any]]:
    """What was noted under the keys that begin with `start`, by the rest of the key."""
    begin = _PREFIX + start
    rows = connection.execute(
        "select key, value from main.meta where substr(key, 1, length(?1)) = ?1 order by key", (begin,)
    )
    return {key[len(begin) :]: json.loads(value) for key, value in rows}
