"""Durable records of decisions: written before the answer leaves, in the live store beside the events they rest on.

The texts of policy, catalogue and feature set are kept once by hash, for as long as the records. Reservations hold a
contact's place until it is sent, released or its time is up.
"""

import hashlib
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from features.errors import DataError
from features.home import Home
from features.log.connection import Connection
from features.log.store import connect, from_micros, to_micros, transaction
from features.log.value_lists import marks, parts
from serving import stock
from serving.core.decision import Decision
from serving.core.question import Request
from serving.core.recheck import Answer
from serving.record_body import pack, unpack, unpack_answer
from serving.reservations import Seen, check_places, seen_by, sells
from serving.shop_incidents import ShopIncidents

_TABLES = (
    """create table if not exists decisions (
        decision_id text primary key, customer_key text not null, decided_at integer not null, mode text not null,
        channel text not null, placement text not null, action_id text not null, body blob not null) without rowid""",
    "create index if not exists decisions_by_customer on decisions (customer_key, decided_at)",
    """create table if not exists outcomes (
        decision_id text not null references decisions, outcome text not null, action_id text not null,
        occurred_at integer not null, received_at integer not null, value real,
        primary key (decision_id, outcome, action_id)) without rowid""",
    """create table if not exists kept (hash text primary key, kind text not null, body blob not null)
        without rowid""",
    """create table if not exists idempotency (
        key text primary key, asked blob not null, decision_id text not null references decisions) without rowid""",
    """create table if not exists reservations (
        customer_key text not null, decision_id text not null, action_id text not null, channel text not null,
        placement text not null, at integer not null, until integer not null,
        primary key (customer_key, decision_id)) without rowid""",
    "create index if not exists reservations_by_decision on reservations (decision_id)",
    *stock.TABLES,
)
_LAST_MADE = "stock_by_change"  # there when all are: they are made in one transaction


class KeyReusedError(DataError):
    """An idempotency key came back with another question."""


class Heard(NamedTuple):
    """The log position of the latest fact, and the number of rejects."""

    position: int
    rejects: int


class Entry(msgspec.Struct, frozen=True):
    """A decision to write, with the question it answers and, where a sender has it, how long its place is reserved.

    With `reserve`, `versions["reservations"]` of the decision must still be what is in the store.
    """

    decision: Decision
    request: Request
    reserve: timedelta | None = None


def fingerprint(request: Request) -> bytes:
    """A hash of the question without its moment: what must be the same under the same idempotency key."""
    asked = msgspec.structs.replace(request, now=from_micros(0), idempotency_key=None, send_at=None)
    told = msgspec.json.encode(asked, order="deterministic")
    at = b"" if request.send_at is None else str(to_micros(request.send_at)).encode()  # in whatever zone it was written
    return hashlib.sha256(told + at).digest()


