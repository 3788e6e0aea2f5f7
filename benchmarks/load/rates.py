"""The highest rate that holds: doubled until one does not, then halved in between."""

from collections.abc import Callable

from benchmarks.load.open_loop import Outcome

P99_MS, PRECISION, LEAST = 50.0, 0.05, 0.5
TRIES = 2  # a rate fails that fails twice: once may be the machine's other work


def sustained(outcome: Outcome) -> bool:
    """Whether every question got a good answer, 99 of 100 of each kind within 50 ms of when it was planned."""
    return all(one.failed == 0 and (one.p99 or 0.0) <= P99_MS for one in outcome.streams.values())


def highest_rate(holds: Callable[[float], bool], first: float) -> float:
    """The highest rate that holds, to a twentieth; 0 where half a request a second does not.

    >>> highest_rate(lambda rate: rate <= 300, 100.0) > 285
    True
    >>> highest_rate(lambda rate: False, 100.0)
    0.0
    """

    def tried(rate: float) -> bool:
        return any(holds(rate) for _ in range(TRIES))

    good, bad = 0.0, first
    while tried(bad):
        good, bad = bad, bad * 2
    while not good and bad > LEAST:
        half = bad / 2
        good, bad = (half, bad) if tried(half) else (0.0, half)
    while good and bad / good > 1 + PRECISION:
        middle = (good * bad) ** 0.5
        good, bad = (middle, bad) if tried(middle) else (good, middle)
    return good
