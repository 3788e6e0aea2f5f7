"""A policy and actions tried on a sample of customers: who would get another answer, where, and why. Writes nothing.

Both sides are decided by the same engine, at the same moment, on what the store said at that moment, and with the same
draws: without a change that matters nothing differs, whatever is left to chance.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import msgspec

from features.errors import DataError
from features.log.connection import one_moment
from serving.core.catalogue import Catalogue
from serving.core.decision import Decision
from serving.core.policy import Policy
from serving.core.question import Request
from serving.desk.difference import Difference, difference
from serving.desk.sample import Sample
from serving.in_force import InForce
from serving.service import DecisionService

EXAMPLES = 10
_AT_ONCE = 100


class Place(msgspec.Struct, frozen=True):
    """Where both sides are asked: a placement and the first channel that both have for it."""

    placement: str
    channel: str
    outbound: tuple[bool, bool]


class Transition(msgspec.Struct, frozen=True):
    """So many customers of the sample would get `after` instead of `before`."""

    before: str
    after: str
    customers: int


class PlaceTrial(msgspec.Struct, frozen=True, kw_only=True):
    """One placement. All counts are customers of the sample.

    `changed` would get another action, `reworded` the same one in another form, in other words or with other products.
    `bars` are gates that would stand before what they get now, `opens` those that would no more stand before what they
    would get. `contacts` are outbound answers, before and after; (0, 0) on-site.
    """

    placement: str
    channel: str
    outbound: bool
    changed: int
    reworded: int
    transitions: list[Transition]
    bars: dict[str, int]
    opens: dict[str, int]
    contacts: tuple[int, int]


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What would differ. `changed` would get another action somewhere, `estimated` so many of the whole shop.

    `left_out` says which placements cannot be compared, and why.
    """

    as_of: datetime
    sampled: int
    held: int
    with_cases: int
    customers: int
    changed: int
    reworded: int
    estimated: float
    contacts: tuple[int, int]
    placements: list[PlaceTrial]
    left_out: list[str]
    examples: list[Difference]


def tried(
    service: DecisionService,
    policy: Policy,
    catalogue: Catalogue,
    sample: Sample,
    now: datetime,
    *,
    placements: Sequence[str] = (),
    done: Callable[[int], None] = lambda number: None,
) -> Trial:
    """A proposed policy and catalogue against what is in force at `now`. Raises `DataError` for an unknown placement.

    `done` is told how many customers were looked at.
    """
    force = service.in_force(now)
    proposed = replace(force, policy=replace(policy, hash=force.policy.hash), catalogue=catalogue)
    places, left_out = compared(force.policy, policy, placements)
    found: list[Difference] = []
    contacts: dict[str, Counter[bool]] = {place.placement: Counter() for place in places}
    for start in range(0, len(sample.keys), _AT_ONCE):
        for place, before, after in _both(
            service, (force, proposed), places, sample.keys[start : start + _AT_ONCE], now
        ):
            for late, decision in ((False, before), (True, after)):
                contacts[place.placement][late] += place.outbound[late] and bool(decision.actions)
            different = difference(before, after, (force.catalogue, catalogue))
            if different is not None:
                found.append(different)
        done(min(start + _AT_ONCE, len(sample.keys)))
    changed = {one.customer_id for one in found if one.before != one.after}
    by_place = [_place(place, found, contacts[place.placement]) for place in places]
    return Trial(
        as_of=now,
        sampled=len(sample.keys),
        held=sample.held,
        with_cases=sample.with_cases,
        customers=sample.customers,
        changed=len(changed),
        reworded=len({one.customer_id for one in found} - changed),
        estimated=sum(sample.weight(k) for k, key in enumerate(sample.keys) if key in changed),
        contacts=(sum(p.contacts[0] for p in by_place), sum(p.contacts[1] for p in by_place)),
        placements=by_place,
        left_out=left_out,
        examples=_examples(found),
    )


def compared(old: Policy, new: Policy, wanted: Sequence[str]) -> tuple[list[Place], list[str]]:
    """Where both policies can be asked, and where not. Raises `DataError` for a placement that neither has."""
    places, left_out = [], []
    for name in dict.fromkeys(wanted or (*old.file.placements, *new.file.placements)):
        before, after = old.placement(name), new.placement(name)
        if before is None and after is None:
            known = ", ".join(old.file.placements)
            raise DataError(f"placement {name!r} is in neither policy. Name one of {known}, or leave it out for all.")
        if before is None or after is None:
            left_out.append(f"{name}: {'new' if before is None else 'removed'}")
            continue
        both = [channel for channel in before.channels if channel in after.channels]
        if both:
            places.append(Place(name, both[0], (before.outbound, after.outbound)))
        else:
            left_out.append(f"{name}: by other channels")
    return places, left_out


def _both(
    service: DecisionService,
    forces: tuple[InForce, InForce],
    places: Sequence[Place],
    keys: Sequence[str],
    now: datetime,
) -> Iterator[tuple[Place, Decision, Decision]]:
    """What each of `keys` gets in each place, under the one and under the other."""
    with one_moment(service.records.connection()):
        read = [service.read([_asked(key, places[0], now, now) for key in keys], force) for force in forces]
    for place in places:
        send_at = forces[0].policy.sendable_from(now, place.channel) if place.outbound[0] else now
        requests = [_asked(key, place, now, send_at) for key in keys]
        decided = [service.decided_under(f, requests, r) for f, r in zip(forces, read, strict=True)]
        yield from ((place, before, after) for before, after in zip(*decided, strict=True))


def _asked(key: str, place: Place, now: datetime, send_at: datetime) -> Request:
    return Request(
        customer_id=key,
        channel=place.channel,
        placement=place.placement,
        mode="simulate",
        now=now,
        send_at=send_at if send_at > now else None,
    )


def _place(place: Place, found: Sequence[Difference], contacts: Counter[bool]) -> PlaceTrial:
    here = [one for one in found if one.placement == place.placement]
    changed = [one for one in here if one.before != one.after]
    moves = Counter((one.before, one.after) for one in changed)
    return PlaceTrial(
        placement=place.placement,
        channel=place.channel,
        outbound=place.outbound[1],
        changed=len(changed),
        reworded=len(here) - len(changed),
        transitions=[Transition(*move, n) for move, n in sorted(moves.items(), key=lambda m: (-m[1], m[0]))],
        bars=_counted(one.bars for one in changed),
        opens=_counted(one.opens for one in changed),
        contacts=(contacts[False], contacts[True]),
    )


def _counted(gates: Iterator[tuple[str, ...]]) -> dict[str, int]:
    return dict(Counter(gate for some in gates for gate in some).most_common())


def _examples(found: Sequence[Difference]) -> list[Difference]:
    """Some of each kind of change first, each customer once, other words for the same action last."""
    chosen: dict[str, Difference] = {}
    kinds: set[tuple[str, str]] = set()
    ordered = sorted(found, key=lambda one: one.before == one.after)
    for fresh_only in (True, False):
        for one in ordered:
            known = fresh_only and (one.before, one.after) in kinds
            if len(chosen) < EXAMPLES and one.customer_id not in chosen and not known:
                chosen[one.customer_id] = one
                kinds.add((one.before, one.after))
    return list(chosen.values())
