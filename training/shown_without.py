"""What a visitor is shown where nothing was learned from sessions: the yardstick for whatever is.

As serving does it (`item_sources.of_this_session`): what goes with her items by past sales, then the like of them, the
popular first. Serving's categories and stock are today's; here they are those of the item table.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from features.inputs.candidates import ItemTable
from features.inputs.goes_with import goes_with
from features.recommenders.sequences import Ints


def shown_without(seen: Sequence[Ints], names: Sequence[str], table: ItemTable, k: int) -> list[list[int]]:
    """The first `k` items for each of some sessions (numbers into `names`, oldest first); -1 for one not in `names`.

    The table must be as of a moment before those sessions.
    """
    number = {name: item for item, name in enumerate(names)}
    of_row = [number.get(name, -1) for name in table.item_id.tolist()]
    lists = []
    for views in seen:
        latest = [names[item] for item in dict.fromkeys(views[::-1].tolist())]
        own = {table.index[name] for name in latest if name in table.index}
        rows = dict.fromkeys(row for row in _rows(latest, table, own) if row not in own)
        lists.append([of_row[row] for row in list(rows)[:k]])
    return lists


def _rows(latest: Sequence[str], table: ItemTable, own: set[int]) -> Iterator[int]:
    yield from goes_with(latest, table)[0].tolist()
    categories = {int(table.category[row]) for row in own} - {-1}
    like = np.flatnonzero(np.isin(table.category, list(categories)))
    yield from like[np.lexsort((like, table.popular_place[like]))].tolist()  # NaN, for the others, sorts last
