"""Challenger and champion decide for the same customers at the newest moment, by the engine that serves; nothing is
written."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime

from features.catalogue import load_items
from features.home import Home
from features.inputs.newcomers import newcomers_of
from features.log.connection import one_moment
from features.log.event_log import EventLog
from serving.bundle import Bundle, load
from serving.core.decision import Decision
from serving.core.held import covers
from serving.core.policy import Policy
from serving.core.question import Request
from serving.desk.desk import Desk
from serving.desk.sample import Sample
from serving.in_force import InForce
from serving.service import DecisionService
from training.gates.policy import PolicyFigures

SEED, NO_ACTION = "promotion", "no_action"
_AT_ONCE = 100


@dataclass(frozen=True)
class Replay:
    """What the challenger would decide, and the champion (None: there is none that this program can open).

    `knowing` is the share of customers whose features are online, so that models could speak of them.
    """

    challenger: PolicyFigures
    champion: PolicyFigures | None
    customers: int
    knowing: float
    at: datetime


def replayed(home: Home, bundle: str, as_of: datetime, now: datetime, size: int) -> Replay | None:
    """Both decide for `size` customers in every placement; None where nobody is known.

    The moment is that of the newest event, at least `as_of`, at most `now`. Raises `BundleError` where the challenger
    cannot be opened.
    """
    at = _newest(home, as_of, now)
    with closing(DecisionService(home)) as service:
        champion = service.in_force(at)
        sample = Desk(service).sample(at, size, SEED)
        if not sample.keys:
            return None
        models = load(home.bundles / bundle).with_newcomers(newcomers_of(load_items(home), at.timestamp()))
        forces = [replace(champion, models=models), *([champion] if champion.models is not None else [])]
        tallies = [_Tally(force) for force in forces]
        for start in range(0, len(sample.keys), _AT_ONCE):
            _decide(service, tallies, sample, range(start, min(start + _AT_ONCE, len(sample.keys))), at)
    ours, *theirs = (tally.figures(models) for tally in tallies)
    known = tallies[0].knowing / len(sample.keys)
    return Replay(ours, theirs[0] if theirs else None, len(sample.keys), known, at)


def _newest(home: Home, as_of: datetime, now: datetime) -> datetime:
    """A clock that runs ahead of ours says nothing of now."""
    with EventLog(home) as log:
        heard = [at for at, _ in log.watermarks().values() if at <= now]
    return max([as_of, *heard])


def _decide(service: DecisionService, tallies: "Sequence[_Tally]", sample: Sample, rows: range, at: datetime) -> None:
    keys = [sample.keys[row] for row in rows]
    weights = [sample.weight(row) for row in rows]
    policy = tallies[0].force.policy
    with one_moment(service.records.connection()):
        first = next(iter(_places(policy)))
        read = [service.read([_asked(key, *first, at, policy) for key in keys], t.force) for t in tallies]
    for tally, snapshots in zip(tallies, read, strict=True):
        tally.knowing += sum(one.features is not None for one in snapshots)
        for place in _places(policy):
            requests = [_asked(key, *place, at, policy) for key in keys]
            for decision, weight in zip(service.decided_under(tally.force, requests, snapshots), weights, strict=True):
                tally.add(decision, weight, outbound=place[2])


def _places(policy: Policy) -> Iterator[tuple[str, str, bool]]:
    """Every placement with its first channel."""
    for name, placement in policy.file.placements.items():
        yield name, placement.channels[0], placement.outbound


def _asked(key: str, placement: str, channel: str, outbound: bool, at: datetime, policy: Policy) -> Request:
    """As of `at`; a letter is judged for when it may be sent."""
    send_at = policy.sendable_from(at, channel) if outbound else at
    return Request(
        customer_id=key,
        channel=channel,
        placement=placement,
        mode="simulate",
        now=at,
        send_at=send_at if send_at > at else None,
    )


@dataclass
class _Tally:
    """Counts what is decided under `force`, each customer by how many of the shop she stands for."""

    force: InForce
    decisions: int = 0
    covered: int = 0
    knowing: int = 0
    total: float = 0.0
    silent: float = 0.0
    first: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    items: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, decision: Decision, weight: float, *, outbound: bool) -> None:
        self.decisions += 1
        self.total += weight
        self.silent += weight * (decision.withheld is not None and "hold" in decision.withheld.gates)
        self.first[decision.actions[0].action_id if decision.actions else NO_ACTION] += weight
        in_force = [hold for hold in decision.holds if hold.hold_id not in decision.released_holds]
        for chosen in decision.actions:
            action = self.force.catalogue.actions[self.force.catalogue.index[chosen.action_id]]
            self.covered += any(covers(h, action, channel=decision.channel, outbound=outbound) for h in in_force)
            for item in chosen.items:
                self.items[item.item_id] += weight

    def figures(self, models: Bundle) -> PolicyFigures:
        offered = sum(self.items.values())
        top = max(self.items, key=lambda item: (self.items[item], item), default="")
        return PolicyFigures(
            decisions=self.decisions,
            no_action=self.first[NO_ACTION] / self.total,
            silence=self.silent / self.total,
            actions={name: weight / self.total for name, weight in self.first.items() if name != NO_ACTION},
            concentration=self.items[top] / offered if offered else 0.0,
            spread=sum((weight / offered) ** 2 for weight in self.items.values()) if offered else 0.0,
            top_item=top,
            items_of_shop=len(models.table.item_id),
            covered_sales=self.covered,
        )
