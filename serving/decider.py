"""Deciding, and taking events in, in a process beside the one that speaks HTTP.

Python computes one thing at a time in a process: where both are done in one, each waits for the other. A batch goes
over a line as one message, and what came of it comes back as one. The process beside reads no clock and holds nothing
that the stores do not. While there is none, and where one fails, the batch is done within this process by the same
code: nobody who asks needs to know.
"""

import logging
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, TypeVar

import msgspec

from features.errors import TahdikasError
from features.log.event_log import EventResult
from serving.core.decision import Decision
from serving.core.question import Request
from serving.service import Beside, DecisionService

log = logging.getLogger("tahdikas.decider")

_COMPUTED, _FAILED, _DONE = b"c", b"f", b"d"
"""How a message back begins: computed and about to write, failed, done."""

_LOOK_SECONDS = 1.0
"""How often it is looked what is degraded there."""

Step = tuple[str, float, int]
T = TypeVar("T")


class _Decided(msgspec.Struct, array_like=True):
    decisions: list[Decision]
    steps: list[Step]
    refusal: str | None  # why what was decided could not be recorded
    degraded: list[str]


class _Taken(msgspec.Struct, array_like=True):
    results: list[EventResult]
    unjudged: int  # pieces of feedback that the model could not judge, since the process began


_encode = msgspec.msgpack.Encoder().encode
_questions = msgspec.msgpack.Decoder(list[Request]).decode
_events = msgspec.msgpack.Decoder(tuple[datetime, list[Any]]).decode
_decided = msgspec.msgpack.Decoder(_Decided).decode
_taken = msgspec.msgpack.Decoder(_Taken).decode
_steps = msgspec.msgpack.Decoder(list[Step]).decode


class Lines:
    """The lines to one process: some for decisions, one for events.

    No answer for `decision_seconds` or `event_seconds` is that of a process that hangs.
    """

    def __init__(self, decisions: int, *, decision_seconds: float, event_seconds: float) -> None:
        pairs = [_pair(decision_seconds) for _ in range(decisions)] + [_pair(event_seconds)]
        self.far = [far for _, far in pairs]
        self._near = [near for near, _ in pairs]
        self.deciding, self.telling = deque(reversed(self._near[:-1])), deque(self._near[-1:])
        """The free lines. The one last free is taken first: what its thread looked at lies near the processor."""
        self.end: Callable[[], None] = lambda: None

    def begin(self, end: Callable[[], None]) -> None:
        """The process has the far ends now, and `end` ends it, in whatever state it is."""
        self.end = end
        for line in self.far:
            line.close()

    def ready(self, seconds: float) -> bool:
        """Whether the process says in time that it can decide. Waits."""
        try:
            return self._near[-1].poll(seconds) and self._near[-1].recv_bytes() == _DONE
        except (OSError, EOFError):
            return False

    def let_go(self) -> None:
        """Close this side of what is not in use: the process ends when all of it is closed."""
        for free in (self.deciding, self.telling):
            with suppress(IndexError):
                while True:
                    free.pop().close()


