"""The policy: one validated file that says what may be shown where, to whom, how often, and what stays silent.

Read from `policy.yaml` of the data folder's config, else from the shipped default; every fault names file and line.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, time
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from features.customer.holds import HoldRules
from features.home import Home
from features.typed_yaml import Strict, fault, parse, read_text
from serving.core.actions import LANGUAGE, Action, Category, Channel
from serving.core.alarm_rules import AlarmRules
from serving.core.catalogue import Catalogue
from serving.core.clock import is_within, is_zone, next_time

DEFAULT_POLICY = Path(__file__).parents[1] / "defaults" / "policy.yaml"
Purpose = Literal["marketing", "feedback"]
Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, le=100)]
Lever = Annotated[float, Field(ge=0.2, le=5)]
"""Levers and context weights are bounded: no hand on a lever drowns what models and customer say."""


class Arms(Strict):
    """Shares of customers by arm; the rest is treated. Holdout: no sales, no care. Control: relevant ones at random."""

    holdout: Share
    control: Share

    @model_validator(mode="after")
    def _leave_some(self) -> "Arms":
        if self.holdout + self.control > 0.5:
            raise ValueError("holdout and control together take more than half of the customers; lower one")
        return self


class Clearance(Strict):
    """What a state read must say before anything is sold. `required_sources` maps a source to its limit in hours."""

    required_sources: dict[str, Annotated[float, Field(gt=0, le=24 * 365)]] = Field(default_factory=dict)
    future_tolerance_minutes: float = Field(default=5, ge=0, le=60)


class DeclaredBasis(Strict):
    """A legal basis that a source's owner declares for customers known from it who never said anything themselves.

    `basis` says in words which it is; every report shows it. Her own word always comes before it.
    """

    source: str = Field(min_length=1)
    purpose: Purpose
    channels: list[Channel] = Field(min_length=1)
    basis: str = Field(min_length=3)


class Consents(Strict):
    """The purpose each group or category needs; a group's entry comes before its category's."""

    purposes: dict[str, Purpose]
    declared: list[DeclaredBasis] = Field(default_factory=list)


class Window(Strict):
    """A rolling window of the contact cap: in the last `days` the counter may not pass `limit`."""

    days: float = Field(gt=0, le=365)
    limit: float = Field(gt=0, le=1000)


class ContactCap(Strict):
    """One counter per customer over rolling windows, weighed by channel; it may not pass the limit of any.

    A reservation counts for `reservation_hours`. After a grave hold every window is `recovery_factor` times as long.
    After `unanswered` sales contacts in a row without a sign of life from her, no more go out until she shows up.
    """

    windows: tuple[Window, ...] = Field(min_length=1)
    recovery_factor: float = Field(default=2, ge=1, le=10)
    reservation_hours: float = Field(default=48, gt=0, le=24 * 365)
    unanswered: int | None = Field(default=None, ge=1, le=100)

    @model_validator(mode="after")
    def _each_says_something(self) -> "ContactCap":
        for shorter, longer in pairwise(self.windows):
            if not (shorter.days < longer.days and shorter.limit < longer.limit):
                raise ValueError(
                    f"a window of {longer.days:g} days with limit {longer.limit:g} after one of {shorter.days:g} days "
                    f"with limit {shorter.limit:g} says nothing of its own; list longer windows with higher limits"
                )
        return self


class QuietHours(Strict):
    """The hours in which we do not come to her, on the clock of her own zone (profile fact `time_zone`, else `zone`).

    `marketing` channels carry no sales and no care then, `all` channels nothing at all. Half-open; may pass midnight.
    """

    starts: time
    ends: time
    zone: str
    marketing: tuple[Channel, ...] = ()
    all: tuple[Channel, ...] = ()

    @field_validator("starts", "ends", mode="before")
    @classmethod
    def _is_quoted(cls, clock: Any) -> Any:
        if not isinstance(clock, str | time):  # YAML reads 21:00 as 1260
            raise ValueError('write the time of day in quotes, as "21:00"')
        return clock

    @field_validator("zone")
    @classmethod
    def _is_known(cls, zone: str) -> str:
        if not is_zone(zone):
            raise ValueError(f"{zone!r} is no time zone; name one as Europe/Helsinki")
        return zone

    @model_validator(mode="after")
    def _ends(self) -> "QuietHours":
        if self.starts == self.ends:
            raise ValueError("starts and ends are the same; leave quiet_hours out to have none")
        return self


class ChannelRule(Strict):
    """What a contact in a channel weighs in the cap, and what it costs in minor units."""

    weight: Weight
    contact_cost: float = Field(default=0, ge=0)


class Placement(Strict):
    """A slot that asks: where it is, which categories it may show, whether service comes first in it."""

    channels: list[Channel] = Field(min_length=1)
    outbound: bool
    categories: list[Category]
    reserves_service: bool = False
    context_weight: dict[str, Lever] = Field(default_factory=dict)


class Worth(Strict):
    """Stated money where the data says none: minor units, and margin as a share of the price."""

    default_margin: float = Field(ge=0)
    margin_share: Share


class Exploration(Strict):
    """What is left to chance, with its probability on record.

    `epsilon`: the share of draws that are uniform over the survivors. `items`: the items inside an action are ranked,
    or `explored`, drawn one after another in proportion to their chances from three times as many; nobody should
    evaluate off-policy over ranked ones. `predicted_release`: the share of predicted holds, where nothing but a
    prediction holds her, that do not hold, so that the worth of that silence can be measured.
    """

    epsilon: float = Field(ge=0, le=0.5)
    items: Literal["ranked", "explored"] = "ranked"
    predicted_release: float = Field(default=0, ge=0, le=0.2)


class PolicyFile(Strict):
    """The file, part by part."""

    salt: str = Field(min_length=1)
    time_bucket_hours: float = Field(gt=0, le=24 * 7)
    arms: Arms
    clearance: Clearance
    consent: Consents
    contact_cap: ContactCap
    quiet_hours: QuietHours | None = None
    language: str = Field(default="en", pattern=LANGUAGE)
    channels: dict[Channel, ChannelRule]
    worth: Worth
    exploration: Exploration
    placements: dict[str, Placement] = Field(min_length=1)
    levers: dict[str, Lever] = Field(default_factory=dict)
    holds: HoldRules
    alarms: AlarmRules = Field(default_factory=AlarmRules)


@dataclass(frozen=True)
class Policy:
    """The policy in force, with the text it came from and its hash."""

    file: PolicyFile
    text: str
    hash: str

    @cached_property
    def plans(self) -> dict[str, Any]:
        """What `plan.plan_of` has made of it, by catalogue."""
        return {}

    @cached_property
    def bucket_seconds(self) -> float:
        """Length of a time bucket: within one, list and request agree."""
        return self.file.time_bucket_hours * 3600.0

    def purpose(self, action: Action) -> str | None:
        """The consent an action needs: its own, else its group's, else its category's; None for service."""
        if not action.marketing:
            return None
        purposes = self.file.consent.purposes
        return action.purpose or purposes.get(action.group) or purposes.get(action.category)

    def sendable_from(self, now: datetime, channel: str) -> datetime:
        """The first moment from `now` on that is not quiet in the policy's own zone: when a list can go out."""
        hours = self.file.quiet_hours
        if hours is None or channel not in (*hours.marketing, *hours.all):
            return now
        return next_time(now, hours.zone, hours.ends) if is_within(now, hours.zone, hours.starts, hours.ends) else now

    def placement(self, name: str) -> Placement | None:
        """The definition of a placement, None for one the policy does not know."""
        return self.file.placements.get(name)


