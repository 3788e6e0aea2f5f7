"""States that no decision may trust whoever asks: torn, of another version, dated ahead, erased.

Every row is looked at, but only its sum and two of its fields: a hundredth of what reading it whole would take.
"""

import threading
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from features.customer.state import STATE_VERSION, CustomerState
from features.instants import to_us
from features.log.connection import Connection
from serving.desk.lens import Lens

LOOK_MINUTES = 10
_PAGE = 500
_READ = ("last_at", "erased_at")
_Head = msgspec.defstruct(
    "_Head",
    [
        (name, int | None if name in _READ else msgspec.Raw, msgspec.Raw(b"\xc0") if name not in _READ else None)
        for name in CustomerState.__struct_fields__
    ],
    array_like=True,
)
_decode = msgspec.msgpack.Decoder(_Head).decode


def damaged(run: Connection, lens: Lens, pause: Callable[[], None]) -> Iterator[tuple[str, bool]]:
    """Customers whose state row cannot be trusted at the lens's moment, for a reason that lies in the row alone.

    With each: whether the row is torn, rather than erased or dated ahead.
    """
    ahead, after = to_us(lens.ahead), ""
    query = "select customer_id, body from state where customer_id > ? order by 1 limit ?"
    while page := run.execute(query, (after, _PAGE)).fetchall():
        yield from ((key, found) for key, body in page if (found := _is_torn(body, ahead)) is not None)
        after = page[-1][0]
        pause()


class Damage:
    """What was found at the last look over all rows, which is taken again after `LOOK_MINUTES`.

    A record is damaged by a disk, not by anything that is told here; whoever asks about her meets it at once.
    """

    def __init__(self, pause: Callable[[], None] = lambda: None) -> None:
        self._pause = pause
        self._lock = threading.Lock()
        self._looked: datetime | None = None
        self._found: dict[str, bool] = {}

    def found(self, run: Connection, lens: Lens, *, anew: bool = False) -> dict[str, bool]:
        """As `damaged`: looked for `anew`, or as found at most `LOOK_MINUTES` before."""
        with self._lock:
            looked = self._looked
            if anew or looked is None or not looked <= lens.now < looked + timedelta(minutes=LOOK_MINUTES):
                self._found = dict(damaged(run, lens, self._pause))
                self._looked = lens.now
            return self._found


def _is_torn(body: bytes, ahead: int) -> bool | None:
    """True for a row that cannot be read, False for one to be kept silent all the same, None for a good one."""
    if not body or body[0] != STATE_VERSION or zlib.crc32(memoryview(body)[5:]) != int.from_bytes(body[1:5], "big"):
        return True
    try:
        head: Any = _decode(memoryview(body)[5:])
    except msgspec.MsgspecError:
        return True
    return False if head.erased_at is not None or (head.last_at or 0) > ahead else None
