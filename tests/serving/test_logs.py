"""The log says what went wrong and where, and nothing of a customer."""

import ast
import asyncio
import errno
import gc
import io
import json
import logging
import sqlite3
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from features.home import Home
from serving.api import create_app
from serving.logs import FIELDS, fields, to_lines
from serving.security import KeyStore
from serving.service import DecisionService
from serving.settings import ServingSettings

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
SECRET = "c-maija-4711"
ROOMS = Path(__file__).parents[2]


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    root, ours = logging.getLogger(), logging.getLogger("tahdikas")
    before, hooks = (list(root.handlers), root.level, ours.level), (sys.excepthook, threading.excepthook)
    stream = io.StringIO()
    to_lines(stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], root.level, ours.level = before
    sys.excepthook, threading.excepthook = hooks


def test_an_error_is_told_by_type_and_place_without_what_it_says(lines: Callable[[], list[dict[str, Any]]]) -> None:
    def inner() -> None:
        raise KeyError(SECRET)

    try:
        try:
            inner()
        except KeyError as error:
            raise ValueError(f"no such customer: {SECRET}") from error
    except ValueError:
        logging.getLogger("tahdikas.api").exception("a call failed", extra=fields(route="/v1/x", status=500))
    logging.getLogger("uvicorn.error").warning("bad request from %s", SECRET)
    logging.getLogger("tahdikas.api").info("told", extra={"fields": {"customer_id": SECRET}})
    first, second, third = lines()
    assert [one["type"] for one in first["errors"]] == ["builtins.ValueError", "builtins.KeyError"]
    assert first["errors"][1]["frames"][-1].endswith(" inner")
    assert (first["route"], first["status"], first["level"]) == ("/v1/x", 500, "error")
    assert second["message"] == "bad request from %s"
    assert SECRET not in json.dumps([first, second, third])


def test_a_full_disk_is_told_by_its_code(lines: Callable[[], list[dict[str, Any]]]) -> None:
    full = sqlite3.OperationalError(SECRET)
    full.sqlite_errorname = "SQLITE_FULL"
    for error in (OSError(errno.ENOSPC, SECRET, SECRET), full, psycopg.errors.DiskFull(SECRET), OSError(SECRET)):
        logging.getLogger("tahdikas.api").error("a call failed", exc_info=error)
    codes = [one["errors"][0].get("code") for one in lines()]
    assert codes == ["No space left on device", "SQLITE_FULL", "53100", None]
    assert SECRET not in json.dumps(lines())


def test_what_nobody_caught_and_what_others_write_tells_no_more(lines: Callable[[], list[dict[str, Any]]]) -> None:
    """A thread that ends by an error, a task of asyncio, a traceback that a server writes as text."""

    def fails() -> None:
        raise KeyError(f"{SECRET}\n{SECRET}")

    async def asked() -> None:
        task = asyncio.get_running_loop().create_task(asyncio.to_thread(fails))
        await asyncio.sleep(0.1)
        del task
        gc.collect()

    thread = threading.Thread(target=fails)
    thread.start()
    thread.join()
    asyncio.run(asked())
    try:
        fails()
    except KeyError as error:
        sys.excepthook(KeyError, error, None)
        logging.getLogger("uvicorn.error").error(traceback.format_exc())
    told = lines()
    assert len(told) == 4 and SECRET not in json.dumps(told)
    assert [one["errors"][0]["type"] for one in told[:3]] == ["builtins.KeyError"] * 3
    assert "test_logs.py" in told[3]["message"] and told[3]["message"].endswith("KeyError")


def test_requests_that_fail_or_take_long_are_told_by_route(
    tmp_path: Path, start: Callable[..., Any], lines: Callable[[], list[dict[str, Any]]]
) -> None:
    home = Home.open(tmp_path / "home")

    class Broken(DecisionService):
        def customer(self, customer_id: str, now: datetime) -> dict[str, Any] | None:
            if not customer_id:  # as at the start
                return None
            raise RuntimeError(f"cannot read {customer_id}")

    _, token = KeyStore(home).create("shop", ["read"], now=NOON)
    settings = ServingSettings(slow_request_ms=60_000)
    client = start(create_app(home, clock=lambda: NOON, settings=settings, service=Broken(home)))
    headers = {"authorization": f"Bearer {token}"}
    assert client.get(f"/v1/customers/{SECRET}", headers=headers).status_code == 503
    assert client.get("/v1/health/live").status_code == 200
    told = [one for one in lines() if one["message"] == "request"]
    assert [(one["route"], one["status"], one["method"]) for one in told] == [
        ("/v1/customers/{customer_id}", 503, "GET")
    ]
    failed = [one for one in lines() if one["message"] == "a call failed"]
    assert failed[0]["errors"][0]["frames"][-1].endswith(" customer")
    assert SECRET not in json.dumps(lines())


def test_every_message_of_ours_is_a_constant_without_arguments() -> None:
    calls = 0
    for path in sorted([*(ROOMS / "serving").rglob("*.py"), *(ROOMS / "features").rglob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "log"):
                continue
            calls += 1
            texts = node.args[1:] if node.func.attr == "log" else node.args
            assert len(texts) == 1 and isinstance(texts[0], ast.Constant), f"{path.name}:{node.lineno}"
            for more in node.keywords:
                if more.arg == "extra" and isinstance(more.value, ast.Call):
                    assert {one.arg for one in more.value.keywords} <= set(FIELDS), f"{path.name}:{node.lineno}"
    assert calls > 4
