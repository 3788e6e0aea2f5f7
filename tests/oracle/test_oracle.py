"""A million decisions against a simple oracle: not one sale that a hold covers, and no silence without a reason."""

import multiprocessing
import os
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.oracle.driver import Shop
from tests.oracle.tally import Tally

A_SHOP = 10_000
"""Decisions of one shop; then another begins."""


def run_shop(root, seed, decisions):
    """One shop's days, from its opening to its end."""
    shop = Shop(root, seed)
    try:
        shop.live(decisions)
    finally:
        shop.close()
        shutil.rmtree(root)
    return shop.tally


def assert_tactful(tally):
    """Nothing to object to, and not for want of anything to object to."""
    sys.stdout.write(f"{tally}\n")
    assert tally.objections == []
    assert tally.needless == [], "an oracle that bars nothing needlessly, and a product that does not either"
    assert tally.held >= 0.3 * tally.decisions, f"too few would have sold but for a hold: {tally}"
    assert tally.sold_when_clear >= 0.3 * tally.clear > 0, f"too few of the clear ones sold: {tally}"
    assert tally.counts["unrecorded"] <= 0.001 * tally.decisions
    assert {"duplicate", "rejected", "superseded", "still allowed"} <= set(tally.counts)


def test_twenty_thousand_decisions(tmp_path):
    tally = Tally()
    for seed in range(4):
        tally.add(run_shop(tmp_path / str(seed), seed, 5_000))
    assert_tactful(tally)


@pytest.mark.slow
def test_a_million_decisions(tmp_path):
    tally, seeds = Tally(), range(1_000, 1_000 + 1_000_000 // A_SHOP)
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=spawned) as workers:
        roots = [tmp_path / str(seed) for seed in seeds]
        for one in workers.map(run_shop, roots, seeds, [A_SHOP] * len(seeds)):
            tally.add(one)
    assert_tactful(tally)
    assert tally.decisions >= 1_000_000
