"""Reading what is known of customers, once and consistently; what cannot be trusted is unknown, never guessed.

Clearance is positive: a snapshot is "ok" only if the store answered, the record is whole, has seen the customer's last
log position, is not dated ahead of the clock, no rejected event that could have held her waits for a person, and every
required source has reported within its limit.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec

from features.customer.holds import HoldRules, holds_in_force
from features.customer.incidents import Incident, affects, telling
from features.customer.state import CustomerState, decode, fold
from features.customer.view import CustomerView, view
from features.errors import DataError, TahdikasError
from features.feature_store.online import OnlineFeatures, OnlineRecord
from features.log.connection import STORE_ERRORS, Connection, Statement, one_moment
from features.log.doubts import ANY_ASKED, in_doubt
from features.log.identity import owners, owners_asked
from features.log.latest import links_asked, owners_by_link, positions_asked, positions_by_owner
from features.log.refolding import facts_of
from features.log.rules import RESERVED_PREFIX, is_plain_id
from features.log.store import from_micros, to_micros
from features.log.value_lists import marks, parts
from features.log.wholeness import check_not_emptied
from serving.core.live import snapshot_of
from serving.core.policy import Policy
from serving.core.question import Contact, Request, Snapshot
from serving.records import Records
from serving.reservations import reserved, reserved_asked
from serving.shop_incidents import LAST

_EMPTY = CustomerState()
_HEARD: Statement = "select source, received_at from watermarks", ()
REJECTED_EVENT = "rejected_event"
BAD_ID = "bad_id"
Row = tuple[int, bytes]
Consents = Mapping[tuple[str, str | None], str]


class SnapshotReader:
    """Reads snapshots from the live store and the online features; safe to share between threads."""

    def __init__(self, records: Records, online: OnlineFeatures, policy: Policy) -> None:
        self._records, self._online, self._policy = records, online, policy
        self._incidents = records.shop_incidents

    def read(self, requests: Sequence[Request]) -> list[Snapshot]:
        """One snapshot a request, in order. Never raises for what it reads: the worst is a state unknown."""
        if not requests:
            return []
        try:
            run = self._records.connection()
            asked_for = list(dict.fromkeys(_asked_for(request) for request in requests))
            limits = self._policy.file.clearance.required_sources
            with one_moment(run, _asked_first(asked_for, limits)):
                whose = owners(run, asked_for)
                keys = [whose[_asked_for(request)] for request in requests]
                now = requests[0].now
                silent = silent_source(run, limits, now)
                owner = owners_by_link(run, dict.fromkeys(keys))
                visitors = [RESERVED_PREFIX + r.anonymous_id for r in requests if r.anonymous_id is not None]
                known = list(dict.fromkeys([*owner, *visitors]))
                run.ask_ahead([*positions_asked(list(owner)), *reserved_asked(known, now)])
                rows, positions = _states(run, keys, owner)
                promised = reserved(run, known, now)
                known_as = _known_as(requests, keys, owner)
                declared = self._declared(run, owner)
                incidents = telling(self._incidents.read(run), to_micros(now))
                doubted = in_doubt(run, [*owner, *visitors])
                snapshots = []
                for request, key, ids in zip(requests, keys, known_as, strict=True):
                    places = [place for one in ids for place in promised.get(one, ())]
                    found = rows.get(key), positions.get(key), places, declared.get(key, {})
                    try:
                        problem = silent if doubted.isdisjoint(ids) else REJECTED_EVENT
                        problem = problem if _is_plain(request) else BAD_ID
                        snapshots.append(self._snapshot(run, request, key, *found, incidents, problem))
                    except (
                        ArithmeticError,
                        LookupError,
                        TypeError,
                        ValueError,
                    ):  # whole by its sum, senseless in content
                        snapshots.append(Snapshot(customer_key=key, state_status="unknown:corrupt"))
        except (*STORE_ERRORS, TahdikasError):
            return [Snapshot(customer_key=_asked_for(r), state_status="unknown:unreadable") for r in requests]
        return self._with_features(snapshots, requests[0].now)

    def _snapshot(
        self,
        run: Connection,
        request: Request,
        key: str,
        row: Row | None,
        position: int | None,
        promised: Sequence[Contact],
        declared: Consents,
        incidents: Sequence[Incident],
        otherwise: str | None,
    ) -> Snapshot:
        now, file = request.now, self._policy.file
        state, problem = state_of(run, key, row, position)
        if request.customer_id is not None and request.anonymous_id is not None:
            state, problem = _with_visitor(run, key, request.anonymous_id, state, problem)
        if problem is None and state.erased_at is not None:
            problem = "erased"
        ahead = now + timedelta(minutes=file.clearance.future_tolerance_minutes)
        if problem is None and state.last_at is not None and state.last_at > to_micros(ahead):
            problem = "future_dated"
        later = (i for i in incidents if i.declared_at > to_micros(ahead) and i.closed_at is None)
        if problem is None and any(affects(i, state, ahead) for i in later):
            problem = "future_dated"  # our clock was set back since: what was declared holds her all the same
        problem = problem or otherwise
        snapshot = snapshot_of(
            seen(state, now, ahead, file.holds, incidents),
            customer_key=key,
            reservation=timedelta(hours=file.contact_cap.reservation_hours),
            reserved=promised,
            state_status="ok" if problem is None else f"unknown:{problem}",
            versions={"state": str(row[0]) if row else "0", "reservations": str(len(promised))},
        )
        silent_on = {key: status for key, status in declared.items() if snapshot.consent(*key) is None}
        if not silent_on:
            return snapshot
        return msgspec.structs.replace(snapshot, consents={**snapshot.consents, **silent_on})

    def _declared(self, run: Connection, owner: Mapping[str, str]) -> dict[str, Consents]:
        """The bases declared for each customer by the sources that know her."""
        bases = self._policy.file.consent.declared
        found: dict[str, Consents] = {}
        sources = sorted({b.source for b in bases})
        for part in parts(list(owner)) if sources else ():
            known = run.execute(
                f"""select distinct origin_id, source from facts where origin_id in ({marks(part)})
                and source in ({marks(sources)})""",
                (*part, *sources),
            )
            for origin, source in known:
                said: Consents = {
                    (b.purpose, channel): "declared" for b in bases if b.source == source for channel in b.channels
                }
                found[owner[origin]] = {**found.get(owner[origin], {}), **said}
        return found

    def _with_features(self, snapshots: list[Snapshot], now: datetime) -> list[Snapshot]:
        """The batch features beside the state; without them models say nothing, and nothing else changes."""
        known = [i for i, s in enumerate(snapshots) if s.values.get("known")]
        if not known:
            return snapshots
        try:
            found: Sequence[OnlineRecord | None] = self._online.read([snapshots[i].customer_key for i in known], now)
        except DataError:
            return snapshots
        for i, record in zip(known, found, strict=True):
            if record is not None and record.problem is None:
                at = record.event_time.isoformat() if record.event_time else ""
                snapshots[i] = _with_record(snapshots[i], record, at)
        return snapshots


def _with_record(snapshot: Snapshot, record: OnlineRecord, at: str) -> Snapshot:
    versions = {**snapshot.versions, "features": f"{record.schema_hash}@{at}"}
    return msgspec.structs.replace(snapshot, features=record, versions=versions)


def silent_source(run: Connection, limits: Mapping[str, float], now: datetime) -> str | None:
    """The first required source that has not reported within its limit in hours, as a problem."""
    if not limits:
        return None
    heard = dict(run.execute(*_HEARD))
    for source, hours in limits.items():
        if source not in heard or now - from_micros(heard[source]) > timedelta(hours=hours):
            return f"source_silent:{source}"
    return None


def _asked_for(request: Request) -> str:
    if request.customer_id is not None:
        return request.customer_id
    return RESERVED_PREFIX + request.anonymous_id if request.anonymous_id is not None else RESERVED_PREFIX


def _is_plain(request: Request) -> bool:
    """Whether its ids are such as events are taken under: what happened to her is not known by any other."""
    return all(is_plain_id(one) for one in (request.customer_id, request.anonymous_id) if one is not None)


def _asked_first(asked_for: Sequence[str], limits: Mapping[str, float]) -> list[Statement]:
    """What needs no answer before, where nobody's id turns out to be another's."""
    heard = [_HEARD] if limits else []
    who = [*owners_asked(asked_for), *_states_asked(asked_for), *links_asked(asked_for)]
    return [*who, *heard, (LAST, ()), ANY_ASKED]


def _states(run: Connection, keys: Sequence[str], owner: Mapping[str, str]) -> tuple[dict[str, Row], dict[str, int]]:
    """State rows, and the last log position of each customer over all her identities, whose each is in `owner`."""
    rows: dict[str, Row] = {}
    for asked in _states_asked(list(dict.fromkeys(keys))):
        for key, position, body in run.execute(*asked):
            rows[key] = (position, body)
    positions = positions_by_owner(run, owner)
    if not rows.keys() | positions.keys() >= set(keys):
        check_not_emptied(run)
    return rows, positions


def _states_asked(customers: Sequence[str]) -> Iterator[Statement]:
    """What is asked for states, of customers each once."""
    for part in parts(customers):
        yield f"select customer_id, position, body from state where customer_id in ({marks(part)})", part


def state_of(run: Connection, key: str, row: Row | None, position: int | None) -> tuple[CustomerState, str | None]:
    """Her state and what is wrong with it. A state not to be trusted is folded again from her facts, for service."""
    if row is None and position is None:
        return _EMPTY, None
    try:
        if row is not None and (position is None or row[0] >= position):
            return decode(row[1]), None
        problem = "behind"
    except DataError:
        problem = "corrupt"
    try:
        return fold(facts_of(run, key)), problem
    except Exception:  # what broke the record may break its facts too: then nothing is known
        return _EMPTY, problem


def _with_visitor(
    run: Connection, key: str, anonymous_id: str, state: CustomerState, problem: str | None
) -> tuple[CustomerState, str | None]:
    """Her state with what was recorded under the visitor's id of the same question, where no link was told yet."""
    try:
        visited = facts_of(run, RESERVED_PREFIX + anonymous_id)
        return (fold([*facts_of(run, key), *visited]), problem) if visited else (state, problem)
    except Exception:  # as in `state_of`
        return state, problem or "corrupt"


