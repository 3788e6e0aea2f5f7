"""Statements sent to PostgreSQL together and answered together: one wait for several, whatever they are.

It goes past psycopg's cursors to what they are made of: a cursor a statement costs as much as the statement itself.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from psycopg import errors
from psycopg.abc import Buffer, PQGen
from psycopg.adapt import PyFormat, Transformer
from psycopg.generators import fetch_many, send
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult

from features.log.postgres.opening import Patient

_OFTEN = 3
"""Statements asked more often are kept planned by the server."""
_PLANNED_AT_MOST = 200
_WANTED, _PLANNED_NO_MORE = "wanted", "planned no more"
_FINE = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)

_Kind = tuple[str, tuple[int, ...]]
"""A statement's text and the types of its values."""


class _Ready(NamedTuple):
    kind: _Kind
    values: Sequence[Buffer | None]
    formats: list[Format] | None


class Asked(NamedTuple):
    """A statement in PostgreSQL's words, and its values."""

    text: str
    values: Sequence[Any] = ()


class Answer:
    """The rows of one statement."""

    def __init__(self, run: Patient, result: PGresult) -> None:
        self._run, self._result = run, result
        self._rows: Any = None
        self._next = 0

    @property
    def rowcount(self) -> int:
        """How many rows were written or read; -1 where that is no question."""
        count = self._result.command_tuples
        return -1 if count is None else count

    @property
    def word(self) -> bytes | None:
        """What the server did."""
        return self._result.command_status

    def fetchone(self) -> Any:
        """The next row, None after the last."""
        return next(iter(self.fetchmany(1)), None)

    def fetchmany(self, size: int = 1, /) -> list[Any]:
        """The next at most `size` rows."""
        start, self._next = self._next, min(self._next + size, self._result.ntuples)
        if start == self._next:
            return []
        if self._rows is None:
            self._rows = Transformer(self._run)
            self._rows.set_pgresult(self._result)
        rows: list[Any] = self._rows.load_rows(start, self._next, tuple)
        return rows

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        return self.fetchmany(self._result.ntuples)

    def __iter__(self) -> Iterator[Any]:
        while page := self.fetchmany(1_000):
            yield from page


class Asking:
    """What one connection has asked, and which of it the server keeps planned."""

    def __init__(self, run: Patient) -> None:
        self._run = run
        self._values = Transformer(run)
        self._times = Counter[_Kind]()
        self._planned: OrderedDict[_Kind, bytes] = OrderedDict()
        self._count = 0
        self._gaps: dict[str, tuple[int, ...]] = {}

    def ask(self, asked: Sequence[Asked]) -> list[Answer]:
        """The answers, in order. Raises `psycopg.Error` at the first statement that fails: those after it are not run.

        Outside a transaction all of them are one.
        """
        pgconn, ready = self._run.pgconn, [self._ready(one) for one in asked]
        pgconn.enter_pipeline_mode()
        try:
            sent = self._send(ready)
            pgconn.pipeline_sync()
            results = self._run.wait(_answers(self._run, len(sent)))
        except errors.Error:
            raise  # whether the server is still there is for the caller to see
        except BaseException:
            pgconn.finish()  # what was sent and what was not is not known
            raise
        pgconn.exit_pipeline_mode()
        told = list(zip(sent, results, strict=True))
        if bad := next((result for result in results if result.status not in _FINE), None):
            for one, result in told:
                if isinstance(one, tuple) and result.status not in _FINE:
                    self._planned.pop(one, None)
            raise errors.error_from_result(bad, encoding="utf-8")
        return [Answer(self._run, result) for one, result in told if one is _WANTED]

    def _ready(self, asked: Asked) -> _Ready:
        """As it is sent. Raises as psycopg does for values that cannot be."""
        text, values = asked
        dumped = self._values.dump_sequence(values, [PyFormat.AUTO] * len(values))
        return _Ready((text, self._typed(text, self._values.types or ())), dumped, self._values.formats)

    def _send(self, ready: list[_Ready]) -> list[_Kind | str]:
        """What was sent: what was asked, and what is planned anew or no more."""
        pgconn, sent = self._run.pgconn, list[_Kind | str]()
        for kind, dumped, formats in ready:
            text, types = kind
            name = self._planned.get(kind)
            if name is None and self._is_often(kind):
                name = self._name(kind)
                pgconn.send_prepare(name, text.encode(), types)
                sent.append(kind)
                if len(self._planned) > _PLANNED_AT_MOST:
                    _, old = self._planned.popitem(last=False)
                    pgconn.send_query_params(b"deallocate " + old, None)
                    sent.append(_PLANNED_NO_MORE)
            if name is None:
                pgconn.send_query_params(text.encode(), dumped, types, formats, Format.BINARY)
            else:
                self._planned.move_to_end(kind)
                pgconn.send_query_prepared(name, dumped, formats, Format.BINARY)
            sent.append(_WANTED)
        return sent

    def _typed(self, text: str, types: tuple[int, ...]) -> tuple[int, ...]:
        """The types of a statement's values, that of nothing as at an earlier time: not another statement each time."""
        if 0 not in types and text not in self._gaps:
            return types
        if len(self._gaps) > 10 * _PLANNED_AT_MOST:
            self._gaps.clear()
        before = self._gaps.get(text, types)
        self._gaps[text] = told = tuple([now or then for now, then in zip(types, before, strict=True)])
        return told

    def _is_often(self, kind: _Kind) -> bool:
        self._times[kind] += 1
        if self._times[kind] > _OFTEN:
            del self._times[kind]
            return True
        if len(self._times) > 10 * _PLANNED_AT_MOST:
            self._times.clear()
        return False

    def _name(self, kind: _Kind) -> bytes:
        self._count += 1
        self._planned[kind] = name = b"_t%d" % self._count
        return name


def _answers(run: Patient, count: int) -> PQGen[list[PGresult]]:
    """One result of each command that was sent."""
    yield from send(run.pgconn)
    found = []
    for _ in range(count):
        found += yield from fetch_many(run.pgconn)
    yield from fetch_many(run.pgconn)  # that nothing more comes
    return found
