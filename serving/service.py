"""The decision service: deciding and recording, asking again, explaining, taking events in, behind one door."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from features.errors import DataError, TahdikasError
from features.home import Home
from features.log.connection import STORE_ERRORS, one_moment
from features.log.event_log import EventLog, EventResult
from features.log.following import Following
from features.log.live_intake import Follow
from features.log.store import BUSY_SECONDS
from features.log.wholeness import check_not_emptied
from serving.answering import UNRECORDED, Answering, decided, plain_question
from serving.causes import causes_of
from serving.core.articles import StockWord
from serving.core.decision import Decision
from serving.core.engine import check_request
from serving.core.explain import explain
from serving.core.modelled import value_of
from serving.core.question import Request, Snapshot
from serving.core.recheck import ListRow
from serving.core.version import engine_version
from serving.dissatisfaction import Mood, is_written, matters_since
from serving.in_force import InForce
from serving.outcomes import OUTCOMES, Outcome, note
from serving.past import Past
from serving.person import described
from serving.rechecking import Recheck, Rechecking
from serving.recording import Recording
from serving.records import Records
from serving.reservations import forget_lapsed
from serving.steps import Steps
from serving.stock import StockResult, became, fault, tell
from serving.tidying import Tidying
from serving.unheard import judge_unheard

__all__ = ["OUTCOMES", "UNRECORDED", "DecisionService", "Health", "Outcome", "Recheck"]

_CHUNK = 2_000


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether decisions can be made, and what is degraded; `versions` names what is in force."""

    ready: bool
    degraded: list[str] = []
    versions: dict[str, str] = {}


class Beside(msgspec.Struct):
    """Of a process that decides beside this one: what is degraded there, how much feedback it could not judge, and
    whether it is lost.
    """

    degraded: list[str] = []
    unjudged: int = 0
    lost: bool = False


