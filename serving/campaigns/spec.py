"""What a marketer asks for: whom, with which messages, where, within which bounds; and templates to begin from.

A campaign never tells the engine what to do. It takes, of those in its audience, the ones whose next best action in
this place is one of its messages; anybody else is kept off with the reason.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from features.customer.journey import STAGES
from features.errors import DataError
from serving.core.conditions import Condition, predicate
from serving.core.policy import Policy
from serving.said import said

MOST_HELD_OUT = 0.5
LONGEST_NAME = 80
NEVER_HELD_OUT = ("service", "regulation", "data")
_ORDERS, _DAYS = said("Orders"), said("Days since the last order")


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign as it is wanted. Money in minor units; None: no bound; no stages, no actions: all of them.

    `orders` and `days_since` bound her orders in all and the days since her last one, both ends included. `holdout` is
    the share of those who would get an offer that gets none, so that what it brings can be measured.
    """

    name: str
    template: str = "anything"
    channel: str = "email"
    placement: str = "email"
    actions: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    orders: tuple[float | None, float | None] = (None, None)
    days_since: tuple[float | None, float | None] = (None, None)
    at_most: int | None = None
    budget: int | None = None
    least_gain: int | None = None
    holdout: float = 0.1

    @property
    def audience(self) -> list[Condition]:
        """Who is in it, as conditions on what is known of a customer; empty: everybody."""
        found = []
        if self.stages:
            found.append(Condition(feature="stage", op="in", value=[float(STAGES.index(s)) for s in self.stages]))
        for feature, (low, high) in (("orders_total", self.orders), ("days_since_last_purchase", self.days_since)):
            if low is not None:
                found.append(Condition(feature=feature, op=">=", value=low))
            if high is not None:
                found.append(Condition(feature=feature, op="<=", value=high))
        return found

    def takes_in(self, known: Sequence[Mapping[str, float]]) -> list[bool]:
        """Of some customers, of each of whom these live features are known, which are in the audience."""
        taken = np.ones(len(known), bool)
        for one in self.audience:
            column = np.array([values.get(one.feature, np.nan) for values in known])
            taken &= predicate(one)({one.feature: column}, len(known))
        return [bool(one) for one in taken]


TEMPLATES: dict[str, dict[str, Any]] = {
    "anything": {},
    "win_back": {"actions": ("win_back_discount",), "stages": ("lapsing", "lapsed"), "at_most": 5_000},
    "second_purchase": {"actions": ("second_purchase_nurture",), "orders": (1.0, 1.0)},
    "seasonal": {"actions": ("seasonal_offer",)},
    "favourites": {"actions": ("favourites_reminder", "favourites_reorder")},
    "check_in": {"actions": ("check_in", "check_in_later"), "holdout": 0.0},
    "call_list": {"actions": ("staff_call",), "channel": "phone", "placement": "call_list", "holdout": 0.0},
}
"""What each template says beside the name; `anything` takes whatever is best for each."""


def from_template(template: str, name: str) -> Spec:
    """A first draft. Raises `DataError` for a template that there is not."""
    if template not in TEMPLATES:
        raise DataError(
            said("There is no template %(name)s. Choose among %(known)s.", name=template, known=", ".join(TEMPLATES))
        )
    return Spec(name=name, template=template, **TEMPLATES[template])


def checked(spec: Spec, policy: Policy, actions: Collection[str]) -> Spec:
    """The wish, where it can be carried out under a policy and these actions; raises `DataError` that says what not."""
    if not spec.name.strip() or len(spec.name) > LONGEST_NAME:
        raise DataError(said("A campaign needs a name of at most %(most)s characters.", most=LONGEST_NAME))
    place = policy.file.placements.get(spec.placement)
    if place is None or spec.channel not in place.channels:
        places = ", ".join(f"{name} ({', '.join(one.channels)})" for name, one in policy.file.placements.items())
        raise DataError(
            said(
                "There is no place %(place)s in channel %(channel)s. The policy has: %(places)s.",
                place=spec.placement, channel=spec.channel, places=places,
            )
        )  # fmt: skip
    unknown = [one for one in spec.actions if one not in actions]
    if unknown:
        raise DataError(
            said(
                "There is no message %(name)s. Choose among %(known)s.",
                name=", ".join(unknown), known=", ".join(sorted(actions)),
            )
        )  # fmt: skip
    if any(one not in STAGES for one in spec.stages):
        raise DataError(said("A stage is one of %(known)s.", known=", ".join(STAGES)))
    for what, (low, high) in ((_ORDERS, spec.orders), (_DAYS, spec.days_since)):
        if (low or 0) < 0 or (high or 0) < 0 or (low is not None and high is not None and low > high):
            raise DataError(
                said(
                    "%(what)s: from %(low)s to %(high)s. Write the smaller number first, none below zero.",
                    what=what, low=_plain(low), high=_plain(high),
                )
            )  # fmt: skip
    if not 0 <= spec.holdout <= MOST_HELD_OUT:
        raise DataError(
            said(
                "The share held out is %(share)s per cent. Keep it between 0 and %(most)s.",
                share=_plain(100 * spec.holdout), most=_plain(100 * MOST_HELD_OUT),
            )
        )  # fmt: skip
    if any(bound is not None and bound < 0 for bound in (spec.at_most, spec.budget, spec.least_gain)):
        raise DataError(said("A bound is below zero. Leave it empty, or write a number from 0 on."))
    return spec


def held_out(campaign_id: str, customer_id: str, share: float) -> bool:
    """Whether a campaign keeps a customer apart to measure by: the same each time it is asked.

    >>> held_out("c", "anna", 0.0), held_out("c", "anna", 1.0)
    (False, True)
    """
    drawn = hashlib.blake2b(f"{campaign_id}\0{customer_id}".encode(), digest_size=8).digest()
    return int.from_bytes(drawn, "big") < share * 2**64


REASONS = {
    "other_message": (
        "Another message is better for them now, one that this campaign does not have",
        "Jokin muu viesti sopii heille nyt paremmin kuin tämän kampanjan viestit",
    ),
    "least_gain": (
        "It would bring less than the campaign asks for",
        "Se tuottaisi vähemmän kuin kampanja vaatii",
    ),
    "campaign_holdout": (
        "Held out of this campaign by chance, so that what it brings can be measured",
        "Arvottu kampanjan vertailuryhmään, jotta sen tuotto voidaan mitata",
    ),
    "over_budget": (
        "Others bring more, and the campaign's budget or number of contacts is spent",
        "Muut tuottavat enemmän, ja kampanjan budjetti tai yhteydenottojen määrä on täynnä",
    ),
}
"""Why a campaign itself keeps somebody off, beside the reasons of decisions; English and Finnish."""


def _plain(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"
