"""A hold over time, whether it still is in force or not, and what makes a score bad or good."""

import msgspec

from features.customer.coverage import Covers
from features.customer.hold_rules import HoldRule, HoldRules
from features.customer.ledger import Mark
from features.instants import days

BAD, GOOD = -1, 1
ROUNDING = 1e-9


class Span(msgspec.Struct):
    """A hold over time. `renewed_at`: when its cause last grew worse; no person's release from before ends it."""

    kind: str
    hold_id: str
    severity: int
    covers: Covers
    source_event: str
    case_id: str | None
    opened_at: int
    renewed_at: int
    ends_at: int | None
    review_at: int | None
    release_when: str
    cool_down: bool = False
    detail: str = ""


def verdict(mark: Mark, rules: HoldRules) -> int:
    """`verdict_on` the score of a mark."""
    return verdict_on(mark.unit, mark.kind, rules)


def verdict_on(unit: float | None, kind: str, rules: HoldRules) -> int:
    """Whether a score is `BAD`, `GOOD` or neither (0); without a score neither, and a complaint is never good."""
    if unit is None:
        return 0
    nps = kind == "nps"
    if unit <= (rules.nps_bad_max / 10 if nps else rules.bad_share) + ROUNDING:
        return BAD
    good = unit >= (rules.nps_good_min / 10 if nps else 1 - rules.good_share) - ROUNDING
    return GOOD if good and kind != "complaint" else 0


def review_at(rule: HoldRule, since: int) -> int | None:
    """When a person should look at a hold that opened at `since`."""
    return None if rule.review_days is None else since + days(rule.review_days)
