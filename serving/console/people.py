"""The people who may open the console: their roles, and a password of which only an Argon2 hash is kept.

After `TRIES` wrong passwords in a row a name is locked for `LOCKED`, whether or not the next one is right; a name that
nobody has is answered as slowly as one that somebody has. Shutting a person out ends her sessions at once.
"""

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from features.errors import DataError
from features.home import Home
from features.log.connection import Connection
from features.log.per_thread import PerThread
from features.log.store import from_micros, to_micros, transaction
from serving.console.roles import ROLES, rights_of
from serving.said import said

TABLES = (
    """create table if not exists people(
        name text primary key, password text not null, roles text not null, made_at integer not null,
        made_by text not null, shut_at integer, wrong integer not null default 0, locked_until integer,
        toured integer not null default 0) without rowid""",
    """create table if not exists console_sessions(
        token_hash blob primary key, name text, key_id text, csrf text not null, ends_at integer not null)
        without rowid""",
)
TRIES = 5
LOCKED = timedelta(minutes=15)
SHORTEST, LONGEST = 12, 200
_NAME = re.compile(r"\w[\w .@-]{0,58}\w")
_COLUMNS = "name, roles, made_at, made_by, shut_at, locked_until, toured"


@dataclass(frozen=True)
class Person:
    """Somebody with an account. `shut_at`: since when she is shut out."""

    name: str
    roles: frozenset[str]
    made_at: datetime
    made_by: str
    shut_at: datetime | None
    locked_until: datetime | None
    toured: bool

    @property
    def rights(self) -> frozenset[str]:
        """What she may do; nothing once she is shut out."""
        return frozenset() if self.shut_at is not None else rights_of(self.roles)


class LockedError(DataError):
    """Too many wrong passwords: the name is locked for a while."""


