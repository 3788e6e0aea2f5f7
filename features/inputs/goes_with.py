"""What goes with the items of a session: their neighbours in the item table, those of the latest view counting most.

Each item seen gives its neighbours their scores, halved with every `HALF_LIFE` items seen after it, as VS-KNN fades the
views of a session (Jannach and Ludewig 2017, "When recurrent neural networks meet the neighborhood").
"""

from collections.abc import Sequence

import numpy as np

from features.inputs.candidates import Floats, Ints, ItemTable

HALF_LIFE = 2.0
SEEN = 20  # the latest items looked at


def goes_with(items: Sequence[str], table: ItemTable) -> tuple[Ints, Floats]:
    """Rows of the table and their scores, best first; `items` are ids, the latest first, unknown ones passed over.

    Ties go to the more popular item, then to the smaller row.
    """
    index = table.index
    seen = [(place, index[item]) for place, item in enumerate(items[:SEEN]) if item in index]
    score: dict[int, float] = {}
    for place, row in seen:
        near = slice(table.neighbour_start[row], table.neighbour_start[row + 1])
        weight = 0.5 ** (place / HALF_LIFE)
        for other, own in zip(table.neighbour_item[near].tolist(), table.neighbour_score[near].tolist(), strict=True):
            score[other] = score.get(other, 0.0) + weight * own
    rows = np.fromiter(score, np.int64, len(score))
    scores = np.fromiter(score.values(), np.float64, len(score))
    order = np.lexsort((rows, -table.recent_buyers[rows], -scores))
    return rows[order], scores[order]
