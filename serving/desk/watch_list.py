"""The watch list: everything that silences anybody, what a person should have looked at first and marked."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from features.customer.hold_rules import HOLD_KINDS
from features.customer.holds import Hold
from features.instants import from_us, to_us
from serving.core.words import HOLDS, status_words
from serving.desk.faults import FieldFaultError
from serving.desk.lens import STATE_UNKNOWN, Standing
from serving.desk.words import UNKNOWN_ENDS, ends_words

KINDS = (*HOLD_KINDS, STATE_UNKNOWN)
UNKNOWN_SEVERITY = 5
Place = tuple[bool, int, int, str, str]


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """One reason of silence for one customer: a hold, or that her state is not to be trusted (`hold` is None)."""

    customer_id: str
    kind: str
    severity: int
    since: datetime | None
    past_review: bool
    state_status: str
    hold: Hold | None
    text: str
    text_fi: str
    ends: str
    ends_fi: str

    @property
    def place(self) -> Place:
        """Its place on the list: past review first, then the gravest, then the oldest."""
        since = 0 if self.since is None else to_us(self.since)
        return (not self.past_review, -self.severity, since, self.customer_id, self.hold.hold_id if self.hold else "")


class Filters(msgspec.Struct, frozen=True, array_like=True):
    """Which entries are asked for; None: any."""

    kind: str | None = None
    min_severity: int = 1
    past_review: bool | None = None

    def take(self, one: Watched) -> bool:
        """Whether an entry is asked for."""
        return (
            self.kind in (None, one.kind)
            and one.severity >= self.min_severity
            and self.past_review in (None, one.past_review)
        )


class WatchCursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a reader of the list stands: as of when (microseconds), with which filters, past which place."""

    at: int
    filters: Filters
    place: Place

    @property
    def moment(self) -> datetime:
        """The moment that the whole reading is of."""
        return from_us(self.at)


class WatchPage(msgspec.Struct, frozen=True):
    """A page; `total` and `past_review` count all that the filters take, `next` is None at the end."""

    as_of: datetime
    entries: list[Watched]
    total: int
    past_review: int
    next: WatchCursor | None


def checked(filters: Filters) -> Filters:
    """The filters; raises `FieldFaultError` for a kind that does not exist."""
    if filters.kind is not None and filters.kind not in KINDS:
        raise FieldFaultError("kind", filters.kind, "is no kind of hold", f"Name one of {', '.join(KINDS)}.")
    return filters


def watched(standings: Iterable[Standing], now: datetime) -> Iterator[Watched]:
    """Every reason of silence of every customer, in their order. Who asked to be forgotten is not to be watched."""
    for standing in standings:
        if standing.problem == "erased":
            continue
        if standing.problem is not None:
            yield _unknown(standing, now)
        for hold in standing.holds:
            yield _held(standing, hold, now)


def page_of(entries: Sequence[Watched], filters: Filters, at: int, after: Place | None, limit: int) -> WatchPage:
    """The next `limit` of all `entries` (in any order) that the filters take, past the place `after`."""
    taken = sorted((one for one in entries if filters.take(one)), key=lambda one: one.place)
    rest = taken if after is None else [one for one in taken if one.place > after]
    shown = rest[:limit]
    following = WatchCursor(at, filters, shown[-1].place) if len(rest) > limit else None
    return WatchPage(from_us(at), shown, len(taken), sum(one.past_review for one in taken), following)


def _held(standing: Standing, hold: Hold, now: datetime) -> Watched:
    text, text_fi = HOLDS.get(hold.kind, (hold.kind, hold.kind))
    ends, ends_fi = ends_words(hold, now)
    return Watched(
        customer_id=standing.customer_id,
        kind=hold.kind,
        severity=hold.severity,
        since=hold.opened_at,
        past_review=hold.is_past_review(now),
        state_status=standing.state_status,
        hold=hold,
        text=text,
        text_fi=text_fi,
        ends=ends,
        ends_fi=ends_fi,
    )


def _unknown(standing: Standing, now: datetime) -> Watched:
    """Nothing ends such silence but a person, so it is always due."""
    words = status_words(standing.state_status)
    reason = str(standing.problem).partition(":")[0]
    ends, ends_fi = UNKNOWN_ENDS.get(reason, UNKNOWN_ENDS[""])
    return Watched(
        customer_id=standing.customer_id,
        kind=STATE_UNKNOWN,
        severity=UNKNOWN_SEVERITY,
        since=None,
        past_review=True,
        state_status=standing.state_status,
        hold=None,
        text=words["detail"],
        text_fi=words["detail_fi"],
        ends=ends,
        ends_fi=ends_fi,
    )
