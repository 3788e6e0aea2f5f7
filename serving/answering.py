"""Reading what is known and asking the engine: what every answer of the service is made from, and nothing durable."""

import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

import msgspec

from features.errors import TahdikasError
from features.feature_store.online import OnlineFeatures
from features.home import Home
from serving.core.decision import Decision
from serving.core.engine import decide
from serving.core.question import Request, Snapshot
from serving.core.scorer import Scorer
from serving.core.standing import Standing, stand
from serving.in_force import InForce, Keeper
from serving.records import Records
from serving.snapshot import SnapshotReader

UNRECORDED = "unknown:unrecorded"

Answer = TypeVar("Answer")


class Answering:
    """What is in force for one data folder, and what is known there of customers; safe to share between threads.

    `beside` is as of `Keeper`.
    """

    def __init__(self, home: Home, records: Records, *, beside: bool = False) -> None:
        self._home, self._records = home, records
        self._keeper = Keeper(home, records.connection, beside=beside)
        self._readers: dict[str | None, OnlineFeatures] = {None: OnlineFeatures(home)}  # wrong settings: no start

    def force(self, now: datetime) -> InForce:
        """Policy, catalogue, items and models in force at `now`."""
        return self._keeper.at(now)

    def read(self, requests: Sequence[Request], force: InForce) -> list[Snapshot]:
        """One snapshot a request, all at the first request's moment."""
        expected = force.models.manifest.feature_schema_hash if force.models else None
        if expected not in self._readers:
            self._readers[expected] = OnlineFeatures(self._home, expected_schema=expected)
        return SnapshotReader(self._records, self._readers[expected], force.policy).read(requests)


def decided(requests: Sequence[Request], snapshots: Sequence[Snapshot], force: InForce) -> list[Decision]:
    """The engine's decisions; if the models fail on these customers, those of stated estimates."""
    ids = _new_ids(requests)
    return _by_models_or_without(
        force,
        lambda by: decide(requests, snapshots, by, force.catalogue, force.policy, articles=force.articles, ids=ids),
    )


def standing(
    requests: Sequence[Request], snapshots: Sequence[Snapshot], actions: Sequence[Collection[str]], force: InForce
) -> list[Standing]:
    """How each stands before the `actions` in question for her; where the models fail, by stated estimates."""
    return _by_models_or_without(
        force,
        lambda by: stand(requests, snapshots, actions, by, force.catalogue, force.policy, articles=force.articles),
    )


def _by_models_or_without(force: InForce, ask: Callable[[Scorer], list[Answer]]) -> list[Answer]:
    try:
        return ask(force.scorer)
    except TahdikasError:
        raise
    except Exception:  # whatever a model does, she gets a safe answer
        if force.scorer is force.fallback:
            raise
        return ask(force.fallback)


def unsold(requests: Sequence[Request], snapshots: Sequence[Snapshot], force: InForce) -> list[Decision]:
    """What may go out unrecorded: no sale."""
    silent = [msgspec.structs.replace(s, state_status=UNRECORDED) for s in snapshots]
    return decided(requests, silent, force)


def _new_ids(requests: Sequence[Request]) -> list[str]:
    """Ids of decisions: unique, sorted by time, and in their order within one call, so that a list is written in
    order."""
    mark = secrets.token_hex(6)
    return [f"d-{round(r.now.timestamp() * 1000):011x}-{mark}{i:04x}" for i, r in enumerate(requests)]


def plain_question(
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
