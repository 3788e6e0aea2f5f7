"""Console sessions: an opaque cookie's hash in memory, ended by time, log-out, or the revoking of the key behind it."""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

COOKIE = "tahdikas_console"


@dataclass
class Sessions:
    """The open sessions of one process; a restart ends them all."""

    hours: int
    _open: dict[bytes, tuple[datetime, str | None]] = field(default_factory=dict)

    def start(self, key_id: str | None, now: datetime) -> str:
        """Open a session for a key, or for a one-time link (None); gives the cookie's value."""
        self._open = {token: entry for token, entry in self._open.items() if entry[0] > now}
        token = secrets.token_urlsafe(32)
        self._open[_hash(token)] = (now + timedelta(hours=self.hours), key_id)
        return token

    def find(self, token: str, now: datetime) -> tuple[bool, str | None]:
        """Whether the session is open at `now`, and the key behind it."""
        ends_at, key_id = self._open.get(_hash(token), (now, None))
        return ends_at > now, key_id

    def end(self, token: str) -> None:
        """Close a session."""
        self._open.pop(_hash(token), None)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
