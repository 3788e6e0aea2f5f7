"""What a person may ask of a hold: who and why are needed, a review in good time, and something that can be held."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from features.customer.coverage import CATEGORIES, CHANNEL_WORDS, channels_of
from features.customer.hold_rules import MAX_DAYS
from serving.desk.faults import FieldFaultError
from serving.desk.staff_events import HoldWish

HELD_CATEGORIES = tuple(name for name in CATEGORIES if name != "regulation")
LONGEST_TEXT = 500


def checked(wish: HoldWish, now: datetime) -> HoldWish:
    """The wish with channel words spelled out; raises `FieldFaultError` for what cannot be."""
    told("person", wish.person)
    told("reason", wish.reason)
    review_in_time(wish.review_at, now)
    _among("categories", wish.categories, HELD_CATEGORIES)
    _among("channels", wish.channels, tuple(CHANNEL_WORDS))
    return msgspec.structs.replace(wish, channels=channels_of(wish.channels))


def told(field: str, text: str) -> None:
    """That a text says something and fits; raises `FieldFaultError`."""
    if not text.strip():
        raise FieldFaultError(field, text, "says nothing", f"Say the {field}: it is kept with what was done.")
    if len(text) > LONGEST_TEXT:
        raise FieldFaultError(
            field, text[:40] + "…", f"has {len(text)} characters", f"Keep it to {LONGEST_TEXT} characters."
        )


def review_in_time(review_at: datetime, now: datetime) -> None:
    """That somebody looks again, later than now and within `MAX_DAYS`; raises `FieldFaultError`."""
    latest = now + timedelta(days=MAX_DAYS)
    if not now < review_at <= latest:
        problem = "is not in the future" if review_at <= now else f"is more than {MAX_DAYS} days ahead"
        remedy = f"Name a moment after {now.isoformat()} and no later than {latest.isoformat()}; it can be prolonged."
        raise FieldFaultError("review_at", review_at.isoformat(), problem, remedy)


def _among(field: str, values: Sequence[str], known: Sequence[str]) -> None:
    for value in values:
        if value not in known:
            raise FieldFaultError(field, value, "cannot be held", f"Name some of {', '.join(known)}, or leave it out.")
