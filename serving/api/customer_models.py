"""What is told of one customer, and why she gets what she gets: the shapes of both answers."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from features.customer.journey import STAGES
from serving.api.parts import ActionOut, HoldOut, Out, ReasonOut

_WHEN = "2026-03-01T09:00:00Z"


class CaseOut(Out):
    """A case: a return, an exchange, a complaint..."""

    case_id: str = Field(description="The shop's id of the case.", examples=["rma-7"])
    kind: str = Field(
        description="return, exchange, complaint, warranty, delivery_claim or question.", examples=["exchange"]
    )
    status: str = Field(description="Its latest status.", examples=["waiting_shop"])
    is_open: bool = Field(description="Whether it is unfinished.", examples=[True])
    severity: int = Field(description="1 (mild) to 5 (grave).", examples=[2])
    opened_at: datetime = Field(description="Since when, UTC.", examples=[_WHEN])
    finished_at: datetime | None = Field(description="When it was resolved or closed, UTC.", examples=[None])
    promised_by: datetime | None = Field(description="When it was promised to be done, UTC.", examples=[_WHEN])
    overdue: bool = Field(description="Late, asked about or reopened at some time.", examples=[False])
    asked: int = Field(description="Times she had to ask; a count.", examples=[1])
    order_id: str | None = Field(description="The order it is about.", examples=["o-5531"])
    item_ids: list[str] = Field(description="The items it is about.", examples=[["shoe-42"]])


class DeliveryOut(Out):
    """An order on its way."""

    order_id: str = Field(description="The order.", examples=["o-5531"])
    status: str = Field(description="Its latest status.", examples=["shipped"])
    since: datetime = Field(description="Since when, UTC.", examples=[_WHEN])
    promised_at: datetime | None = Field(description="The earliest promise, UTC.", examples=[_WHEN])
    late: bool = Field(description="Whether the promise has passed.", examples=[False])


class ConsentOut(Out):
    """What she said about being contacted or profiled."""

    purpose: str = Field(description="marketing, profiling or feedback.", examples=["marketing"])
    channel: str | None = Field(description="The channel; null: all not named.", examples=["email"])
    status: str = Field(description="granted, withdrawn or objected.", examples=["granted"])


class ContactOut(Out):
    """A contact of the last 90 days."""

    at: datetime = Field(description="When it reached her, or was reserved; UTC.", examples=[_WHEN])
    action_id: str = Field(description="The action.", examples=["welcome"])
    channel: str | None = Field(description="The channel.", examples=["email"])
    status: str = Field(description="reserved, released, sent, clicked, accepted or dismissed.", examples=["sent"])
    decision_id: str | None = Field(description="The decision behind it.", examples=["d-01J8ZK"])
    treatment_id: str | None = Field(description="The action's form.", examples=["welcome_email"])


class ReservedOut(Out):
    """A contact promised to a sender, neither sent nor released."""

    at: datetime = Field(description="Since when, UTC.", examples=[_WHEN])
    action_id: str = Field(description="The action.", examples=["welcome"])
    channel: str = Field(description="The channel.", examples=["email"])
    placement: str = Field(description="The placement.", examples=["email"])
    decision_id: str = Field(description="The decision that promised it.", examples=["d-01J8ZK"])


class OrderOut(Out):
    """One of her latest orders."""

    order_id: str = Field(description="The order.", examples=["o-5531"])
    at: datetime = Field(description="When, UTC.", examples=[_WHEN])
    currency: str = Field(description="ISO 4217 code.", examples=["EUR"])
    paid: int = Field(description="Paid after discounts; minor units (cents).", examples=[5490])
    items: list[str] = Field(description="Items, their item_ids.", examples=[["shoe-42"]])


class CauseOut(Out):
    """One cause of a score: the weightiest of the model's inputs that say much the same."""

    input: str = Field(description="The model's input.", examples=["recency_days"])
    value: float | None = Field(description="Hers, as the model sees it; null: not known.", examples=[83.2])
    typical: float | None = Field(description="The middle one of the shop; null: not told.", examples=[35.0])
    log_odds: float = Field(description="What it and its like add; negative: lowers.", examples=[0.81])
    text: str = Field(description="In English.", examples=["no order for 83 days (usually 21)"])
    text_fi: str = Field(description="In Finnish.", examples=["ei tilausta 83 päivään (tavallisesti 21)"])


class CausesOut(Out):
    """Why a score is what it is."""

    raises: list[CauseOut] = Field(description="What raises it most, at most three.", examples=[[]])
    lowers: list[CauseOut] = Field(description="What lowers it most, at most three.", examples=[[]])


