"""Ways to break the product, one at a time: what the oracle must object to, or it would prove nothing.

Each mutant replaces one thing for as long as a `pytest.MonkeyPatch` lasts. Some say which events their kind of fault
needs more of.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import msgspec
import numpy as np

from features.customer import coverage, fold_handlers, hold_spans, holds, spans_of_cases, state_features, view
from features.customer.hold_rules import HOLD_KINDS
from features.log import identity, refolding
from serving import rechecking, recording, records, snapshot
from serving.core import assembly, engine, gates, held, plan


@dataclass(frozen=True)
class Mutant:
    """A fault: its name, what it does to the product, and how often which events happen meanwhile."""

    name: str
    breaks: Callable
    weights: dict = field(default_factory=dict)


def _gate_blocks_nothing(name, patch):
    gate = gates.GATES[name]
    patch.setitem(gates.GATES, name, lambda asked, failed: np.zeros_like(gate(asked, failed)))


def _hold_kind_is_dropped(kind, patch):
    spans = holds.spans
    patch.setattr(holds, "spans", lambda *asked: [span for span in spans(*asked) if span.kind != kind])


def _problem_is_ignored(problem, patch):
    read = snapshot.SnapshotReader._snapshot

    def trusting(self, *asked):
        found = read(self, *asked)
        fine = found.state_status.startswith(f"unknown:{problem}")
        return msgspec.structs.replace(found, state_status="ok") if fine else found

    patch.setattr(snapshot.SnapshotReader, "_snapshot", trusting)


def _old_state_is_trusted(patch):
    patch.setattr(snapshot, "state_of", lambda run, key, row, position: (
        (snapshot._EMPTY if row is None else snapshot.decode(row[1])), None
    ))  # fmt: skip


def _links_are_not_followed(patch):
    patch.setattr(refolding, "_ORIGINS", "select customer_id, customer_id from wanted")
    _problem_is_ignored("behind", patch)
    patch.setattr(snapshot, "facts_of", lambda run, key: [f for f in refolding.facts_of(run, key) if f.origin == key])


def _unlinks_are_ignored(patch):
    owner = identity.owner
    patch.setattr(identity, "owner", lambda events: owner(event for event in events if event.action == "link"))


def _one_identity(part, patch):
    """Marks or scores of all identities are taken for those of one."""
    spans = hold_spans.rating_spans if part == "marks" else hold_spans.prediction_spans

    def merged(state, now, rules):
        same = [msgspec.structs.replace(one, origin="she") for one in getattr(state, part)]
        return spans(msgspec.structs.replace(state, **{part: same}), now, rules)

    patch.setattr(hold_spans, spans.__name__, merged)


def _visitors_refusals_are_lost(patch):
    consent = fold_handlers.HANDLERS["consent"]

    def deaf(draft, fact, at, payload):
        if payload["status"] == "granted" or not fact.origin.startswith("anonymous:"):
            consent(draft, fact, at, payload)

    patch.setitem(fold_handlers.HANDLERS, "consent", deaf)


def _newer_identity_gives_the_arm(patch):
    arm = assembly._arm

    def newest(evidence, policy):
        return arm(msgspec.structs.replace(evidence, identities=evidence.identities[::-1]), policy)

    patch.setattr(assembly, "_arm", newest)


def _visitor_is_not_looked_at(patch):
    patch.setattr(snapshot, "_with_visitor", lambda run, key, visitor, state, problem: (state, problem))


def _what_is_ahead_has_not_happened(patch):
    patch.setattr(
        snapshot, "seen", lambda state, now, ahead, rules, incidents=(): view.view(state, now, rules, incidents)
    )


def _places_are_forgotten(patch):
    patch.setattr(snapshot, "reserved", lambda run, keys, now: {})
    _places_are_shared(patch)


def _places_are_shared(patch):
    patch.setattr(records, "check_places", lambda run, decisions: None)


def _retries_are_not_rechecked(patch):
    patch.setattr(recording.Recording, "_again", lambda self, request, read, first, force: first)


def _rechecks_allow_all(patch):
    for module in (recording, rechecking):
        patch.setattr(module, "recheck", lambda *asked: (True, []))


def _recovery_is_forgotten(patch):
    made = snapshot.snapshot_of
    patch.setattr(
        snapshot, "snapshot_of", lambda *a, **k: msgspec.structs.replace(made(*a, **k), recovering=False)
    )  # fmt: skip


def _severity_does_not_grow(patch):
    def flat(course, rules):
        return (rules.open_complaint if course.kind == "complaint" else rules.open_case).severity

    patch.setattr(spans_of_cases, "case_severity", flat)
    patch.setattr(state_features, "case_severity", flat)


def _the_barred_are_drawn(patch):
    chances = engine.chances
    patch.setattr(engine, "chances", lambda gain, allowed, *more: chances(gain, np.ones_like(allowed), *more))


def _push_is_taken_for_a_page(patch):
    covers = held.covers
    patch.setattr(plan, "covers", lambda *a, **k: covers(*a, **(k | {"outbound": False})))


def _released_for_ever(patch):
    release = hold_spans._release

    def forgiving(state, now, found):
        release(state, now, found)
        gone = {one.hold_id for one in state.releases}
        found[:] = [span for span in found if span.hold_id not in gone]

    patch.setattr(hold_spans, "_release", forgiving)


def _predictions_go_beside_others(patch):
    def careless(evidence, policy):
        return tuple(h.hold_id for h in evidence.holds if h.kind == "predicted")

    patch.setattr(assembly, "_released", careless)


def _help_is_held(patch):
    def blocks(self, category, group, channel):
        return channel in self.channels

    patch.setattr(coverage.Covers, "blocks", blocks)


MERGERS = {"link": 12, "unlink": 4}
KINDS = {
    "open_return": {"case": 15}, "open_case": {"case": 10}, "open_complaint": {"complaint": 8},
    "bad_resolution": {"case": 10, "case_step": 20, "answer": 20}, "bad_rating": {"rating": 15},
    "late_delivery": {"parcel": 15}, "friction": {"friction": 15}, "predicted": {"score": 15}, "staff": {"hold": 10},
    "incident": {"incident": 10},
}  # fmt: skip
GATES = {
    "profiling_objection": {"consent": 40}, "consent": {"consent": 15}, "no_items": {"purchase": 30},
    "already_told": {"purchase": 15}, "outranked": {"case": 15, "case_step": 20},
    "already_known": {"profile": 10}, "unanswered": {"contact": 15},
}  # fmt: skip

MUTANTS = [
    *(Mutant(f"gate {g} blocks nothing", partial(_gate_blocks_nothing, g), GATES.get(g, {})) for g in gates.GATES),
    *(Mutant(f"holds of kind {k} are dropped", partial(_hold_kind_is_dropped, k), KINDS[k]) for k in HOLD_KINDS),
    *(
        Mutant(f"state unknown: {problem} is ignored", partial(_problem_is_ignored, problem), weights)
        for problem, weights in {
            "behind": {}, "corrupt": {}, "future_dated": {}, "source_silent": {"silence": 0.2}, "rejected_event": {},
            "erased": {"erasure": 1},
        }.items()
    ),
    Mutant("an old state is trusted", _old_state_is_trusted),
    Mutant("links are not followed", _links_are_not_followed, MERGERS),
    Mutant("unlinks are ignored", _unlinks_are_ignored, MERGERS),
    Mutant("another identity's good rating ends a bad one", partial(_one_identity, "marks"), MERGERS | {"rating": 60}),
    Mutant("another identity's low score ends a high one", partial(_one_identity, "scores"), MERGERS | {"score": 30}),
    Mutant("a visitor's refusal is lost", _visitors_refusals_are_lost, MERGERS | {"consent": 20}),
    Mutant("the newer identity gives the arm", _newer_identity_gives_the_arm, MERGERS),
    Mutant("the visitor of a question is not looked at", _visitor_is_not_looked_at),
    Mutant("what is dated a little ahead has not happened", _what_is_ahead_has_not_happened),
    Mutant("places promised to senders are forgotten", _places_are_forgotten),
    Mutant("two answers share one place", _places_are_shared),
    Mutant("retries are not rechecked", _retries_are_not_rechecked),
    Mutant("rechecks allow all", _rechecks_allow_all),
    Mutant("recovery is forgotten", _recovery_is_forgotten,
           {"complaint": 8, "case_step": 30, "answer": 20, "contact": 60}),
    Mutant("severity does not grow", _severity_does_not_grow, {"case": 15, "case_step": 20}),
    Mutant("exploration draws the barred", _the_barred_are_drawn),
    Mutant("a push is taken for a page", _push_is_taken_for_a_page, {"friction": 15}),
    Mutant("what was released stays released", _released_for_ever, {"release": 30, "case": 10, "case_step": 20}),
    Mutant("predictions are let go beside other holds", _predictions_go_beside_others, {"score": 15}),
    Mutant("holds keep help back too", _help_is_held),
]  # fmt: skip
