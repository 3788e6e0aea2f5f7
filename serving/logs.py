"""Log lines for machines: one JSON object a line, and nothing of a customer in it.

A message is a constant text; what varies goes into `fields`, of which only those named here are written. Of an error
its type is told, where it was raised and the code that a system or a store gave it, not its message: messages name the
values they complain of.
"""

import json
import logging
import os
import re
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

FIELDS = ("route", "method", "status", "ms", "requests", "part")
"""What may vary: route templates, not addresses; numbers; names of parts of this program."""
_OURS = "tahdikas"
_MOST_FRAMES = 20
_PLACE_OR_TYPE = re.compile(r' +File "[^"]*", line \d+, in \S+|[\w.]+(?:Error|Exception|Exit|Interrupt)(?=:|$)')


def fields(**named: str | float) -> dict[str, dict[str, str | float]]:
    """For `log.warning("...", extra=fields(route=...))`."""
    return {"fields": named}


class JsonLines(logging.Formatter):
    """One JSON object a record."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _plain(str(record.msg)),  # never its arguments
        }
        told: dict[str, Any] = getattr(record, "fields", {})
        line |= {name: told[name] for name in FIELDS if name in told}
        if record.exc_info and record.exc_info[1] is not None:
            line["errors"] = _errors(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def to_lines(stream: TextIO | None = None, level: int = logging.INFO) -> logging.Handler:
    """Send everything that is logged to `stream` (default: standard error) in such lines; ours from `level` on, others'
    from warnings on. So is told what nobody caught, in this thread or another."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(_OURS).setLevel(level)
    sys.excepthook = lambda _, error, __: _uncaught(error)
    threading.excepthook = lambda told: _uncaught(told.exc_value)
    return handler


def _uncaught(error: BaseException | None) -> None:
    logging.getLogger(_OURS).error("an error that nobody caught", exc_info=error)


def _plain(message: str) -> str:
    """The first line of what others write; of a traceback written as text the places and types."""
    first, *rest = message.splitlines() or [""]
    if not first.startswith("Traceback "):
        return first
    return " | ".join([first, *(found.group() for line in rest if (found := _PLACE_OR_TYPE.match(line)))])


def _errors(error: BaseException) -> list[dict[str, Any]]:
    """The error and those that led to it, latest first."""
    found: list[dict[str, Any]] = []
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        told = {"type": f"{type(at).__module__}.{type(at).__qualname__}", "frames": _frames(at.__traceback__)}
        found.append(told | ({"code": code} if (code := _code(at)) else {}))
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    return found


def _code(error: BaseException) -> str | None:
    """What the system, SQLite or PostgreSQL calls it."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    code = getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None)
    return code if isinstance(code, str) else None


def _frames(at: TracebackType | None) -> list[str]:
    frames = []
    while at is not None:
        code = at.tb_frame.f_code
        frames.append(f"{at.tb_frame.f_globals.get('__name__', '?')}:{at.tb_lineno} {code.co_name}")
        at = at.tb_next
    return frames[-_MOST_FRAMES:]
