"""What the serving process counts, for Prometheus; counts only, nothing of a customer.

Several workers of one address count together, in files that they share (`PROMETHEUS_MULTIPROC_DIR`): whoever is asked
tells of all. What stands at a moment, as whether all is well, is then of whoever was asked last.
"""

import os
from collections import Counter as Tally
from collections.abc import Iterable, Mapping
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from serving.answering import UNRECORDED
from serving.core.decision import Decision
from serving.lookout.looked import WATCHDOGS, Looked

_latest = partial(Gauge, multiprocess_mode="mostrecent")
_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """One registry for one app, so that two apps in one process do not meet."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._labels: dict[Gauge, frozenset[str]] = {}
        self.decisions = Counter(
            "tahdikas_decisions",
            "Decisions by what came out: the first action's category, or no_action and its reason.",
            ["outcome", "reason", "mode"],
            registry=self.registry,
        )
        self.blocked_offers = Counter(
            "tahdikas_blocked_offers",
            "Would-be winners that were not shown, by the gate that stood before them.",
            ["gate", "category"],
            registry=self.registry,
        )
        self.events = Counter(
            "tahdikas_events",
            "Events posted, by result; unanswered: not known to be kept, to be sent again.",
            ["result"],
            registry=self.registry,
        )
        self.outcomes = Counter("tahdikas_outcomes", "Outcomes posted, by kind.", ["outcome"], registry=self.registry)
        self.decision_seconds = Histogram(
            "tahdikas_decision_seconds",
            "Seconds from a decision's request to its answer.",
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.event_seconds = Histogram(
            "tahdikas_event_post_seconds",
            "Seconds from a post of events to its acknowledgement.",
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.bundle = _latest(
            "tahdikas_bundle_info", "1 for the model bundle in force.", ["bundle"], registry=self.registry
        )
        self.bundle_age = _latest(
            "tahdikas_bundle_age_seconds", "Seconds since the bundle in force was made.", registry=self.registry
        )
        self.scores = Summary(
            "tahdikas_scores",
            "Chances that models gave in decisions, by model: the mean is sum / count.",
            ["model"],
            registry=self.registry,
        )
        self.ready = _latest("tahdikas_ready", "1 where nothing stops decisions, else 0.", registry=self.registry)
        self.degraded = _latest("tahdikas_degraded", "How many parts are degraded.", registry=self.registry)

        self.step_seconds = Histogram(
            "tahdikas_step_seconds",
            "Seconds of a step of deciding, for all questions answered together.",
            ["step"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.together = Histogram(
            "tahdikas_questions_together",
            "Questions answered together.",
            buckets=(1, 2, 4, 8, 16, 32, 64),
            registry=self.registry,
        )
        self.waiting = _latest(
            "tahdikas_requests_under_way", "Requests under way or waiting, by kind.", ["kind"], registry=self.registry
        )
        self.holds = _latest(
            "tahdikas_holds",
            "Reasons of silence in force at the last round, by kind.",
            ["kind"],
            registry=self.registry,
        )
        self.looks = _latest(
            "tahdikas_looks", "How often this process looked at everybody for the desk.", registry=self.registry
        )
        self.source_age = _latest(
            "tahdikas_source_age_seconds", "Seconds since a source was heard of.", ["source"], registry=self.registry
        )
        self.watchdog = _latest(
            "tahdikas_watchdog",
            "1 where a watchdog found something at the last round, else 0.",
            ["watchdog"],
            registry=self.registry,
        )

    def took(self, step: str, seconds: float, questions: int) -> None:
        """Note a step of deciding."""
        self.step_seconds.labels(step).observe(seconds)
        if step == "read":
            self.together.observe(questions)

    def queues(self, under_way: Mapping[str, int]) -> None:
        """Set how many requests of each kind are under way."""
        for kind, number in under_way.items():
            self.waiting.labels(kind).set(number)

    def looked(self, looked: Looked) -> None:
        """Set what the watchdogs saw at their last round."""
        for gauge, values in ((self.holds, looked.holds), (self.source_age, looked.sources)):
            self._only(gauge, values)
        found = {one.watchdog for one in looked.findings}
        for name in WATCHDOGS:
            self.watchdog.labels(name).set(float(name in found))

    def decided(self, decision: Decision) -> None:
        """Count one decision that was made."""
        reason = decision.no_action_reason.code if decision.no_action_reason else ""
        if decision.state_status == UNRECORDED:
            reason = "unrecorded"
        outcome = decision.actions[0].category if decision.actions else "no_action"
        self.decisions.labels(outcome, "" if decision.actions else reason, decision.mode).inc()
        if decision.withheld is not None:
            for gate in decision.withheld.gates:
                self.blocked_offers.labels(gate, decision.withheld.category).inc()
        evidence = decision.evidence
        for model, chance in (("churn", evidence.churn), ("second_purchase", evidence.second_purchase)):
            if chance is not None:
                self.scores.labels(model).observe(chance)

    def unanswered(self, reason: str, mode: str) -> None:
        """Count one answer of last resort."""
        self.decisions.labels("no_action", reason, mode).inc()

    def untaken(self, events: int) -> None:
        """Count events of one post that are not known to be kept."""
        self.events.labels("unanswered").inc(events)

    def taken(self, statuses: Iterable[str]) -> None:
        """Count the results of one post of events."""
        for status, number in Tally(statuses).items():
            self.events.labels(status).inc(number)

    def stand(self, *, ready: bool, degraded: int, bundle: str | None, bundle_age_seconds: float | None) -> None:
        """Set what is in force at this moment."""
        self.ready.set(float(ready))
        self.degraded.set(degraded)
        self._only(self.bundle, {bundle: 1.0} if bundle else {})
        self.bundle_age.set(float("nan") if bundle_age_seconds is None else bundle_age_seconds)

    def text(self) -> bytes:
        """Prometheus' text format."""
        if not _is_one_of_several():
            return generate_latest(self.registry)
        of_all = CollectorRegistry()
        MultiProcessCollector(of_all)  # type: ignore[no-untyped-call]
        return generate_latest(of_all)

    def _only(self, gauge: Gauge, values: Mapping[str, float]) -> None:
        """Set a gauge for these labels alone; what several workers count can be made 0, not taken back."""
        before = self._labels.get(gauge, frozenset())
        self._labels[gauge] = frozenset(values)
        for label in before - values.keys():
            if _is_one_of_several():
                gauge.labels(label).set(0.0)
            else:
                gauge.remove(label)
        for label, value in values.items():
            gauge.labels(label).set(value)


def _is_one_of_several() -> bool:
    return "PROMETHEUS_MULTIPROC_DIR" in os.environ