class CustomerResponse(Out):
    """One customer, as known at `as_of`. What follows `versions` is absent where her state cannot be trusted."""

    customer_id: str = Field(description="The id all hers resolve to.", examples=["c-1042"])
    as_of: datetime = Field(description="The moment of this answer, UTC.", examples=[_WHEN])
    state_status: str = Field(description="`ok`, or `unknown:` and why.", examples=["ok"])
    arm: str = Field(description="Her experiment arm: treated, control or holdout.", examples=["treated"])
    holds: list[HoldOut] = Field(description="Holds in force.", examples=[[]])
    scores: dict[str, float] = Field(
        description="What the models in force say: probabilities, 0 to 1; `expected_value` within the horizon and the "
        "ends of its interval of 80 %, in minor units.",
        examples=[{"churn_probability": 0.31}],
    )
    causes: dict[str, CausesOut] = Field(
        default={}, description="Why, by score: of those that are chances.", examples=[{}]
    )
    features: dict[str, float | None] = Field(
        description="Live features by name (docs: features); null where absent.", examples=[{"open_cases": 0}]
    )
    versions: dict[str, str] = Field(description="Hashes and ids in force.", examples=[{"policy": "ba9ca4…"}])
    stage: str | None = Field(
        default=None,
        description="The stage of her journey: " + ", ".join(STAGES) + ".",
        examples=["active"],
    )
    in_recovery_until: datetime | None = Field(
        default=None, description="Until when sales caps are doubled after a grave hold, UTC.", examples=[None]
    )
    open_cases: list[CaseOut] = Field(default=[], description="Unfinished cases.", examples=[[]])
    cases: list[CaseOut] = Field(default=[], description="All cases kept.", examples=[[]])
    deliveries: list[DeliveryOut] = Field(default=[], description="Orders on their way.", examples=[[]])
    consents: list[ConsentOut] = Field(default=[], description="Consents in force.", examples=[[]])
    contacts: list[ContactOut] = Field(default=[], description="Contacts of the last 90 days.", examples=[[]])
    reserved: list[ReservedOut] = Field(default=[], description="Contacts promised to a sender.", examples=[[]])
    orders: list[OrderOut] = Field(default=[], description="Latest orders.", examples=[[]])
    returned_items: list[str] = Field(default=[], description="Items she sent back.", examples=[["shoe-41"]])
    profile: dict[str, object] = Field(default={}, description="What she told.", examples=[{"language": "fi"}])
    identities: list[str] = Field(default=[], description="Ids that are her.", examples=[["c-1042"]])


class ConditionOut(Out):
    """A condition of the action catalogue."""

    feature: str = Field(description="The feature.", examples=["open_cases"])
    op: str = Field(description="The comparison.", examples=[">="])
    value: object = Field(description="What it is compared with.", examples=[1])
    observed: float | None = Field(description="What it was; null where absent.", examples=[0])
    met: bool = Field(description="Whether it holds.", examples=[False])


class WindowOut(Out):
    """One rolling window of the contact cap."""

    days: float = Field(description="Its length; days.", examples=[7])
    limit: float = Field(description="The weight of contacts allowed in it.", examples=[3])
    spent: float = Field(description="The weight of contacts in it.", examples=[3])


class WithoutOut(Out):
    """What would be best had one gate alone stood open."""

    gate: str = Field(description="The gate.", examples=["hold"])
    changes: bool = Field(description="Whether anything would change.", examples=[True])
    action_id: str = Field(description="What she would get then.", examples=["recommended_items"])
    expected_gain: float = Field(description="Its expected gain; minor units (cents).", examples=[120.5])
    text: str = Field(description="In English.", examples=["Without it she would get: Products for her"])
    text_fi: str = Field(description="In Finnish.", examples=["Ilman sitä hän saisi: Tuotteita hänelle"])


