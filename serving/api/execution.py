"""Running blocking work within a deadline, so that an answer always leaves in time."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Literal, ParamSpec, TypeVar

from features.errors import TahdikasError

log = logging.getLogger("tahdikas.api")

P = ParamSpec("P")
T = TypeVar("T")
Unanswered = Literal["deadline", "overloaded", "failure"]


class Deadline:
    """A pool of threads with a limit on each call's time and on how many may wait.

    A call whose time is up is left to end by itself (a thread cannot be stopped); one still waiting is dropped.
    """

    def __init__(self, seconds: float, threads: int, waiting: int, name: str) -> None:
        self.seconds, self.waiting = seconds, waiting
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._under_way = 0

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | Unanswered:
        """The call's result, or why there is none. `TahdikasError`s pass through: the caller can act on them."""
        return await self._run(partial(call, *args, **kwargs), None)

    async def run_or_undo(self, call: Callable[[], T], undo: Callable[[T], None]) -> T | Unanswered:
        """As `run`; a result that comes after the time is given to `undo`, in the thread that made it."""
        return await self._run(call, undo)

    async def _run(self, call: Callable[[], T], undo: Callable[[T], None] | None) -> T | Unanswered:
        if self._under_way >= self.waiting:
            return "overloaded"
        self._under_way += 1
        future = self._pool.submit(call)
        future.add_done_callback(self._done(asyncio.get_running_loop()))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self.seconds)
        except TimeoutError:
            if undo is not None:
                future.add_done_callback(partial(_undo, undo))
            return "deadline"
        except TahdikasError:
            raise
        except Exception:
            log.exception("a call failed")
            return "failure"

    def close(self) -> None:
        """Let running calls end, drop waiting ones."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _done(self, loop: asyncio.AbstractEventLoop) -> Callable[[object], None]:
        def release() -> None:
            self._under_way -= 1

        def from_thread(_: object) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(release)

        return from_thread


def _undo(undo: Callable[[T], None], future: Future[T]) -> None:
    if future.cancelled() or future.exception() is not None:
        return
    try:
        undo(future.result())
    except Exception:
        log.exception("a late answer could not be undone")
