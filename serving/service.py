"""The decision service: the pure engine wired to what it reads and to where it records."""

import secrets
import sqlite3
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from features.customer.holds import Hold
from features.errors import BundleError, DataError, HomeError, TahdikasError
from features.feature_store.online import OnlineFeatures
from features.home import Home
from features.log.event_log import EventLog, EventResult
from features.log.store import BUSY_SECONDS
from serving import replaying
from serving.bundle import Bundle, load
from serving.core import explain as explaining
from serving.core.catalogue import Catalogue, parse_catalogue
from serving.core.decision import Decision, Reason, Request, Snapshot
from serving.core.engine import check_request, decide
from serving.core.policy import Policy, parse_policy
from serving.core.recheck import ListRow, has_place, recheck, row_blocks, superseded, without
from serving.core.scorer import NO_MODEL
from serving.core.version import INPUTS_HASH, INPUTS_TEXT, engine_version
from serving.core.words import reason
from serving.in_force import InForce, Keeper
from serving.outcomes import OUTCOMES, Outcome, note
from serving.person import described
from serving.records import Entry, OvertakenError, Records, sells
from serving.snapshot import SnapshotReader

__all__ = ["OUTCOMES", "DecisionService", "Health", "Outcome", "Recheck"]

_CHUNK = 2_000
UNRECORDED = "unknown:unrecorded"


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether decisions can be made, and what is degraded; `versions` names what is in force."""

    ready: bool
    degraded: list[str] = []
    versions: dict[str, str] = {}


class Recheck(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an earlier answer may still be acted on, and if not, why."""

    decision_id: str
    allowed: bool
    reasons: list[Reason] = []
    holds: list[Hold] = []


