"""Questions that arrive together are answered together: one read, one run of the engine, one commit for all of them.

While one batch is under way the next gathers; nobody waits for a batch to fill. Answers leave only after the commit.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

from features.errors import TahdikasError
from serving.api.execution import Unanswered

log = logging.getLogger("tahdikas.api")

_LEARNS = 0.3  # weight of the newest batch in what a question is expected to take
_PATIENT = 0.7  # of the time limit: who is expected to wait longer is turned away

Q = TypeVar("Q")
A = TypeVar("A")


@dataclass(eq=False)
class _Asked(Generic[Q, A]):
    question: Q
    key: Hashable
    future: "Future[A]" = field(default_factory=Future)
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
        self._queue: deque[_Asked[Q, A]] = deque()
        self._busy: set[Hashable] = set()
        self._under_way = 0
        self._threads = threads
        self._each = 0.0  # seconds a question has taken of late, in its batch

    async def ask(self, question: Q) -> A | Unanswered:
        """The answer, or why there is none in time. `TahdikasError`s pass through: the caller can act on them."""
        if self._under_way >= self._waiting or self._expected_wait() > _PATIENT * self._seconds:
            return "overloaded"  # what cannot come in time is told at once, and takes no time from what can
        self._under_way += 1
        asked: _Asked[Q, A] = _Asked(question, self._key(question))
        asked.future.add_done_callback(partial(self._leave, asyncio.get_running_loop()))
        with self._lock:
            self._queue.append(asked)
        self._pool.submit(self._drain)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(asked.future), self._seconds)
        except TimeoutError:
            asked.future.add_done_callback(self._late)
            return "deadline"
        except TahdikasError:
            raise
        except Exception:
            log.exception("a call failed")
            return "failure"

    @property
    def under_way(self) -> int:
        """How many requests are under way or waiting."""
        return self._under_way

    def _expected_wait(self) -> float:
        """Seconds until all that is under way is answered, by what questions took of late."""
        return self._under_way * self._each / self._threads

    def close(self) -> None:
        """Let running batches end, drop what waits."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def join(self) -> None:
        """Wait, after `close`, for its threads to end."""
        self._pool.shutdown()

    def _drain(self) -> None:
        batch = self._take()
        if batch:
            try:
                self._settle(batch)
            finally:
                with self._lock:
                    self._busy.difference_update(one.key for one in batch)
                    more = bool(self._queue)
                if more:
                    self._submit(self._drain)

    def _take(self) -> list[_Asked[Q, A]]:
        """What may be answered now: not given up meanwhile, and no key twice."""
        batch: list[_Asked[Q, A]] = []
        held: list[_Asked[Q, A]] = []
        size = 0
        with self._lock:
            while self._queue and (not batch or size + self._weight(self._queue[0].question) <= self._largest):
                one = self._queue.popleft()
                if one.key is not None and one.key in self._busy:
                    held.append(one)
                elif one.future.set_running_or_notify_cancel():
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
                batch[0].future.set_exception(error)
            else:  # one question's fault must not become the others'
                for one in batch:
                    self._settle([one])
            return
        took = (time.perf_counter() - began) / len(batch)
        self._each = took if not self._each else self._each + _LEARNS * (took - self._each)
        for one, answer in zip(batch, answers, strict=True):
            one.future.set_result(answer)

    def _late(self, future: "Future[A]") -> None:
        if self._undo is not None and not future.cancelled() and future.exception() is None:
            self._submit(partial(_undone, self._undo, future.result()))

    def _leave(self, loop: asyncio.AbstractEventLoop, _: object) -> None:
        def left() -> None:
            self._under_way -= 1

        if not loop.is_closed():
            loop.call_soon_threadsafe(left)

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
