"""Who may call what: a bearer key of the right scope, checked before the body is read."""

import math

from fastapi import Depends
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.requests import Request

from serving.api.problems import ProblemError
from serving.api.wiring import wired
from serving.security import SCOPES, ApiKey, StoreUnreadableError


class Needs(SecurityBase):
    """A dependency that lets a request through whose key has `scope`."""

    def __init__(self, scope: str) -> None:
        self.scope = scope
        self.scheme_name = f"key with scope {scope}"
        self.model = HTTPBearer(description=f"An API key that may {SCOPES[scope]} (scope `{scope}`, or `admin`).")

    async def __call__(self, request: Request) -> ApiKey:
        """The key; raises 401 without a valid one, 403 for one of other scopes, 429 where it asks too often."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise _unauthorised("No API key was sent. Send the header `Authorization: Bearer <key>`.")
        app = wired(request)
        now = app.clock()
        try:
            key = await app.key_check.check(token.strip())
        except StoreUnreadableError as error:
            raise ProblemError("unavailable", "The keys cannot be read at the moment. Try again shortly.") from error
        if key is None or key.is_revoked(now):
            _within(app.strangers.wait("stranger"))
            raise _unauthorised("The API key is unknown or revoked. Send a valid one, or have one made.")
        _within(app.rate.wait(key.key_id))
        if not key.allows(self.scope, now):
            scopes = ", ".join(sorted(key.scopes))
            raise ProblemError(
                "forbidden",
                f"This key has the scopes {scopes}; `{self.scope}` is needed. Use or make a key that has it.",
            )
        return key


def _within(seconds: float) -> None:
    """Raise 429 where the caller has to wait."""
    if seconds > 0:
        raise ProblemError(
            "too-many-requests",
            f"More requests came than are taken. Wait {seconds:.1f} seconds, then send them more slowly.",
            headers={"retry-after": str(math.ceil(seconds))},
        )


def _unauthorised(detail: str) -> ProblemError:
    return ProblemError("unauthorised", detail, headers={"www-authenticate": "Bearer"})


Events = Depends(Needs("events"))
Decide = Depends(Needs("decide"))
Read = Depends(Needs("read"))
Care = Depends(Needs("care"))
Items = Depends(Needs("items"))
