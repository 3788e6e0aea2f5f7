"""Relations that lead from an item back to itself: A replaces B, B replaces A."""

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from features.catalogue import RELATIONS, changes_of, items_at
from features.catalogue_checks import pairs_of
from features.columns import ITEM_ID

_VERBS = {"accessory_of": "is an accessory of", "service_for": "is a service for", "replaces": "replaces"}


@dataclass(frozen=True)
class Loop:
    """A way round, its least item first; `since` is when it begins to hold (None: always did)."""

    relation: str
    items: tuple[str, ...]
    since: datetime | None = None

    def __str__(self) -> str:
        round_trip = f" {_VERBS[self.relation]} ".join([*self.items, self.items[0]])
        since = "" if self.since is None else f" from {self.since:%Y-%m-%d %H:%M} UTC on"
        return f"{round_trip}{since}"


def loops_of(items: pa.Table) -> list[Loop]:
    """The loops that hold at any moment, one for each knot of items that lead to each other.

    Rows of the same item are looked at together first; only where that shows a knot, moment by moment.
    """
    found: dict[tuple[str, tuple[str, ...]], Loop] = {}
    for relation in RELATIONS:
        knotted = {item for knot in _knots(_edges(items, relation)) for item in knot}
        if not knotted:
            continue
        part = items.filter(pc.is_in(items[ITEM_ID], value_set=pa.array(sorted(knotted))))
        for moment in (None, *changes_of(part)):
            valid = part.filter(pc.is_null(part["valid_from"])) if moment is None else items_at(part, moment)
            edges = _edges(valid, relation)
            for knot in _knots(edges):
                way = _way_round(edges, knot)
                found.setdefault((relation, way), Loop(relation, way, moment))
    return list(found.values())


Edges = list[tuple[str, str]]


def _edges(items: pa.Table, relation: str) -> Edges:
    pairs = pairs_of(items, relation)
    edges = zip(pairs["item"].to_pylist(), pairs["other"].to_pylist(), strict=True)
    return sorted({(one, other) for one, other in edges if one is not None and other is not None and one != other})


def _knots(edges: Edges) -> list[set[str]]:
    """The sets of two or more items each of which leads to all others.

    >>> _knots([("a", "b"), ("b", "c"), ("c", "b")])[0] == {"b", "c"}
    True
    """
    names = sorted({item for edge in edges for item in edge})
    if not names:
        return []
    place = {name: number for number, name in enumerate(names)}
    starts, ends = (np.array([place[edge[side]] for edge in edges]) for side in (0, 1))
    graph = coo_array((np.ones(len(edges), np.int8), (starts, ends)), shape=(len(names), len(names)))
    _, part = connected_components(graph.tocsr(), directed=True, connection="strong")
    large = np.flatnonzero(np.bincount(part) > 1)
    members: Mapping[int, set[str]] = {int(one): set() for one in large}
    for number in np.flatnonzero(np.isin(part, large)).tolist():
        members[int(part[number])].add(names[number])
    return list(members.values())


def _way_round(edges: Iterable[tuple[str, str]], knot: Collection[str]) -> tuple[str, ...]:
    """The shortest way from the least item of a knot back to it."""
    after: dict[str, list[str]] = {}
    for one, other in edges:
        if one in knot and other in knot:
            after.setdefault(one, []).append(other)
    start = min(knot)
    came_from: dict[str, str] = {}
    waiting = deque([start])
    while start not in came_from:
        here = waiting.popleft()
        for there in after[here]:
            if there not in came_from:
                came_from[there] = here
                waiting.append(there)
    way = [came_from[start]]
    while way[-1] != start:
        way.append(came_from[way[-1]])
    return tuple(reversed(way))
