"""Bundles with one thing wrong: none stops or delays the service, and none is in force that scores otherwise."""

import time

import numpy as np
import pytest
from mutated_bundles import all_mutated
from regular_customer import NOON

from features.home import Home
from features.inputs.candidates import CANDIDATE_INPUTS
from features.inputs.frame import CHURN_INPUTS
from serving.in_force import Keeper
from serving.trials import TRIAL_SECONDS
from tests.serving.core.test_bundles import put_in_force, write_bundle

LOOP = 363
"""The number of one whose tree has a branch that leads nowhere: LightGBM follows it without end."""


def same_canaries(bundle, good):
    """That it scores the good one's canaries as the good one does."""
    asked = (("churn", "churn_model", CHURN_INPUTS), ("ranker", "ranker", CANDIDATE_INPUTS))
    return all(
        np.allclose(
            getattr(bundle, model).probability(good.manifest.canaries[name].rows, list(inputs)),
            good.manifest.canaries[name].expected,
            rtol=0,
            atol=1e-9,
        )
        for name, model, inputs in asked
    )


def tried(home, numbers):
    """Promote one mutated bundle after another; what was wrong with how it was met, and how many were taken up."""
    good_id = write_bundle(home)
    keeper = Keeper(home)
    good = keeper.at(NOON).models
    assert good.id == good_id
    faults, taken = [], 0
    for name, folder in all_mutated(home.bundles / good_id, numbers):
        put_in_force(home, folder.name)
        began = time.monotonic()
        found = keeper.at(NOON)
        took = time.monotonic() - began
        if took > TRIAL_SECONDS + 5:
            faults.append(f"{name}: took {took:.0f} s")
        if found.models is None:
            faults.append(f"{name}: the last good one is gone")
        elif found.models.id != good_id:
            taken += 1
            if not same_canaries(found.models, good):
                faults.append(f"{name}: served, and scores otherwise")
        elif folder.name not in " ".join(found.degraded) or "romote again" not in " ".join(found.degraded):
            faults.append(f"{name}: not told what is wrong and what to do ({found.degraded})")
        put_in_force(home, good_id)
        if keeper.at(NOON).scorer.id != good_id or keeper.at(NOON).degraded:
            faults.append(f"{name}: the good one did not come back")
    return faults, taken


def test_no_mutated_bundle_is_served_or_stops_anything(tmp_path):
    faults, taken = tried(Home.open(tmp_path), [*range(24), LOOP])
    assert faults == [] and taken < 6


@pytest.mark.slow
def test_five_hundred_mutated_bundles(tmp_path, record_property):
    faults, taken = tried(Home.open(tmp_path), range(500))
    record_property("taken up, scoring as the good one", taken)
    assert faults == [] and taken < 100
