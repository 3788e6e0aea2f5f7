"""Boosted trees asked about many rows that share their parts: LightGBM's own numbers, from LightGBM's own text.

The candidates of one customer have her inputs in common, and an item's inputs are the same for everybody. A tree walked
from its root asks all of them again for each row. Here every input by itself rules out the leaves it cannot lead to, as
bits of a mask; masks of inputs are joined by `&`, those of what lasts are kept, and the lowest bit left is the leaf
(QuickScorer: Lucchese et al., SIGIR 2015). Inputs are float32, NaN is absent.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Cells = npt.NDArray[np.float32]
Masks = npt.NDArray[np.unsignedinteger]

MOST_BYTES = 32 * 2**20  # of masks kept, for thresholds and again for what lasts: a larger forest is walked
ROWS_AT_ONCE = 1024
_CATEGORICAL, _DEFAULT_LEFT, _MISSING_ZERO, _MISSING_NAN = 1, 2, 4, 8  # bits of a `decision_type`


class Block(NamedTuple):
    """Some columns of a table of inputs: candidate i has the values `[w]` of row `of[i]` in `columns`.

    With `lasts` the values are one and the same array for every question until the models change.
    """

    columns: slice
    values: Cells
    of: Ints
    lasts: bool = False


@dataclass(frozen=True)
class _Split:
    """A node: rows with `input` up to `threshold` go left; `cleared` are the bits of the leaves to the left."""

    tree: int
    input: int
    threshold: np.float32
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
        self._first = np.arange(len(trees), dtype=np.int64) * most
        splits = [split for _, of_tree in trees for split in of_tree]
        keys = _keys(np.array([s.input for s in splits], np.int64), np.array([s.threshold for s in splits], np.float32))
        self._thresholds = np.unique(keys)
        self._absent = len(self._thresholds) + inputs  # from here on: a row an input for what is absent
        self._masks = np.full((self._absent + inputs, len(trees)), np.iinfo(kind).max, kind)
        for split, place in zip(splits, np.searchsorted(self._thresholds, keys).tolist(), strict=True):
            above = slice(place + split.input + 1, self._end(split.input))
            self._masks[above, split.tree] &= ~kind.type(split.cleared)
            if not split.absent_left:
                self._masks[self._absent + split.input, split.tree] &= ~kind.type(split.cleared)
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

    def sums(self, blocks: Iterable[Block], inputs: Ints, n: int) -> Floats:
        """What the trees add up to for each of `n` rows, in their order; column `inputs[j]` is the input j."""
        masks: list[tuple[Masks, Ints]] = []
        asked: list[tuple[Ints, Cells, Ints]] = []
        for block in blocks:
            own, columns = self._within(block.columns, inputs)
            if not len(own):
                continue
            if (kept := self._kept(block, own, columns)) is not None:
                masks.append((kept, block.of))
            elif len(block.values) > n:
                asked.append((own, block.values[block.of][:, columns], np.arange(n)))
            else:
                asked.append((own, block.values[:, columns], block.of))
        masks += self._ruled_out(asked)
        if len(masks) == 1:
            mask, of = masks[0]
            return self._added(mask)[of]
        found = np.empty(n)
        for start in range(0, n, ROWS_AT_ONCE):
            here = slice(start, start + ROWS_AT_ONCE)
            joined: Masks = np.bitwise_and.reduce([mask.take(of[here], axis=0) for mask, of in masks], axis=0)
            found[here] = self._added(joined)
        return found

    def _within(self, block: slice, inputs: Ints) -> tuple[Ints, Ints]:
        """Which inputs stand in a block, and in which of its columns."""
        key = block.start, block.stop, inputs.tobytes()
        found = self._places.get(key)
        if found is None:
            own = np.flatnonzero((inputs >= block.start) & (inputs < block.stop))
            found = self._places[key] = own, inputs[own] - block.start
        return found

    def _kept(self, block: Block, own: Ints, columns: Ints) -> Masks | None:
        """Masks of what lasts, [k, trees], worked out once; None of what does not, or where there is no room."""
        if not block.lasts or len(block.values) * self._masks[0].nbytes > MOST_BYTES:
            return None
        kept = self._lasting.get(block.columns.start)
        if kept is None or kept[0] is not block.values:
            ((mask, _),) = self._ruled_out([(own, block.values[:, columns], block.of)])
            kept = self._lasting[block.columns.start] = block.values, mask
        return kept[1]

    def _ruled_out(self, asked: Sequence[tuple[Ints, Cells, Ints]]) -> list[tuple[Masks, Ints]]:
        """Masks [k, trees] of cells [k, w] of the inputs `own` [w], each with the rows of candidates as they came."""
        if not asked:
            return []
        cells = np.concatenate([cells.ravel() for _, cells, _ in asked])
        inputs = np.concatenate([np.broadcast_to(own, cells.shape).ravel() for own, cells, _ in asked])
        place = self._thresholds.searchsorted(_keys(inputs, cells)) + inputs
        np.copyto(place, inputs + self._absent, where=cells != cells)
        masks, start = [], 0
        for _, some, of in asked:
            places = place[start : start + some.size].reshape(some.shape)
            start += some.size
            masks.append((self._joined(places), of))
        return masks

    def _joined(self, places: Ints) -> Masks:
        """[k, trees] of rows of masks [k, w]."""
        if places.shape[1] == 1:
            return self._masks.take(places[:, 0], axis=0)
        if len(places) <= ROWS_AT_ONCE:
            joined: Masks = np.bitwise_and.reduce(self._masks.take(places, axis=0), axis=1)
            return joined
        return np.concatenate([self._joined(places[k : k + ROWS_AT_ONCE]) for k in range(0, len(places), ROWS_AT_ONCE)])

    def _added(self, masks: Masks) -> Floats:
        """One tree after the other, as LightGBM adds: the same bits, however many rows there are."""
        one = masks.dtype.type(1)
        lowest = np.bitwise_count((masks - one) & ~masks)
        if len(masks) == 1:  # where numpy would add pairs first
            return np.asarray(self._values.take(lowest + self._first).cumsum(axis=1)[:, -1])
        leaves = np.ascontiguousarray(lowest.T) + self._first[:, None]
        return np.asarray(np.add.reduce(self._values.take(leaves), axis=0))

    def _end(self, of_input: int) -> int:
        """Where the rows of masks of an input end."""
        return int(np.searchsorted(self._thresholds, (of_input + 1) << 32)) + of_input + 1


def _keys(inputs: Ints, cells: Cells) -> Ints:
    """Whole numbers that are in the order of (input, value), the least value of an input above the most of another."""
    bits = (cells + np.float32(0)).view(np.int32).astype(np.int64)  # + 0: of two zeros one
    return (inputs << 32) + np.where(bits < 0, -(bits & 0x7FFFFFFF), bits) + 0x80000000


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
            splits.append(_Split(tree, inputs[node], _at_most(thresholds[node]), absent_left, cleared))
    return in_order, splits


def _at_most(threshold: float) -> np.float32:
    """The largest float32 that is no more: what is no more than the one is no more than the other."""
    near = np.float32(threshold)
    return near if float(near) <= threshold else np.nextafter(near, np.float32(-math.inf))
