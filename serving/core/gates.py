"""The gates: every rule that may stand before an action, each a pure function of all customers and actions at once.

A gate takes what is `Asked` and what the gates before it found, and answers with what it blocks, bool[n, m] or such as
broadcasts to that.
All gates see all actions, and every block is kept as a bit of the candidate's mask (`gate_names.BITS`).
"""

from collections.abc import Callable, Collection
from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray

from serving.core.catalogue import Catalogue
from serving.core.conditions import Bools, Floats
from serving.core.gate_names import BITS, NAMES, names_of

__all__ = ["BITS", "GATES", "NAMES", "Asked", "Gate", "Masks", "evaluate", "names_of"]

Masks = NDArray[np.uint32]


class Asked(msgspec.Struct, frozen=True, dict=True):
    """n customers against the m actions of a catalogue. Matrices are [n, m], vectors [n]."""

    catalogue: Catalogue
    features: Floats  # [n, catalogue.features] what conditions speak of, NaN = absent
    treatment: NDArray[np.int64]  # [n, m] which treatment fits the place, -1: none
    unfit: Bools  # [n, m] no form of the action that fits the place and is valid has its own conditions met
    outdated: Bools  # [n, m] the action, or its form here, is not valid when it reaches her
    shown: Bools  # [n, m] the placement may show the action's category
    readable: Bools  # [n] the state can be trusted
    granted: Bools  # [n, m] consent lets the action go here
    objects: Bools  # [n] objects to profiling
    held: Bools  # [n, m] a hold in force covers the action here
    told: Bools  # [n, m] already said about the same case or order
    empty: Bools  # [n, m] an item action with no item left
    over_cap: Bools  # [n] one more contact would pass the cap
    over_action_cap: Bools  # [n, m] one more contact with this action would pass the action's own cap
    unanswered: Bools  # [n] so many sales contacts in a row had no answer that we do not come to her again
    reached: Bools  # [n, m] it reached her since its case or order last changed, wherever that was
    unsampled: Bools  # [n, m] not drawn for the sample that the action goes to
    answered: Bools  # [n, m] the fact it asks for is known, or she would rather not tell it
    quiet: Bools  # [n] it would reach her in quiet hours, by a channel without offers then
    silent: Bools  # [n] the same, by a channel without anything then
    reserves: Bools  # [n] service comes first here: the placement says so, or a hold is in force
    holdout: Bools  # [n] in the holdout arm

    @property
    def n(self) -> int:
        """How many customers."""
        return len(self.readable)

    @cached_property
    def unmet(self) -> tuple[Bools, Bools, Bools]:
        """[n, m] where conditions are not met: of eligibility, of applicability, of suitability."""
        all_three, m = self.catalogue.conditions.unmet(self.features), len(self.catalogue)
        return all_three[:, :m], all_three[:, m : 2 * m], all_three[:, 2 * m :]


Gate = Callable[[Asked, Masks], Bools]


def _crossed(rows: Bools, columns: Bools) -> Bools:
    """[n, m] the actions `columns` of the customers `rows`; [n, 1] where there are none."""
    if not np.count_nonzero(rows):  # so it is nearly always, and found out in a fifth of the time
        return rows[:, None]
    return np.asarray(rows[:, None] & columns)


def _marketing(asked: Asked, rows: Bools) -> Bools:
    """The sales and care actions of some customers."""
    return _crossed(rows, asked.catalogue.marketing)


def placement(asked: Asked, failed: Masks) -> Bools:
    """The placement does not show this category, or the action has no form that fits it."""
    return np.asarray(~asked.shown | (asked.treatment < 0))


def state_unknown(asked: Asked, failed: Masks) -> Bools:
    """Clearance is positive: without a state known to be whole and current, no sales and no care."""
    return _marketing(asked, ~asked.readable)


def consent(asked: Asked, failed: Masks) -> Bools:
    """Outbound needs a grant of the purpose, on-site no objection to it; service and recovery need none."""
    return np.asarray(~asked.granted & asked.catalogue.marketing)


def profiling_objection(asked: Asked, failed: Masks) -> Bools:
    """She objects to profiling: nothing that a personal model or profile chose."""
    return _crossed(asked.objects, asked.catalogue.personal)


def hold(asked: Asked, failed: Masks) -> Bools:
    """A hold in force covers the action in this channel; recovery and regulation are never held."""
    return asked.held


