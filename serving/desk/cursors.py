"""Opaque cursors: where a reader stands, as text that only we read."""

import base64
import binascii
from typing import TypeVar

import msgspec

from serving.desk.faults import FieldFaultError

T = TypeVar("T", bound=msgspec.Struct)


def to_text(cursor: msgspec.Struct) -> str:
    """A cursor as text fit for an address."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(cursor)).decode().rstrip("=")


def from_text(text: str, kind: type[T]) -> T:
    """The cursor of a text; raises `FieldFaultError` for one that is not ours."""
    try:
        return msgspec.msgpack.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=kind)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        shown = text if len(text) <= 40 else f"{text[:40]}…"
        raise FieldFaultError(
            "after", shown, "is no cursor of this list", "Send `next` of an answer unchanged, or leave it out to begin."
        ) from error