class Decider:
    """Decides and takes in beside while there are lines to a process that does, else within. Safe between threads."""

    def __init__(self, service: DecisionService) -> None:
        self._service = service
        self._lines: Lines | None = None
        self._unjudged = 0  # by processes before this one
        self._lock = threading.Lock()
        self.before_writing: Callable[[], None] = lambda: None
        """Called by the thread that asks, when a batch of decisions is computed and about to be written."""

    @property
    def lost(self) -> bool:
        """Whether there should be a process that decides, and is none."""
        return self._service.beside.lost

    @lost.setter
    def lost(self, lost: bool) -> None:
        self._service.beside = Beside(unjudged=self._service.beside.unjudged, lost=lost)
        self._unjudged = self._service.beside.unjudged

    def open(self, lines: Lines) -> None:
        """Decide over these lines from now on."""
        with self._lock:
            self._lines, self.lost = lines, False

    def close(self) -> None:
        """Decide within from now on; the process ends by itself."""
        with self._lock:
            lines, self._lines = self._lines, None
        if lines is not None:
            lines.let_go()

    def decide_many(self, questions: Sequence[Request]) -> list[Decision]:
        """As `DecisionService.decide_many`; evidence and how every action fared are left in the record."""
        lines = self._lines
        told = None if lines is None else self._ask(lines, lines.deciding, questions, _decided)
        if told is None:
            return self._service.decide_many(questions)
        self._tell(told.steps)
        self._service.refusal, self._service.beside.degraded = told.refusal, told.degraded
        return told.decisions

    def ingest(self, objects: list[Any], now: datetime) -> list[EventResult]:
        """As `DecisionService.ingest`."""
        lines = self._lines
        told = None if lines is None else self._ask(lines, lines.telling, (now, objects), _taken)
        if told is None:
            return self._service.ingest(objects, now)
        self._service.beside.unjudged = self._unjudged + told.unjudged
        return told.results

    def _ask(self, lines: Lines, free: deque[Connection], asked: object, decode: Callable[[bytes], T]) -> T | None:
        """What came back over one of the free lines; None where it is to be done within."""
        try:
            message = _encode(asked)
            line = free.pop()
        except (ValueError, OverflowError, TypeError, RecursionError, IndexError):  # JSON says more than messages can
            return None
        try:
            line.send_bytes(message)
            while (told := line.recv_bytes())[:1] == _COMPUTED:
                self._tell(_steps(told[1:]))
                self.before_writing()
            answer = None if told == _FAILED else decode(told.removeprefix(_DONE))
        except (OSError, EOFError, msgspec.MsgspecError):  # it ended, it hangs, or it is of another version
            self._lose(lines)
            return None
        free.append(line)
        return answer

    def _tell(self, steps: Sequence[Step]) -> None:
        for step in steps:
            self._service.steps.tell(*step)

    def _lose(self, lines: Lines) -> None:
        """Have the process end, before anything that was asked of it is done within."""
        with self._lock:
            if self._lines is lines:
                lines.end()
                self._lines, self.lost = None, True
                log.warning("the process that decides does not answer: it is started again, and done without meanwhile")


def answer_on(lines: Sequence[Connection], service: DecisionService) -> None:
    """In the process beside: do what comes over the lines, events over the last one, until they are closed."""
    own = _Own()
    service.steps.watch(own.took)
    service.before_writing(own.computed)
    *deciding, telling = lines
    threads = [
        threading.Thread(target=own.work, args=(line, partial(_decide, service, own)), name=f"decide_{n}")
        for n, line in enumerate(deciding)
    ]
    for thread in threads:
        thread.start()
    with suppress(OSError):
        telling.send_bytes(_DONE)
        own.work(telling, partial(_take_in, service))
    for thread in threads:
        thread.join()


class _Own(threading.local):
    """The line that a thread answers on, the steps taken since it last said so, and what it last found degraded."""

    def __init__(self) -> None:
        self.line: Connection | None = None
        self.steps: list[Step] = []
        self.looked, self.degraded = -_LOOK_SECONDS, list[str]()

    def took(self, name: str, seconds: float, questions: int) -> None:
        self.steps.append((name, seconds, questions))

    def computed(self) -> None:
        if self.line is not None:
            self.line.send_bytes(_COMPUTED + _encode(self.said()))

    def said(self) -> list[Step]:
        steps, self.steps = self.steps, []
        return steps

    def work(self, line: Connection, do: Callable[[bytes], object]) -> None:
        """Answer what comes over a line until it is closed. What fails here is tried there, and raised there."""
        self.line = line
        with suppress(OSError, EOFError):
            while True:
                asked = line.recv_bytes()
                try:
                    done = _DONE + _encode(do(asked))
                except Exception as error:
                    if not isinstance(error, TahdikasError):
                        log.exception("a batch failed: it is tried again by the process that asked")
                    self.steps = []
                    done = _FAILED
                line.send_bytes(done)


def _decide(service: DecisionService, own: _Own, asked: bytes) -> _Decided:
    questions = _questions(asked)
    decisions = service.decide_many(questions)
    if time.monotonic() > own.looked + _LOOK_SECONDS:
        own.looked, own.degraded = time.monotonic(), service.degraded(questions[0].now)
    return _Decided([one.bare() for one in decisions], own.said(), service.refusal, own.degraded)


def _take_in(service: DecisionService, asked: bytes) -> _Taken:
    now, objects = _events(asked)
    return _Taken(service.ingest(objects, now), service.unjudged)


def _pair(seconds: float) -> tuple[Connection, Connection]:
    """Two ends of a line; the near one waits so long for the far one."""
    near, far = socket.socketpair()
    for way in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        near.setsockopt(socket.SOL_SOCKET, way, struct.pack("ll", int(seconds), int(seconds % 1 * 1e6)))
    return Connection(near.detach()), Connection(far.detach())
