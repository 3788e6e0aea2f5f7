"""By what a moment's holds are judged: the rules, the incidents, and how far other clocks may be ahead."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from features.customer.holds import Hold, HoldRules
from features.customer.incidents import Incident
from features.customer.state import CustomerState
from features.customer.view_parts import case_views
from features.instants import to_us
from serving.snapshot import seen

STATE_UNKNOWN = "state_unknown"
"""The kind of silence that no hold explains: what is known of her cannot be trusted."""


@dataclass(frozen=True)
class Lens:
    """How a state is read at `now` (aware UTC)."""

    now: datetime
    rules: HoldRules
    tolerance: timedelta
    incidents: tuple[Incident, ...] = ()

    @property
    def ahead(self) -> datetime:
        """Up to here, what is dated after `now` has happened all the same."""
        return self.now + self.tolerance

    def at(self, now: datetime) -> "Lens":
        """The same rules and incidents at another moment."""
        return replace(self, now=now)


class Standing(msgspec.Struct, frozen=True):
    """One customer through a lens. `problem` says why her state cannot be trusted, None where it can."""

    customer_id: str
    state: CustomerState
    holds: tuple[Hold, ...]
    problem: str | None

    @property
    def is_held(self) -> bool:
        """Whether anything at all is kept from her."""
        return bool(self.holds) or self.problem is not None

    @property
    def state_status(self) -> str:
        """As in a decision: `ok`, or `unknown:` and why."""
        return "ok" if self.problem is None else f"unknown:{self.problem}"


def has_open_case(standing: Standing, lens: Lens) -> bool:
    """Whether any case of hers is open, held for it or not."""
    return any(case.is_open for case in case_views(standing.state, to_us(lens.now), lens.rules))


def look(
    customer_id: str, state: CustomerState, problem: str | None, lens: Lens, *, in_doubt: bool = False
) -> Standing:
    """Her standing at the lens's moment, as a decision would see it; sources that are silent aside."""
    if problem is None and state.erased_at is not None:
        problem = "erased"
    if problem is None and in_doubt:
        problem = "rejected_event"
    if problem is None and state.last_at is not None and state.last_at > to_us(lens.ahead):
        problem = "future_dated"
    held = seen(state, lens.now, lens.ahead, lens.rules, lens.incidents).holds
    return Standing(customer_id, state, tuple(held), problem)
