"""Routes asked for hundreds of times a second: called as they are, with nothing worked out anew at each request.

They are documented like all others; of what FastAPI solves they may have keys (`access`) and optional headers.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send


class PlainRoute(APIRoute):
    """A route whose endpoint takes the request and optional headers, as text, and gives a response."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **told: Any) -> None:
        super().__init__(path, endpoint, **told)
        headers = [(one.name, one.alias) for one in self.dependant.header_params]
        self.app = _app(endpoint, [one.dependency for one in self.dependencies], headers)


def _app(endpoint: Callable[..., Any], doors: list[Any], headers: list[tuple[str, str]]) -> ASGIApp:
    asked: list[Callable[[Request], Awaitable[object]]] = doors

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        for door in asked:
            await door(request)
        response = await endpoint(request, **{name: request.headers.get(alias) for name, alias in headers})
        await response(scope, receive, send)

    return app
