"""Packed records on a Valkey (or Redis) server: what several serving hosts share.

One key a view and customer, `{prefix}:{view}:{customer}`, holds the record; the hash `{prefix}:schemas` and the set
`{prefix}:views` say what there is. A script on the server compares the orders in the records' heads, so that each
record is replaced atomically and only by what is not older; a batch is many records, each for itself. Nothing expires
on the server: a tombstone that went by itself would let an old write bring somebody back.

Keys of one call may lie anywhere, so this is for one primary with replicas, not for a cluster of shards.
"""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from features.errors import ConfigError, DataError
from features.feature_store.online.records import ORDER_BYTES, TOMBSTONE, VERSION, Packed, RecordSchema, order_at
from features.feature_store.online.store import READ_AT_ONCE, time_for
from features.feature_store.settings import OnlineSettings
from features.pause import Pause

try:
    import valkey
    from valkey.backoff import NoBackoff
    from valkey.exceptions import NoScriptError, ValkeyError
    from valkey.retry import Retry

    from features.feature_store.online.valkey_reading import ReadConnections
except ImportError as error:
    raise ConfigError(
        "config/feature_store.yaml names online.store: valkey, whose client is not installed. "
        "Run pip install 'tahdikas[valkey]', or write online.store: sqlite."
    ) from error

T = TypeVar("T")
_WRITE_AT_ONCE = 250
_SCRIPTS_A_TRIP = 16

# Numbers in Lua are doubles and its order of strings follows the server's locale: hence four exact 32-bit integers.
_ORDER = f"""
local function order(record)
  if #record < {ORDER_BYTES.stop} or string.byte(record, 1) ~= 84 or string.byte(record, 2) ~= {VERSION} then
    return nil
  end
  return {{struct.unpack('>I4I4I4I4B', record, {ORDER_BYTES.start + 1})}}
end
"""
_WRITE = (
    _ORDER
    + f"""
local function older(new, old)
  local a, b = order(new), order(old)
  if not b then return false end
  for i = 1, 5 do
    if a[i] ~= b[i] then return a[i] < b[i] end
  end
  return false
end
for i, key in ipairs(KEYS) do
  if not older(ARGV[i], redis.call('GETRANGE', key, 0, {ORDER_BYTES.stop - 1})) then
    redis.call('SET', key, ARGV[i])
  end
end
return #KEYS
"""
)
_PURGE = (
    _ORDER
    + f"""
local before, gone = {{struct.unpack('>I4I4', ARGV[1])}}, 0
for _, key in ipairs(KEYS) do
  local at = order(redis.call('GETRANGE', key, 0, {ORDER_BYTES.stop - 1}))
  if at and at[5] == {TOMBSTONE} and (at[1] < before[1] or (at[1] == before[1] and at[2] < before[2])) then
    gone = gone + redis.call('UNLINK', key)
  end
end
return gone
"""
)
_LIVING = (
    _ORDER
    + f"""
local found = {{}}
for _, key in ipairs(KEYS) do
  local at = order(redis.call('GETRANGE', key, 0, {ORDER_BYTES.stop - 1}))
  if not at or at[5] ~= {TOMBSTONE} then
    found[#found + 1] = key
  end
end
return found
"""
)


