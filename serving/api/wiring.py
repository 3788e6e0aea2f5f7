"""What one running API is made of, put together once by the app factory."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from starlette.requests import Request

from features.home import Home
from features.log.event_log import EventResult
from serving.api.batches import Batches
from serving.api.execution import Deadline
from serving.api.key_check import KeyCheck
from serving.api.rounds import Rounds
from serving.campaigns.life import Campaigns
from serving.clocks import Clock
from serving.console.people import People
from serving.console.session import Sessions
from serving.core import decision as core
from serving.core import question
from serving.decider import Decider
from serving.desk.desk import Desk
from serving.experience.experience import Experience
from serving.metrics import Metrics
from serving.rate_limit import RateLimit
from serving.security import KeyStore
from serving.service import DecisionService
from serving.settings import ServingSettings
from serving.silence_share import SilenceShare


@dataclass(frozen=True)
class Wiring:
    """The parts that the routes use. `clock` gives aware UTC instants; `wake` is called when a campaign has work."""

    home: Home
    clock: Clock
    settings: ServingSettings
    service: DecisionService
    desk: Desk
    experience: Experience
    keys: KeyStore
    rate: RateLimit  # by key
    strangers: RateLimit  # of requests without a valid key, all together
    people: People
    sessions: Sessions
    campaigns: Campaigns
    wake: Callable[[], None]
    metrics: Metrics
    silence: SilenceShare
    rounds: Rounds
    decider: Decider
    decisions: Batches[question.Request, core.Decision]
    events: Batches[list[Any], list[EventResult]]
    reads: Deadline
    writes: Deadline
    staff: Deadline
    logins: Deadline

    @cached_property
    def key_check(self) -> KeyCheck:
        """Whose key it is, asked of `keys` in a third of a decision's deadline."""
        return KeyCheck(self.keys, self.settings.decision_deadline_ms / 1000 / 3)


def wired(request: Request) -> Wiring:
    """The parts behind the app that serves this request."""
    wiring: Wiring = request.app.state.wiring
    return wiring