def parse_policy(text: str, *, name: str = "policy.yaml") -> Policy:
    """The policy in `text`; raises `ConfigError`."""
    return Policy(parse(text, PolicyFile, name=name), text, hashlib.sha256(text.encode()).hexdigest())


def load_policy(home: Home) -> Policy:
    """The shop's policy, else the default; raises `ConfigError`."""
    path = policy_path(home)
    return parse_policy(read_text(path), name=str(path))


def policy_path(home: Home) -> Path:
    """The file of the policy in force."""
    own = home.config / "policy.yaml"
    return own if own.exists() else DEFAULT_POLICY


def check_together(
    policy: Policy, catalogue: Catalogue, *, name: str = "policy.yaml", actions_name: str = "actions.yaml"
) -> None:
    """That policy and catalogue speak of the same actions and placements; raises `ConfigError`.

    What the shipped policy says of an action that the shop switched off is without effect, and no fault.
    """
    file = policy.file
    shipped = policy.text == DEFAULT_POLICY.read_text(encoding="utf-8")
    spoken_of: list[tuple[tuple[str | int, ...], str]] = [(("levers", lever), lever) for lever in file.levers]
    for place, placement in file.placements.items():
        spoken_of += [(("placements", place, "context_weight", one), one) for one in placement.context_weight]
    for where, action_id in spoken_of:
        if action_id not in catalogue.index and not (shipped and action_id in catalogue.retired):
            raise fault(name, policy.text, where, _no_action(action_id, catalogue, actions_name, shipped))
    for place, placement in file.placements.items():
        for i, channel in enumerate(placement.channels):
            if channel not in file.channels:
                raise fault(
                    name, policy.text, ("placements", place, "channels", i),
                    f"channel {channel!r} has no weight under channels. Add it there.",
                )  # fmt: skip
    for action in catalogue.actions:
        if action.marketing and policy.purpose(action) is None:
            raise fault(
                name, policy.text, ("consent", "purposes"),
                f"action {action.action!r} has no purpose by itself, {action.group!r} or {action.category!r}. Add one.",
            )  # fmt: skip
        for j, treatment in enumerate(action.treatments):
            for k, place in enumerate(treatment.placements or ()):
                if place not in file.placements:
                    raise catalogue.source.fault(
                        ("actions", action.action, "treatments", j, "placements", k),
                        f"no placement {place!r} in the policy. Known: {', '.join(file.placements)}.",
                    )  # fmt: skip


def _no_action(action_id: str, catalogue: Catalogue, actions_name: str, shipped: bool) -> str:
    if action_id in catalogue.retired:
        return f"{action_id!r} is switched off in {actions_name}. Remove it here, or switch it on again there."
    known = f"no such action in {actions_name}. Known: {', '.join(catalogue.index)}."
    return (
        f"{known} This is the shipped policy: put one without it beside the actions, as config/policy.yaml."
        if shipped
        else known
    )
