"""What the lookout keeps of a customer: a row for each of her lines on the desk's lists, in the order of the list.

Rows of a list that every filter takes or leaves together are a group; how many a group has is counted as rows come and
go, so that no total needs a count.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from features.customer.view_parts import case_views
from features.instants import MINUTE, from_us, to_us
from serving.desk.lens import Lens, Standing, look
from serving.desk.watch_list import Filters, Watched
from serving.desk.work_list import Work, WorkFilters

List = Literal["watch", "work", "erased"]
"""The desk's lists, and who was forgotten: on none of them, but not to be sold to either."""
Order = tuple[int, int, int, int, int, str, str]
"""Five numbers, the customer and the hold: an entry's place on its list, with zeros and blanks for what it has not."""


class Row(NamedTuple):
    """A line kept; `nth` tells lines of the same place apart."""

    list: List
    group: str
    order: Order
    nth: int

    @property
    def customer_id(self) -> str:
        """Whose line it is."""
        return self.order[5]

    @property
    def line(self) -> tuple[str, str, int]:
        """What it is about, wherever it stands: the customer, the hold, and which of those."""
        return (*self.order[5:], self.nth)


def watch_order(place: tuple[bool, int, int, str, str]) -> Order:
    """The place of an entry of the watch list."""
    reviewed, gravity, since, customer, hold = place
    return (int(reviewed), gravity, since, 0, 0, customer, hold)


def watch_place(order: Order) -> tuple[bool, int, int, str, str]:
    """The place that `watch_order` was given."""
    return (bool(order[0]), order[1], order[2], order[5], order[6])


def work_order(place: tuple[bool, int, int, int, int, str]) -> Order:
    """The place of a customer on the work list."""
    called, gravity, kind, value, since, customer = place
    return (int(called), gravity, kind, value, since, customer, "")


def work_place(order: Order) -> tuple[bool, int, int, int, int, str]:
    """The place that `work_order` was given."""
    return (bool(order[0]), *order[1:5], order[5])


def watch_group(one: Watched) -> str:
    """The group of an entry: its kind, gravity, and whether it is past review."""
    return f"{one.kind} {one.severity} {one.past_review:d}"


def takes_watched(filters: Filters, group: str) -> bool:
    """As `Filters.take` of any entry of the group."""
    kind, severity, past = group.split()
    return (
        filters.kind in (None, kind)
        and int(severity) >= filters.min_severity
        and filters.past_review in (None, past == "1")
    )


def work_group(one: Work) -> str:
    """The group of a customer: her kinds of tasks, each with its gravest."""
    return " ".join(f"{kind}:{severity}" for kind, severity in sorted(_gravest(one).items()))


def kinds_of(group: str) -> dict[str, int]:
    """The kinds of tasks of a group of the work list, each with its gravest."""
    return {kind: int(severity) for kind, severity in (part.split(":") for part in group.split())}


def takes_work(filters: WorkFilters, group: str) -> bool:
    """As `WorkFilters.take` of any customer of the group."""
    return any(
        filters.kind in (None, kind) and severity >= filters.min_severity for kind, severity in kinds_of(group).items()
    )


def rows_of(watched: Iterable[Watched], works: Iterable[Work], erased: Iterable[str]) -> list[Row]:
    """The rows of some customers."""
    found = numbered("erased", [("erased", (0, 0, 0, 0, 0, one, "")) for one in erased])
    found += numbered("watch", [(watch_group(one), watch_order(one.place)) for one in watched])
    return found + numbered("work", [(work_group(one), work_order(one.place)) for one in works])


def numbered(name: List, lines: Sequence[tuple[str, Order]]) -> list[Row]:
    """Rows of one list; those of the same customer and hold are numbered in their order."""
    met = Counter[tuple[str, str]]()
    rows = []
    for group, order in lines:
        rows.append(Row(name, group, order, met[order[5:]]))
        met[order[5:]] += 1
    return rows


def changes_at(standing: Standing, lens: Lens, until: datetime) -> int:
    """The first moment (microseconds) at which her lines may read otherwise by the clock alone; at most `until`."""
    start, end = to_us(lens.now), to_us(until)
    if standing.state.last_at is not None and standing.state.last_at > start:
        return start + MINUTE  # told ahead of time: what it means changes as the clock comes to it
    now = _lines(standing, lens, start)
    if _lines(standing, lens, end) == now:
        return end
    same, other = start, end
    while other - same > 1:
        middle = (same + other) // 2
        if _lines(standing, lens, middle) == now:
            same = middle
        else:
            other = middle
    return other


def _gravest(one: Work) -> dict[str, int]:
    found: dict[str, int] = {}
    for task in one.tasks:
        found[task.kind] = max(task.severity, found.get(task.kind, 0))
    return found


def _lines(standing: Standing, lens: Lens, moment: int) -> object:
    """What the places of her lines hang on at a moment."""
    at = lens.at(from_us(moment))
    holds = look(standing.customer_id, standing.state, None, at).holds
    cases = case_views(standing.state, moment, lens.rules)
    return (
        [(h.hold_id, h.kind, h.severity, h.opened_at, h.is_past_review(at.now)) for h in holds],
        [(c.case_id, c.severity, c.is_open) for c in cases],
    )
