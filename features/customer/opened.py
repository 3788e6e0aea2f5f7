"""A kept state whose fields are read when they are asked for: with a fact more, most of them stay as they are."""

from typing import Any

import msgspec

from features.customer.ledger import Browse, CustomerState
from features.customer.state import contents_of, sealed
from features.errors import DataError

_FIELDS = CustomerState.__struct_fields__
_PLACES = {name: place for place, name in enumerate(_FIELDS)}
_TYPES: dict[str, Any] = {field.name: field.type for field in msgspec.structs.fields(CustomerState)}
_TYPES["browsed"] = list[msgspec.Raw]  # many, to which one is added: nobody looks into those before
_read = {name: msgspec.msgpack.Decoder(kind).decode for name, kind in _TYPES.items()}
_split = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode
_join = msgspec.msgpack.Encoder().encode


_read_browse = msgspec.msgpack.Decoder(Browse).decode


def browsed_at(browse: msgspec.Raw | Browse) -> int:
    """When one of `Opened.browsed` was."""
    return browse.at if isinstance(browse, Browse) else _read_browse(browse).at


class Opened:
    """The fields of a `CustomerState` as attributes, but for `browsed`: a list of what is there and records.

    `changed` are those that differ from the kept ones. Nothing that it gives may be changed in place.
    """

    def __init__(self, parts: list[msgspec.Raw], changed: dict[str, Any]) -> None:
        self._parts, self.changed = parts, changed
        self.__dict__.update(changed)

    def __getattr__(self, name: str) -> Any:
        place = _PLACES.get(name)
        if place is None:
            raise AttributeError(name)
        value = self.__dict__[name] = _read[name](self._parts[place])
        return value

    def with_fields(self, changed: dict[str, Any]) -> "Opened":
        """The state with other values in some fields."""
        return Opened(self._parts, self.changed | changed)

    def encoded(self) -> bytes:
        """The bytes that `state.encode` gives. Raises `OverflowError` for numbers beyond 64 bits."""
        parts: list[Any] = list(self._parts)
        for name, value in self.changed.items():
            parts[_PLACES[name]] = value
        return sealed(_join(parts))


def open_state(body: bytes) -> Opened:
    """The state of `state.encode`'s bytes; raises `DataError` for another version and for torn or altered bytes."""
    try:
        parts = _split(contents_of(body))
    except msgspec.MsgspecError as error:
        raise DataError(f"A customer's state cannot be read ({error}). Fold it again from her facts.") from error
    if len(parts) != len(_FIELDS):
        raise DataError(
            f"A customer's state has {len(parts)} fields, not {len(_FIELDS)}. Fold it again from her facts."
        )
    return Opened(parts, {})
