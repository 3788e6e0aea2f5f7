"""Deciding and recording: an answer is on disk before it leaves, and a retry is answered only as long as it stands."""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import msgspec

from features.errors import HomeError
from features.log.connection import STORE_ERRORS
from serving.answering import Answering, decided, standing, unsold
from serving.core.decision import Decision
from serving.core.engine import check_request
from serving.core.question import Request, Snapshot
from serving.core.recheck import acted_on, recheck, superseded, without
from serving.core.version import INPUTS_HASH, INPUTS_TEXT
from serving.in_force import InForce
from serving.records import Entry, Records
from serving.reservations import OvertakenError
from serving.steps import Steps


class Recording:
    """Decides, records, answers. Waits at most `patience_seconds` for another's write to end, or for the store."""

    def __init__(self, answering: Answering, records: Records, patience_seconds: float, steps: Steps) -> None:
        self._answering, self._records, self._patience = answering, records, patience_seconds
        self._step = steps.step
        self._kept: set[str] = set()
        self.before_writing: Callable[[], None] = lambda: None
        """Called by the thread that decides, when it has computed and is about to write."""
        self.refusal: str | None = None
        """Why the latest decision could not be recorded; None where it was."""

    def decide(self, requests: Sequence[Request]) -> list[Decision]:
        """Decide for some, and record; raises as `DecisionService.decide_many`."""
        if not requests:
            return []
        with self._records.waiting(self._patience):
            return self._decide(requests)

    def _decide(self, requests: Sequence[Request]) -> list[Decision]:
        began = time.perf_counter()
        force = self._answering.force(requests[0].now)
        for request in requests:
            check_request(request, force.policy)
        with self._step("read", len(requests)):
            snapshots = self._answering.read(requests, force)
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
        with self._step("decide", len(requests)):
            decisions = decided(requests, snapshots, force)
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
            with self._step("record", len(entries)):
                self._keep_texts(force)
                self.before_writing()
                written = {
                    d.decision_id: w
                    for d, w in zip((e.decision for e in entries), self._records.write(entries), strict=True)
                }
        except OvertakenError as error:
            return self._once_more(requests, snapshots, decisions, error, force, began, tries)
        except (*STORE_ERRORS, HomeError) as error:
            self.refusal = str(error)
            return unsold(requests, snapshots, force)
        self.refusal = None
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
                read = self._answering.read([request], force)
                one = self._new([request], read, force, began, tries - 1) if tries else unsold([request], read, force)
                made[i] = one[0]
        return [made[i] for i in range(len(requests))]

    def _overtaken(self, request: Request, first: Decision, force: InForce) -> Decision:
        """Another worker answered under the same key meanwhile: this is the retry."""
        (snapshot,) = self._answering.read([request], force)
        return self._again(request, snapshot, first, force)

    def _answered(self, request: Request) -> Decision | None:
        try:
            return self._records.answered(request)
        except (*STORE_ERRORS, HomeError):
            return None

    def _again(self, request: Request, snapshot: Snapshot, first: Decision, force: InForce) -> Decision:
        """The first answer to a retry, or that it no longer stands."""
        snapshot = without(snapshot, first.decision_id)
        (now,) = standing([request], [snapshot], [acted_on(first)], force)
        allowed, reasons = recheck(first, now, force.articles, force.catalogue)
        return first if allowed else superseded(first, reasons, snapshot)

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


def _reservation(decision: Decision, request: Request, force: InForce) -> timedelta | None:
    """How long a sender may take: outbound answers that are served hold their place in the cap."""
    place = force.policy.file.placements[request.placement]
    if request.mode != "serve" or not place.outbound or not decision.actions:
        return None
    return timedelta(hours=force.policy.file.contact_cap.reservation_hours)
