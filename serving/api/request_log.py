"""A line for requests that went wrong or took long, or for all: by route, never by address."""

import logging

from starlette.types import Scope

from serving.logs import fields

log = logging.getLogger("tahdikas.requests")


class RequestLog:
    """Tells requests of `slow_ms` and more, and answers from 500 on; with `every`, all."""

    def __init__(self, slow_ms: float, every: bool) -> None:
        self.slow_ms, self.every = slow_ms, every

    def ended(self, scope: Scope, status: int, seconds: float) -> None:
        """Tell how a request went, if that is to be told."""
        ms = seconds * 1000
        if self.every or status >= 500 or ms >= self.slow_ms:
            route = getattr(scope.get("route"), "path", "none")
            told = fields(route=route, method=scope["method"], status=status, ms=round(ms, 1))
            log.log(logging.WARNING if status >= 500 else logging.INFO, "request", extra=told)