class BlockOut(Out):
    """One gate that stood before an action; only what concerns the gate is there."""

    gate: str = Field(description="The gate, a documented code.", examples=["hold"])
    text: str = Field(description="In English.", examples=["Offers are on hold: a case of hers is open"])
    text_fi: str = Field(description="In Finnish.", examples=["Tarjoukset ovat tauolla: asia on kesken"])
    until: datetime | None = Field(description="When it ends, UTC, if known.", examples=[None])
    holds: list[str] = Field(default=[], description="The holds behind it, their ids.", examples=[["open_case:rma-7"]])
    state_status: str | None = Field(
        default=None, description="Why her state is not trusted.", examples=["unknown:corrupt"]
    )
    conditions: list[ConditionOut] = Field(default=[], description="The conditions looked at.", examples=[[]])
    ends: str = Field(description="When it ends, in English.", examples=["when the case is resolved"])
    ends_fi: str = Field(description="When it ends, in Finnish.", examples=["kun asia on ratkaistu"])
    decides: bool = Field(
        description="Whether she would get this action if this gate alone stood open.", examples=[True]
    )
    windows: list[WindowOut] = Field(default=[], description="The windows of the contact cap.", examples=[[]])
    days: float | None = Field(default=None, description="Window of the action's own cap; days.", examples=[30])
    limit: float | None = Field(default=None, description="The action's own cap; a count.", examples=[1])
    used: int | None = Field(default=None, description="Contacts with the action in its window.", examples=[1])
    zone: str | None = Field(default=None, description="Whose clock it is by.", examples=["Europe/Helsinki"])
    said: str | None = Field(default=None, description="Her word on that purpose, if any.", examples=["withdrawn"])
    purpose: str | None = Field(default=None, description="The consent that is missing.", examples=["marketing"])
    channel: str | None = Field(default=None, description="Where it is missing.", examples=["email"])
    placement: str | None = Field(default=None, description="The placement.", examples=["checkout"])
    categories: list[str] = Field(default=[], description="What the placement shows.", examples=[["service"]])


class CandidateOut(Out):
    """How one action of the catalogue fared."""

    action_id: str = Field(description="The action.", examples=["recommended_items"])
    name: str | None = Field(description="Its name in English.", examples=["Products for her"])
    name_fi: str | None = Field(description="Its name in Finnish.", examples=["Tuotteita hänelle"])
    category: str = Field(description="regulation, data, service, care or sales.", examples=["sales"])
    gates: list[str] = Field(description="Gates that stood before it.", examples=[["hold"]])
    blocks: list[BlockOut] = Field(description="The same, explained.", examples=[[]])
    response_probability: float | None = Field(description="Chance of the wanted response, 0 to 1.", examples=[0.06])
    incremental_response: float | None = Field(
        description="What of it the action would cause, 0 to 1.", examples=[0.015]
    )
    expected_gain: float | None = Field(description="Expected gain; minor units (cents).", examples=[7.5])
    rank: int = Field(description="Place by gain among those left; 0: blocked.", examples=[0])
    chances: list[float] = Field(description="Chance of being drawn at each position, 0 to 1.", examples=[[1.0]])


class WithheldOut(Out):
    """What she would have got."""

    action_id: str = Field(description="The action.", examples=["recommended_items"])
    category: str = Field(description="Its category.", examples=["sales"])
    expected_gain: float = Field(description="Expected gain; minor units (cents).", examples=[184.5])
    gates: list[str] = Field(description="What stood before it.", examples=[["hold"]])
    item_ids: list[str] = Field(description="Its items.", examples=[["tyre-w-28"]])


class WhyResponse(Out):
    """A decision with its verdict on every action; `source` says whether it was recorded or is derived now."""

    source: Literal["live", "record"] = Field(description="live: derived now, recorded nowhere.", examples=["live"])
    customer_id: str = Field(description="The customer.", examples=["c-1042"])
    decision_id: str = Field(description="The decision.", examples=["d-01J8ZK"])
    decided_at: datetime = Field(description="When, UTC.", examples=[_WHEN])
    mode: str = Field(description="serve, list, manual or simulate.", examples=["simulate"])
    channel: str = Field(description="The channel.", examples=["web"])
    placement: str = Field(description="The placement.", examples=["front_page"])
    send_at: datetime | None = Field(description="When it was to reach her, UTC, if later.", examples=[None])
    arm: str = Field(description="Her experiment arm.", examples=["treated"])
    arm_probability: float = Field(description="The chance of coming into it, 0 to 1.", examples=[0.95])
    crossover: list[str] = Field(description="Arms of other identities of hers.", examples=[[]])
    state_status: str = Field(description="`ok`, or `unknown:` and why.", examples=["ok"])
    actions: list[ActionOut] = Field(description="What was chosen.", examples=[[]])
    no_action_reason: ReasonOut | None = Field(description="Why nothing, if nothing.", examples=[None])
    withheld: WithheldOut | None = Field(description="What she would have got.", examples=[None])
    holds: list[HoldOut] = Field(description="Holds in force.", examples=[[]])
    released_holds: list[str] = Field(description="Predicted holds let go by chance, their ids.", examples=[[]])
    without: list[WithoutOut] = Field(description="What each closed gate alone kept back.", examples=[[]])
    candidates: list[CandidateOut] = Field(description="Every action of the catalogue.", examples=[[]])
    observed: dict[str, float | None] = Field(
        description="Feature values seen; null: absent.", examples=[{"open_cases": 0}]
    )
    versions: dict[str, str] = Field(description="Hashes and ids in force then.", examples=[{"policy": "ba9ca4…"}])
