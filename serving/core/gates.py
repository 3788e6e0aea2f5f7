"""The gates: every rule that may stand before an action, each a pure function of all customers and actions at once.

A gate takes what is `Asked` and what the gates before it found, and answers with a matrix bool[n, m] of what it blocks.
All gates see all actions, and every block is kept as a bit of the candidate's mask; the order of `GATES` is the order
of the bits, so it only ever grows at the end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from serving.core.catalogue import Catalogue
from serving.core.conditions import Bools, Columns, Predicate

Masks = NDArray[np.uint32]


@dataclass(frozen=True)
class Asked:
    """n customers against the m actions of a catalogue. Matrices are [n, m], vectors [n]."""

    catalogue: Catalogue
    columns: Columns  # features by name, float64[n], NaN = absent
    treatment: NDArray[np.int64]  # [n, m] which treatment fits the place, -1: none
    shown: Bools  # [n, m] the placement may show the action's category
    readable: Bools  # [n] the state can be trusted
    granted: Bools  # [n, m] consent lets the action go here
    objects: Bools  # [n] objects to profiling
    held: Bools  # [n, m] a hold in force covers the action here
    told: Bools  # [n, m] already said about the same case or order
    empty: Bools  # [n, m] an item action with no item left
    over_cap: Bools  # [n] one more contact would pass the cap
    reserves: Bools  # [n] service comes first here: the placement says so, or a hold is in force
    holdout: Bools  # [n] in the holdout arm

    @property
    def n(self) -> int:
        """How many customers."""
        return len(self.readable)


Gate = Callable[[Asked, Masks], Bools]


def _marketing(asked: Asked, rows: Bools) -> Bools:
    """The sales and care actions of some customers."""
    return np.asarray(rows[:, None] & asked.catalogue.marketing[None, :])


def _unmet(asked: Asked, predicates: Sequence[Predicate]) -> Bools:
    return np.column_stack([~test(asked.columns, asked.n) for test in predicates])


def placement(asked: Asked, failed: Masks) -> Bools:
    """The placement does not show this category, or the action has no form that fits it."""
    return np.asarray(~asked.shown | (asked.treatment < 0))


def state_unknown(asked: Asked, failed: Masks) -> Bools:
    """Clearance is positive: without a state known to be whole and current, no sales and no care."""
    return _marketing(asked, ~asked.readable)


def consent(asked: Asked, failed: Masks) -> Bools:
    """Outbound needs a grant of the purpose, on-site no objection to it; service and recovery need none."""
    return np.asarray(~asked.granted & asked.catalogue.marketing[None, :])


def profiling_objection(asked: Asked, failed: Masks) -> Bools:
    """She objects to profiling: nothing that a personal model or profile chose."""
    personal = np.array([a.personal for a in asked.catalogue.actions])
    return np.asarray(asked.objects[:, None] & personal[None, :])


def hold(asked: Asked, failed: Masks) -> Bools:
    """A hold in force covers the action in this channel; recovery and regulation are never held."""
    return asked.held


def eligibility(asked: Asked, failed: Masks) -> Bools:
    """By rule she may not have it."""
    return _unmet(asked, asked.catalogue.eligibility)


def applicability(asked: Asked, failed: Masks) -> Bools:
    """It makes no sense now."""
    return _unmet(asked, asked.catalogue.applicability)


def suitability(asked: Asked, failed: Masks) -> Bools:
    """It is not in her interest (sales and care)."""
    return _unmet(asked, asked.catalogue.suitability)


def no_items(asked: Asked, failed: Masks) -> Bools:
    """Nothing to show in it: out of stock, owned, just returned, out of season, or nothing known."""
    return asked.empty


def contact_cap(asked: Asked, failed: Masks) -> Bools:
    """She has heard enough from us for now (sales and care)."""
    return _marketing(asked, asked.over_cap)


def already_told(asked: Asked, failed: Masks) -> Bools:
    """This was said already about the same case, order or customer."""
    return asked.told


def outranked(asked: Asked, failed: Masks) -> Bools:
    """An action that outranks all (a person's call at high severity) stands, so nothing else does but silence."""
    catalogue = asked.catalogue
    ranking = np.array([a.outranks for a in catalogue.actions])
    lesser = ~ranking
    lesser[catalogue.no_action] = False
    return np.asarray(((failed == 0) & ranking[None, :]).any(axis=1)[:, None] & lesser[None, :])


def service_first(asked: Asked, failed: Masks) -> Bools:
    """Service that applies goes before sales and care, where the placement reserves it or a hold is in force."""
    serves = ((failed == 0) & asked.catalogue.service[None, :]).any(axis=1)
    return _marketing(asked, serves & asked.reserves)


def holdout(asked: Asked, failed: Masks) -> Bools:
    """The holdout arm gets no sales and no care; service always."""
    return _marketing(asked, asked.holdout)


GATES: tuple[Gate, ...] = (
    placement,
    state_unknown,
    consent,
    profiling_objection,
    hold,
    eligibility,
    applicability,
    suitability,
    no_items,
    contact_cap,
    already_told,
    outranked,
    service_first,
    holdout,
)
NAMES: tuple[str, ...] = tuple(gate.__name__ for gate in GATES)
BITS: dict[str, int] = {name: 1 << bit for bit, name in enumerate(NAMES)}


def evaluate(asked: Asked) -> Masks:
    """All gates for all actions: uint32[n, m], 0 where nothing stands in the way. no_action passes every gate."""
    failed = np.zeros((asked.n, len(asked.catalogue)), dtype=np.uint32)
    for bit, gate in enumerate(GATES):
        blocked = gate(asked, failed)
        blocked[:, asked.catalogue.no_action] = False
        failed |= blocked.astype(np.uint32) << np.uint32(bit)
    return failed


@lru_cache(maxsize=4096)
def names_of(mask: int) -> tuple[str, ...]:
    """The gates in a mask, in order.

    >>> names_of(0b10010)
    ('state_unknown', 'hold')
    """
    return tuple(name for bit, name in enumerate(NAMES) if mask >> bit & 1)
