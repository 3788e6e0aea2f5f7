"""Bounds on bodies: how large one may be, how long it may take to come, and what all those under way may hold."""

import asyncio

from starlette.types import Message, Receive, Scope

from serving.api.problems import ProblemError

FREE_BYTES = 65_536
"""So much of each body is let in however many others are under way: a question is smaller."""
RETRY_SECONDS = 5


class Limits:
    """Refuses a body above `max_body_bytes`, declared or not, with a problem document.

    So is a body that has not come whole within `body_seconds` of its request, and what would bring all those under way,
    `FREE_BYTES` of each left aside, above `max_bodies_bytes` (at least one of the largest fits).
    """

    def __init__(self, max_body_bytes: int, max_bodies_bytes: int, body_seconds: float) -> None:
        self.max_body_bytes, self.max_bodies_bytes = max_body_bytes, max(max_body_bytes, max_bodies_bytes)
        self.body_seconds = body_seconds
        self.under_way = 0

    def refused(self, scope: Scope) -> ProblemError | None:
        """Why a request is not even begun with: its body says that it is too large."""
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        return self.too_large() if declared.isdigit() and int(declared) > self.max_body_bytes else None

    def too_large(self) -> ProblemError:
        """Of a body above what one may have."""
        return ProblemError(
            "too-large", f"The body is above {self.max_body_bytes} bytes. Send fewer or smaller objects in one request."
        )

    def too_slow(self) -> ProblemError:
        """Of a body whose time is up."""
        return ProblemError(
            "too-slow",
            f"The body did not come whole within {self.body_seconds:g} seconds. Send it again over a faster line, or "
            "fewer objects in one request.",
            headers={"connection": "close"},
        )

    def too_much(self) -> ProblemError:
        """Of a body beside too many others."""
        return ProblemError(
            "unavailable",
            f"Bodies of {self.max_bodies_bytes} bytes are under way already. Send it again in {RETRY_SECONDS} seconds, "
            "or fewer objects in one request.",
            headers={"retry-after": str(RETRY_SECONDS)},
        )


class Body:
    """What an app may `receive` of one request, within `limits`; `end` it with the request."""

    def __init__(self, limits: Limits, receive: Receive) -> None:
        self._limits, self._receive = limits, receive
        self._taken, self._whole = 0, False
        self._until = asyncio.get_running_loop().time() + limits.body_seconds

    async def __call__(self) -> Message:
        """The next message; raises a problem where a limit is passed."""
        limits = self._limits
        try:
            async with asyncio.timeout_at(None if self._whole else self._until):
                message = await self._receive()
        except TimeoutError as error:
            raise limits.too_slow() from error
        self._whole = not message.get("more_body", False)
        before, self._taken = self._taken, self._taken + len(message.get("body", b""))
        limits.under_way += _counted(self._taken) - _counted(before)
        if self._taken > limits.max_body_bytes:
            raise limits.too_large()
        if limits.under_way > limits.max_bodies_bytes and self._taken > FREE_BYTES:
            raise limits.too_much()
        return message

    def end(self) -> None:
        """It counts no more with the others."""
        self._limits.under_way -= _counted(self._taken)


def _counted(taken: int) -> int:
    """How much of a body of which `taken` bytes have come counts with the others."""
    return max(0, taken - FREE_BYTES)
