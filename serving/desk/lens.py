"""By what a moment's holds are judged: the rules, the incidents, and how far other clocks may be ahead."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from features.customer.holds import Hold, HoldRules
from features.customer.state import CustomerState
from features.instants import to_us
from serving.snapshot import seen

ERASED, FUTURE = "erased", "future_dated"
STATE_UNKNOWN = "state_unknown"
"""The kind of silence that no hold explains: what is known of her cannot be trusted."""


@dataclass(frozen=True)
class Lens:
    """How a state is read at `now` (aware UTC)."""

    now: datetime
    rules: HoldRules
    tolerance: timedelta

    @property
    def ahead(self) -> datetime:
        """Up to here, what is dated after `now` has happened all the same."""
        return self.now + self.tolerance


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


def look(customer_id: str, state: CustomerState, problem: str | None, lens: Lens) -> Standing:
    """Her standing at the lens's moment, exactly as a decision would see it; sources that are silent aside."""
    if problem is None and state.erased_at is not None:
        problem = ERASED
    if problem is None and state.last_at is not None and state.last_at > to_us(lens.ahead):
        problem = FUTURE
    return Standing(customer_id, state, tuple(seen(state, lens.now, lens.ahead, lens.rules).holds), problem)
