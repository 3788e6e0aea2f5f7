"""The parts that several answers share: items, reasons, actions and holds, as the API shows them."""

from datetime import date, datetime
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from features.customer.holds import RELEASE_CODES, Hold
from serving.core import decision as core


class Out(BaseModel):
    """A part of an answer; nothing in it is undocumented."""

    model_config = ConfigDict(extra="forbid")


class RunsOutOut(Out):
    """When something that she uses up runs out, as UTC dates."""

    on: date = Field(description="The middle of the chances: as likely before as after.", examples=["2026-10-14"])
    early: date = Field(description="One chance in ten that it is before.", examples=["2026-10-11"])
    late: date = Field(
        description="One chance in ten that it is after; at most five years ahead.", examples=["2026-10-19"]
    )
    probability: float = Field(
        description="Chance that she needs it again within a fortnight, 0 to 1; the list is in this order.",
        examples=[0.83],
    )


class ItemOut(Out):
    """A product inside an action."""

    item_id: str = Field(description="The catalogue's id.", examples=["tyre-w-28"])
    title: str | None = Field(default=None, description="The catalogue's title.", examples=["Winter tyre 28″"])
    probability: float | None = Field(
        default=None, description="Chance that she buys it, 0 to 1, where a model says.", examples=[0.12]
    )
    logging_propensity: float = Field(
        default=1.0, description="Chance with which it was drawn for its position, 0 to 1.", examples=[1.0]
    )
    quantity: int | None = Field(
        default=None, description="Of a favourite: the units she usually takes in an order.", examples=[2]
    )
    runs_out: RunsOutOut | None = Field(
        default=None,
        description="Of a favourite: when she runs out of it, given that she has not bought it yet.",
        examples=[{"on": "2026-10-14", "early": "2026-10-11", "late": "2026-10-19", "probability": 0.83}],
    )
    knowledge_url: str | None = Field(
        default=None, description="A page worth reading about it.", examples=["https://shop.example/care/bicycle"]
    )


class ReasonOut(Out):
    """Why: a documented code, and the same in words."""

    code: str = Field(description="A documented code.", examples=["open_case"])
    text: str = Field(description="In English.", examples=["An exchange is open"])
    text_fi: str = Field(default="", description="In Finnish.", examples=["Vaihto on kesken"])


class ActionOut(Out):
    """One chosen action."""

    action_id: str = Field(description="The action of the catalogue.", examples=["next_offer"])
    treatment_id: str = Field(description="Its form in this channel.", examples=["next_offer_web"])
    category: str = Field(description="regulation, data, service, care or sales.", examples=["sales"])
    rank: int = Field(description="Position in the slot, from 1.", examples=[1])
    items: list[ItemOut] = Field(description="Products, best first.", examples=[[]])
    message: str = Field(default="", description="Words to show, in her language.", examples=["Sinulle valittua"])
    language: str = Field(default="", description="Of the message, ISO 639.", examples=["fi"])
    text: str = Field(default="", description="The same for staff, in English.", examples=["Chosen for you"])
    text_fi: str = Field(default="", description="The same for staff, in Finnish.", examples=["Sinulle valittua"])
    response_probability: float = Field(description="Chance of the wanted response, 0 to 1.", examples=[0.12])
    expected_gain: float = Field(description="Expected gain in minor units (cents).", examples=[184.5])
    logging_propensity: float = Field(description="Chance with which the policy drew it, 0 to 1.", examples=[0.97])
    reasons: list[ReasonOut] = Field(description="Why this.", examples=[[]])


class CoversOut(Out):
    """What a hold suppresses."""

    categories: list[str] = Field(description="Action categories.", examples=[["sales"]])
    channels: list[str] = Field(description="Channels.", examples=[["email", "phone"]])
    groups: list[str] = Field(description="Groups of actions besides.", examples=[["feedback_request"]])


class HoldOut(Out):
    """A dissatisfaction-based suppression in force."""

    hold_id: str = Field(description="Its id, stable over its life.", examples=["open_case:rma-7"])
    kind: str = Field(description="Its kind in the policy.", examples=["open_case"])
    severity: int = Field(description="1 (mild) to 5 (grave).", examples=[3])
    covers: CoversOut = Field(description="What it suppresses.", examples=[{}])
    source_event: str = Field(description="The event that opened it.", examples=["e-90017"])
    case_id: str | None = Field(description="The case behind it, if one is.", examples=["rma-7"])
    opened_at: datetime = Field(description="Since when, UTC.", examples=["2026-03-01T09:00:00Z"])
    release_when: str = Field(description="What ends it, as a code.", examples=["case_resolved"])
    release_text: str = Field(description="What ends it, in words.", examples=[RELEASE_CODES["case_resolved"]])
    review_at: datetime | None = Field(description="When staff look at it, UTC.", examples=["2026-03-15T09:00:00Z"])
    ends_at: datetime | None = Field(description="When it ends by itself, UTC, if known.", examples=[None])
    cool_down: bool = Field(description="True where its cause is over and only the cool-down runs.", examples=[False])
    detail: str = Field(description="More, for staff.", examples=[""])

    @classmethod
    def of(cls, hold: Hold) -> "HoldOut":
        """From the core's hold."""
        return cls.model_validate(hold_out(msgspec.to_builtins(hold)))


def hold_out(hold: dict[str, Any]) -> dict[str, Any]:
    """A hold in plain types, with what ends it in words."""
    return hold | {"release_text": RELEASE_CODES.get(hold["release_when"], hold["release_when"])}


def reason_out(reason: core.Reason) -> ReasonOut:
    """From the core's reason."""
    return ReasonOut(code=reason.code, text=reason.text, text_fi=reason.text_fi)