class DecisionService:
    """One per process, safe to share between threads. No method reads a clock: `now` is an argument.

    Raises `ConfigError` when made over a policy or action catalogue that cannot be used, `HomeError` over a live store
    that cannot. Later faults of either never stop it: see `health`. A decision waits at most `patience_seconds` for
    another's write to end before it goes out unrecorded, hence without a sale.
    """

    def __init__(self, home: Home, *, durable: bool = True, patience_seconds: float = BUSY_SECONDS) -> None:
        self.home, self._patience = home, patience_seconds
        self._keeper = Keeper(home)
        self._records = Records(home, durable=durable)
        self._log = EventLog(home, durable=durable)
        self._readers: dict[str | None, OnlineFeatures] = {}
        self._kept: set[str] = set()

    @property
    def records(self) -> Records:
        """The records of its data folder."""
        return self._records

    def in_force(self, now: datetime) -> InForce:
        """Policy, catalogue, items and models in force at `now`."""
        return self._keeper.at(now)

    def read(self, requests: Sequence[Request]) -> list[Snapshot]:
        """What is known of those asked for, one snapshot a request, all at the first request's moment."""
        return self._read(requests, self._keeper.at(requests[0].now)) if requests else []

    def decide(self, request: Request) -> Decision:
        """Decide for one, record durably, answer. Raises `DataError` for a placement, channel or n not known."""
        return self.decide_many([request])[0]

    def decide_many(self, requests: Sequence[Request]) -> list[Decision]:
        """Decide for many at once, by the same code as for one; all are recorded before this returns.

        A retry (the same idempotency key) gets the first answer, rechecked; one that no longer stands is `superseded`.
        In mode simulate nothing is recorded. Raises `DataError` as `decide`, `KeyReusedError` for a key of another
        question.
        """
        answers: list[Decision] = []
        for start in range(0, len(requests), _CHUNK):
            answers += self._decide(requests[start : start + _CHUNK])
        return answers

    def _decide(self, requests: Sequence[Request]) -> list[Decision]:
        if not requests:
            return []
        began = time.perf_counter()
        force = self._keeper.at(requests[0].now)
        for request in requests:
            check_request(request, force.policy)
        snapshots = self._read(requests, force)
        earlier = [self._answered(r) for r in requests]
        fresh = [i for i, first in enumerate(earlier) if first is None]
        made = dict(
            zip(
                fresh, self._new([requests[i] for i in fresh], [snapshots[i] for i in fresh], force, began), strict=True
            )
        )
        answers = []
        for i, (request, first) in enumerate(zip(requests, earlier, strict=True)):
            decision = made[i] if first is None else first
            answers.append(decision if first is None else self._again(request, snapshots[i], decision, force))
        return answers

    def _new(
        self, requests: Sequence[Request], snapshots: Sequence[Snapshot], force: InForce, began: float, tries: int = 5
    ) -> list[Decision]:
        """Decide and record. What cannot be recorded is not sold."""
        if not requests:
            return []
        decisions = _decided(requests, snapshots, force)
        took = (time.perf_counter() - began) / len(requests)
        decisions = [msgspec.structs.replace(d, latency_seconds=took) for d in decisions]
        entries = [
            Entry(decision, request, _reservation(decision, request, force))
            for decision, request in zip(decisions, requests, strict=True)
            if request.mode != "simulate"
        ]
        if not entries:
            return decisions
        try:
            with self._records.waiting(self._patience):
                self._keep_texts(force)
                written = {
                    d.decision_id: w
                    for d, w in zip((e.decision for e in entries), self._records.write(entries), strict=True)
                }
        except OvertakenError as error:
            return self._once_more(requests, snapshots, decisions, error, force, began, tries)
        except (sqlite3.Error, HomeError):
            return _unsold(requests, snapshots, force)
        return [
            d if (first := written.get(d.decision_id, d)) is d else self._overtaken(request, first, force)
            for request, d in zip(requests, decisions, strict=True)
        ]

    def _once_more(
        self,
        requests: Sequence[Request],
        snapshots: Sequence[Snapshot],
        decisions: Sequence[Decision],
        error: OvertakenError,
        force: InForce,
        began: float,
        tries: int,
    ) -> list[Decision]:
        """Two askers never share one place in the cap: who was overtaken is read and decided for again, one by one."""
        fine = [i for i, d in enumerate(decisions) if d.decision_id not in error.decision_ids]
        again = self._new([requests[i] for i in fine], [snapshots[i] for i in fine], force, began, tries)
        made = dict(zip(fine, again, strict=True))
        for i, request in enumerate(requests):
            if i not in made:
                read = self._read([request], force)
                one = self._new([request], read, force, began, tries - 1) if tries else _unsold([request], read, force)
                made[i] = one[0]
        return [made[i] for i in range(len(requests))]

    def _overtaken(self, request: Request, first: Decision, force: InForce) -> Decision:
        """Another worker answered under the same key meanwhile: this is the retry."""
        (snapshot,) = self._read([request], force)
        return self._again(request, snapshot, first, force)

    def _answered(self, request: Request) -> Decision | None:
        try:
            return self._records.answered(request)
        except (sqlite3.Error, HomeError):
            return None

    def _again(self, request: Request, snapshot: Snapshot, first: Decision, force: InForce) -> Decision:
        """The first answer to a retry, or that it no longer stands."""
        snapshot = without(snapshot, first.decision_id)
        (now,) = _decided([request], [snapshot], force)
        allowed, reasons = recheck(first, now, snapshot, force.articles)
        return first if allowed else superseded(first, reasons, now)

    def recheck(
        self,
        decision_ids: Sequence[str],
        now: datetime,
        *,
        send_at: datetime | None = None,
        reserve: bool = False,
        tries: int = 5,
    ) -> list[Recheck]:
        """Whether earlier answers may still be acted on: gates only, no new draw. An unknown id is not allowed.

        They are judged for `send_at`, where it is later than now. With `reserve`, what is allowed holds its place in
        the contact cap, as for a sender who takes it now; who was overtaken by another is asked for again.
        """
        force = self._keeper.at(now)
        firsts = {one: first for one in decision_ids if (first := self._records.get(one)) is not None}
        asked = {
            one: _question(first, now, send_at)
            for one, first in firsts.items()
            if has_place(first.channel, first.placement, force.policy)
        }
        requests = list(asked.values())
        snapshots = [without(s, d) for s, d in zip(self._read(requests, force), asked, strict=True)]
        agains = dict(zip(asked, zip(_decided(requests, snapshots, force), snapshots, strict=True), strict=True))
        found = [_rechecked(one, firsts.get(one), agains.get(one), force) for one in decision_ids]
        taken = [one.decision_id for one in found if one.allowed and firsts[one.decision_id].actions]
        if not reserve or not taken:
            return found
        try:
            self._records.reserve(
                [firsts[one] for one in taken],
                now,
                timedelta(hours=force.policy.file.contact_cap.reservation_hours),
                seen=[agains[one][0] for one in taken if sells(firsts[one])],
            )
        except OvertakenError as error:
            if len(decision_ids) == 1:
                return self.recheck(decision_ids, now, send_at=send_at, reserve=True, tries=tries - 1) if tries else [
                    Recheck(decision_id=found[0].decision_id, allowed=False, reasons=[reason("contact_cap")])
                ]  # fmt: skip
            overtaken = {again.decision_id for again, _ in agains.values()} & error.decision_ids
            late = [one for one in taken if agains[one][0].decision_id in overtaken]
            fine = [one for one in decision_ids if one not in late]
            rest = self.recheck(fine, now, send_at=send_at, reserve=True, tries=tries) if fine else []
            by_id = {r.decision_id: r for r in rest}
            for one in late:
                (by_id[one],) = self.recheck([one], now, send_at=send_at, reserve=True, tries=tries)
            return [by_id[one] for one in decision_ids]
        return found

    def recheck_rows(self, rows: Sequence[ListRow], now: datetime, *, send_at: datetime | None = None) -> list[Recheck]:
        """Whether rows of a list changed by hand may go: gated like all, decided by nobody here. Writes nothing.

        A row in a place that the policy does not know, or of an action that the catalogue does not know, may not.
        """
        force = self._keeper.at(now)
        asked = {
            i: Request(
                customer_id=row.customer_id,
                channel=row.channel,
                placement=row.placement,
                mode="manual",
                now=now,
                send_at=send_at,
            )
            for i, row in enumerate(rows)
            if has_place(row.channel, row.placement, force.policy)
        }
        requests = list(asked.values())
        snapshots = self._read(requests, force)
        answers = dict(zip(asked, zip(_decided(requests, snapshots, force), snapshots, strict=True), strict=True))
        found = []
        for i, row in enumerate(rows):
            again = answers.get(i)
            blocked = [reason("placement")] if again is None else row_blocks(row, *again, force.articles)
            holds = [] if again is None else again[0].holds
            found.append(Recheck(decision_id="", allowed=not blocked, reasons=blocked, holds=holds))
        return found

    def replay(self, decision_id: str) -> dict[str, Any] | None:
        """A recorded decision taken again from its evidence and the kept policy and catalogue; None for an unknown id.

        Raises `DataError` where the texts it rests on are not kept.
        """
        decision = self._records.get(decision_id)
        if decision is None:
            return None
        return replaying.replay(decision, *self._texts(decision), self._bundle_of(decision))

    def _texts(self, decision: Decision) -> tuple[Policy, Catalogue]:
        """The policy and catalogue a decision rests on. Raises `DataError` where they are not kept."""
        texts = {name: self._records.kept(decision.versions[name]) for name in ("policy", "catalogue")}
        for name, text in texts.items():
            if text is None:
                raise DataError(
                    f"The {name} {decision.versions[name][:12]} that decision {decision.decision_id} rests on is not "
                    "kept. Restore the live store from a copy."
                )
        return (
            parse_policy(str(texts["policy"]), name="the policy of then"),
            parse_catalogue(str(texts["catalogue"]), known=None, name="the actions of then"),
        )

    def _bundle_of(self, decision: Decision) -> Bundle | None:
        """The models of then, None where there were none, or they are gone."""
        name = decision.versions["bundle"]
        try:
            return None if name == NO_MODEL else load(self.home.bundles / name)
        except BundleError:
            return None

    def ingest(self, objects: list[Any], now: datetime, source: str = "api") -> list[EventResult]:
        """Take events in: durable and visible to the next decision when this returns. Gives one result an event."""
        return self._log.append_live(objects, source=source, now=now)

    def record_outcome(self, outcome: Outcome, now: datetime) -> bool:
        """Note an outcome once; False where it was known already. Raises `DataError` as `outcomes.note`."""
        return note(outcome, now, self._records, self.ingest)

    def decision(self, decision_id: str) -> Decision | None:
        """A recorded decision, None for an unknown id."""
        return self._records.get(decision_id)

    def customer(self, customer_id: str, now: datetime) -> dict[str, Any] | None:
        """What is known of a customer, in plain types; None where nothing is."""
        force = self._keeper.at(now)
        request = _plain_question(customer_id, now, None, None, force)
        (snapshot,) = self._read([request], force)
        if not snapshot.values.get("known") and snapshot.state_status == "ok":
            return None
        (decision,) = _decided([request], [snapshot], force)
        return described(snapshot, decision, now)

    def why(
        self,
        customer_id: str,
        now: datetime,
        action: str | None = None,
        *,
        at: datetime | None = None,
        channel: str | None = None,
        placement: str | None = None,
    ) -> dict[str, Any] | None:
        """Why she gets what she gets, and why not the rest: at `at` from the record, else now from live state.

        None where nothing is known of her, or nothing was decided by `at`. Writes nothing. Raises `DataError` for an
        action, channel or placement not known.
        """
        force = self._keeper.at(now)
        if at is not None:
            return self._why_then(customer_id, at, action, channel, placement)
        if action is not None and action not in force.catalogue.index:
            raise DataError(f"action {action!r} is not in the catalogue. It has {', '.join(force.catalogue.index)}.")
        request = _plain_question(customer_id, now, channel, placement, force)
        check_request(request, force.policy)
        (snapshot,) = self._read([request], force)
        if not snapshot.values.get("known") and snapshot.state_status == "ok":
            return None
        (decision,) = _decided([request], [snapshot], force)
        return {"source": "live"} | explaining.explain(decision, force.policy, force.catalogue, action=action)

    def _why_then(
        self,
        customer_id: str,
        at: datetime,
        action: str | None,
        channel: str | None,
        placement: str | None,
    ) -> dict[str, Any] | None:
        decision = self._records.last(customer_id, at, channel=channel, placement=placement)
        if decision is None:
            return None
        return {"source": "record"} | explaining.explain(decision, *self._texts(decision), action=action)

    def explained(self, decision_id: str) -> dict[str, Any] | None:
        """A recorded decision with the verdict on every action, as `why`; None for an unknown id."""
        decision = self._records.get(decision_id)
        if decision is None:
            return None
        return {"source": "record"} | explaining.explain(decision, *self._texts(decision))

    def health(self, now: datetime) -> Health:
        """Whether this process can answer, and with what degraded."""
        force = self._keeper.at(now)
        degraded = list(force.degraded)
        if force.models is None:
            degraded.append("no model bundle is in force: stated estimates and unranked items are used")
        if not force.articles.by_id:
            degraded.append("the item catalogue is empty: titles, stock and margins are unknown")
        try:
            self._records.connection().execute("select 1 from state limit 1")
            ready = True
        except (sqlite3.Error, TahdikasError) as error:
            ready = False
            degraded.append(f"the live store does not answer ({error}): nothing is sold")
        versions = {
            "engine": engine_version(),
            "policy": force.policy.hash,
            "catalogue": force.catalogue.hash,
            "bundle": force.scorer.id,
            "items": force.articles.version,
        }
        return Health(ready=ready, degraded=degraded, versions=versions)

    def close(self) -> None:
        """Let go of connections."""
        self._records.close()
        self._log.close()

    def _read(self, requests: Sequence[Request], force: InForce) -> list[Snapshot]:
        expected = force.models.manifest.feature_schema_hash if force.models else None
        if expected not in self._readers:
            self._readers[expected] = OnlineFeatures(self.home, expected_schema=expected)
        return SnapshotReader(self._records, self._readers[expected], force.policy).read(requests)

    def _keep_texts(self, force: InForce) -> None:
        """Keep the texts decisions rest on, once a process."""
        for kind, digest, text in (
            ("policy", force.policy.hash, force.policy.text),
            ("catalogue", force.catalogue.hash, force.catalogue.text),
            ("inputs", INPUTS_HASH, INPUTS_TEXT),
        ):
            if digest not in self._kept:
                self._records.keep(kind, digest, text)
                self._kept.add(digest)


