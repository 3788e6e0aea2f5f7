import numpy as np

from benchmarks.measure import machine, median_seconds, spent, verdict
from training.metrics import Difference


def test_a_win_needs_an_interval_that_excludes_zero() -> None:
    assert verdict(Difference(0.02, 0.01, 0.03)) == "win"
    assert verdict(Difference(-0.02, -0.03, -0.01)) == "loss"
    assert verdict(Difference(0.02, -0.01, 0.05)) == "parity"
    assert verdict(Difference(0.02, 0.0, 0.05)) == "parity"


def test_time_and_memory_of_a_block() -> None:
    with spent() as small:
        pass
    with spent() as large:
        np.ones(30_000_000).sum()
    assert 0 <= small.seconds < large.seconds
    assert large.peak_mb > small.peak_mb + 200


def test_the_first_call_is_not_counted() -> None:
    calls: list[int] = []
    assert median_seconds(lambda: calls.append(1), repeats=3) >= 0
    assert len(calls) == 4


def test_the_machine_names_its_cores() -> None:
    assert machine()["cores"] >= 1
