"""Gamma-Gamma and the number of orders to come, on customers drawn from the story the models tell."""

import numpy as np
import pytest
from scipy.integrate import quad

from tests.training.test_bgnbd import CDNOW
from training.bgnbd import BgNbd
from training.gamma_gamma import GammaGamma, fit_gamma_gamma, orders_to_come

PUBLISHED = GammaGamma(p=6.25, q=3.74, gamma=15.44)
"""Fader and Hardie's note on the Gamma-Gamma model (2013): repeat orders of CDNOW."""


def _drawn(model: GammaGamma, n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(orders, their mean value, the customer's own true mean)."""
    draw = np.random.default_rng(seed)
    orders = draw.integers(1, 8, n).astype(float)
    nu = draw.gamma(model.q, 1 / model.gamma, n)
    return orders, draw.gamma(model.p * orders, 1 / (nu * orders)), model.p / nu


def test_the_likelihood_is_a_density() -> None:
    for orders in (1.0, 4.0):
        density = lambda mean, x=orders: float(np.exp(PUBLISHED.log_likelihood(np.array(x), np.array(mean))))  # noqa: E731
        assert quad(density, 0, np.inf)[0] == pytest.approx(1, abs=1e-6)


def test_the_fit_recovers_the_parameters_it_was_drawn_from() -> None:
    orders, mean, _ = _drawn(PUBLISHED, 8000, 1)
    found = fit_gamma_gamma(orders, mean)
    assert (found.p, found.q, found.gamma) == pytest.approx((6.25, 3.74, 15.44), rel=0.15)


def test_what_an_order_is_worth_is_the_mean_over_customers_with_such_a_past() -> None:
    orders, mean, own = _drawn(PUBLISHED, 200_000, 2)
    told = PUBLISHED.order_value(orders, mean)
    for few in (orders == 1, orders == 7):
        high = few & (mean > np.quantile(mean[few], 0.9))
        assert told[high].mean() == pytest.approx(own[high].mean(), rel=0.02)
        assert told[few].mean() == pytest.approx(own[few].mean(), rel=0.02)


def test_orders_to_come_are_as_many_as_the_story_has() -> None:
    model, observed, ahead = BgNbd(r=0.8, alpha=4.0, a=0.8, b=2.4), 20.0, 8.0
    draw = np.random.default_rng(3)
    histories, later = [], []
    for rate, drop in zip(
        draw.gamma(model.r, 1 / model.alpha, 20_000), draw.beta(model.a, model.b, 20_000), strict=True
    ):
        at, x, t_x, came = 0.0, 0, 0.0, 0
        while (at := at + draw.exponential(1 / rate)) <= observed + ahead:
            if at > observed:
                came += 1
            else:
                x, t_x = x + 1, at
            if draw.random() < drop:
                break
        histories.append((x, t_x))
        later.append(came)
    x, t_x = np.array(histories, float).T
    told = orders_to_come(model, x, t_x, np.full(len(x), observed), ahead)
    for group in (x == 0, x == 1, x > 1):
        error = 4 * np.std(np.array(later)[group]) / np.sqrt(group.sum())
        assert told[group].mean() == pytest.approx(np.array(later)[group].mean(), abs=error)


def test_the_hole_at_one_is_filled() -> None:
    near, at = (
        orders_to_come(
            BgNbd(CDNOW.r, CDNOW.alpha, a, CDNOW.b), np.array([2.0]), np.array([10.0]), np.array([30.0]), 10.0
        )
        for a in (1.001, 1.0)
    )
    assert at == pytest.approx(near, rel=0.01)
