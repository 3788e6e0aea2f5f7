from hypothesis import given
from hypothesis import strategies as st

from serving.rate_limit import RateLimit

GAPS = st.lists(st.floats(min_value=0, max_value=2, allow_nan=False), min_size=1, max_size=200)
RATES = st.floats(min_value=0.5, max_value=500)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@given(GAPS, RATES)
def test_no_stretch_of_time_holds_more_than_the_burst_and_the_rate(gaps: list[float], rate: float) -> None:
    clock = Clock()
    limit = RateLimit(rate, 1.0, clock)
    taken = []
    for gap in gaps:
        clock.now += gap
        if limit.wait("shop") == 0.0:
            taken.append(clock.now)
    burst = max(1.0, 1 / rate)
    for i, first in enumerate(taken):
        for j in range(i, len(taken)):
            assert j - i + 1 <= rate * (taken[j] - first + burst) + 1e-3


@given(GAPS, RATES)
def test_who_waits_as_long_as_told_is_let_through(gaps: list[float], rate: float) -> None:
    clock = Clock()
    limit = RateLimit(rate, 0.5, clock)
    for gap in gaps:
        clock.now += gap / 10
        while limit.wait("shop") == 0.0:
            pass
        clock.now += limit.wait("shop") + 1e-6
        assert limit.wait("shop") == 0.0


def test_one_caller_does_not_wait_for_another_and_none_where_nothing_is_limited() -> None:
    clock = Clock()
    limit = RateLimit(1.0, 1.0, clock)
    assert limit.wait("shop") == 0.0
    assert limit.wait("shop") > 0.9
    assert limit.wait("desk") == 0.0
    free = RateLimit(0)
    assert all(free.wait("shop") == 0.0 for _ in range(1_000))