def seen(
    state: CustomerState, now: datetime, ahead: datetime, rules: HoldRules, incidents: Sequence[Incident] = ()
) -> CustomerView:
    """The state at `now`, what a clock somewhat `ahead` of ours dated after it included: it has happened.

    So has an incident that such a clock declared. What only the clock would have ended meanwhile has not ended.
    """
    latest = to_micros(ahead)
    said = max((i.declared_at for i in incidents if i.declared_at <= latest), default=0)
    if state.last_at is not None and state.last_at <= latest:
        said = max(said, state.last_at)
    if said <= to_micros(now):
        return view(state, now, rules, incidents)
    last = from_micros(said)
    seen = view(state, last, rules, incidents)
    timed = [h for h in holds_in_force(state, now, rules, incidents) if h.ends_at is not None and h.ends_at <= last]
    return replace(seen, holds=[*seen.holds, *timed])


def _known_as(requests: Sequence[Request], keys: Sequence[str], owner: Mapping[str, str]) -> list[list[str]]:
    """The ids of each, the visitor's of the same question included: promises to any and doubts about any are hers."""
    ids: dict[str, list[str]] = {}
    for origin, key in owner.items():
        ids.setdefault(key, []).append(origin)
    found = []
    for request, key in zip(requests, keys, strict=True):
        visitor = [] if request.anonymous_id is None else [RESERVED_PREFIX + request.anonymous_id]
        found.append(list(dict.fromkeys([*ids[key], *visitor])))
    return found
