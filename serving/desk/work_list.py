"""The work list: customers for whom a person is the next best action, each once, with all there is to do for her."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from features.customer.holds import Hold
from features.customer.view_parts import CaseView, case_views
from features.instants import from_us, to_us
from serving.desk.call_list import Call, value_of
from serving.desk.faults import FieldFaultError
from serving.desk.lens import Lens, Standing
from serving.desk.tasks import KINDS, Task, tasks_of

Place = tuple[bool, int, int, int, int, str]


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One customer. `value` is what she has paid for and kept, minor units; `tasks` the most urgent first."""

    customer_id: str
    value: int
    tasks: list[Task]
    holds: list[Hold]
    cases: list[CaseView]

    @property
    def severity(self) -> int:
        """Of her gravest task."""
        return max(task.severity for task in self.tasks)

    @property
    def since(self) -> datetime | None:
        """Since when her most urgent task waits, None where it is not known."""
        return self.tasks[0].since

    @property
    def place(self) -> Place:
        """Her place on the list: by her most urgent task, then the dearest, then who has waited longest."""
        since = 0 if self.since is None else to_us(self.since)
        return (*self.tasks[0].urgency, -self.value, since, self.customer_id)


class WorkFilters(msgspec.Struct, frozen=True, array_like=True):
    """Whose work is asked for: who has a task of this kind (None: any), at least so grave."""

    kind: str | None = None
    min_severity: int = 1

    def take(self, one: Work) -> bool:
        """Whether a customer is asked for."""
        return any(self.kind in (None, t.kind) and t.severity >= self.min_severity for t in one.tasks)


class WorkCursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a reader of the list stands: as of when (microseconds), with which filters, past which place."""

    at: int
    filters: WorkFilters
    place: Place

    @property
    def moment(self) -> datetime:
        """The moment that the whole reading is of."""
        return from_us(self.at)


class WorkPage(msgspec.Struct, frozen=True):
    """A page. `total` counts customers that the filters take, `kinds` those of them with a task of each kind."""

    as_of: datetime
    entries: list[Work]
    total: int
    kinds: dict[str, int]
    next: WorkCursor | None


def checked(filters: WorkFilters) -> WorkFilters:
    """The filters; raises `FieldFaultError` for a kind that does not exist."""
    if filters.kind is not None and filters.kind not in KINDS:
        raise FieldFaultError("kind", filters.kind, "is no kind of task", f"Name one of {', '.join(KINDS)}.")
    return filters


def works(
    standings: Iterable[Standing], calls: Iterable[Call], rejected: Mapping[str, Sequence[str]], lens: Lens
) -> Iterator[Work]:
    """The work that each customer gives, of those who give any; `rejected` are ids of rejected events by customer."""
    called = {call.customer_id: call for call in calls}
    for standing in standings:
        key = standing.customer_id
        cases = case_views(standing.state, to_us(lens.now), lens.rules)
        tasks = tasks_of(standing, cases, called.get(key), rejected.get(key, ()), lens.now)
        if tasks:
            yield Work(
                customer_id=key,
                value=value_of(standing.state, lens.now),
                tasks=tasks,
                holds=list(standing.holds),
                cases=[c for c in cases if c.is_open or any(h.case_id == c.case_id for h in standing.holds)],
            )


def page_of(entries: Sequence[Work], filters: WorkFilters, at: int, after: Place | None, limit: int) -> WorkPage:
    """The next `limit` of all `entries` (in any order) that the filters take, past the place `after`."""
    taken = sorted((one for one in entries if filters.take(one)), key=lambda one: one.place)
    rest = taken if after is None else [one for one in taken if one.place > after]
    shown = rest[:limit]
    kinds = Counter(kind for one in taken for kind in {task.kind for task in one.tasks})
    following = WorkCursor(at, filters, shown[-1].place) if len(rest) > limit else None
    return WorkPage(from_us(at), shown, len(taken), {kind: kinds[kind] for kind in KINDS if kinds[kind]}, following)
