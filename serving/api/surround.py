"""What surrounds every request: its limits, headers that keep its answer private and inert, and its line in the log.

Routes asked for hundreds of times a second (`plain`) are called from here; all others are looked for by the router.
"""

import time
from collections.abc import Iterable

from fastapi import FastAPI
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.api.limits import Body, Limits
from serving.api.plain import PlainRoute
from serving.api.problems import problem_response
from serving.api.request_log import RequestLog

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""Of every answer that does not say otherwise itself."""


class Surround:
    """ASGI middleware; the one of the app, since each costs every request."""

    def __init__(self, app: ASGIApp, limits: Limits, log: RequestLog | None, straight: "Straight") -> None:
        self.app, self._limits, self._log, self._straight = app, limits, log, straight

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting its bytes, adding the headers to its answer, and tell how it went."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began, status = time.perf_counter(), 500
        body = Body(self._limits, receive)

        async def complete(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message.setdefault("headers", [])
                present = {name for name, _ in headers}
                headers += [pair for pair in _HEADERS if pair[0] not in present]
            await send(message)

        try:
            refused = self._limits.refused(scope)
            if refused is not None:
                await problem_response(refused, scope["path"])(scope, receive, complete)
            else:
                await (self._straight.app(scope) or self.app)(scope, body, complete)
        finally:
            body.end()
            if self._log is not None:
                self._log.ended(scope, status, time.perf_counter() - began)


class Straight:
    """The way to plain routes that passes by what FastAPI has between; the same errors are put into the same words.

    A request whose spans are wanted takes the way of all others: FastAPI writes them there.
    """

    def __init__(self, app: FastAPI, routes: Iterable[PlainRoute]) -> None:
        words = {kind: handler for kind, handler in app.exception_handlers.items() if kind not in (500, Exception)}
        self._routes = {
            (method, route.path): (route, ExceptionMiddleware(route.app, words))
            for route in routes
            for method in route.methods or ()
        }

    def app(self, scope: Scope) -> ASGIApp | None:
        """What answers the request, if it is of a plain route."""
        found = self._routes.get((scope["method"], scope["path"]))
        if found is None or "fastapi.telemetry" in scope:
            return None
        scope["route"], app = found
        return app
