"""The rounds of a running service: every few minutes, beside the requests, never in their way.

In each, chores are done a share at a time, as to judge feedback that somebody kept without, and the watchdogs look;
what a lookout saw is read more often, since it costs next to nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from features.errors import TahdikasError
from serving.api.execution import Deadline
from serving.lookout.looked import Finding, Looked

log = logging.getLogger("tahdikas.watchdogs")

_BREATH_SECONDS = 0.1
"""Between two shares: others write meanwhile."""


class Rounds:
    """Goes every `minutes`; `latest` is what the watchdogs last saw. A chore does a share, and says if more waits.

    A `look` is taken every `look_minutes`, where those are fewer.
    """

    def __init__(
        self,
        look: Callable[[datetime], Looked],
        chores: Sequence[Callable[[datetime], bool]],
        staff: Deadline,
        clock: Callable[[], datetime],
        minutes: float,
        look_minutes: float,
    ) -> None:
        self._look, self._chores = look, chores
        self._staff, self._clock, self._minutes = staff, clock, minutes
        self._look_minutes = min(minutes, look_minutes)
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
        self._minutes = self._look_minutes = 0  # a look that ends at this moment swallows the cancelling
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def look(self) -> None:
        """One round. What goes wrong in it is logged: the last look stands."""
        try:
            looked = await self._staff.run(self._look, self._clock())
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
        loop = asyncio.get_running_loop()
        chores_at = loop.time()
        while self._minutes:
            if loop.time() >= chores_at:
                for chore in self._chores:
                    await self.do(chore)
                chores_at = loop.time() + self._minutes * 60
            await self.look()
            await asyncio.sleep(self._look_minutes * 60)
