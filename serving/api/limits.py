"""What surrounds every request: bounds on the body's size and time, and headers that keep answers private and inert."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.api.problems import ProblemError, problem_response

_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]
_NO_CONTENT_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")


class Limits:
    """ASGI middleware; refuses a body above `max_body_bytes`, declared or not, with a problem document.

    So is a body that has not come whole within `body_seconds` of its request.
    """

    def __init__(self, app: ASGIApp, max_body_bytes: int, body_seconds: float) -> None:
        self.app = app
        self.max_body_bytes, self.body_seconds = max_body_bytes, body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting its bytes and adding the headers to its answer."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        taken, whole = 0, False
        until = asyncio.get_running_loop().time() + self.body_seconds

        async def counted() -> Message:
            nonlocal taken, whole
            try:
                async with asyncio.timeout_at(None if whole else until):
                    message = await receive()
            except TimeoutError as error:
                raise self._too_slow() from error
            whole = not message.get("more_body", False)
            taken += len(message.get("body", b""))
            if taken > self.max_body_bytes:
                raise self._too_large()
            return message

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.setdefault("headers", [])
                present = {name for name, _ in headers}
                headers += [pair for pair in (*_HEADERS, _NO_CONTENT_POLICY) if pair[0] not in present]
            await send(message)

        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if declared.isdigit() and int(declared) > self.max_body_bytes:
            return await problem_response(self._too_large(), scope["path"])(scope, receive, with_headers)
        return await self.app(scope, counted, with_headers)

    def _too_large(self) -> ProblemError:
        return ProblemError(
            "too-large", f"The body is above {self.max_body_bytes} bytes. Send fewer or smaller objects in one request."
        )

    def _too_slow(self) -> ProblemError:
        return ProblemError(
            "too-slow",
            f"The body did not come whole within {self.body_seconds:g} seconds. Send it again over a faster line, or "
            "fewer objects in one request.",
            headers={"connection": "close"},
        )