def _decided(requests: Sequence[Request], snapshots: Sequence[Snapshot], force: InForce) -> list[Decision]:
    """The engine's decisions; if the models fail on these customers, those of stated estimates."""
    ids = [_new_id(r.now) for r in requests]
    for scorer in (force.scorer, force.fallback):
        try:
            return decide(requests, snapshots, scorer, force.catalogue, force.policy, articles=force.articles, ids=ids)
        except TahdikasError:
            raise
        except Exception:  # whatever a model does, she gets a safe answer
            if scorer is force.fallback:
                raise
    raise AssertionError


def _unsold(requests: Sequence[Request], snapshots: Sequence[Snapshot], force: InForce) -> list[Decision]:
    """What may go out unrecorded: no sale."""
    unsold = [msgspec.structs.replace(s, state_status=UNRECORDED) for s in snapshots]
    return _decided(requests, unsold, force)


def _new_id(now: datetime) -> str:
    """A decision's id: unique, and sorted by time."""
    return f"d-{round(now.timestamp() * 1000):011x}-{secrets.token_hex(8)}"


def _reservation(decision: Decision, request: Request, force: InForce) -> timedelta | None:
    """How long a sender may take: outbound answers that are served hold their place in the cap."""
    place = force.policy.file.placements[request.placement]
    if request.mode != "serve" or not place.outbound or not decision.actions:
        return None
    return timedelta(hours=force.policy.file.contact_cap.reservation_hours)


