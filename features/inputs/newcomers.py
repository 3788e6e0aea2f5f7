"""New items that nobody has bought yet, put into the item table by what they are: their category and their price.

A newcomer goes with the items of its category, or of the one above where its own has none, the more the nearer their
prices are. So it is proposed to those who buy its like, and the ranker judges it as it judges any candidate.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.columns import TIME
from features.inputs.candidates import DAY, Floats, Ints, ItemTable
from features.inputs.places import places

NEW_DAYS = 90.0  # listed longer ago and never bought: no newcomer, and no candidate
LIKES = 20  # items that a newcomer goes with
A_LIKE = 3  # newcomers that go with one item
AS_BOUGHT = 0.1  # what being alike is worth beside being bought together
PRICE_UNKNOWN = 0.5


class Newcomer(NamedTuple):
    """An item that was listed lately; `listed_at` is epoch seconds, `price` minor units, NaN where not told."""

    item_id: str
    category: str
    price: float
    listed_at: float


def newcomers_of(items: pa.Table, at: float) -> list[Newcomer]:
    """The items with a category that were first listed in the days before `at` (epoch seconds); rows of the catalogue.

    What is listed without a date has always been there.
    """
    listed = pc.divide(pc.cast(items["valid_from"].cast(TIME), pa.int64()), 1e6)
    rows = zip(*(c.to_pylist() for c in (items["item_id"], items["category"], items["price"], listed)), strict=True)
    found: dict[str, Newcomer] = {}
    old = set()
    for item, category, price, since in rows:
        if since is None or since <= at - NEW_DAYS * DAY:
            old.add(item)
        elif category and since <= at:
            first = min(since, found[item].listed_at) if item in found else since
            found[item] = Newcomer(item, category, float("nan") if price is None else float(price), first)
    return [one for item, one in sorted(found.items()) if item not in old]


def with_newcomers(table: ItemTable, newcomers: Iterable[Newcomer]) -> ItemTable:
    """The table with those of the newcomers that it does not have; newcomers that are like nothing are left out."""
    unknown = sorted(one for one in newcomers if one.item_id not in table.index)
    branches = _branches(table) if unknown else {}
    found = ((one, _likes(one, table, branches)) for one in unknown)
    alike = [(one, likes) for one, likes in found if len(likes[0])]
    if not alike:
        return table
    new, old = len(alike), len(table)
    ids = np.concatenate([table.item_id, np.array([one.item_id for one, _ in alike], np.str_)])
    order = np.argsort(ids, kind="stable")
    row = np.empty(len(ids), np.int64)
    row[order] = np.arange(len(ids))

    def column(known: npt.NDArray[np.float32], added: Sequence[float]) -> npt.NDArray[np.float32]:
        return np.concatenate([known, np.array(added, np.float32)])[order]

    names = sorted({one.category for one, _ in alike} - set(table.categories.tolist()))
    categories = np.concatenate([table.categories, np.array(names, np.str_)]) if names else table.categories
    code = {name: n for n, name in enumerate(categories.tolist())}
    start, neighbour, score = _edges(table, [likes for _, likes in alike], row)
    return replace(
        table,
        item_id=ids[order],
        buyers=column(table.buyers, [0.0] * new),
        recent_buyers=column(table.recent_buyers, [0.0] * new),
        repeat_rate=column(table.repeat_rate, [_mean(table.repeat_rate[likes]) for _, (likes, _) in alike]),
        gap_days=column(table.gap_days, [_mean(table.gap_days[likes]) for _, (likes, _) in alike]),
        price=column(table.price, [one.price for one, _ in alike]),
        category=np.concatenate([table.category, np.array([code[one.category] for one, _ in alike], np.int32)])[order],
        categories=categories,
        popular=row[:old][table.popular].astype(np.int32),
        neighbour_start=start,
        neighbour_item=neighbour,
        neighbour_score=score,
    )


def _branches(table: ItemTable) -> dict[str, Ints]:
    """Rows of the items of each category path, those of its branches included."""
    rows: dict[str, list[int]] = {}
    paths = table.categories.tolist()
    for row, code in enumerate(table.category.tolist()):
        path = paths[code] if code >= 0 else ""
        while path:
            rows.setdefault(path, []).append(row)
            path = path.rpartition("/")[0]
    return {path: np.array(found, np.int64) for path, found in rows.items()}


def _likes(one: Newcomer, table: ItemTable, branches: Mapping[str, Ints]) -> tuple[Ints, Floats]:
    """Rows of the nearest items of its category, or of the nearest one above that has any, and how near they are."""
    path, depth = one.category, one.category.count("/") + 1
    while path and path not in branches:
        path = path.rpartition("/")[0]
    if not path:
        return np.empty(0, np.int64), np.empty(0)
    rows = branches[path]
    apart = np.abs(np.log1p(table.price[rows].astype(np.float64)) - np.log1p(one.price))
    near = (path.count("/") + 1) / depth * np.where(np.isnan(apart), PRICE_UNKNOWN, np.exp(-apart))
    best = np.lexsort((rows, -table.buyers[rows], -near))[:LIKES]
    return rows[best], near[best]


def _edges(
    table: ItemTable, alike: Sequence[tuple[Ints, Floats]], row: Ints
) -> tuple[Ints, npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Neighbours as in the table, newcomers and their like among them, best first, for items at their new rows."""
    old = len(table)
    newcomer = np.repeat(np.arange(old, old + len(alike)), [len(rows) for rows, _ in alike])
    like = np.concatenate([rows for rows, _ in alike])
    near = AS_BOUGHT * np.concatenate([scores for _, scores in alike])
    shown = places(like, -near, newcomer) < A_LIKE
    seller = np.repeat(np.arange(old), np.diff(table.neighbour_start))
    item = row[np.concatenate([seller, newcomer, like[shown]])]
    other = row[np.concatenate([table.neighbour_item, like, newcomer[shown]])]
    score = np.concatenate([table.neighbour_score.astype(np.float64), near, near[shown]])
    order = np.lexsort((other, -score, item))
    start = np.concatenate([[0], np.cumsum(np.bincount(item, minlength=len(row)))]).astype(np.int64)
    return start, other[order].astype(np.int32), score[order].astype(np.float32)


def _mean(values: npt.NDArray[np.float32]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
