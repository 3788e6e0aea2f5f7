"""The oracle objects to every single thing that is broken: a hold kind, a gate, a merge rule, a clearance."""

import pytest

from features.customer.hold_rules import HOLD_KINDS
from serving.core import gates
from tests.oracle.driver import Shop
from tests.oracle.happenings import USUAL
from tests.oracle.mutants import MUTANTS
from tests.oracle.mutants_of_manners import MUTANTS_OF_MANNERS

WITHIN, A_SHOP = 20_000, 2_000


def decisions_until_objection(mutant, tmp_path, monkeypatch):
    """How many decisions it takes the oracle to object, None if it never does."""
    mutant.breaks(monkeypatch)
    asked = 0
    for seed in range(WITHIN // A_SHOP):
        weights = USUAL | mutant.weights
        shop = Shop(tmp_path / str(seed), seed, weights=weights, people=30, visitors=6, until_noticed=True)
        try:
            shop.live(A_SHOP)
        finally:
            shop.close()
        asked += shop.tally.decisions
        if shop.tally.noticed:
            return asked
    return None


@pytest.mark.parametrize("mutant", MUTANTS + MUTANTS_OF_MANNERS, ids=lambda mutant: mutant.name)
def test_the_oracle_objects(mutant, tmp_path, monkeypatch):
    assert decisions_until_objection(mutant, tmp_path, monkeypatch), f"within {WITHIN} decisions nothing was noticed"


def test_every_gate_and_every_kind_of_hold_has_its_mutant():
    names = {mutant.name for mutant in MUTANTS}
    assert {f"gate {gate} blocks nothing" for gate in gates.GATES} <= names
    assert {f"holds of kind {kind} are dropped" for kind in HOLD_KINDS} <= names
