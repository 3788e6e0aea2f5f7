"""The call list: customers whom a person should call next, the gravest first, then the dearest.

Whether a call is the next best action the decision engine says, asked as for the placement of calls, without a trace.
A call made, told as a contact, takes her off. That it is night where she lives keeps her on the list, marked.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import msgspec

from features.customer.holds import Hold
from features.customer.state import CustomerState
from features.customer.view_parts import CaseView, case_views
from features.instants import to_us
from serving.core.catalogue import Catalogue
from serving.core.conditions import Condition
from serving.core.decision import Decision, Reason
from serving.core.policy import PolicyFile
from serving.desk.lens import Lens, Standing

CALL_CHANNEL = "phone"
QUIET = "quiet_hours"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call to make. `value` is what she has paid for and kept, minor units; `quiet` while she should sleep."""

    customer_id: str
    action_id: str
    severity: int
    since: datetime
    value: int
    quiet: bool
    text: str
    text_fi: str
    reasons: list[Reason]
    holds: list[Hold]
    cases: list[CaseView]


def call_actions(catalogue: Catalogue) -> dict[str, float]:
    """Actions that outrank all others, by id, with the gravity of hold from which they may apply."""
    found = {}
    for action in catalogue.actions:
        if action.outranks and any(CALL_CHANNEL in t.channels for t in action.treatments):
            least = [
                float(c.value) for c in action.applicability if _is_gravity(c) and isinstance(c.value, int | float)
            ]
            found[action.action] = max(least, default=1.0)
    return found


def _is_gravity(condition: Condition) -> bool:
    return condition.feature in ("unresolved_severity", "max_hold_severity") and condition.op in (">=", ">")


def call_placement(file: PolicyFile) -> str | None:
    """The placement of calls: the first outbound one for the phone."""
    return next((n for n, p in file.placements.items() if p.outbound and CALL_CHANNEL in p.channels), None)


def candidates(standings: Iterable[Standing], least: float) -> list[Standing]:
    """Who may be worth a call: someone with a hold at least so grave."""
    return [s for s in standings if s.holds and max(h.severity for h in s.holds) >= least]


def value_of(state: CustomerState, now: datetime) -> int:
    """What she has paid in all, less what she sent back; minor units.

    The purchases of one whose orders lie ahead of `now` count too: they are in her totals.
    """
    back = sum(line.amount for line in state.returned if line.at <= to_us(now))
    return sum(state.purchases.paid) - back


def calls(
    decided: Sequence[tuple[Standing, Decision]], actions: Collection[str], catalogue: Catalogue, lens: Lens
) -> list[Call]:
    """The calls among the decisions, in the order to make them."""
    found = (_call(standing, decision, actions, catalogue, lens) for standing, decision in decided)
    return sorted((c for c in found if c is not None), key=lambda c: (-c.severity, -c.value, c.since, c.customer_id))


def _call(
    standing: Standing, decision: Decision, actions: Collection[str], catalogue: Catalogue, lens: Lens
) -> Call | None:
    first = decision.actions[0] if decision.actions else None
    due = first is not None and first.action_id in actions
    asleep = next((c.action_id for c in decision.candidates if c.action_id in actions and c.gates == (QUIET,)), None)
    action_id = first.action_id if first is not None and due else asleep
    if action_id is None:
        return None
    treatments = catalogue.actions[catalogue.index[action_id]].treatments
    words = next(t.text for t in treatments if CALL_CHANNEL in t.channels)
    holds = list(standing.holds)
    severity = max(h.severity for h in holds)
    cases = case_views(standing.state, to_us(lens.now), lens.rules)
    return Call(
        customer_id=standing.customer_id,
        action_id=action_id,
        severity=severity,
        since=min(h.opened_at for h in holds if h.severity == severity),
        value=value_of(standing.state, lens.now),
        quiet=not due,
        text=words.en,
        text_fi=words.fi,
        reasons=list(first.reasons) if first is not None and due else [],
        holds=holds,
        cases=[c for c in cases if c.is_open or any(h.case_id == c.case_id for h in holds)],
    )
