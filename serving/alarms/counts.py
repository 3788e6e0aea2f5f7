"""How many different customers were unhappy in a window, and in the same hours of earlier days, by group.

A group is a touchpoint, a carrier, or a touchpoint of the stores. Everyone counts once a window and group, so that one
angry customer who writes ten times is no incident.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from features.instants import DAY, SECOND
from serving.alarms.jump import Floats
from serving.alarms.signals import Sign, Signs

HOUR = 3600 * SECOND
STEADY_ORDERS = 50.0
"""Purchases or parcels a week's activity is blended with, so that a small shop's rate does not follow its noise."""


class Group(NamedTuple):
    """What signs have in common; the fields that are not None say what."""

    kind: str
    touchpoint: str | None = None
    carrier: str | None = None
    channel: str | None = None


class Counts(NamedTuple):
    """Rows are `groups`. `signs` are those of the window that ends now, in order."""

    groups: tuple[Group, ...]
    now: Floats
    before: Floats
    activity: Floats
    signs: dict[Group, list[Sign]]


def groups_of(sign: Sign) -> list[Group]:
    """Every group a sign counts for."""
    groups = []
    if sign.touchpoint is not None:
        groups.append(Group("touchpoint", touchpoint=sign.touchpoint))
        if sign.channel == "store":
            groups.append(Group("store", touchpoint=sign.touchpoint, channel="store"))
    if sign.carrier is not None:
        groups.append(Group("carrier", carrier=sign.carrier))
    return groups


def count(known: Signs, *, now: int, hours: int, baseline_days: int, gap_days: int) -> Counts:
    """Count windows of `hours` that end at `now` and at the same time of each baseline day (ends included).

    In an earlier window a parcel counts as late if it looked so at that window's end, as those of today do.
    """
    ends = [now, *(now - (gap_days + 1 + day) * DAY for day in range(baseline_days))]
    who: dict[Group, list[set[str]]] = defaultdict(lambda: [set() for _ in ends])
    current: dict[Group, list[Sign]] = defaultdict(list)
    for sign in known.signs:
        place = _window(sign, now, hours * HOUR, gap_days)
        groups = groups_of(sign)
        if place is None or place >= len(ends) or (sign.void_at is not None and sign.void_at <= ends[place]):
            continue
        for group in groups:
            who[group][place].add(sign.customer)
            if place == 0:
                current[group].append(sign)
    groups_found = tuple(sorted(who, key=lambda group: tuple(part or "" for part in group)))
    counts = np.array([[len(ids) for ids in who[group]] for group in groups_found], dtype=np.float64)
    counts = counts.reshape(len(groups_found), len(ends))
    activity = np.array([_activity(known, group, ends) for group in groups_found], dtype=np.float64)
    return Counts(groups_found, counts[:, 0], counts[:, 1:], activity.reshape(counts.shape), current)


def _window(sign: Sign, now: int, length: int, gap_days: int) -> int | None:
    """0: the window that ends now; n: the n-th baseline day's; None: between windows, or in the gap."""
    day, past = divmod(now - sign.at, DAY)
    if past >= length:
        return None
    if day == 0:
        return 0
    return day - gap_days if day > gap_days else None


def _activity(known: Signs, group: Group, ends: Sequence[int]) -> list[float]:
    """What went on in the week before each end, blended; 0 before the shop, or the carrier, was there."""
    first = known.carriers[group.carrier][0] if group.carrier and known.carriers.get(group.carrier) else known.first_at
    if first is None:
        return [0.0] * len(ends)
    return [
        known.activity(group.carrier, group.channel, end) + STEADY_ORDERS if first <= end - DAY else 0.0 for end in ends
    ]
