"""A line for requests that went wrong or took long, or for all: by route, never by address."""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.logs import fields

log = logging.getLogger("tahdikas.requests")


class RequestLog:
    """ASGI middleware; tells requests of `slow_ms` and more, and answers from 500 on; with `every`, all."""

    def __init__(self, app: ASGIApp, slow_ms: float, every: bool) -> None:
        self.app, self.slow_ms, self.every = app, slow_ms, every

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and tell how it went."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            ms = (time.perf_counter() - began) * 1000
            if self.every or status >= 500 or ms >= self.slow_ms:
                route = getattr(scope.get("route"), "path", "none")
                told = fields(route=route, method=scope["method"], status=status, ms=round(ms, 1))
                log.log(logging.WARNING if status >= 500 else logging.INFO, "request", extra=told)
