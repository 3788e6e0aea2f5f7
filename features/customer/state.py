"""A customer's state: made of her facts by `fold`, kept as bytes by `encode`, read back by `decode`."""

import zlib
from typing import Any

import msgspec

from features.customer.fold import fold
from features.customer.ledger import CustomerState
from features.errors import DataError
from features.facts import Fact, known_by

__all__ = ["STATE_VERSION", "CustomerState", "Fact", "decode", "encode", "fold", "known_by"]

STATE_VERSION = 3
"""Raised with every change of what the fold makes of the same facts: kept states are folded on from (`fold_on`)."""

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(CustomerState)
_LARGEST = 2**63 - 1
_REMEDY = "Fold it again from the customer's facts (`tahdikas ingest` of any file does so for the customers in it)."


def encode(state: CustomerState) -> bytes:
    """The state as bytes: one version byte, four of CRC-32 of the rest, then MessagePack.

    A sum of money beyond 64 bits is kept as the largest there is: nonsense, but nothing that stops her other events.
    """
    try:
        body = _ENCODER.encode(state)
    except OverflowError:
        body = _ENCODER.encode(_bounded(msgspec.to_builtins(state)))
    return sealed(body)


def sealed(content: bytes) -> bytes:
    """A state's MessagePack with its version and checksum before it."""
    return b"%c%b%b" % (STATE_VERSION, zlib.crc32(content).to_bytes(4, "big"), content)


def _bounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_bounded(one) for one in value]
    if isinstance(value, dict):
        return {name: _bounded(one) for name, one in value.items()}
    return min(value, _LARGEST) if isinstance(value, int) else value


def decode(body: bytes) -> CustomerState:
    """The state of `encode`'s bytes; raises `DataError` for another version and for torn or altered bytes."""
    content = contents_of(body)
    try:
        return _DECODER.decode(content)
    except msgspec.MsgspecError as error:
        raise DataError(f"A customer's state of {len(body)} bytes cannot be read ({error}). {_REMEDY}") from error


def contents_of(body: bytes) -> bytes:
    """The MessagePack that was `sealed`; raises `DataError` as `decode`."""
    if not body or body[0] != STATE_VERSION:
        found = body[0] if body else "nothing"
        raise DataError(f"A customer's state is of version {found}, not {STATE_VERSION}. {_REMEDY}")
    content = body[5:]
    if zlib.crc32(content) != int.from_bytes(body[1:5], "big"):
        raise DataError(f"A customer's state of {len(body)} bytes is torn or altered (its checksum differs). {_REMEDY}")
    return content
