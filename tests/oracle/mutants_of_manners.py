"""Ways to break the gates of manners, one at a time, beside those of `mutants`."""

from functools import partial

import msgspec
import numpy as np

from features.customer import fold_handlers
from serving.core import assembly, gates, gathering, recheck
from serving.core.actions import ActionCap
from serving.core.plan import Plan
from tests.oracle.mutants import Mutant


def _with_evidence(name, alter, patch):
    """What one function of the assembly sees is altered, customer by customer."""
    made = getattr(assembly, name)
    patch.setattr(assembly, name, lambda evidence, *more: made([alter(one) for one in evidence], *more))


def _promised_is_reached(one):
    return msgspec.structs.replace(one, reached=one.told)


def _waits_only_while_it_makes_sense(patch):
    def while_due(asked, failed):
        blocked = np.zeros(failed.shape, dtype=np.bool_)
        due = ~(asked.unmet[0] | asked.unmet[1] | asked.reached)
        for first, waiting in asked.catalogue.awaited:
            blocked[:, waiting] |= due[:, first, None]
        return blocked

    patch.setitem(gates.GATES, "comes_later", while_due)


def _caps_count_their_own_action(patch):
    def own(plan):
        return {a.action: ((a.action, a.cap),) for a in plan.catalogue.actions if a.cap}

    patch.setattr(Plan, "own_caps", property(own))


def _caps_count_every_channel(patch):
    patch.setattr(ActionCap, "counts", lambda cap, channel: True)


def _unanswered_since_ever(patch):
    count = gathering._unanswered

    def ever(snapshot, *more):
        return count(msgspec.structs.replace(snapshot, last_sign_at=-np.inf), *more)

    patch.setattr(gathering, "_unanswered", ever)


def _only_letters_that_were_sent_are_unanswered(patch):
    count = gathering._unanswered
    patch.setattr(gathering, "_unanswered", lambda snapshot, contacts, *more: count(snapshot, snapshot.contacts, *more))


def _refusals_are_forgotten(patch):
    profile = fold_handlers.HANDLERS["profile"]

    def deaf(draft, fact, at, payload):
        profile(draft, fact, at, {**payload, "refused": ()})

    patch.setitem(fold_handlers.HANDLERS, "profile", deaf)


def _the_sample_is_drawn_anew(patch):
    drawing = np.random.default_rng(7)
    patch.setattr(
        assembly, "_unsampled", lambda evidence, policy, catalogue: drawing.random((len(evidence), len(catalogue)))
        >= np.array([action.sample for action in catalogue.actions])
    )  # fmt: skip


def _any_form_will_do(patch):
    patch.setattr(assembly, "_unfit", lambda requests, features, treatment, plan: np.zeros(treatment.shape, bool))


def _rechecks_take_any_form(patch):
    patch.setattr(recheck, "_gates_of_form", lambda action, again, catalogue: ())


MUTANTS_OF_MANNERS = [
    Mutant("a promise counts as reached", partial(_with_evidence, "_told", _promised_is_reached)),
    Mutant("what comes later waits only while the first makes sense", _waits_only_while_it_makes_sense),
    Mutant("a cap of a group counts its own action only", _caps_count_their_own_action),
    Mutant("a cap of some channels counts all", _caps_count_every_channel, {"contact": 20}),
    Mutant("offers since ever are unanswered", _unanswered_since_ever, {"contact": 15, "browse": 15}),
    Mutant("offers promised to a sender are answered", _only_letters_that_were_sent_are_unanswered, {"contact": 15}),
    Mutant("what she would rather not tell is forgotten", _refusals_are_forgotten, {"profile": 10}),
    Mutant("the sample is drawn anew each time", _the_sample_is_drawn_anew),
    Mutant("any form will do", _any_form_will_do),
    Mutant("rechecks take any form", _rechecks_take_any_form),
]
