"""Plain routes are answered by a shorter way than others; nobody can tell by the answer which way a request took."""

import asyncio
import json
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from features.errors import DataError, HomeError
from features.home import Home
from serving.api import create_app
from serving.security import ApiKey, StoreUnreadableError
from serving.settings import ServingSettings

from .conftest import NOON
from .shop import purchase

Key = Callable[..., dict[str, str]]
HANGS = "hangs"
GONE = "gone"
_DRAWN = re.compile(r"d-[0-9a-f]{11}-[0-9a-f]{16}")  # ids of decisions
ASK = json.dumps({"customer_id": "c-1", "channel": "web", "placement": "front_page", "mode": "simulate"}).encode()
WRONG = json.dumps({"customer_id": "c-1", "channel": "fax", "placement": "Front!", "colour": 1}).encode()
JSON = (b"content-type", b"application/json")


@dataclass(frozen=True)
class Sent:
    """A request, its body in pieces; after `HANGS` nothing comes any more, at `GONE` the sender has left."""

    body: Sequence[bytes | str] = (ASK,)
    path: str = "/v1/decisions"
    method: str = "POST"
    headers: Sequence[tuple[bytes, bytes]] = (JSON,)
    key: str | None = "admin"
    query: bytes = b""


@dataclass
class Answered:
    """All that leaves: messages, what was raised to the server, lines of the log."""

    messages: list[Message] = field(default_factory=list)
    raised: str = ""
    told: list[tuple[Any, ...]] = field(default_factory=list)


REQUESTS = {
    "good": Sent(),
    "recorded": Sent((ASK.replace(b"simulate", b"serve"),)),
    "in pieces": Sent((ASK[:5], b"", ASK[5:], b"")),
    "a query": Sent(query=b"a=1&b"),
    "a key for a retry": Sent(headers=(JSON, (b"idempotency-key", b"k-1"))),
    "two keys for a retry": Sent(headers=(JSON, (b"idempotency-key", b"k-2"), (b"idempotency-key", b""))),
    "a bad key for a retry": Sent(headers=(JSON, (b"idempotency-key", b"a\tb"))),
    "no type": Sent(headers=()),
    "another type": Sent(headers=((b"content-type", b"text/plain"),)),
    "two types": Sent(headers=((b"content-type", b"text/plain"), JSON)),
    "no JSON": Sent((b'{"a": 1,\n "b" 2}',)),
    "no body": Sent(()),
    "wrong fields": Sent((WRONG,)),
    "too large, declared": Sent((b"x" * 6_000,), headers=(JSON, (b"content-length", b"6000"))),
    "too large, undeclared": Sent((b"x" * 3_000, b"x" * 3_000)),
    "a length that is none": Sent(headers=(JSON, (b"content-length", b"many"))),
    "two lengths": Sent(headers=(JSON, (b"content-length", b"10"), (b"content-length", b"9999"))),
    "too slow": Sent((ASK[:5], HANGS)),
    "left": Sent((ASK[:5], GONE)),
    "no key": Sent(key=None),
    "unknown key": Sent(headers=(JSON, (b"authorization", b"Bearer tdk_0_0")), key=None),
    "two unknown keys": Sent(headers=(JSON, (b"authorization", b"Basic x")), key="decide"),
    "another scope": Sent(key="read"),
    "GET": Sent((), method="GET"),
    "HEAD": Sent((), method="HEAD"),
    "OPTIONS": Sent((), method="OPTIONS"),
    "PUT": Sent(method="PUT"),
    "a slash more": Sent(path="/v1/decisions/"),
    "another case": Sent(path="/v1/Decisions"),
    "an event": Sent((json.dumps(purchase("e-1", "c-1")).encode(),), "/v1/events"),
    "many events": Sent((b"[{},{},{},{}]",), "/v1/events"),
    "no event": Sent((b"[]",), "/v1/events"),
    "a wrong event": Sent((b'{"event_id": "e"}',), "/v1/events"),
    "no number": Sent((b'{"event_id": NaN}',), "/v1/events"),
    "GET of events": Sent((), "/v1/events", "GET"),
}


