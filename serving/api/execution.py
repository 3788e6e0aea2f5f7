"""Running blocking work within a deadline, so that an answer always leaves in time."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
        self.name = name
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._under_way = 0

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | Unanswered:
        """The call's result, or why there is none. `TahdikasError`s pass through: the caller can act on them."""
        if self._under_way >= self.waiting:
            return "overloaded"
        self._under_way += 1
        future = self._pool.submit(call, *args, **kwargs)
        future.add_done_callback(self._leave(asyncio.get_running_loop()))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self.seconds)
        except TimeoutError:
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

    def close(self) -> None:
        """Let running calls end, drop waiting ones."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def join(self) -> None:
        """Wait, after `close`, for its threads to end."""
        self._pool.shutdown()

    def _leave(self, loop: asyncio.AbstractEventLoop) -> Callable[[object], None]:
        def left() -> None:
            self._under_way -= 1

        def from_thread(_: object) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(left)

        return from_thread
