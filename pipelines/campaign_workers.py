"""Work for many customers on all cores: each worker has a decision service of its own over the same data folder.

Parts come back in order, so that a list is the same whatever number of workers made it.
"""

import atexit
import gc
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from features.home import Home
from pipelines.campaign_rows import Part, Wanted, part_of
from pipelines.processors import processors
from serving.core.question import Request
from serving.service import DecisionService

ALONE_BELOW = 20_000
"""Fewer customers are worked for in this process: starting others takes longer."""
CHUNK = 2_000

Chunk = TypeVar("Chunk")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Task:
    """What is decided for everybody."""

    channel: str
    placement: str
    now: datetime
    send_at: datetime
    valid_until: datetime
    outbound: bool
    wanted: Wanted | None = None


def on_all_cores(
    home: Home,
    work: Callable[[DecisionService, Chunk], Made],
    chunks: Iterable[Chunk],
    *,
    customers: int,
    workers: int | None = None,
) -> Iterator[Made]:
    """What `work` makes of each chunk, in order; it is a function of a module, or a `partial` of one.

    `workers` None: as many as there are cores, where there are many customers.
    """
    count = workers or processors()
    if count == 1 or (workers is None and customers < ALONE_BELOW):
        with closing(DecisionService(home)) as service, collected_seldom():
            for chunk in chunks:
                yield work(service, chunk)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context, initializer=_begin, initargs=(home.root, work)) as pool:
        waiting: deque[Future[Made]] = deque()
        for chunk in chunks:
            waiting.append(pool.submit(_work, chunk))
            if len(waiting) > 2 * count:  # bounded: the chunks themselves are read as they are needed
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def parts(
    home: Home, task: Task, chunks: Iterable[list[str]], *, customers: int, workers: int | None = None
) -> Iterator[Part]:
    """The part of the list that each chunk of customers makes, in order."""
    return on_all_cores(home, partial(_decide, task), chunks, customers=customers, workers=workers)


def _decide(task: Task, service: DecisionService, customers: list[str]) -> Part:
    wanted, outside = task.wanted, 0
    requests = [
        Request(
            customer_id=one,
            channel=task.channel,
            placement=task.placement,
            now=task.now,
            mode="list" if wanted is None or wanted.sample is None else "simulate",
            send_at=task.send_at,
        )
        for one in customers
    ]
    if wanted is not None and wanted.spec.audience:
        taken = wanted.spec.takes_in([one.values for one in service.read(requests)])
        customers = [one for one, is_in in zip(customers, taken, strict=True) if is_in]
        requests = [one for one, is_in in zip(requests, taken, strict=True) if is_in]
        outside = len(taken) - len(customers)
    decisions = service.decide_many(requests)
    return part_of(customers, decisions, task.valid_until, outbound=task.outbound, wanted=wanted, outside=outside)


@contextmanager
def collected_seldom() -> Iterator[None]:
    """Inside, garbage is seldom looked for: what is decided holds no cycles, and the collector would only walk
    thousands of customers again and again, for a third of the time.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(200_000, 50, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


_worker: Callable[[Any], Any] | None = None


def _begin(root: Path, work: Callable[[DecisionService, Any], Any]) -> None:
    global _worker
    service = DecisionService(Home.open(root))
    until_the_end = ExitStack()
    until_the_end.enter_context(collected_seldom())
    atexit.register(until_the_end.close)
    _worker = partial(work, service)


def _work(chunk: Any) -> Any:
    assert _worker is not None
    return _worker(chunk)
