"""A kept state whose fields are read when they are asked for: with a fact more, most of them stay as they are."""

from collections.abc import Callable
from typing import Any, get_args, get_origin

import msgspec

from features.customer.ledger import Browse, CustomerState
from features.customer.state import contents_of, sealed
from features.errors import DataError

_FIELDS = CustomerState.__struct_fields__
_TYPES: dict[str, Any] = {field.name: field.type for field in msgspec.structs.fields(CustomerState)}
_TYPES["browsed"] = list[msgspec.Raw]  # many, to which one is added: nobody looks into those before
_AT_ONCE = ("facts", "first_at", "last_at", "origins", "last_seen_at")
"""Fields that every fact changes: they are read when the state is opened."""
_read = {name: msgspec.msgpack.Decoder(kind).decode for name, kind in _TYPES.items()}
_read_first: dict[str, Callable[[msgspec.Raw], Any]] = {
    name: msgspec.msgpack.Decoder(
        msgspec.defstruct("_First", [("first", get_args(kind)[0] | None, None)], array_like=True)
    ).decode
    for name, kind in _TYPES.items()
    if get_origin(kind) is list and name not in _AT_ONCE
}
_Parts = msgspec.defstruct(
    "_Parts",
    [(name, _TYPES[name] if name in _AT_ONCE else msgspec.Raw) for name in _FIELDS],
    array_like=True,
    forbid_unknown_fields=True,
    gc=False,
)
_split = msgspec.msgpack.Decoder(_Parts).decode
_join = msgspec.msgpack.Encoder().encode


_read_browse = msgspec.msgpack.Decoder(Browse).decode


def browsed_at(browse: msgspec.Raw | Browse) -> int:
    """When one of `Opened.browsed` was."""
    return browse.at if isinstance(browse, Browse) else _read_browse(browse).at


class Opened:
    """The fields of a `CustomerState` as attributes, but for `browsed`: a list of what is there and records.

    `changed` are those that differ from the kept ones. Nothing that it gives may be changed in place.
    """

    def __init__(self, parts: Any, changed: dict[str, Any]) -> None:
        self._parts, self.changed = parts, changed
        self.facts, self.first_at, self.last_at = parts.facts, parts.first_at, parts.last_at
        self.origins, self.last_seen_at = parts.origins, parts.last_seen_at
        self.__dict__.update(changed)

    def __getattr__(self, name: str) -> Any:
        if name not in _read:
            raise AttributeError(name)
        value = self.__dict__[name] = _read[name](getattr(self._parts, name))
        return value

    def count(self, name: str) -> int:
        """How many are in the list of a field, none of which is read for it."""
        found = self.__dict__.get(name)
        return _length(getattr(self._parts, name)) if found is None else len(found)

    def first(self, name: str) -> Any:
        """The first in the list of a field, the others unread; None where it is empty."""
        found = self.__dict__.get(name)
        if found is None:
            return _read_first[name](getattr(self._parts, name)).first
        return found[0] if found else None

    def with_fields(self, changed: dict[str, Any]) -> "Opened":
        """The state with other values in some fields."""
        return Opened(self._parts, self.changed | changed)

    def encoded(self) -> bytes:
        """The bytes that `state.encode` gives. Raises `OverflowError` for numbers beyond 64 bits."""
        return sealed(_join(msgspec.structs.replace(self._parts, **self.changed)))


def open_state(body: bytes) -> Opened:
    """The state of `state.encode`'s bytes; raises `DataError` for another version and for torn or altered bytes."""
    try:
        return Opened(_split(contents_of(body)), {})
    except msgspec.MsgspecError as error:
        raise DataError(f"A customer's state cannot be read ({error}). Fold it again from her facts.") from error


def _length(packed: msgspec.Raw) -> int:
    """Of a list in MessagePack: in its first byte, or in two or four bytes after that."""
    view = memoryview(packed)
    if view[0] >> 4 == 9:
        return view[0] & 15
    return int.from_bytes(view[1 : 3 if view[0] == 0xDC else 5], "big")