class ValkeyStore:
    """An `OnlineStore` on a server; each wait for it, connecting or reading, is bounded by the deadline.

    A call waits for several answers only while its deadline lasts. No wait that ended by it is begun again.
    """

    def __init__(
        self, reader: ReadConnections, writer: Any, *, prefix: str, where: str, read_deadline_seconds: float
    ) -> None:
        self._reader, self._writer = reader, writer
        self._prefix, self._where, self._read_within = prefix, where, read_deadline_seconds

    def fetch(self, view: str, customer_ids: Sequence[str]) -> list[bytes | None]:
        """See `OnlineStore`."""
        start = f"{self._prefix}:{view}:"
        if len(customer_ids) <= READ_AT_ONCE:
            with self._asking():
                return self._records(start, customer_ids) if customer_ids else []
        until = time.monotonic() + time_for(len(customer_ids), self._read_within)
        found: list[bytes | None] = []
        for begin in range(0, len(customer_ids), READ_AT_ONCE):
            if time.monotonic() > until:
                raise self._too_late(f"{begin} of {len(customer_ids)} records are read")
            with self._asking():
                found += self._records(start, customer_ids[begin : begin + READ_AT_ONCE])
        return found

    def _records(self, start: str, customer_ids: Sequence[str]) -> list[bytes | None]:
        found: list[bytes | None] = self._reader.ask("MGET", *[start + key for key in customer_ids])
        return found

    def schema(self, schema_hash: str) -> RecordSchema | None:
        """See `OnlineStore`."""
        with self._asking():
            columns = self._reader.ask("HGET", f"{self._prefix}:schemas", schema_hash)
        return None if columns is None else RecordSchema.from_json(columns)

    def write(self, view: str, schema: RecordSchema | None, records: Iterable[Packed]) -> None:
        """See `OnlineStore`; if it fails, some records may have been written, each as a whole."""
        with self._telling():
            if schema is not None:
                self._writer.hsetnx(f"{self._prefix}:schemas", schema.hash, schema.as_json())
            self._writer.sadd(f"{self._prefix}:views", view)
        start = f"{self._prefix}:{view}:"
        calls = ([(start + one.customer_id, one.record) for one in part] for part in _parts(records, _WRITE_AT_ONCE))
        for trip in _parts(calls, _SCRIPTS_A_TRIP):
            self._run(_WRITE, [([key for key, _ in part], [record for _, record in part]) for part in trip])

    def views(self) -> list[str]:
        """See `OnlineStore`."""
        with self._telling():
            return sorted(view.decode() for view in self._writer.smembers(f"{self._prefix}:views"))

    def customers(self, view: str) -> Iterator[list[str]]:
        """See `OnlineStore`; somebody may be named twice."""
        start = len(f"{self._prefix}:{view}:".encode())
        for trip in _parts(self._keys(view), _SCRIPTS_A_TRIP):
            answers = self._run(_LIVING, [(keys, []) for keys in trip])
            yield [key[start:].decode() for answer in answers for key in answer]

    def drop_view(self, view: str) -> None:
        """See `OnlineStore`; records written meanwhile may stay."""
        with self._telling():
            self._writer.srem(f"{self._prefix}:views", view)
        for keys in self._keys(view):
            with self._telling():
                self._writer.unlink(*keys)

    def purge_tombstones(self, before_micros: int) -> int:
        """See `OnlineStore`."""
        before = order_at(before_micros)
        found = (keys for view in self.views() for keys in self._keys(view))
        return sum(
            sum(self._run(_PURGE, [(keys, [before]) for keys in trip])) for trip in _parts(found, _SCRIPTS_A_TRIP)
        )

    def close(self) -> None:
        """Close all connections."""
        self._reader.close()
        self._writer.connection_pool.disconnect()

    def _keys(self, view: str) -> Iterator[list[bytes]]:
        start = f"{self._prefix}:{view}:"
        pattern = "".join(f"\\{sign}" if sign in "*?[]^\\" else sign for sign in start) + "*"
        with self._telling():
            yield from _parts(self._writer.scan_iter(match=pattern, count=_WRITE_AT_ONCE), _WRITE_AT_ONCE)

    def _run(self, script: str, calls: Sequence[tuple[Sequence[Any], Sequence[bytes]]]) -> list[Any]:
        """Run a script once a call, in one round trip; the server is given the script if it has lost it."""
        with self._telling():
            handle = self._writer.register_script(script)
            for last in (False, True):
                pipe = self._writer.pipeline(transaction=False)
                for keys, arguments in calls:
                    pipe.evalsha(handle.sha, len(keys), *keys, *arguments)
                answers: list[Any] = pipe.execute(raise_on_error=False)  # the error it would raise repeats all records
                errors = [answer for answer in answers if isinstance(answer, Exception)]
                if not errors:
                    return answers
                if last or not isinstance(errors[0], NoScriptError):
                    raise errors[0]
                self._writer.script_load(script)
        raise AssertionError

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except (ValkeyError, OSError) as error:
            raise self._too_late(str(error)) from error

    def _too_late(self, problem: str) -> DataError:
        return DataError(
            f"Online features on {self._where} cannot be read within {self._read_within * 1000:.0f} ms: {problem}. "
            "See that the server runs and can be reached; online.read_deadline_ms in config/feature_store.yaml is the "
            "wait."
        )

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except (ValkeyError, OSError) as error:
            raise DataError(
                f"Online features on {self._where} cannot be written: {error}. See that the server runs, can be "
                "reached and has memory, and write again: the newest wins."
            ) from error


def open_valkey(
    settings: OnlineSettings, *, read_deadline_seconds: float, write_deadline_seconds: float
) -> ValkeyStore:
    """The store at `settings.url`; nothing is connected yet. Raises `ConfigError` if its password is not set."""
    password = None
    if settings.password_env is not None and (password := os.environ.get(settings.password_env)) is None:
        raise ConfigError(
            f"online.password_env names {settings.password_env}, which is not set. Set it to the server's password."
        )

    def pool(seconds: float) -> Any:
        return valkey.ConnectionPool.from_url(  # type: ignore[no-untyped-call]
            settings.url,
            password=password,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=Retry(NoBackoff(), 0),
            lib_name=None,  # spares each new connection two round trips
            lib_version=None,
        )

    return ValkeyStore(
        ReadConnections(pool(read_deadline_seconds), Pause(settings.retry_after_ms / 1000)),
        valkey.Valkey(connection_pool=pool(write_deadline_seconds)),
        prefix=settings.prefix,
        where=settings.url,
        read_deadline_seconds=read_deadline_seconds,
    )


def _parts(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