def eligibility(asked: Asked, failed: Masks) -> Bools:
    """By rule she may not have it."""
    return asked.unmet[0]


def applicability(asked: Asked, failed: Masks) -> Bools:
    """It makes no sense now."""
    return np.asarray(asked.unmet[1] | asked.unfit)


def suitability(asked: Asked, failed: Masks) -> Bools:
    """It is not in her interest (sales and care)."""
    return asked.unmet[2]


def no_items(asked: Asked, failed: Masks) -> Bools:
    """Nothing to show in it: out of stock, owned, just returned, out of season, or nothing known."""
    return asked.empty


def contact_cap(asked: Asked, failed: Masks) -> Bools:
    """She has heard enough from us for now (sales and care)."""
    return _marketing(asked, asked.over_cap)


def already_told(asked: Asked, failed: Masks) -> Bools:
    """This was said already about the same case, order or customer."""
    return asked.told


def validity(asked: Asked, failed: Masks) -> Bools:
    """It is not valid yet, or no more, when it would reach her."""
    return asked.outdated


def quiet_hours(asked: Asked, failed: Masks) -> Bools:
    """It would reach her in an hour to be quiet in, by her own clock (sales and care; in some channels everything)."""
    return np.asarray(_marketing(asked, asked.quiet) | asked.silent[:, None])


def action_cap(asked: Asked, failed: Masks) -> Bools:
    """She has had this often enough for now (sales and care)."""
    return np.asarray(asked.over_action_cap & asked.catalogue.marketing)


def unanswered(asked: Asked, failed: Masks) -> Bools:
    """She has not answered the last offers we came with: we do not knock again until she shows up (sales)."""
    return _crossed(asked.unanswered, asked.catalogue.sales)


def comes_later(asked: Asked, failed: Masks) -> Bools:
    """Something else comes first: it is hers by rule, and has not reached her yet.

    Whether it makes sense just now does not matter: trouble that puts off a welcome lets no sale through before it.
    """
    blocked = np.zeros(failed.shape, dtype=np.bool_)
    for first, waiting in asked.catalogue.awaited:
        due = ~(asked.unmet[0][:, first] | asked.reached[:, first])
        if np.count_nonzero(due):
            blocked[:, waiting] |= due[:, None]
    return blocked


def not_sampled(asked: Asked, failed: Masks) -> Bools:
    """It goes to a sample only, and this occasion was not drawn."""
    return asked.unsampled


def already_known(asked: Asked, failed: Masks) -> Bools:
    """It asks for what she has told already, or would rather not tell."""
    return asked.answered


def outranked(asked: Asked, failed: Masks) -> Bools:
    """An action that outranks all (a person's call at high severity) stands, so nothing else does but silence."""
    ranking = asked.catalogue.ranking
    return _crossed(np.logical_or.reduce(failed[:, ranking] == 0, axis=1), asked.catalogue.outranked)


def service_first(asked: Asked, failed: Masks) -> Bools:
    """Service that applies goes before sales and care, where the placement reserves it or a hold is in force."""
    serves = np.logical_or.reduce((failed == 0) & asked.catalogue.service, axis=1)
    return _marketing(asked, serves & asked.reserves)


def holdout(asked: Asked, failed: Masks) -> Bools:
    """The holdout arm gets no sales and no care; service always."""
    return _marketing(asked, asked.holdout)


GATES: dict[str, Gate] = {
    gate.__name__: gate
    for gate in (
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
        validity,
        quiet_hours,
        action_cap,
        comes_later,
        not_sampled,
        already_known,
        unanswered,
        outranked,  # these last three look at what stands so far
        service_first,
        holdout,
    )
}
"""By name, in the order in which they are asked."""


def evaluate(asked: Asked, *, but: Collection[str] = ()) -> Masks:
    """All gates (but some, to see what they alone keep back) for all actions: uint32[n, m], 0 where nothing stands in
    the way. no_action passes every gate.
    """
    failed = np.zeros((asked.n, len(asked.catalogue)), dtype=np.uint32)
    for name, gate in GATES.items():
        if name in but:
            continue
        blocked = gate(asked, failed)
        if np.count_nonzero(blocked):  # most gates keep back nothing; `any` takes longer to say so
            failed |= blocked * np.uint32(BITS[name])
    failed[:, asked.catalogue.no_action] = 0
    return failed
