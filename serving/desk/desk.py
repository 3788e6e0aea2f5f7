"""The desk: the staff's questions and deeds, wired to the decision service. Safe to share between threads."""

import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache

from features.instants import to_us
from features.log.connection import Connection
from features.log.doubts import rejects_in_doubt
from serving.alarms.watch import Alarm, alarms
from serving.core.decision import Decision
from serving.core.policy import parse_policy
from serving.core.question import Request
from serving.core.words import status_words
from serving.desk import incidents as shop_incidents
from serving.desk import work_list
from serving.desk.call_list import Call, call_actions, call_placement, calls, candidates
from serving.desk.cursors import from_text, to_text
from serving.desk.damage import Damage
from serving.desk.feed import FeedCursor, FeedPage, feed_page
from serving.desk.lens import Lens, Standing
from serving.desk.marks import Mark, mark
from serving.desk.past_decisions import between
from serving.desk.quiet import Quiet
from serving.desk.reach import Reach, Reached, reached
from serving.desk.sample import Sample, draw
from serving.desk.scan import of
from serving.desk.silence import Silence, period, silence
from serving.desk.silence_worth import assignments, bought, noting, worth
from serving.desk.staff_events import HoldWish
from serving.desk.staff_holds import Released, StaffHold, add_hold, release_hold
from serving.desk.watch_list import Filters, WatchCursor, Watched, WatchPage, checked, page_of, watched
from serving.desk.withheld import withheld_margin
from serving.desk.work_list import Work, WorkCursor, WorkFilters, WorkPage, works
from serving.lookout.lists import KeptLists
from serving.service import DecisionService
from serving.shop_incidents import ShopIncidents
from serving.snapshot import silent_source

_BREATH_SECONDS = 0.001
LISTINGS_KEPT = 4
"""Watch lists and work lists kept for their further pages."""


def _breathe() -> None:
    """Between pages of a long look: let decisions of this process through."""
    time.sleep(_BREATH_SECONDS)


