"""What is wrong with rows of a catalogue, each fault with its place, value and remedy, and what they leave unsaid."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.catalogue import MONEY, RELATIONS
from features.columns import ITEM_ID
from features.log.rules import is_plain_id

LONGEST_ID = 200
LARGEST_MONEY = 10**12
COSTS = {
    "title": "answers name it by its id alone",
    "category": "no suggestions by what she looks into in this session; a return does not count against its like",
    "price": "without a margin either, the policy's default margin is taken",
    "margin": "its margin is taken as the policy's share of its price",
    "in_stock": "it is shown whether it can be had or not, until its stock is told",
    "consumable": "an owner is shown it again only as a favourite",
}
"""What it costs where the catalogue does not say."""

Place = Callable[[int], str]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Fault:
    """One thing wrong, or worth knowing: `place` says where in words, `row` the place in the table from 0."""

    place: str
    row: int
    item_id: str | None
    column: str
    value: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        who = f" ({self.item_id})" if self.item_id and self.column != ITEM_ID else ""
        return f"{self.place}{who}: {self.column} {self.value} {self.problem}. {self.remedy}"


def faults_of(items: pa.Table, place: Place) -> list[Fault]:
    """What is wrong with rows (any of `ITEM_SCHEMA`'s columns as given, types as there), each row by itself."""
    found = [
        _fault(items, place, row, *words)
        for rows, *words in (*_of_ids(items, place), *_of_values(items), *_of_times(items), *_of_relations(items))
        for row in rows.tolist()
    ]
    return sorted(found, key=lambda fault: fault.row)


def warnings_of(items: pa.Table, place: Place, known: pa.Array) -> list[Fault]:
    """What is taken as it is but looks wrong: a margin above the price, a relation to an item not among `known`."""
    over = pc.greater(items["margin"], items["price"])
    found = [
        _fault(items, place, row, "margin", "is above the price", "Is it per piece, and in the same minor units?")
        for row in _where(over).tolist()
    ]
    for name in RELATIONS:
        pairs = pairs_of(items, name)
        unknown = pc.invert(pc.is_in(pairs["other"], value_set=known))
        for row, other in zip(*(pairs.filter(unknown)[c].to_pylist() for c in ("row", "other")), strict=True):
            words = ("names an item that the catalogue does not have", "Import that item too, or correct its id.")
            found.append(_fault(items, place, row, name, *words, value=repr(other)))
    return sorted(found, key=lambda fault: fault.row)


def unsaid(items: pa.Table) -> dict[str, int]:
    """Of how many rows each column of `COSTS` is null, where it is of any."""
    counts = {name: int(items[name].null_count) for name in COSTS}
    return {name: count for name, count in counts.items() if count}


def pairs_of(items: pa.Table, relation: str) -> pa.Table:
    """One row a relation: `row` in the table, `item`, `other`."""
    lists = items[relation].combine_chunks()
    rows = pc.list_parent_indices(lists)
    return pa.table({"row": rows, "item": items[ITEM_ID].take(rows), "other": pc.list_flatten(lists)})


Words = tuple[Rows, str, str, str]


def _of_ids(items: pa.Table, place: Place) -> Iterator[Words]:
    ids = items[ITEM_ID]
    yield _where(pc.is_null(ids)), ITEM_ID, "is missing", "Give the row one, or leave it out."
    texts = ids.to_pylist()
    bad = [
        row for row, one in enumerate(texts) if one is not None and not (is_plain_id(one) and len(one) <= LONGEST_ID)
    ]
    remedy = f"Use 1 to {LONGEST_ID} characters, none of them invisible, no space at its ends."
    yield np.array(bad, np.int64), ITEM_ID, "is no usable id", remedy
    first: dict[tuple[Any, Any], int] = {}
    for row, key in enumerate(zip(texts, items["valid_from"].cast(pa.int64()).to_pylist(), strict=True)):
        if key[0] is not None and first.setdefault(key, row) != row:
            remedy = "Keep one of them, or give the later one a valid_from of its own."
            yield np.array([row]), ITEM_ID, f"is there twice (see {place(first[key])})", remedy


def _of_values(items: pa.Table) -> Iterator[Words]:
    for name in MONEY:
        yield _where(pc.less(items[name], 0)), name, "is below 0", "State minor units (cents), 0 or more."
        remedy = "State minor units (cents); is it in another currency's units?"
        yield _where(pc.greater(items[name], LARGEST_MONEY)), name, f"is above {LARGEST_MONEY}", remedy
    months = items["season_months"].combine_chunks()
    of_row, each = pc.list_parent_indices(months), pc.list_flatten(months)
    outside = pc.or_(pc.or_(pc.less(each, 1), pc.greater(each, 12)), pc.is_null(each))
    rows = np.unique(of_row.filter(pc.fill_null(outside, True)).to_numpy())
    yield rows, "season_months", "has a month outside 1 to 12", "Name months 1 to 12, or leave it empty for all year."


def _of_times(items: pa.Table) -> Iterator[Words]:
    ended = pc.less_equal(items["valid_to"], items["valid_from"])
    remedy = "Correct one of them: the row is valid from valid_from on, up to and without valid_to."
    yield _where(ended), "valid_to", "is not after valid_from", remedy


def _of_relations(items: pa.Table) -> Iterator[Words]:
    for name in RELATIONS:
        pairs = pairs_of(items, name)
        itself = np.unique(pairs.filter(pc.equal(pairs["item"], pairs["other"]))["row"].to_numpy())
        yield itself, name, "names the item itself", "Take it out of its own list."
        none = pc.or_kleene(pc.is_null(pairs["other"]), pc.equal(pairs["other"], ""))
        empty = np.unique(pairs.filter(pc.fill_null(none, True))["row"].to_numpy())
        yield empty, name, "has an empty entry", "Take it out, or name the item."


def _is_id(text: str) -> bool:
    return len(text) <= LONGEST_ID and is_plain_id(text)


def _where(mask: Any) -> Rows:
    found: Rows = np.flatnonzero(pc.fill_null(mask, False).to_numpy())
    return found


def _fault(
    items: pa.Table, place: Place, row: int, column: str, problem: str, remedy: str, value: str | None = None
) -> Fault:
    told = repr(_plain(items[column][row].as_py())) if value is None else value
    return Fault(place(row), row, items[ITEM_ID][row].as_py(), column, told, problem, remedy)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | list) else str(value)
