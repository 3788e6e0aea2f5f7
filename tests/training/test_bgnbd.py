import numpy as np
import numpy.typing as npt
import pytest

from training.bgnbd import BgNbd, fit_bgnbd

CDNOW = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
"""Fader, Hardie and Lee (2005), table 2; on their data `fit_bgnbd` finds these and their log-likelihood, -9582.4."""

Floats = npt.NDArray[np.float64]


def simulate(model: BgNbd, observed: Floats, ahead: float, seed: int) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """x, t_x and silence in (T, T + ahead], straight from the story the model tells."""
    draw = np.random.default_rng(seed)
    rates = draw.gamma(model.r, 1 / model.alpha, len(observed))
    drops = draw.beta(model.a, model.b, len(observed))
    x, t_x, silent = np.zeros(len(observed)), np.zeros(len(observed)), np.ones(len(observed), bool)
    for i, (rate, drop, end) in enumerate(zip(rates, drops, observed, strict=True)):
        now = 0.0
        while True:
            now += draw.exponential(1 / rate) if rate > 0 else np.inf
            if now > end + ahead:
                break
            if now > end:
                silent[i] = False
                break
            x[i], t_x[i] = x[i] + 1, now
            if draw.random() < drop:
                break
    return x, t_x, silent


def test_published_probability_of_being_alive() -> None:
    """The customer of 26 repeat purchases in the BTYD walkthrough (0.9689), and one who never came back."""
    alive = CDNOW.alive(np.array([26.0, 0.0]), np.array([30.86, 0.0]), np.array([31.0, 39.0]))
    assert alive == pytest.approx([0.9689, 1.0], abs=1e-4)


def test_likelihood_is_a_density_over_all_histories() -> None:
    """P(x = 0 in T) plus the density of first purchases with what follows adds up to one."""
    horizon, steps = 10.0, 20_000
    none = np.exp(CDNOW.log_likelihood(np.zeros(1), np.zeros(1), np.array([horizon])))[0]
    moments = (np.arange(steps) + 0.5) * horizon / steps
    rate = CDNOW.r * CDNOW.alpha**CDNOW.r / (CDNOW.alpha + moments) ** (CDNOW.r + 1)  # density of the first purchase
    assert none + rate.sum() * horizon / steps == pytest.approx(1, abs=1e-5)


def test_silence_is_what_the_story_says() -> None:
    observed = np.full(40_000, 20.0)
    model = BgNbd(r=0.8, alpha=4.0, a=0.8, b=2.4)
    x, t_x, silent = simulate(model, observed, ahead=8.0, seed=1)
    told = model.silent(x, t_x, observed, ahead=8.0)
    for group in (x == 0, x == 1, (x > 1) & (t_x < 10), (x > 1) & (t_x >= 10)):
        error = 4 * np.sqrt(0.25 / group.sum())
        assert told[group].mean() == pytest.approx(silent[group].mean(), abs=error)


def test_fit_recovers_the_parameters_it_was_drawn_from() -> None:
    drawn = BgNbd(r=0.8, alpha=4.0, a=0.8, b=2.4)
    observed = np.random.default_rng(2).uniform(20, 50, 6000)
    x, t_x, _ = simulate(drawn, observed, ahead=0.0, seed=3)
    found = fit_bgnbd(x, t_x, observed)
    assert found.r == pytest.approx(drawn.r, rel=0.15)
    assert found.alpha == pytest.approx(drawn.alpha, rel=0.15)
    assert found.a / (found.a + found.b) == pytest.approx(drawn.a / (drawn.a + drawn.b), rel=0.1)
