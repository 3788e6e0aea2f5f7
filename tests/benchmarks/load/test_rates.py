import pytest

from benchmarks.load.open_loop import Outcome, Stream
from benchmarks.load.rates import PRECISION, highest_rate, sustained


@pytest.mark.parametrize("limit", [0.7, 9.0, 99.0, 100.0, 101.0, 5_000.0])
def test_the_limit_is_found_from_below(limit: float) -> None:
    found = highest_rate(lambda rate: rate <= limit, 100.0)
    assert found <= limit < found * (1 + PRECISION) * 1.0001


def test_one_bad_step_is_not_the_limit() -> None:
    asked: list[float] = []

    def holds(rate: float) -> bool:
        asked.append(rate)
        return asked.count(rate) > 1 and rate <= 400  # every rate fails at first

    assert 380 < highest_rate(holds, 100.0) <= 400


@pytest.mark.parametrize(
    ("stream", "held"),
    [
        (Stream(100, 100, {}, 2.0, 3.0, 50.0, 400.0), True),
        (Stream(100, 100, {}, 2.0, 3.0, 50.1, 60.0), False),
        (Stream(100, 99, {"unknown:deadline": 1}, 2.0, 3.0, 4.0, 5.0), False),
        (Stream(100, 0, {"status 503": 100}, None, None, None, None), False),
    ],
)
def test_a_rate_holds_without_errors_and_in_time(stream: Stream, held: bool) -> None:
    assert sustained(Outcome({"/v1/decisions": stream}, 1.0, 0.0, 0.0)) is held
