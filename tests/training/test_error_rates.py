"""Both errors of a threshold, counted by hand."""

import numpy as np
import pytest

from training.error_rates import error_rates


def test_missed_and_needless_by_segment():
    truth = np.array([1, 1, 1, 0, 0, 0, 0, 1.0])
    probability = np.array([0.9, 0.5, 0.1, 0.6, 0.2, 0.5, 0.1, 0.4])
    masks = {"all": np.full(8, True), "fi": np.arange(8) < 4, "sv": np.arange(8) == 6}
    whole, fi, sv = error_rates(truth, probability, 0.5, masks)
    assert (whole["dissatisfied"], whole["missed"], whole["others"], whole["needless"]) == (4, 2, 4, 2)
    assert (fi["dissatisfied"], fi["missed"], fi["others"], fi["needless"]) == (3, 1, 1, 1)
    assert fi["miss_rate"] == pytest.approx(1 / 3) and fi["needless_rate"] == 1.0
    assert whole["miss_low"] < 0.5 < whole["miss_high"]
    assert np.isnan(sv["miss_rate"]) and sv["needless_rate"] == 0.0, "nobody dissatisfied: no rate of the missed"