class People:
    """The accounts of one data folder. Safe to share between threads."""

    def __init__(self, home: Home, hasher: PasswordHasher | None = None) -> None:
        self._own, self._hasher = PerThread(home, TABLES), hasher or PasswordHasher()

    @cached_property
    def _nobody(self) -> str:
        """The hash of a password that nobody has."""
        return self._hasher.hash(secrets.token_urlsafe(16))

    def connection(self) -> Connection:
        """This thread's connection to the live store."""
        return self._own.connection()

    def add(self, name: str, password: str, roles: Collection[str], *, by: str, now: datetime) -> Person:
        """Let somebody in. Raises `DataError` for a name that is taken or cannot be one, a weak password, no role."""
        name = name.strip()
        if not _NAME.fullmatch(name):
            raise DataError(
                said(
                    "%(name)s cannot be a name. Use 2 to 60 letters, digits, spaces, dots, dashes or @.",
                    name=name or "–",
                )
            )
        row = (name, self._hashed(password, name), _roles(roles), to_micros(now), by)
        with transaction(self.connection()) as run:
            names = {known.casefold() for (known,) in run.execute("select name from people").fetchall()}
            if name.casefold() in names:
                raise DataError(said("There is a person %(name)s already. Choose another name.", name=name))
            run.execute("insert into people (name, password, roles, made_at, made_by) values (?, ?, ?, ?, ?)", row)
        return self._known(name)

    def everyone(self) -> list[Person]:
        """All people by name, those shut out included."""
        rows = self.connection().execute(f"select {_COLUMNS} from people order by name").fetchall()
        return [_person(row) for row in rows]

    def find(self, name: str) -> Person | None:
        """The person of a name."""
        row = self.connection().execute(f"select {_COLUMNS} from people where name = ?", (name,)).fetchone()
        return None if row is None else _person(row)

    def check(self, name: str, password: str, now: datetime) -> Person | None:
        """The person who has this password, None for anybody else. Raises `LockedError` while the name is locked."""
        run = self.connection()
        query = "select password, locked_until, shut_at from people where name = ?"
        row = run.execute(query, (name.strip(),)).fetchone()
        stored, locked_until, shut_at = row or (self._nobody, None, None)
        if locked_until is not None and locked_until > to_micros(now):
            raise LockedError("This name is locked after too many wrong passwords. Try again in a quarter of an hour.")
        right = self._is_right(stored, password.strip()[:LONGEST])
        if row is None or shut_at is not None:
            return None
        if not right:
            with transaction(run):
                run.execute("update people set wrong = wrong + 1, locked_until = null where name = ?", (name.strip(),))
                run.execute(
                    "update people set wrong = 0, locked_until = ? where name = ? and wrong >= ?",
                    (to_micros(now + LOCKED), name.strip(), TRIES),
                )
            return None
        with transaction(run):
            run.execute("update people set wrong = 0, locked_until = null where name = ?", (name.strip(),))
        if self._hasher.check_needs_rehash(stored):
            self.set_password(name.strip(), password)
        return self._known(name.strip())

    def set_password(self, name: str, password: str) -> None:
        """Give a person another password; her sessions end. Raises `DataError` as `add`, or for nobody's name."""
        hashed = self._hashed(password, name)
        self._change(name, "password = ?, wrong = 0, locked_until = null", hashed)
        self._end_sessions(name)

    def set_roles(self, name: str, roles: Collection[str]) -> None:
        """Give a person other roles, from the next request on. The last admin stays one."""
        text = _roles(roles)
        if "admin" not in roles:
            self._not_the_last_admin(name)
        self._change(name, "roles = ?", text)

    def shut_out(self, name: str, now: datetime) -> None:
        """Her account is good for nothing from the next request on; her name stays with what she did."""
        self._not_the_last_admin(name)
        self._change(name, "shut_at = ?", to_micros(now))
        self._end_sessions(name)

    def let_in(self, name: str) -> None:
        """Let a person who was shut out in again."""
        self._change(name, "shut_at = ?", None)

    def has_toured(self, name: str) -> None:
        """She has seen the tour."""
        self._change(name, "toured = ?", 1)

    def _not_the_last_admin(self, name: str) -> None:
        admins = {one.name for one in self.everyone() if "admin" in one.roles and one.shut_at is None}
        if admins == {name}:
            raise DataError(said("%(name)s is the last admin. Make somebody else one first.", name=name))

    def _change(self, name: str, what: str, value: object) -> None:
        with transaction(self.connection()) as run:
            if not run.execute(f"update people set {what} where name = ?", (value, name)).rowcount:
                raise DataError(said("There is no person %(name)s. See who there is: tahdikas person list.", name=name))

    def _end_sessions(self, name: str) -> None:
        with transaction(self.connection()) as run:
            run.execute("delete from console_sessions where name = ?", (name,))

    def _known(self, name: str) -> Person:
        found = self.find(name)
        assert found is not None
        return found

    def _hashed(self, password: str, name: str) -> str:
        password = password.strip()
        if not SHORTEST <= len(password) <= LONGEST:
            raise DataError(
                said(
                    "A password has %(least)s to %(most)s characters. Several words are easily remembered.",
                    least=SHORTEST, most=LONGEST,
                )
            )  # fmt: skip
        if len(set(password)) < 5 or name.casefold() in password.casefold():
            raise DataError(said("That password is easily guessed. Choose several words that say nothing of you."))
        return self._hasher.hash(password)

    def _is_right(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except VerificationError:
            return False


def _roles(roles: Collection[str]) -> str:
    if unknown := sorted(set(roles) - set(ROLES)):
        raise DataError(f"{', '.join(unknown)} is no role. Choose among {', '.join(ROLES)}.")
    if not roles:
        raise DataError(said("A person needs a role: choose one or several."))
    return " ".join(sorted(set(roles)))


def _person(row: Any) -> Person:
    name, roles, made_at, made_by, shut_at, locked_until, toured = row
    shut, locked = (None if us is None else from_micros(us) for us in (shut_at, locked_until))
    return Person(name, frozenset(roles.split()), from_micros(made_at), made_by, shut, locked, bool(toured))
