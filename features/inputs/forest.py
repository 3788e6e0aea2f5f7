"""Boosted trees asked about many rows that share their parts: LightGBM's own numbers, from LightGBM's own text.

The candidates of one customer have her inputs in common, and an item's inputs are the same for everybody. A tree walked
from its root asks all of them again for each row. Here every input by itself rules out the leaves it cannot lead to, as
bits of a mask; masks of inputs are joined by `&`, those of what lasts are kept, and the lowest bit left is the leaf
(QuickScorer: Lucchese et al., SIGIR 2015). NaN is absent.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.float32] | npt.NDArray[np.float64]
Masks = npt.NDArray[np.unsignedinteger]

MOST_BYTES = 32 * 2**20  # of masks kept, for thresholds and again for what lasts: a larger forest is walked
FEW = 8  # rows of their own whose masks are joined across, not input by input
ROWS_AT_ONCE = 128  # their masks stay in the processor's cache
_CATEGORICAL, _DEFAULT_LEFT, _MISSING_ZERO, _MISSING_NAN = 1, 2, 4, 8  # bits of a `decision_type`


class Block(NamedTuple):
    """Some columns of a table of inputs: candidate i has the values `[w]` of row `of[i]` in `columns`; None: of row i.

    With `lasts` the values are one and the same array for every question until the models change.
    """

    columns: slice
    values: Cells
    of: Ints | None = None
    lasts: bool = False


@dataclass(frozen=True)
class _Split:
    """A node: rows with `input` up to `threshold` go left; `cleared` are the bits of the leaves to the left."""

    tree: int
    input: int
    threshold: float
    absent_left: bool
    cleared: int


class Forest:
    """Trees over `inputs` numbered inputs. Safe to share between threads."""

    def __init__(self, inputs: int, trees: Sequence[tuple[Sequence[float], Sequence[_Split]]]) -> None:
        """Of the leaf values of each tree from left to right, and its splits."""
        most = max((len(leaves) for leaves, _ in trees), default=1)
        kind = next(np.dtype(f"u{size}") for size in (1, 2, 4, 8) if most <= 8 * size)
        self._values = np.zeros(len(trees) * most)
        for t, (leaves, _) in enumerate(trees):
            self._values[t * most : t * most + len(leaves)] = leaves
        self._before = np.arange(len(trees), dtype=np.int64) * most - 1  # where the leaves of each tree begin, less 1
        splits = [split for _, of_tree in trees for split in of_tree]
        self._thresholds = np.unique([*(split.threshold for split in splits), np.inf])
        self._width = len(self._thresholds) + 1
        own = [np.unique([s.threshold for s in splits if s.input == j]) for j in range(inputs)]
        first = np.cumsum(
            [0, *(len(one) + 2 for one in own)]
        )  # rows of masks: between thresholds, then of what is absent
        self._masks = np.full((first[-1], len(trees)), np.iinfo(kind).max, kind)
        self._row = np.empty((inputs, self._width), np.int32)
        for j, thresholds in enumerate(own):
            self._row[j, :-1] = first[j] + np.searchsorted(thresholds, self._thresholds)
            self._row[j, -1] = first[j + 1] - 1
        for split in splits:
            begins, absent = first[split.input], first[split.input + 1] - 1
            above = begins + 1 + np.searchsorted(own[split.input], split.threshold)
            self._masks[above:absent, split.tree] &= ~kind.type(split.cleared)
            if not split.absent_left:
                self._masks[absent, split.tree] &= ~kind.type(split.cleared)
        self._places: dict[tuple[int, int, bytes], tuple[Ints, Ints]] = {}
        self._lasting: dict[int, tuple[Cells, Masks]] = {}

    @classmethod
    def read(cls, text: str) -> "Forest | None":
        """From LightGBM's text; None where trees are not of plain thresholds, too leafy, or too many to keep masks."""
        header, *trees = text.partition("\nend of trees")[0].split("\nTree=")
        if "\naverage_output" in header:  # a random forest
            return None
        told = _told(header)
        inputs, made = int(told["max_feature_idx"]) + 1, []
        for number, tree in enumerate(trees):
            found = _tree(number, _told(tree))
            if found is None:
                return None
            made.append(found)
        most = max((len(leaves) for leaves, _ in made), default=1)
        rows = sum(len(splits) for _, splits in made) + 2 * inputs
        return None if most > 64 or rows * len(made) * most / 8 > MOST_BYTES else cls(inputs, made)

    def sums(self, blocks: Iterable[Block], inputs: Ints, n: int) -> tuple[Floats, Ints | None]:
        """What the trees add up to, in their order, for each of `n` rows; column `inputs[j]` is the input j.

        Where the trees look into one block alone it is one sum for each of its rows, and which of them each row has.
        """
        shared: list[tuple[Masks, Ints]] = []
        single: list[Ints] = []
        for block in blocks:
            rows, columns = self._within(block.columns, inputs)
            if not len(rows):
                continue
            values, of = block.values, block.of
            if of is not None and (kept := self._kept(block, rows, columns)) is not None:
                shared.append((kept, of))
                continue
            if of is not None and len(values) > n:
                values, of = values[of], None
            places = self._looked_up(values[:, columns], rows)
            if of is None and n > FEW:
                single.extend(places.T)
            else:
                shared.append((self._joined(places), np.arange(n) if of is None else of))
        if len(shared) == 1 and not single and len(shared[0][0]) <= n:
            return self._added(shared[0][0]), shared[0][1]
        parts = [*shared, *((self._masks, row) for row in single)]
        found = np.empty(n)
        for start in range(0, n, ROWS_AT_ONCE):
            here = slice(start, start + ROWS_AT_ONCE)
            found[here] = self._added(_met(parts, here))
        return found, None

    def _within(self, block: slice, inputs: Ints) -> tuple[Ints, Ints]:
        """Where the inputs that stand in a block begin in `_row`, and in which columns of the block they are."""
        key = block.start, block.stop, inputs.tobytes()
        found = self._places.get(key)
        if found is None:
            own = np.flatnonzero((inputs >= block.start) & (inputs < block.stop))
            found = self._places[key] = own * self._width, inputs[own] - block.start
        return found

    def _kept(self, block: Block, rows: Ints, columns: Ints) -> Masks | None:
        """Masks of what lasts, [k, trees], worked out once; None of what does not, or where there is no room."""
        if not block.lasts or len(block.values) * self._masks[0].nbytes > MOST_BYTES:
            return None
        kept = self._lasting.get(block.columns.start)
        if kept is None or kept[0] is not block.values:
            kept = block.values, self._joined(self._looked_up(block.values[:, columns], rows))
            self._lasting[block.columns.start] = kept
        return kept[1]

    def _looked_up(self, cells: Cells, rows: Ints) -> Ints:
        """The row of masks of each of the cells [k, w], whose inputs begin at `rows` [w]; NaN comes after all else."""
        return np.asarray(self._row.take(self._thresholds.searchsorted(cells) + rows))

    def _joined(self, places: Ints) -> Masks:
        """[k, trees] of rows of masks [k, w]."""
        if len(places) <= ROWS_AT_ONCE:
            joined: Masks = np.bitwise_and.reduce(self._masks.take(places, axis=0), axis=1)
            return joined
        return np.concatenate([self._joined(places[k : k + ROWS_AT_ONCE]) for k in range(0, len(places), ROWS_AT_ONCE)])

    def _added(self, masks: Masks) -> Floats:
        """One tree after the other, as LightGBM adds: the same bits, however many rows there are."""
        up_to_lowest = np.bitwise_count(masks ^ (masks - masks.dtype.type(1)))
        if len(masks) == 1:  # where numpy would add pairs first
            return np.asarray(self._values.take(up_to_lowest + self._before).cumsum(axis=1)[:, -1])
        leaves = np.ascontiguousarray(up_to_lowest.T) + self._before[:, None]
        return np.asarray(np.add.reduce(self._values.take(leaves), axis=0))