def _rechecked(
    decision_id: str, first: Decision | None, answered: tuple[Decision, Snapshot] | None, force: InForce
) -> Recheck:
    if first is None or answered is None:
        code = "unknown_decision" if first is None else "placement"
        return Recheck(decision_id=decision_id, allowed=False, reasons=[reason(code)])
    again, snapshot = answered
    allowed, reasons = recheck(first, again, snapshot, force.articles)
    return Recheck(decision_id=decision_id, allowed=allowed, reasons=reasons, holds=again.holds)


def _question(decision: Decision, now: datetime, send_at: datetime | None) -> Request:
    """The question a decision answered, asked now, without a trace."""
    return Request(
        customer_id=decision.customer_key,
        anonymous_id=decision.anonymous_id,
        channel=decision.channel,
        placement=decision.placement,
        context=decision.context,
        n=max(1, len(decision.actions)),
        mode="simulate",
        now=now,
        send_at=send_at,
    )


def _plain_question(
    customer_id: str, now: datetime, channel: str | None, placement: str | None, force: InForce
) -> Request:
    """What would she get, here? Without a placement: the first of the policy that has the channel."""
    places = force.policy.file.placements
    if placement is None:
        wanted: Iterable[str] = (name for name, p in places.items() if channel is None or channel in p.channels)
        placement = next(iter(wanted), next(iter(places)))
    if channel is None:
        channel = places[placement].channels[0] if placement in places else "web"
    return Request(customer_id=customer_id, channel=channel, placement=placement, mode="simulate", now=now)
