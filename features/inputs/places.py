"""Places of rows within their groups, and the rows of keys: what sorts whole batches of customers at once."""

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
MANY = 2000  # rows from which two sorts of one column beat one sort of all columns


def places(group: Ints, *by: npt.NDArray[Any]) -> Ints:
    """Place of each row within its group when sorted ascending by `by`, the first column first.

    Groups are whole numbers from 0; NaN comes last; equal rows keep their order.

    >>> places(np.array([0, 1, 1, 1]), np.array([5.0, 2.0, 1.0, 2.0]), np.array([0, 9, 0, 8])).tolist()
    [0, 2, 0, 1]
    """
    order, ascending = in_order(group, *by)
    place = np.empty(len(group), np.int64)
    place[order] = ascending
    return place


def first_of(most: int, group: Ints, *by: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which rows are among the first `most` of their group, in the order of `places`; sorts only where it has to."""
    if len(group) <= most or np.bincount(group).max() <= most:
        return np.ones(len(group), np.bool_)
    return places(group, *by) < most


def in_order(group: Ints, *by: npt.NDArray[Any]) -> tuple[Ints, Ints]:
    """The rows sorted by group, then as `places` sorts them, and the place of each of these within its group."""
    order = np.lexsort((*reversed(by), group)) if len(group) < MANY else _sorted_by_first(group, *by)
    place = np.arange(len(group))
    sizes = np.bincount(group) if len(group) else place
    if len(sizes) > 1:
        place -= (sizes.cumsum() - sizes).repeat(sizes)
    return order, place


def _sorted_by_first(group: Ints, *by: npt.NDArray[Any]) -> Ints:
    """What `np.lexsort` gives: sorted by the first column alone, then by group; only ties look at all columns."""
    order = np.argsort(by[0])
    narrow = group.astype(np.min_scalar_type(group.max()))  # sorted by counting up to 65,535 groups
    order = order[np.argsort(narrow[order], kind="stable")]
    first, of = by[0][order], group[order]
    same = ~(first[1:] > first[:-1]) & (of[1:] == of[:-1])
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    rows = np.sort(order[tied])
    order[tied] = rows[np.lexsort((*(column[rows] for column in reversed(by)), group[rows]))]
    return order


def rows_at(ascending: Ints, wanted: Ints) -> Ints:
    """The row of each wanted key among unique keys in ascending order, -1 where it is absent."""
    if not len(ascending):
        return np.full(len(wanted), -1, np.int64)
    found = np.minimum(ascending.searchsorted(wanted), len(ascending) - 1)
    return np.where(ascending[found] == wanted, found, -1)


def grouped(keys: Ints) -> tuple[Ints, Ints]:
    """Each key once, ascending, and for each given key which of these it is.

    >>> [part.tolist() for part in grouped(np.array([7, 3, 7]))]
    [[3, 7], [1, 0, 1]]
    """
    order = np.argsort(keys, kind="stable")
    ascending = keys[order]
    first = _firsts(ascending)
    which = np.empty(len(keys), np.int64)
    which[order] = first.cumsum() - 1
    return ascending[first], which


def _firsts(ascending: Ints) -> npt.NDArray[np.bool_]:
    """Where a key is the first of its equals."""
    first = np.ones(len(ascending), np.bool_)
    np.not_equal(ascending[1:], ascending[:-1], out=first[1:])
    return first