def _met(parts: Sequence[tuple[Masks, Ints]], here: slice) -> Masks:
    """[k, trees] of some rows: the masks of all parts joined."""
    (masks, of), *others = parts
    met = masks.take(of[here], axis=0)
    for masks, of in others:
        met &= masks if len(masks) == 1 else masks.take(of[here], axis=0)
    return met


def _told(part: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in part.splitlines() if "=" in line)


def _tree(tree: int, told: dict[str, str]) -> tuple[list[float], list[_Split]] | None:
    """Leaf values from left to right, and the splits; None where one is not a plain threshold."""
    values = [float(v) for v in told["leaf_value"].split()]
    if len(values) == 1:
        return values, []
    if told.get("is_linear", "0") != "0":
        return None
    kinds = [int(v) for v in told["decision_type"].split()]
    if any(kind & (_CATEGORICAL | _MISSING_ZERO) for kind in kinds):
        return None
    left, right = ([int(v) for v in told[side].split()] for side in ("left_child", "right_child"))
    inputs = [int(v) for v in told["split_feature"].split()]
    thresholds = [float(v) for v in told["threshold"].split()]
    in_order: list[float] = []
    splits: list[_Split] = []
    waiting: list[tuple[int, int]] = [(0, -1)]  # node, and where its leaves begin, once those to its left are laid out
    while waiting:
        node, begins = waiting.pop()
        if node < 0:
            in_order.append(values[-1 - node])
        elif begins < 0:
            waiting += [(right[node], -1), (node, len(in_order)), (left[node], -1)]
        else:
            cleared = (1 << len(in_order)) - (1 << begins)
            missing_is_nan = bool(kinds[node] & _MISSING_NAN)
            absent_left = bool(kinds[node] & _DEFAULT_LEFT) if missing_is_nan else thresholds[node] >= 0.0
            splits.append(_Split(tree, inputs[node], thresholds[node], absent_left, cleared))
    return in_order, splits
