"""The cost of silence: per kind of hold, how many are silent and for how long, and what their silence kept back."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from statistics import fmean, median

import msgspec

from features.customer.hold_rules import HOLD_KINDS
from serving.core.words import HOLDS
from serving.desk.faults import FieldFaultError
from serving.desk.lens import STATE_UNKNOWN, Standing
from serving.desk.silence_worth import Worth
from serving.desk.withheld import Behind, WithheldMargin

LONGEST_DAYS = 366


class KindOfSilence(msgspec.Struct, frozen=True, kw_only=True):
    """One kind: customers silent now, days so far, and the estimated margin kept back, minor units."""

    kind: str
    text: str
    text_fi: str
    silent_now: int
    mean_days: float | None
    median_days: float | None
    past_review: int
    customers_withheld: int
    margin_withheld: float
    margin_withheld_alone: float


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """The whole, at a moment and over the `days` before it."""

    as_of: datetime
    days: int
    silent_now: int
    decisions: int
    customers_withheld: int
    margin_withheld: float
    kinds: list[KindOfSilence]
    predicted: Worth


def period(days: int, now: datetime) -> tuple[datetime, datetime]:
    """The half-open span looked back on; raises `FieldFaultError`."""
    if not 1 <= days <= LONGEST_DAYS:
        raise FieldFaultError("days", days, "cannot be looked back on", f"Ask for 1 to {LONGEST_DAYS} days.")
    return now - timedelta(days=days), now


def silence(held: Sequence[Standing], withheld: WithheldMargin, predicted: Worth, now: datetime, days: int) -> Silence:
    """The report on who is `held` now, and on what the decisions of the last `days` kept back."""
    watched = [one for one in held if one.problem != "erased"]
    kinds = (*HOLD_KINDS, STATE_UNKNOWN)
    return Silence(
        as_of=now,
        days=days,
        silent_now=len(watched),
        decisions=withheld.decisions,
        customers_withheld=withheld.customers,
        margin_withheld=withheld.total,
        kinds=[_kind(kind, watched, withheld.by_kind.get(kind, Behind(0, 0.0, 0.0)), now) for kind in kinds],
        predicted=predicted,
    )


def _kind(kind: str, held: Iterable[Standing], behind: Behind, now: datetime) -> KindOfSilence:
    if kind == STATE_UNKNOWN:
        return _row(kind, [], sum(one.problem is not None for one in held), 0, behind)
    mine = [[h for h in one.holds if h.kind == kind] for one in held]
    longest = [max((now - h.opened_at).total_seconds() / 86_400 for h in holds) for holds in mine if holds]
    late = sum(any(h.is_past_review(now) for h in holds) for holds in mine)
    return _row(kind, longest, len(longest), late, behind)


def _row(kind: str, lengths: list[float], silent: int, late: int, behind: Behind) -> KindOfSilence:
    text, text_fi = HOLDS.get(kind, ("her state is not to be trusted", "hänen tilanteeseensa ei voi luottaa"))
    return KindOfSilence(
        kind=kind,
        text=text,
        text_fi=text_fi,
        silent_now=silent,
        mean_days=fmean(lengths) if lengths else None,
        median_days=median(lengths) if lengths else None,
        past_review=late,
        customers_withheld=behind.customers,
        margin_withheld=behind.margin,
        margin_withheld_alone=behind.alone,
    )
