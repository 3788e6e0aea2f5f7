"""API keys: 32 random bytes shown once, of which only a hash is kept, each with the scopes it may use.

A key reads `tdk_<key id>_<secret>`. The id finds the row, the secret is compared with the stored SHA-256 in constant
time (a plain hash suffices for 256 random bits). Revoking acts on the next request, or at the moment it is told for:
a key is rotated by making another and letting this one go on for a while. When the store cannot be read,
keys seen before keep working: a dead disk must not turn a shop's requests for a safe answer away.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from features.errors import DataError, HomeError
from features.home import Home
from features.log.connection import STORE_ERRORS
from features.log.per_thread import PerThread
from features.log.store import from_micros, to_micros, transaction

SCOPES = {
    "events": "post events",
    "decide": "ask for decisions and report their outcomes",
    "read": "read customers, and why they get what they get",
    "care": "see who is held and why, add and release holds, declare and close incidents",
    "items": "tell which items are in and out of stock",
    "console": "open the console and its campaign lists",
    "admin": "all of these",
}

_TABLES = (
    """create table if not exists api_keys(
        key_id text primary key, name text not null, secret_hash blob not null, scopes text not null,
        created_at integer not null, revoked_at integer) strict""",
    """create table if not exists console_codes(
        code_hash blob primary key, expires_at integer not null) strict""",
)
_NO_HASH = bytes(32)
CONSOLE_CODE_MINUTES = 10


@dataclass(frozen=True)
class ApiKey:
    """A key as listed: never its secret. From `revoked_at` on it is good for nothing; where it was revoked at once, by
    no clock.
    """

    key_id: str
    name: str
    scopes: frozenset[str]
    created_at: datetime
    revoked_at: datetime | None
    revoked_at_once: bool = False

    def is_revoked(self, now: datetime) -> bool:
        """Whether its time is up."""
        return self.revoked_at_once or (self.revoked_at is not None and self.revoked_at <= now)

    def allows(self, scope: str, now: datetime) -> bool:
        """Whether the key may be used for `scope` at `now`."""
        return not self.is_revoked(now) and (scope in self.scopes or "admin" in self.scopes)


class StoreUnreadableError(Exception):
    """The key store cannot be read and this key was never seen."""


class KeyStore:
    """The keys of one data folder. Safe to share between threads; nobody waits longer than `patience_seconds`."""

    def __init__(self, home: Home, *, patience_seconds: float | None = None) -> None:
        self._own = PerThread(home, _TABLES, patience_seconds=patience_seconds)
        self._seen: dict[str, tuple[bytes, ApiKey]] = {}

    def create(self, name: str, scopes: Sequence[str], *, now: datetime) -> tuple[ApiKey, str]:
        """Make a key; the second value is the whole key, which cannot be shown again. Raises `DataError`."""
        unknown = sorted(set(scopes) - set(SCOPES))
        if unknown or not scopes:
            fault = f"unknown scopes {', '.join(unknown)}" if unknown else "no scope"
            raise DataError(f"A key was asked for with {fault}. Choose among {', '.join(SCOPES)}.")
        key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        key = ApiKey(key_id, name, frozenset(scopes), from_micros(to_micros(now)), None)
        with transaction(self._own.connection()) as connection:
            connection.execute(
                "insert into api_keys(key_id, name, secret_hash, scopes, created_at) values (?, ?, ?, ?, ?)",
                (key_id, name, _hash(secret), " ".join(sorted(key.scopes)), to_micros(now)),
            )
        return key, f"tdk_{key_id}_{secret}"

    def keys(self) -> list[ApiKey]:
        """All keys, oldest first, revoked ones included."""
        rows = self._own.connection().execute("select * from api_keys order by created_at, key_id")
        return [key for _, key in (_read(row) for row in rows.fetchall())]

    def revoke(self, key_id: str, *, now: datetime) -> None:
        """End a key for good, its hash forgotten: no clock set back brings it to life. Raises `DataError` for an
        unknown id. What was told to end earlier is listed so.
        """
        self._end(key_id, now, at_once=True)

    def _end(self, key_id: str, at: datetime, *, at_once: bool) -> None:
        with transaction(self._own.connection()) as connection:
            changed = connection.execute(
                "update api_keys set revoked_at = case when revoked_at < ?1 then revoked_at else ?1 end"
                " where key_id = ?2",
                (to_micros(at), key_id),
            ).rowcount
            if at_once:
                connection.execute("update api_keys set secret_hash = ? where key_id = ?", (b"", key_id))
        if not changed:
            raise DataError(f"There is no key {key_id!r}. List the keys to see their ids.")

    def rotate(self, key_id: str, *, now: datetime, keep: timedelta) -> tuple[ApiKey, str]:
        """A new key of the same name and scopes, as `create`; the old one goes on for `keep`, then ends.

        Raises `DataError` for an unknown id, and for a key that has ended.
        """
        old = next((key for key in self.keys() if key.key_id == key_id), None)
        if old is None or old.is_revoked(now):
            fault = f"There is no key {key_id!r}" if old is None else f"The key {key_id!r} has ended"
            raise DataError(f"{fault}. List the keys to see their ids, or create one.")
        made = self.create(old.name, sorted(old.scopes), now=now)
        self._end(key_id, now + keep, at_once=keep <= timedelta(0))
        return made

    def check(self, token: str) -> ApiKey | None:
        """The key behind a bearer token, its time up or not, or None. Raises `StoreUnreadableError`."""
        key_id, secret = _parts(token)
        return _matching(self._find(key_id) if key_id else (_NO_HASH, None), secret)

    def remembered(self, token: str) -> ApiKey | None:
        """As `check`, by what was read before alone: for a store that does not answer in time."""
        key_id, secret = _parts(token)
        if key_id and key_id not in self._seen:
            raise StoreUnreadableError("The key store does not answer in time.")
        return _matching(self._seen.get(key_id, (_NO_HASH, None)), secret)

    def current(self, key_id: str) -> ApiKey | None:
        """The key of an id as it stands now. Raises `StoreUnreadableError`."""
        return self._find(key_id)[1]

    def create_console_code(self, *, now: datetime) -> str:
        """A code that opens one console session, once, within ten minutes."""
        code = secrets.token_urlsafe(24)
        expires_at = to_micros(now + timedelta(minutes=CONSOLE_CODE_MINUTES))
        with transaction(self._own.connection()) as connection:
            connection.execute("insert into console_codes values (?, ?)", (_hash(code), expires_at))
        return code

    def use_console_code(self, code: str, *, now: datetime) -> bool:
        """Spend a code; true only the first time and in time. Codes past their time are removed."""
        instant = to_micros(now)
        with transaction(self._own.connection()) as connection:
            found = connection.execute(
                "delete from console_codes where code_hash = ? and expires_at > ? returning 1", (_hash(code), instant)
            ).fetchone()
            connection.execute("delete from console_codes where expires_at <= ?", (instant,))
        return found is not None

    def _find(self, key_id: str) -> tuple[bytes, ApiKey | None]:
        try:
            row = self._own.connection().execute("select * from api_keys where key_id = ?", (key_id,)).fetchone()
        except (*STORE_ERRORS, HomeError) as error:
            self._own.close()
            if key_id in self._seen:
                return self._seen[key_id]
            raise StoreUnreadableError(f"The key store cannot be read: {error}") from error
        if row is None:
            self._seen.pop(key_id, None)
            return _NO_HASH, None
        self._seen[key_id] = _read(row)
        return self._seen[key_id]


def _parts(token: str) -> tuple[str, str]:
    """The id and the secret of a whole key; an empty id where it is none."""
    prefix, _, rest = token.partition("_")
    key_id, _, secret = rest.partition("_")
    return (key_id if prefix == "tdk" else ""), secret


def _matching(found: tuple[bytes, ApiKey | None], secret: str) -> ApiKey | None:
    stored, key = found
    return key if hmac.compare_digest(stored, _hash(secret)) else None


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _read(row: Sequence[Any]) -> tuple[bytes, ApiKey]:
    key_id, name, secret_hash, scopes, created_at, revoked_at = row
    revoked = None if revoked_at is None else from_micros(revoked_at)
    at_once = not secret_hash
    return secret_hash, ApiKey(key_id, name, frozenset(scopes.split()), from_micros(created_at), revoked, at_once)