class DecisionService:
    """One per process, safe to share between threads. No method reads a clock: `now` is an argument.

    Raises `ConfigError` when made over a policy or action catalogue that cannot be used, `HomeError` over a live store
    that cannot. Later faults of either never stop it: see `health`. A decision waits at most `patience_seconds` for
    another's write to end before it goes out unrecorded, hence without a sale. With `beside` nobody waits for a bundle
    that was promoted since the start: the one before answers until the new one is loaded and tried.
    """

    def __init__(
        self, home: Home, *, durable: bool = True, patience_seconds: float = BUSY_SECONDS, beside: bool = False
    ) -> None:
        self.home = home
        self._records = Records(home, durable=durable)
        self._answering = Answering(home, self._records, beside=beside)
        self._log = EventLog(home, durable=durable)
        self.steps = Steps()
        self._recording = Recording(self._answering, self._records, patience_seconds, self.steps)
        self._rechecking = Rechecking(self._answering, self._records)
        self._past = Past(home, self._records)
        self._mood = Mood()
        self.beside = Beside()
        """Kept by a `Decider`, where there is one."""
        self._tidying: Tidying | None = None

    @property
    def records(self) -> Records:
        """The records of its data folder."""
        return self._records

    def before_writing(self, call: Callable[[], None]) -> None:
        """Have `call` called by the thread that decides, when it has computed and is about to write."""
        self._recording.before_writing = call

    @property
    def refusal(self) -> str | None:
        """Why the latest decision could not be recorded, here or beside; None where it was."""
        return self._recording.refusal

    @refusal.setter
    def refusal(self, why: str | None) -> None:
        self._recording.refusal = why

    @property
    def unjudged(self) -> int:
        """How many pieces of feedback the model of dissatisfaction could not judge, in this process."""
        return self._mood.failures

    def in_force(self, now: datetime) -> InForce:
        """Policy, catalogue, items and models in force at `now`."""
        return self._answering.force(now)

    def read(self, requests: Sequence[Request], force: InForce | None = None) -> list[Snapshot]:
        """What is known of those asked for, one snapshot a request, all at the first request's moment.

        It is judged by what is in force, or as if `force` were.
        """
        return self._answering.read(requests, force or self.in_force(requests[0].now)) if requests else []

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
            answers += self._recording.decide(requests[start : start + _CHUNK])
        return answers

    def decided_under(
        self, force: InForce, requests: Sequence[Request], snapshots: Sequence[Snapshot]
    ) -> list[Decision]:
        """What would be decided if `force` were in force, of snapshots read under it. Writes nothing."""
        return decided(requests, snapshots, force)

    def recheck(
        self, decision_ids: Sequence[str], now: datetime, *, send_at: datetime | None = None, reserve: bool = False
    ) -> list[Recheck]:
        """Whether earlier answers may still be acted on: gates only, no new draw. An unknown id is not allowed.

        They are judged for `send_at`, where it is later than now. With `reserve`, what is allowed holds its place in
        the contact cap, as for a sender who takes it now.
        """
        return self._rechecking.recheck(decision_ids, now, send_at=send_at, reserve=reserve)

    def recheck_rows(self, rows: Sequence[ListRow], now: datetime, *, send_at: datetime | None = None) -> list[Recheck]:
        """Whether rows of a list changed by hand may go: gated like all, decided by nobody here. Writes nothing.

        A row in a place that the policy does not know, or of an action that the catalogue does not know, may not.
        """
        return self._rechecking.rows(rows, now, send_at=send_at)

    def ingest(self, objects: list[Any], now: datetime, source: str = "api") -> list[EventResult]:
        """Take events in: durable and visible to the next decision when this returns. Gives one result an event.

        What is written in feedback is judged at once, by the bundle in force or, without one, by seed words.
        """
        if not any(is_written(one) for one in objects):  # most events: they need not wait for what is in force
            return self._log.append_live(objects, source=source, now=now)
        return self._log.append_live(objects, source=source, now=now, follow=self._following(self.in_force(now)))

    def judge_unheard(self, now: datetime) -> bool:
        """Judge a share of the feedback that somebody kept without judging it; whether more of it waits."""
        force = self.in_force(now)
        since = matters_since(force.policy.file.holds, now)
        return judge_unheard(self._records.connection(), Following(self._following(force), since), now)

    def forget_lapsed(self, now: datetime) -> bool:
        """Delete some of the reservations whose time was up long ago; whether more of them waits."""
        return forget_lapsed(self._records.connection(), now)

    def _following(self, force: InForce) -> Follow:
        """What follows from feedback, judged by what is in force."""
        model = None if force.models is None else force.models.dissatisfaction
        return self._mood.following(model, force.scorer.id, force.policy.file.holds)

    def tell_stock(self, words: Sequence[StockWord], now: datetime) -> list[StockResult]:
        """Take in that items are in or out of stock: durable and visible to the next decision when this returns.

        Gives one result a word, in order. Telling the same again changes nothing.
        """
        faults = [fault(word, self.in_force(now).articles, now) for word in words]
        good = [word for word, why in zip(words, faults, strict=True) if not why]
        told = iter(tell(self._records.connection(), good, now))
        articles = self.in_force(now).articles
        return [
            StockResult(word.item_id, "rejected", articles.in_stock(word.item_id), why)
            if why
            else became(word, next(told), articles)
            for word, why in zip(words, faults, strict=True)
        ]

    def record_outcome(self, outcome: Outcome, now: datetime) -> bool:
        """Note an outcome once; False where it was known already. Raises `DataError` as `outcomes.note`."""
        return note(outcome, now, self._records, self.ingest)

    def decision(self, decision_id: str) -> Decision | None:
        """A recorded decision, None for an unknown id."""
        return self._records.get(decision_id)

    def explained(self, decision_id: str) -> dict[str, Any] | None:
        """A recorded decision with the verdict on every action, as `why`; None for an unknown id.

        Raises `DataError` where the policy or catalogue it rests on is not kept.
        """
        return self._past.explained(self._records.get(decision_id))

    def replay(self, decision_id: str) -> dict[str, Any] | None:
        """A recorded decision taken again from its evidence and compared; None for an unknown id. Raises as
        `explained`.
        """
        return self._past.replay(decision_id)

    def customer(self, customer_id: str, now: datetime) -> dict[str, Any] | None:
        """What is known of a customer, in plain types; None where nothing is."""
        force = self.in_force(now)
        found = self._simulated(plain_question(customer_id, now, None, None, force))
        if found is None:
            return None
        evidence = found[1].evidence
        return described(*found, now, value_of(evidence, force.scorer), causes_of(evidence, force.models))

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
        if at is not None:
            return self._past.last(customer_id, at, action, channel, placement)
        force = self.in_force(now)
        if action is not None and action not in force.catalogue.index:
            raise DataError(f"action {action!r} is not in the catalogue. It has {', '.join(force.catalogue.index)}.")
        request = plain_question(customer_id, now, channel, placement, force)
        check_request(request, force.policy)
        found = self._simulated(request)
        return (
            None
            if found is None
            else {"source": "live"} | explain(found[1], force.policy, force.catalogue, action=action)
        )

    def _simulated(self, request: Request) -> tuple[Snapshot, Decision] | None:
        """What is known of her and what she would get; None where nothing is known."""
        force = self.in_force(request.now)
        (snapshot,) = self._answering.read([request], force)
        if not snapshot.values.get("known") and snapshot.state_status == "ok":
            return None
        (decision,) = decided([request], [snapshot], force)
        return snapshot, decision

    def degraded(self, now: datetime) -> list[str]:
        """What of all that decisions rest on is not as it should be in this process."""
        force = self.in_force(now)
        degraded = list(force.degraded)
        if force.models is None:
            degraded.append("no model bundle is in force: stated estimates and unranked items are used")
        if not force.articles.by_id:
            degraded.append("the item catalogue is empty: titles, stock and margins are unknown")
        return degraded

    def health(self, now: datetime) -> Health:
        """Whether this process, and one that decides beside it, can answer, and with what degraded."""
        force, degraded = self.in_force(now), self.degraded(now)
        degraded += [one for one in self.beside.degraded if one not in degraded]
        if failed := self.unjudged + self.beside.unjudged:
            degraded.append(
                f"{failed} pieces of feedback could not be judged by the model of dissatisfaction: seed words stood in"
            )
        if refusal := self.refusal:
            degraded.append(f"the latest decision could not be recorded ({refusal}): what is not recorded is not sold")
        if self.beside.lost:
            degraded.append("the process that decides does not answer: decisions are made in the one that serves")
        try:
            run = self._records.connection()
            with one_moment(run):
                run.execute("select 1 from state limit 1")
                check_not_emptied(run)
            ready = True
        except (*STORE_ERRORS, TahdikasError) as error:
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

    def tidy_beside(self) -> None:
        """From now on keep the live store tidy in a thread of its own, until told to end that, or closed."""
        self.end_tidying()
        self.leave_tidying()
        self._tidying = Tidying(self._records.connection)
        self._tidying.start()

    def leave_tidying(self) -> None:
        """From now on another thread or process keeps the live store tidy."""
        self._records.leave_tidying()
        self._log.leave_tidying()

    def end_tidying(self) -> None:
        """End the thread, if there is one."""
        if self._tidying is not None:
            self._tidying.stop()
            self._tidying = None

    def close(self) -> None:
        """Let go of connections."""
        self.end_tidying()
        self._records.close()
        self._log.close()
