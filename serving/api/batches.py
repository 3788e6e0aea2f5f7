"""Questions that arrive together are answered together: one read, one run of the engine, one commit for all of them.

While one batch is computed the next gathers, whatever the number of threads: two halves cost more than a whole, and
Python computes one at a time. Another thread begins with the next while the first waits for the disk, or where a batch
takes long. Nobody waits for a batch to fill. Answers leave only after the commit.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

from features.errors import TahdikasError
from serving.api.execution import Unanswered

log = logging.getLogger("tahdikas.api")

_LEARNS = 0.3  # weight of the newest batch in what questions are expected to take
_PATIENT = 0.7  # of the time limit: who is expected to wait longer is turned away
_JOIN_SECONDS = 0.05  # into a batch that hangs, the next begins beside it

Q = TypeVar("Q")
A = TypeVar("A")


@dataclass(eq=False)
class _Asked(Generic[Q, A]):
    question: Q
    key: Hashable
    future: "asyncio.Future[A | Unanswered]"
    context: Context = field(default_factory=copy_context)  # of who asked, for traces


class Batches(Generic[Q, A]):
    """Calls `answer` with several questions at once, within a time limit for each.

    `weight` of a question counts toward `largest`, the size of a batch. Questions of the same `key` (other than None)
    are never under way at the same time: each sees what the one before it did. `undo` is given an answer that came
    after its time.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[Q]], Sequence[A]],
        *,
        seconds: float,
        threads: int,
        waiting: int,
        largest: int,
        name: str,
        key: Callable[[Q], Hashable] = lambda _: None,
        weight: Callable[[Q], int] = lambda _: 1,
        undo: Callable[[A], None] | None = None,
    ) -> None:
        self._answer, self._key, self._weight, self._undo = answer, key, weight, undo
        self._seconds, self._waiting, self._largest = seconds, waiting, largest
        self.name = name
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._mine = threading.local()
        self._queue: deque[_Asked[Q, A]] = deque()
        self._called = False  # a thread will look at the queue
        self._busy: set[Hashable] = set()
        self._under_way = 0
        self._seconds_of_late, self._questions_of_late = 0.0, 0.0  # of a batch

    async def ask(self, question: Q) -> A | Unanswered:
        """The answer, or why there is none in time. `TahdikasError`s pass through: the caller can act on them."""
        if self._under_way >= self._waiting or self._expected_wait() > _PATIENT * self._seconds:
            return "overloaded"  # what cannot come in time is told at once, and takes no time from what can
        loop = asyncio.get_running_loop()
        asked: _Asked[Q, A] = _Asked(question, self._key(question), loop.create_future())
        self._under_way += 1
        with self._lock:
            self._queue.append(asked)
            called, self._called = self._called, True
        if not called:
            self._pool.submit(self._drain)
        given_up = loop.call_later(self._seconds, self._give_up, asked)
        try:
            return await asked.future
        except TahdikasError:
            raise
        except Exception:
            log.exception("a call failed")
            return "failure"
        finally:
            given_up.cancel()
            if asked.future.cancelled():
                self._drop(asked)

    @property
    def under_way(self) -> int:
        """How many requests are under way or waiting."""
        return self._under_way

    def _expected_wait(self) -> float:
        """Seconds until all that is under way is answered, by what questions took of late."""
        return self._under_way * self._seconds_of_late / max(self._questions_of_late, 1.0)

    def close(self) -> None:
        """Let running batches end, drop what waits."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def join(self) -> None:
        """Wait, after `close`, for its threads to end."""
        self._pool.shutdown()

    def let_next(self) -> None:
        """Called from within `answer`: what is left to do is waiting, and the next batch may be computed meanwhile."""
        if getattr(self._mine, "turn", False):
            self._end_turn()
            self._call()

    def _drain(self) -> None:
        self._mine.turn = self._turn.acquire(timeout=_JOIN_SECONDS)
        try:
            batch = self._take()
            if batch:
                self._settle(batch)
        finally:
            self._end_turn()
        if batch:
            with self._lock:
                self._busy.difference_update(one.key for one in batch)
            self._call()

    def _end_turn(self) -> None:
        if self._mine.turn:
            self._mine.turn = False
            self._turn.release()

    def _call(self) -> None:
        """Have a thread look at the queue, unless one will."""
        with self._lock:
            more = bool(self._queue) and not self._called
            self._called |= more
        if more:
            self._submit(self._drain)

    def _take(self) -> list[_Asked[Q, A]]:
        """What may be answered now: no key twice."""
        batch: list[_Asked[Q, A]] = []
        held: list[_Asked[Q, A]] = []
        size = 0
        with self._lock:
            self._called = False
            while self._queue and (not batch or size + self._weight(self._queue[0].question) <= self._largest):
                one = self._queue.popleft()
                if one.key is not None and one.key in self._busy:
                    held.append(one)
                else:
                    self._busy.add(one.key)
                    batch.append(one)
                    size += self._weight(one.question)
            self._queue.extendleft(reversed(held))
        return batch

    def _settle(self, batch: Sequence[_Asked[Q, A]]) -> None:
        began = time.perf_counter()
        try:
            answers = batch[0].context.run(self._answer, [one.question for one in batch])
        except Exception as error:
            if len(batch) == 1:
                self._tell(batch, [error])
            else:  # one question's fault must not become the others'
                for one in batch:
                    self._settle([one])
            return
        weight = _LEARNS if self._questions_of_late else 1.0
        self._seconds_of_late += weight * (time.perf_counter() - began - self._seconds_of_late)
        self._questions_of_late += weight * (len(batch) - self._questions_of_late)
        self._tell(batch, answers)

    def _tell(self, batch: Sequence[_Asked[Q, A]], answers: Sequence[A | Exception]) -> None:
        """Let the loop that asked have them, all at once."""
        for loop in {one.future.get_loop() for one in batch}:
            its = [pair for pair in zip(batch, answers, strict=True) if pair[0].future.get_loop() is loop]
            with suppress(RuntimeError):  # it was closed: nobody waits
                loop.call_soon_threadsafe(self._deliver, its)

    def _deliver(self, answered: Sequence[tuple[_Asked[Q, A], A | Exception]]) -> None:
        self._under_way -= len(answered)
        for asked, answer in answered:
            if not asked.future.done():
                if isinstance(answer, Exception):
                    asked.future.set_exception(answer)
                else:
                    asked.future.set_result(answer)
            elif self._undo is not None and not isinstance(answer, Exception):
                self._submit(partial(_undone, self._undo, answer))

    def _give_up(self, asked: _Asked[Q, A]) -> None:
        if not asked.future.done():
            asked.future.set_result("deadline")
            self._drop(asked)

    def _drop(self, asked: _Asked[Q, A]) -> None:
        """Ask no more, where it was not begun."""
        with self._lock:
            waits = asked in self._queue
            if waits:
                self._queue.remove(asked)
        self._under_way -= waits

    def _submit(self, call: Callable[[], None]) -> None:
        try:
            self._pool.submit(call)
        except RuntimeError:
            log.info("not carried out: the service is stopping")


def _undone(undo: Callable[[A], None], answer: A) -> None:
    try:
        undo(answer)
    except Exception:
        log.exception("a late answer could not be undone")