class Desk:
    """One per process, over its decision service. No method reads a clock: `now` is an argument."""

    def __init__(self, service: DecisionService, kept: KeptLists | None = None) -> None:
        """`kept`: lists that a lookout keeps, so that pages of them need no look at everybody."""
        self.service = service
        self._kept = kept
        self._incidents = ShopIncidents()
        self._reach = Reach(_breathe)
        self._damage = Damage(_breathe)
        self._quiet = Quiet()
        self._listings: dict[int, list[Watched]] = {}
        self._works: dict[int, list[Work]] = {}

    @property
    def looks(self) -> int:
        """How often this desk looked at everybody of concern."""
        return self._quiet.looks

    def lens(self, now: datetime) -> Lens:
        """By what holds are judged at `now`: the policy in force and the shop's incidents."""
        file = self.service.in_force(now).policy.file
        tolerance = timedelta(minutes=file.clearance.future_tolerance_minutes)
        return Lens(now, file.holds, tolerance, self._incidents.read(self._run()))

    def everyone_silent(self, now: datetime) -> tuple[str, str] | None:
        """Why nobody at all is sold to at `now`, in both languages: a required source is silent. None: they are."""
        limits = self.service.in_force(now).policy.file.clearance.required_sources
        problem = silent_source(self._run(), limits, now)
        if problem is None:
            return None
        words = status_words(f"unknown:{problem}")
        return words["detail"], words["detail_fi"]

    def held(self, lens: Lens) -> Iterator[Standing]:
        """Everybody whom anything holds at the lens's moment, by id, read as they are asked for."""
        return (standing for standing in self._concerned(lens) if standing.is_held)

    def _concerned(self, lens: Lens) -> Iterator[Standing]:
        """Everybody whom anything may hold, and everybody with an open case, by id."""
        run = self._run()
        also = set(self._damage.found(run, lens)) | self._reach.affected(run, lens)
        rules = mark(run, lens, self.service.in_force(lens.now).policy.hash).rules
        return self._quiet.everybody(run, lens, rules, also=also, pause=_breathe)

    def mark(self, lens: Lens) -> Mark:
        """All that the lists hang on at the lens's moment."""
        force = self.service.in_force(lens.now)
        return mark(self._run(), lens, f"{force.policy.hash} {force.catalogue.hash}")

    def watch(self, filters: Filters, now: datetime, *, after: str | None = None, limit: int = 100) -> WatchPage:
        """A page of the watch list. Raises `FieldFaultError` for filters or a cursor that cannot be used, and
        `NotYetError` while a lookout makes the list.

        All pages of one reading are of the moment of its first, and the filters go with the cursor. Of a list that is
        kept by a lookout each page's entries are of now, in the order of that list.
        """
        cursor = None if after is None else from_text(after, WatchCursor)
        filters = checked(filters if cursor is None else cursor.filters)
        if self._kept is not None:
            lens = self.lens(now)
            found = self._kept.watch(self._run(), lens, self.mark(lens), filters, cursor, limit)
            if found is not None:
                return found
        now = now if cursor is None else cursor.moment
        entries = self._listings.get(to_us(now)) if cursor is not None else None
        if entries is None:
            entries = list(watched(self.held(self.lens(now)), now))
            self._listings = dict([*self._listings.items()][1 - LISTINGS_KEPT :]) | {to_us(now): entries}
        return page_of(entries, filters, to_us(now), None if cursor is None else cursor.place, limit)

    def feed(self, now: datetime, *, after: str | None = None, limit: int = 1_000) -> FeedPage:
        """A page of the feed of new holds. Raises `FieldFaultError` for a cursor that is not ours, and `NotYetError`
        while a lookout makes its lists.
        """
        cursor = FeedCursor() if after is None else from_text(after, FeedCursor)
        run, lens, policy = self._run(), self.lens(now), self.service.in_force(now).policy

        def kept(past: str, since: int | None, by_incidents: bool) -> list[str] | None:
            if self._kept is None:
                return None
            return self._kept.silent(run, lens, self.mark(lens), past, since, by_incidents=by_incidents)

        return feed_page(run, cursor, lens, policy.hash, self._reach, self._damage, self._quiet, kept, limit)

    def call_list(self, now: datetime, limit: int | None = None) -> tuple[int, list[Call]]:
        """How many calls a person should make, and the first (None: all) of them: the gravest first, then the dearest.

        With a `limit` it raises `NotYetError`.
        """
        lens = self.lens(now)
        kept = None if limit is None else self._work(lens, WorkFilters("call"), None, limit)
        if kept is None:
            found = self.calls(lens, list(self.held(lens)))
            return len(found), found[:limit]
        who = of(self._run(), [one.customer_id for one in kept.entries], lens)
        return kept.total, self.calls(lens, list(who))

    def work_list(self, filters: WorkFilters, now: datetime, *, after: str | None = None, limit: int = 100) -> WorkPage:
        """A page of the work list. Raises and is of a moment as `watch`."""
        cursor = None if after is None else from_text(after, WorkCursor)
        filters = work_list.checked(filters if cursor is None else cursor.filters)
        found = self._work(self.lens(now), filters, cursor, limit)
        if found is not None:
            return found
        now = now if cursor is None else cursor.moment
        entries = self._works.get(to_us(now)) if cursor is not None else None
        if entries is None:
            lens = self.lens(now)
            standings = list(self._concerned(lens))
            calls = self.calls(lens, [one for one in standings if one.is_held])
            entries = list(works(standings, calls, rejects_in_doubt(self._run()), lens))
            self._works = dict([*self._works.items()][1 - LISTINGS_KEPT :]) | {to_us(now): entries}
        return work_list.page_of(entries, filters, to_us(now), None if cursor is None else cursor.place, limit)

    def _work(self, lens: Lens, filters: WorkFilters, cursor: WorkCursor | None, limit: int) -> WorkPage | None:
        """A page of the work list that a lookout keeps; None where none does."""
        if self._kept is None:
            return None
        return self._kept.work(self._run(), lens, self.mark(lens), filters, cursor, limit, self.calls)

    def worth_a_call(self, lens: Lens, held: Sequence[Standing]) -> list[Standing]:
        """Whom a call may be the next best action for, among those held."""
        wanted = call_actions(self.service.in_force(lens.now).catalogue)
        return candidates(held, min(wanted.values())) if wanted else []

    def calls(self, lens: Lens, held: Sequence[Standing]) -> list[Call]:
        """The calls to make among those held, in the order to make them."""
        now, force = lens.now, self.service.in_force(lens.now)
        wanted, placement = call_actions(force.catalogue), call_placement(force.policy.file)
        if not wanted or placement is None:
            return []
        who = self.worth_a_call(lens, held)
        requests = [
            Request(customer_id=s.customer_id, channel="phone", placement=placement, mode="simulate", now=now)
            for s in who
        ]
        decided = self.service.decide_many(requests)
        return calls(list(zip(who, decided, strict=True)), list(wanted), force.catalogue, lens)

    def sample(self, now: datetime, size: int, seed: str) -> Sample:
        """Some of the shop's customers, the same for the same seed."""
        run, lens = self._run(), self.lens(now)
        also = set(self._damage.found(run, lens)) | self._reach.affected(run, lens)
        return draw(run, lens, also=also, size=size, seed=seed, pause=_breathe)

    def add_hold(self, customer_id: str, wish: HoldWish, now: datetime, key: str | None = None) -> StaffHold:
        """Hold a customer by hand. Raises as `staff_holds.add_hold`."""
        return add_hold(self.service, customer_id, wish, self.lens(now), key=key)

    def release_hold(
        self, customer_id: str, hold_id: str, person: str, reason: str, now: datetime, key: str | None = None
    ) -> Released:
        """End a hold by hand. Raises as `staff_holds.release_hold`."""
        return release_hold(self.service, customer_id, hold_id, person, reason, self.lens(now), key=key)

    def incidents(self, now: datetime) -> list[shop_incidents.Listed]:
        """All incidents of the shop, open ones first."""
        return shop_incidents.listed(self.lens(now))

    def declare(
        self, wish: shop_incidents.IncidentWish, now: datetime, key: str | None = None
    ) -> shop_incidents.Listed:
        """Declare an incident: it holds whom it affects at once. Raises as `incidents.declare`."""
        event_id = shop_incidents.declare(self.service, wish, self.lens(now), key=key)
        return next(one for one in self.incidents(now) if one.incident.source_event == event_id)

    def close_incident(self, incident_id: str, person: str, reason: str, now: datetime) -> shop_incidents.Listed:
        """Close an incident. Raises as `incidents.close`."""
        shop_incidents.close(self.service, incident_id, person, reason, self.lens(now))
        return next(one for one in self.incidents(now) if one.incident.incident_id == incident_id)

    def reach(self, rule: dict[str, object], now: datetime) -> Reached:
        """Whom a rule would take in, were it declared now. Writes nothing. Raises `FieldFaultError`."""
        return reached(self._run(), shop_incidents.tried(rule, now), self.lens(now), _breathe)

    def alarms(self, now: datetime) -> list[Alarm]:
        """Where unhappy customers have jumped beyond chance."""
        file = self.service.in_force(now).policy.file
        return alarms(self._run(), now, file.holds, file.alarms)

    def silence(self, now: datetime, days: int = 30) -> Silence:
        """What holds cost, now and over the last `days`. Raises `FieldFaultError` for days it cannot look back on."""
        force, run = self.service.in_force(now), self._run()
        start, end = period(days, now)
        predicted: list[Decision] = []
        decisions = noting(between(run, start, end), predicted)
        withheld = withheld_margin(decisions, force.policy, force.catalogue)
        assigned = assignments(predicted, cache(self._released_share))
        states = {s.customer_id: s.state for s in of(run, sorted(assigned), self.lens(now))}
        share = force.policy.file.worth.margin_share
        margins = {c: share * bought(states[c], a.at) for c, a in assigned.items()}
        return silence(list(self.held(self.lens(now))), withheld, worth(assigned, margins, now), now, days)

    def _released_share(self, policy_hash: str) -> float:
        """The share of predicted holds that a policy of then let go."""
        text = self.service.records.kept(policy_hash)
        return 0.0 if text is None else parse_policy(text).file.exploration.predicted_release

    def _run(self) -> Connection:
        return self.service.records.connection()


def next_of(cursor: WatchCursor | FeedCursor | WorkCursor | None) -> str | None:
    """A cursor as the text that leaves."""
    return None if cursor is None else to_text(cursor)
