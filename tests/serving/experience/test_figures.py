"""How often the intervals hold the truth: drawn many times, within what they promise."""

import numpy as np
import pytest

from serving.experience.figures import LEAST, Trend, Values, difference, estimate, ratio

DRAWS = 2_000


def values(row: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> Values:
    return Values(len(row), float(row.sum()), float((row**2).sum()))


@pytest.mark.parametrize(("people", "chances"), [(6, (0.1, 0.2, 0.7)), (40, (0.3, 0.1, 0.6)), (400, (0.05, 0.05, 0.9))])
def test_of_a_hundred_intervals_about_five_miss(people: int, chances: tuple[float, ...]) -> None:
    """Scores of 0, a half and 1, drawn by chance; the same chances in the period before: no change."""
    random = np.random.default_rng(7)
    truth = chances[1] * 0.5 + chances[2]
    missed = alarmed = 0
    for _ in range(DRAWS):
        now, before = (random.choice([0.0, 0.5, 1.0], size=people, p=chances) for _ in range(2))
        found = estimate(values(now))
        assert found is not None
        missed += not found.low <= truth <= found.high
        alarmed += difference(values(now), values(before)).direction != "unclear"
    assert missed / DRAWS < 0.07 and alarmed / DRAWS < 0.065


def test_a_count_that_does_not_change_seldom_rises_or_falls() -> None:
    random = np.random.default_rng(7)
    moved = sum(ratio(*map(int, random.poisson(20, 2))).direction != "unclear" for _ in range(DRAWS))
    assert 0.01 < moved / DRAWS < 0.065


def test_few_people_are_no_figure() -> None:
    few = Values.of_share(2, LEAST - 1)
    assert estimate(few) is None
    assert difference(few, Values.of_share(50, 100)) == difference(Values.of_share(50, 100), few) == Trend("too_few")
