"""What surrounds every request: bounds on bodies' size and time, and headers that keep answers private and inert."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.api.problems import ProblemError, problem_response

_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]
_NO_CONTENT_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")


FREE_BYTES = 65_536
"""So much of each body is let in however many others are under way: a question is smaller."""
RETRY_SECONDS = 5


class Limits:
    """ASGI middleware; refuses a body above `max_body_bytes`, declared or not, with a problem document.

    So is a body that has not come whole within `body_seconds` of its request, and what would bring all those under way,
    `FREE_BYTES` of each left aside, above `max_bodies_bytes` (at least one of the largest fits).
    """

    def __init__(self, app: ASGIApp, max_body_bytes: int, max_bodies_bytes: int, body_seconds: float) -> None:
        self.app = app
        self.max_body_bytes, self.max_bodies_bytes = max_body_bytes, max(max_body_bytes, max_bodies_bytes)
        self.body_seconds = body_seconds
        self._under_way = 0

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
            before, taken = taken, taken + len(message.get("body", b""))
            self._under_way += _counted(taken) - _counted(before)
            if taken > self.max_body_bytes:
                raise self._too_large()
            if self._under_way > self.max_bodies_bytes and taken > FREE_BYTES:
                raise self._too_much()
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
        try:
            await self.app(scope, counted, with_headers)
        finally:
            self._under_way -= _counted(taken)

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

    def _too_much(self) -> ProblemError:
        return ProblemError(
            "unavailable",
            f"Bodies of {self.max_bodies_bytes} bytes are under way already. Send it again in {RETRY_SECONDS} seconds, "
            "or fewer objects in one request.",
            headers={"retry-after": str(RETRY_SECONDS)},
        )


def _counted(taken: int) -> int:
    """How much of a body of which `taken` bytes have come counts with the others."""
    return max(0, taken - FREE_BYTES)
