"""Where the time of deciding goes: each step told to whoever watches, in seconds."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STEPS = ("read", "decide", "record")
Observer = Callable[[str, float, int], None]
"""Called with a step's name, its seconds, and how many questions were answered together."""


class Steps:
    """The steps of one service. Safe to share between threads once all observers watch."""

    def __init__(self) -> None:
        self._observers: list[Observer] = []

    def watch(self, observer: Observer) -> None:
        """Tell `observer` of every step from now on."""
        self._observers.append(observer)

    @contextmanager
    def step(self, name: str, questions: int) -> Iterator[None]:
        """What runs inside is the step `name` (one of `STEPS`) of so many questions."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.tell(name, time.perf_counter() - began, questions)

    def tell(self, name: str, seconds: float, questions: int) -> None:
        """Tell of a step that has just ended, wherever it was taken."""
        for observer in self._observers:
            observer(name, seconds, questions)