class Records:
    """The records of one data folder. Safe to share between threads; every write is durable when it returns."""

    def __init__(self, home: Home, *, durable: bool = True) -> None:
        self._home, self._durable = home, durable
        self._own = threading.local()
        self._lock = threading.Lock()
        self._open: list[Connection] = []
        self._tidied = False
        self.shop_incidents = ShopIncidents()

    def connection(self) -> Connection:
        """This thread's connection to the live store."""
        found: Connection | None = getattr(self._own, "connection", None)
        if found is None:
            found = connect(self._home, durable=self._durable)
            if not found.has(_LAST_MADE):
                with transaction(found):
                    found.make(_TABLES)
            self._own.connection = found
            with self._lock:
                self._open.append(found)
                if self._tidied:
                    found.leave_tidying()
        patience: float | None = getattr(self._own, "patience", None)
        if patience != getattr(self._own, "told", None):  # a thread that always waits as long tells the engine once
            found.wait_at_most(patience)
            self._own.told = patience
        return found

    @contextmanager
    def waiting(self, seconds: float) -> Iterator[None]:
        """Inside, this thread's statements wait at most so long, for another's write or for the store, then fail."""
        before: float | None = getattr(self._own, "patience", None)
        self._own.patience = seconds
        try:
            yield
        finally:
            self._own.patience = before

    def leave_tidying(self) -> None:
        """Somebody calls `tidy_beside` from now on: no commit here need do so, of connections still to be opened."""
        self._tidied = True

    def close(self) -> None:
        """Close all threads' connections."""
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()
        self._own = threading.local()

    def keep(self, kind: str, digest: str, text: str) -> None:
        """Keep a policy's or catalogue's text under its hash."""
        body = zlib.compress(text.encode(), 9)
        with transaction(self.connection()) as run:
            run.execute("insert into kept values (?, ?, ?) on conflict do nothing", (digest, kind, body))

    def kept(self, digest: str) -> str | None:
        """A kept text, None for an unknown hash."""
        row = self.connection().execute("select body from kept where hash = ?", (digest,)).fetchone()
        return None if row is None else zlib.decompress(row[0]).decode()

    def write(self, entries: Sequence[Entry]) -> list[Decision]:
        """Write decisions in one transaction; gives those in force, in order.

        Where an idempotency key was taken meanwhile, that is the decision written first. Raises `KeyReusedError`, and
        `OvertakenError` where a place was reserved for one of the customers since her snapshot; nothing is written
        then.
        """
        bodies = [pack(e.decision) for e in entries]
        if all(_is_plain(e) for e in entries):
            self.connection().add("decisions", [_row(e.decision, b) for e, b in zip(entries, bodies, strict=True)])
            return [e.decision for e in entries]
        with transaction(self.connection()) as run:
            check_places(run, [seen_by(e.decision) for e in entries if e.reserve is not None and sells(e.decision)])
            plain = [_row(e.decision, b) for e, b in zip(entries, bodies, strict=True) if _is_plain(e)]
            run.executemany(_INSERT, plain)
            return [
                entry.decision if _is_plain(entry) else self._write(run, entry, body)
                for entry, body in zip(entries, bodies, strict=True)
            ]

    def _write(self, run: Connection, entry: Entry, body: bytes) -> Decision:
        decision, key = entry.decision, entry.request.idempotency_key
        if key is not None and (first := self._answered(run, key, entry.request)) is not None:
            return first
        row = _row(decision, body)
        run.execute(_INSERT, row)
        if key is not None:
            run.execute(
                "insert into idempotency values (?, ?, ?)", (key, fingerprint(entry.request), decision.decision_id)
            )
        if entry.reserve is not None:
            until = to_micros(decision.decided_at + entry.reserve)
            _, _, at, _, channel, placement, action, _ = row
            run.execute(
                "insert into reservations values (?, ?, ?, ?, ?, ?, ?)",
                (decision.customer_key, decision.decision_id, action, channel, placement, at, until),
            )
        return decision

    def reserve(self, answers: Sequence[Answer], now: datetime, duration: timedelta, *, seen: Sequence[Seen]) -> None:
        """Hold the places of contacts that a sender takes at `now`, for `duration`; again, it starts anew.

        `seen` is of those of them that sell, and their places were free then: raises `OvertakenError` where another was
        reserved since.
        """
        rows = [
            (a.customer_key, a.decision_id, a.actions[0].action_id, a.channel, a.placement, to_micros(now),
             to_micros(now + duration))
            for a in answers
        ]  # fmt: skip
        with transaction(self.connection()) as run:
            check_places(run, seen)
            run.executemany(_RESERVE_AGAIN, rows)

    def answered(self, request: Request) -> Decision | None:
        """What was answered before under the idempotency key. Raises `KeyReusedError` for another question."""
        key = request.idempotency_key
        return None if key is None else self._answered(self.connection(), key, request)

    def _answered(self, run: Connection, key: str, request: Request) -> Decision | None:
        row = run.execute(
            "select i.asked, d.body from idempotency i join decisions d using (decision_id) where i.key = ?", (key,)
        ).fetchone()
        if row is None:
            return None
        if row[0] != fingerprint(request):
            raise KeyReusedError(
                f"The idempotency key {key!r} was used for another question. Give every question its own key."
            )
        return unpack(row[1])

    def get(self, decision_id: str) -> Decision | None:
        """One decision, None for an unknown id."""
        row = self.connection().execute("select body from decisions where decision_id = ?", (decision_id,)).fetchone()
        return None if row is None else unpack(row[0])

    def answers(self, decision_ids: Iterable[str]) -> dict[str, Answer]:
        """What was answered in some decisions, by their ids; an unknown id is left out."""
        found: dict[str, Answer] = {}
        for part in parts(list(dict.fromkeys(decision_ids))):
            query = f"select decision_id, body from decisions where decision_id in ({marks(part)})"
            found |= {one: unpack_answer(body) for one, body in self.connection().execute(query, part)}
        return found

    def last(
        self, customer_key: str, at: datetime, *, channel: str | None = None, placement: str | None = None
    ) -> Decision | None:
        """The customer's latest decision at or before `at`, in that channel and placement where given."""
        row = (
            self.connection()
            .execute(
                """select body from decisions where customer_key = ?1 and decided_at <= ?2
                and channel = coalesce(?3, channel) and placement = coalesce(?4, placement)
                order by decided_at desc, decision_id desc limit 1""",
                (customer_key, to_micros(at), channel, placement),
            )
            .fetchone()
        )
        return None if row is None else unpack(row[0])

    def heard(self) -> Heard:
        """How much has been heard by now: where it is the same again, nothing came in between."""
        query = """select (select coalesce(max(position), 0) from facts),
            (select cast(coalesce(sum(times), 0) as bigint) from quarantine)"""
        return Heard(*self.connection().execute(query).fetchone())

    def has_outcome(self, decision_id: str, outcome: str, action_id: str) -> bool:
        """Whether an outcome was noted before."""
        query = "select 1 from outcomes where decision_id = ? and outcome = ? and action_id = ?"
        return self.connection().execute(query, (decision_id, outcome, action_id)).fetchone() is not None

    def with_outcome(self, decision_ids: Sequence[str], outcome: str) -> set[tuple[str, str]]:
        """Of which actions of some decisions an outcome was noted before: (decision, action)."""
        found: set[tuple[str, str]] = set()
        for part in parts(decision_ids):
            query = f"select decision_id, action_id from outcomes where outcome = ? and decision_id in ({marks(part)})"
            found.update(self.connection().execute(query, (outcome, *part)))
        return found

    def outcome(
        self,
        decision_id: str,
        outcome: str,
        action_id: str,
        *,
        occurred_at: datetime,
        received_at: datetime,
        value: float | None = None,
        settles: bool = False,
    ) -> bool:
        """Note an outcome once; False if it was noted before. One that `settles` frees the reservation."""
        with transaction(self.connection()) as run:
            new = run.execute(
                "insert into outcomes values (?, ?, ?, ?, ?, ?) on conflict do nothing",
                (decision_id, outcome, action_id, to_micros(occurred_at), to_micros(received_at), value),
            ).rowcount
            if settles:
                run.execute("delete from reservations where decision_id = ?", (decision_id,))
            return bool(new)


_RESERVE_AGAIN = """insert into reservations values (?, ?, ?, ?, ?, ?, ?) on conflict (customer_key, decision_id) do
    update set action_id = excluded.action_id, channel = excluded.channel, placement = excluded.placement,
    at = excluded.at, until = excluded.until"""
_INSERT = "insert into decisions values (?, ?, ?, ?, ?, ?, ?, ?)"


def _is_plain(entry: Entry) -> bool:
    """Whether nothing but the decision itself is written."""
    return entry.reserve is None and entry.request.idempotency_key is None


def _row(decision: Decision, body: bytes) -> tuple[str, str, int, str, str, str, str, bytes]:
    at = to_micros(decision.decided_at)
    action = decision.actions[0].action_id if decision.actions else ""
    asked = decision.mode, decision.channel, decision.placement
    return (decision.decision_id, decision.customer_key, at, *asked, action, body)
