"""Console sessions: an opaque cookie of which only a hash is kept, in the live store, so that every worker knows it.

A session is a person's, or belongs to an API key or a one-time link, which may only look. It ends by time, by logging
out, or with what is behind it.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from features.log.store import to_micros, transaction
from serving.console.people import People

COOKIE = "tahdikas_console"


@dataclass(frozen=True)
class Session:
    """An open session: whose, and the word that its forms carry to show that they are ours."""

    name: str | None
    key_id: str | None
    csrf: str


@dataclass(frozen=True)
class Sessions:
    """The open sessions of one data folder."""

    people: People
    hours: int

    def start(self, now: datetime, *, name: str | None = None, key_id: str | None = None) -> str:
        """Open a session for a person, a key, or (neither) a one-time link; gives the cookie's value."""
        token = secrets.token_urlsafe(32)
        ends_at = to_micros(now + timedelta(hours=self.hours))
        with transaction(self.people.connection()) as run:
            run.execute("delete from console_sessions where ends_at <= ?", (to_micros(now),))
            run.execute(
                "insert into console_sessions values (?, ?, ?, ?, ?)",
                (_hash(token), name, key_id, secrets.token_urlsafe(16), ends_at),
            )
        return token

    def find(self, token: str, now: datetime) -> Session | None:
        """The session of a cookie that is open at `now`."""
        query = "select name, key_id, csrf from console_sessions where token_hash = ? and ends_at > ?"
        row = self.people.connection().execute(query, (_hash(token), to_micros(now))).fetchone()
        return None if row is None else Session(*row)

    def end(self, token: str) -> None:
        """Close a session."""
        with transaction(self.people.connection()) as run:
            run.execute("delete from console_sessions where token_hash = ?", (_hash(token),))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
