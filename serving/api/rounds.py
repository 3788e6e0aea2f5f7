"""The rounds of a running service: every few minutes, beside the requests, never in their way.

In each, chores are done a share at a time, as to judge feedback that somebody kept without, and the watchdogs look.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from features.errors import TahdikasError
from serving.api.execution import Deadline
from serving.watchdogs import Finding, Looked, Watchdogs

log = logging.getLogger("tahdikas.watchdogs")

_BREATH_SECONDS = 0.1
"""Between two shares: others write meanwhile."""


class Rounds:
    """Goes every `minutes`; `latest` is what the watchdogs last saw. A chore does a share, and says if more waits."""

    def __init__(
        self,
        watchdogs: Watchdogs,
        chores: Sequence[Callable[[datetime], bool]],
        staff: Deadline,
        clock: Callable[[], datetime],
        minutes: float,
    ) -> None:
        self._watchdogs, self._chores = watchdogs, chores
        self._staff, self._clock, self._minutes = staff, clock, minutes
        self._task: asyncio.Task[None] | None = None
        self.latest: Looked | None = None

    @property
    def findings(self) -> list[Finding]:
        """What the last look found."""
        return [] if self.latest is None else self.latest.findings

    def start(self) -> None:
        """Begin; needs a running loop. With 0 minutes there are no rounds."""
        if self._minutes:
            self._task = asyncio.get_running_loop().create_task(self._go())

    async def stop(self) -> None:
        """End, the look under way left to end by itself."""
        self._minutes = 0  # a look that ends at this moment swallows the cancelling
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def look(self) -> None:
        """One round. What goes wrong in it is logged: the last look stands."""
        try:
            looked = await self._staff.run(self._watchdogs.look, self._clock())
        except TahdikasError:
            log.exception("a round of the watchdogs failed")
            return
        if isinstance(looked, str):
            log.warning("a round of the watchdogs was not finished")
            return
        known = {one.watchdog for one in self.findings}
        if any(one.watchdog not in known for one in looked.findings):
            log.warning("a watchdog found something: see /v1/health/ready")
        self.latest = looked

    async def do(self, chore: Callable[[datetime], bool]) -> None:
        """All of a chore, a share at a time. What goes wrong is logged, and tried again next round."""
        more: bool | str = True
        while more is True and self._minutes:
            try:
                more = await self._staff.run(chore, self._clock())
            except TahdikasError:
                log.exception("a chore of the rounds failed")
                return
            await asyncio.sleep(_BREATH_SECONDS if more is True else 0)
        if isinstance(more, str):
            log.warning("a chore of the rounds was not finished: it is tried again in the next one")

    async def _go(self) -> None:
        while self._minutes:
            for chore in self._chores:
                await self.do(chore)
            await self.look()
            await asyncio.sleep(self._minutes * 60)
