"""A jump of silence is told; what chance and ordinary days bring is not."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from serving.core.decision import Decision
from serving.silence_share import BEFORE_HOURS, NOW_HOURS, SilenceShare

NOW = datetime(2026, 9, 8, 12, 30, tzinfo=UTC)
HOURS = [NOW - timedelta(hours=h) for h in range(BEFORE_HOURS + NOW_HOURS - 1, -1, -1)]


class One:
    """As much of a decision as is counted."""

    def __init__(self, at: datetime, silent: bool, mode: str = "serve") -> None:
        self.decided_at, self.mode, self.state_status = at, mode, "ok"
        self.holds = ["hold"] if silent else []


def shop(rng: np.random.Generator, shares: np.ndarray, a_day: int = 4_000) -> SilenceShare:
    """Decisions of a week and a quarter day: more by day than by night, each hour with its own share of silence."""
    found = SilenceShare()
    for at, share in zip(HOURS, shares, strict=True):
        n = int(rng.poisson(a_day / 24 * (1 + 0.8 * np.sin(at.hour / 24 * 2 * np.pi))))
        for silent in rng.random(n) < share:
            found.note(_decision(at, bool(silent)))
    return found


def _decision(at: datetime, silent: bool, mode: str = "serve") -> Decision:
    return One(at, silent, mode)  # type: ignore[return-value]


def test_ordinary_weeks_tell_nothing() -> None:
    rng = np.random.default_rng(1)
    for _ in range(30):
        base = rng.uniform(0.02, 0.3)
        shares = np.clip(base * np.exp(rng.normal(0, 0.25, len(HOURS))), 0, 1)  # hours differ by more than chance
        assert shop(rng, shares, 1_500).jump(NOW) is None


@pytest.mark.parametrize("base", [0.03, 0.15])
def test_silence_that_doubles_is_told_with_both_shares(base: float) -> None:
    rng = np.random.default_rng(2)
    shares = np.full(len(HOURS), base)
    shares[-NOW_HOURS:] = 2.5 * base
    found = shop(rng, shares).jump(NOW)
    assert found is not None
    assert found[0] == pytest.approx(2.5 * base, rel=0.25) and found[1] == pytest.approx(base, rel=0.15)


def test_too_few_decisions_and_simulated_ones_tell_nothing() -> None:
    found = SilenceShare()
    for at in HOURS:
        found.note(_decision(at, at >= HOURS[-NOW_HOURS]))
        for _ in range(100):
            found.note(_decision(at, at >= HOURS[-NOW_HOURS], "simulate"))
    assert found.jump(NOW) is None