async def _asked(app: FastAPI, sent: Sent, keys: dict[str, str], *, straight: bool) -> Answered:
    headers = list(sent.headers)
    if sent.key is not None:
        headers.append((b"authorization", keys[sent.key].encode()))
    scope: Scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": sent.method, "scheme": "http",
        "path": sent.path, "raw_path": sent.path.encode(), "query_string": sent.query, "root_path": "",
        "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {},
    }  # fmt: skip
    if not straight:
        scope["fastapi.telemetry"] = None  # as of a request whose spans are written: it goes the way of all others
    left, got = list(sent.body) or [b""], Answered()

    async def receive() -> Message:
        piece = left.pop(0) if left else GONE
        if piece == HANGS:
            await asyncio.sleep(30)
        if isinstance(piece, str):
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": bool(left)}

    async def send(message: Message) -> None:
        got.messages.append(message)

    try:
        await app(scope, receive, send)
    except Exception as error:
        got.raised = repr(error)
    return got


def _both(app: FastAPI, requests: Sequence[Sent], keys: dict[str, str], lines: Any) -> list[tuple[Answered, Answered]]:
    async def asked() -> list[tuple[Answered, Answered]]:
        async with app.router.lifespan_context(app):
            told = []
            for one in requests:
                await _asked(app, one, keys, straight=False)  # an event is known at the second time
                pair = []
                for straight in (True, False):
                    lines.clear()
                    got = await _asked(app, one, keys, straight=straight)
                    got.told = [(line.name, line.levelname, line.getMessage(), _fields(line)) for line in lines.records]
                    pair.append(got)
                told.append((pair[0], pair[1]))
            return told

    return asyncio.run(asked())


def _fields(line: logging.LogRecord) -> dict[str, Any]:
    told: dict[str, Any] = getattr(line, "fields", {})
    return {name: value for name, value in told.items() if name != "ms"}


@pytest.fixture
def keys(key: Key) -> dict[str, str]:
    return {scope: key(scope)["authorization"] for scope in ("admin", "decide", "read")}


@pytest.fixture
def app(home: Home) -> FastAPI:
    settings = ServingSettings(
        max_body_bytes=5_000, max_events=3, body_seconds=0.2, log_requests="all", watch_minutes=0,
        decision_deadline_ms=20_000,
    )  # fmt: skip
    return create_app(home, clock=lambda: NOON, settings=settings)


def test_both_ways_answer_alike(app: FastAPI, keys: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tahdikas.requests")
    statuses = set()
    pairs = _both(app, list(REQUESTS.values()), keys, caplog)
    for (name, sent), pair in zip(REQUESTS.items(), pairs, strict=True):
        straight, ordinary = (_DRAWN.sub("d-?", repr(one)) for one in pair)
        assert straight == ordinary, (name, sent)
        assert len(pair[0].told) == 1, name
        statuses.add(pair[0].messages[0]["status"])
    assert statuses == {200, 400, 401, 403, 404, 405, 408, 413, 415, 422}


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (StoreUnreadableError("no"), 503), (HomeError("no folder"), 503), (DataError("no such"), 422),
        (HTTPException(418, "tea", {"x-tea": "yes"}), 418), (HTTPException(401), 401),
        (RuntimeError("unforeseen"), 500),
    ],
)  # fmt: skip
def test_what_fails_is_put_into_the_same_words(
    app: FastAPI, keys: dict[str, str], caplog: pytest.LogCaptureFixture, fault: Exception, status: int
) -> None:
    class Failing:
        def check(self, token: str) -> ApiKey | None:
            raise fault

    caplog.set_level(logging.INFO)
    app.state.wiring.key_check._keys = Failing()
    ((straight, ordinary),) = _both(app, [Sent()], keys, caplog)
    assert straight == ordinary
    assert straight.messages[0]["status"] == (422 if status == 418 else status)
    assert ("unforeseen" in straight.raised) == (status == 500)
    assert any(line[0] == "tahdikas.requests" for line in straight.told)


def test_the_short_way_is_taken_by_what_is_asked_most(app: FastAPI, keys: dict[str, str]) -> None:
    """The router is never asked for them, or the law above would compare a way with itself."""

    async def asked() -> None:
        async def lost(scope: Scope, receive: Receive, send: Send) -> None:
            raise AssertionError(scope["path"])

        async with app.router.lifespan_context(app):
            app.router.middleware_stack = lost
            for name in ("good", "an event", "no event"):
                got = await _asked(app, REQUESTS[name], keys, straight=True)
                assert got.messages[0]["status"] == 200
            assert "AssertionError" in (await _asked(app, REQUESTS["good"], keys, straight=False)).raised

    asyncio.run(asked())
