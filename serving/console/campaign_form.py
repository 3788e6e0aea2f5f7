"""A campaign's wish as a form: how each field is written, and read again."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from features.customer.journey import STAGES
from features.errors import DataError
from serving.campaigns.spec import Spec
from serving.console.language import Language
from serving.console.names import name_of
from serving.console.seat import Form
from serving.core.catalogue import Catalogue
from serving.core.policy import Policy
from serving.said import said

_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,2})?")


def read(form: Form, was: Spec) -> Spec:
    """The wish that a form says; raises `DataError` that names the field for what cannot be read."""
    place, _, channel = form.get("place").partition("/")
    least = _number(form, "least_gain")
    budget, at_most = _number(form, "budget"), _number(form, "at_most")
    return msgspec.structs.replace(
        was,
        name=form.get("name"),
        placement=place,
        channel=channel,
        actions=tuple(form.all("actions")),
        stages=tuple(one for one in STAGES if one in form.all("stages")),
        orders=(_number(form, "orders_from"), _number(form, "orders_to")),
        days_since=(_number(form, "days_from"), _number(form, "days_to")),
        at_most=None if at_most is None else round(at_most),
        budget=None if budget is None else round(100 * budget),
        least_gain=None if least is None else round(100 * least),
        holdout=(_number(form, "holdout") or 0) / 100,
    )


def places(policy: Policy) -> list[tuple[str, str]]:
    """Where a list can go: (placement, channel), those where we come to her."""
    found = policy.file.placements.items()
    return [(name, channel) for name, place in found if place.outbound for channel in place.channels]


def messages(catalogue: Catalogue, channels: Sequence[str]) -> list[dict[str, Any]]:
    """The messages that can go by one of the channels."""
    return [
        {"id": one.action, "en": one.name.en, "fi": one.name.fi, "category": one.category}
        for one in catalogue.actions
        if any(channel in treatment.channels for treatment in one.treatments for channel in channels)
    ]


def _number(form: Form, name: str) -> float | None:
    """A number as people write it: blanks between thousands, a point or a comma before at most two decimals; None
    where nothing is written. Three digits behind a mark could be thousands or decimals: that is asked, not guessed.
    """
    text = re.sub(r"[\s\u00a0\u202f]", "", form.get(name)).replace(",", ".")
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        detail = said(
            "%(written)s is no number for the field %(name)s. "
            "Write digits, without a mark for thousands: 1500 or 12.50.",
            written=form.get(name), name=said(name_of("field", name)),
        )  # fmt: skip
        raise DataError(detail)
    return float(text)


def wished(tongue: Language, currency: str | None, field: str, value: Any) -> str:
    """A field of a wish as people read it; `value` in plain types."""
    if value in (None, [], [None, None]):
        return "–"
    if field in ("budget", "least_gain"):
        return tongue.money(value, currency)
    if field == "holdout":
        return tongue.percent(value)
    if field in ("orders", "days_since"):
        return "–".join(tongue.number(one) for one in value)
    if field in ("channel", "placement", "stages"):
        kind = field.removesuffix("s")
        return ", ".join(tongue.gettext(name_of(kind, one)) for one in ([value] if isinstance(value, str) else value))
    return ", ".join(value) if isinstance(value, list) else str(value)
