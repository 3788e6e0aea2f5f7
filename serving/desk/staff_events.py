"""What a person did to holds, as events: the only way holds are added or released.

Ids follow from the idempotency key, so that a retry is seen to be one; without a key every request is its own.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from features.log.rules import RESERVED_PREFIX

SOURCE = "staff"


class HoldWish(msgspec.Struct, frozen=True, kw_only=True):
    """A hold as a person wants it. What is left empty is filled from the policy's rule for staff holds."""

    review_at: datetime
    person: str
    reason: str
    categories: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()


def token_of(deed: str, customer_id: str, key: str | None) -> str:
    """What tells one request from another: the same for the same deed, customer and key.

    >>> token_of("add", "c-1", "k") == token_of("add", "c-1", "k") != token_of("add", "c-2", "k")
    True
    """
    said = "\0".join((deed, customer_id, secrets.token_hex(16) if key is None else f"key:{key}"))
    return hashlib.blake2b(said.encode(), digest_size=12).hexdigest()


def add_event(customer_id: str, wish: HoldWish, token: str, now: datetime) -> dict[str, Any]:
    """The event that adds a staff hold; its hold_id is `staff:<token>`."""
    payload: dict[str, Any] = {
        "action": "add",
        "hold_id": f"{SOURCE}:{token}",
        "review_at": wish.review_at.isoformat(),
        "person": wish.person,
        "reason": wish.reason,
    }
    lists: dict[str, Sequence[str]] = {"categories": wish.categories, "channels": wish.channels}
    payload |= {name: list(values) for name, values in lists.items() if values}
    return _event(customer_id, f"hold-add:{token}", payload, now)


def release_event(
    customer_id: str, hold_id: str, person: str, reason: str, token: str, now: datetime
) -> dict[str, Any]:
    """The event by which a person ends a hold, whatever opened it."""
    payload = {"action": "release", "hold_id": hold_id, "person": person, "reason": reason}
    return _event(customer_id, f"hold-release:{token}", payload, now)


def who(customer_id: str) -> dict[str, str]:
    """The envelope's fields for a customer's key: visitors are kept under `anonymous:` and their id.

    >>> who("c-1"), who("anonymous:v-7")
    ({'customer_id': 'c-1'}, {'anonymous_id': 'v-7'})
    """
    if customer_id.startswith(RESERVED_PREFIX):
        return {"anonymous_id": customer_id.removeprefix(RESERVED_PREFIX)}
    return {"customer_id": customer_id}


def _event(customer_id: str, event_id: str, payload: dict[str, Any], now: datetime) -> dict[str, Any]:
    envelope = {"event_id": event_id, "type": "hold", "occurred_at": now.isoformat()}
    return {**envelope, **who(customer_id), "payload": payload}
