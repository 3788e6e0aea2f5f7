"""What a row of a training set sees of the past: one rule for every engine, in whole microseconds since 1970 UTC.

A spine row of key k and time t sees, of each history, the row of k with the newest event time among those with
`event <= t` and `created <= t`. Of the same event time, the one created later; of the same creation too, the one
with greater features, compared in the order of the history's columns, absence below everything: so neither the
order of files nor of rows counts. The row lives while `t - ttl <= event`, the bound of online records; one that has
expired is absent, and no older row takes its place.

A feature row comes into sight at `since = max(event, created)` and is seen until one with a newer event time is in
sight. So with a key's rows in the order of (since, event, created), those whose event time is the greatest so far are
all that can ever be seen, each from its `since` to the next one's: the engines do just that.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from features.columns import EVENT_TIMESTAMP
from features.errors import DataError


@dataclass(frozen=True)
class History:
    """The rows of a feature view over time, as an engine must know them.

    `keys` are (column here, column of the spine); `created` is None where what is known when was not kept, or does not
    matter: then everything is known at its event time. `features` are wanted, `ordering` all of the view's, by which
    full ties are decided. A `ttl` of None or zero means for ever.
    """

    view: str
    keys: tuple[tuple[str, str], ...]
    event: str
    created: str | None
    ttl: timedelta | None
    features: tuple[str, ...]
    ordering: tuple[str, ...]
    known_by_created: bool = True

    @property
    def ttl_us(self) -> int | None:
        """How many microseconds a row lives; None: for ever."""
        return self.ttl // timedelta(microseconds=1) if self.ttl else None


def joined_names(spine: Sequence[str], histories: Sequence[History], *, full: bool = False) -> list[list[str]]:
    """What the features of each history are called beside the columns of a spine.

    Their own name; `view__name` if `full`, or where the spine has a column of that name (in any case of letters).
    Raises `DataError` where that is taken too.

    >>> clicks = History("web", (), "at", None, None, ("clicks", "label"), ())
    >>> joined_names(["who", "label"], [clicks])
    [['clicks', 'web__label']]
    """
    taken = {name.casefold() for name in spine}
    found = []
    for history in histories:
        names = [_name(history.view, feature, taken, full) for feature in history.features]
        taken |= {name.casefold() for name in names}
        found.append(names)
    return found


def check_spine(columns: Collection[str], histories: Sequence[History]) -> None:
    """Raise `DataError` unless a spine of these columns has a time and every key."""
    needed = {EVENT_TIMESTAMP, *(key for history in histories for _, key in history.keys)}
    if missing := sorted(needed - set(columns)):
        raise DataError(
            f"The spine lacks {', '.join(missing)}; it has {', '.join(columns) or 'no columns'}. "
            "Name its columns as the features' keys are named, and its time event_timestamp."
        )


def _name(view: str, feature: str, taken: set[str], full: bool) -> str:
    name = f"{view}__{feature}" if full or feature.casefold() in taken else feature
    if name.casefold() in taken:
        raise DataError(f"Two columns would be called {name}. Rename the spine's column.")
    return name
