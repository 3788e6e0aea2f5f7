"""POST /v1/decisions: the one best action for one person in one place, or a reasoned nothing, always in time."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Header, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from starlette.responses import Response

from features.events import CHANNELS
from features.log.rules import LONGEST_ID
from serving.api.access import Decide
from serving.api.body import documented, json_response, read_model
from serving.api.parts import ActionOut, HoldOut, ReasonOut, hold_out
from serving.api.plain import PlainRoute
from serving.api.problems import FieldProblem, ProblemError
from serving.api.wiring import wired
from serving.core import decision as core
from serving.core import question as core_question
from serving.core.actions import LANGUAGE
from serving.service import UNRECORDED, DecisionService, Outcome

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_ID)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[a-z0-9_]+$")]

router = APIRouter(tags=["decisions"], route_class=PlainRoute)


class Context(BaseModel):
    """What the customer is looking at."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    page: str | None = Field(
        default=None, max_length=200, description="The page's kind or path.", examples=["product_page"]
    )
    item: str | None = Field(
        default=None, max_length=200, description="The item on the page, its item_id.", examples=["bike-54"]
    )
    cart: list[Identifier] | None = Field(
        default=None, max_length=500, description="Items in the cart, their item_ids.", examples=[["helmet-m"]]
    )
    query: str | None = Field(
        default=None,
        max_length=500,
        description="What was searched for; not kept with the decision.",
        examples=["winter tyres"],
    )


class DecisionRequest(BaseModel):
    """What should this person see, in this place, now?"""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"customer_id": "c-1042", "channel": "web", "placement": "front_page", "n": 1, "mode": "serve"}
            ]
        },
    )

    customer_id: Identifier | None = Field(
        default=None, description="The shop's own id of a known customer.", examples=["c-1042"]
    )
    anonymous_id: Identifier | None = Field(
        default=None, description="The id of a visitor who has not said who she is (a cookie's).", examples=["v-77f3"]
    )
    channel: Literal[CHANNELS] = Field(description="The channel the answer is for.", examples=["web"])  # type: ignore[valid-type]
    placement: Name = Field(description="The slot that asks, as the policy names it.", examples=["front_page"])
    context: Context = Field(default=Context(), description="What she is looking at.", examples=[{"item": "bike-54"}])
    n: int = Field(default=1, ge=1, le=20, description="Positions of the slot; a count.", examples=[1])
    mode: Literal["serve", "simulate"] = Field(
        default="serve",
        description="`simulate` runs the same engine, records nothing and consumes no cap.",
        examples=["serve"],
    )

    send_at: AwareDatetime | None = Field(
        default=None,
        description="When the answer will reach her, where that is later: quiet hours and validity are judged then.",
        examples=["2026-03-03T07:00:00Z"],
    )
    language: str | None = Field(
        default=None,
        pattern=LANGUAGE,
        description="Language of the page, ISO 639; hers where it is absent, else the policy's.",
        examples=["fi"],
    )

    @model_validator(mode="after")
    def _someone(self) -> "DecisionRequest":
        if self.customer_id is None and self.anonymous_id is None:
            raise ValueError("customer_id or anonymous_id is needed; send at least one")
        return self


class DecisionResponse(BaseModel):
    """One answer. No actions means: nothing is the best action, and `no_action_reason` says why."""

    decision_id: str | None = Field(
        description="Its record; null where none was made, or not in time.", examples=["d-01J8ZK"]
    )
    customer_key: str | None = Field(description="Who it was taken for, after resolving links.", examples=["c-1042"])
    decided_at: datetime = Field(description="UTC.", examples=["2026-03-02T12:00:00Z"])
    mode: str = Field(description="serve or simulate.", examples=["serve"])
    channel: str = Field(description="As asked.", examples=["web"])
    placement: str = Field(description="As asked.", examples=["front_page"])
    actions: list[ActionOut] = Field(description="Best first, at most n.", examples=[[]])
    holds: list[HoldOut] = Field(description="Holds in force for her now.", examples=[[]])
    no_action_reason: ReasonOut | None = Field(description="Why there is no action, if there is none.", examples=[None])
    state_status: str = Field(
        description="`ok`, or `unknown:` and why her state could not be trusted.", examples=["ok"]
    )
    superseded: bool = Field(
        default=False, description="A retry whose first answer no longer stands.", examples=[False]
    )
    versions: dict[str, str] = Field(
        description="Hashes of engine, policy, catalogue, bundle, features.", examples=[{}]
    )

    @classmethod
    def safe(cls, asked: DecisionRequest, now: datetime, reason: ReasonOut) -> "DecisionResponse":
        """No sale, and why: what is answered when no decision came in time."""
        return cls(
            decision_id=None,
            customer_key=None,
            decided_at=now,
            mode=asked.mode,
            channel=asked.channel,
            placement=asked.placement,
            actions=[],
            holds=[],
            no_action_reason=reason,
            state_status=f"unknown:{reason.code}",
            superseded=False,
            versions={},
        )


SAFE_REASONS = {
    "deadline": ReasonOut(
        code="deadline",
        text="No decision came in time, so nothing is shown",
        text_fi="Päätös ei ehtinyt ajoissa, joten mitään ei näytetä",
    ),
    "overloaded": ReasonOut(
        code="overloaded",
        text="Too many decisions are waiting, so nothing is shown",
        text_fi="Liian monta päätöstä odottaa, joten mitään ei näytetä",
    ),
    "failure": ReasonOut(
        code="failure",
        text="The decision failed, so nothing is shown",
        text_fi="Päätös epäonnistui, joten mitään ei näytetä",
    ),
}
"""The answers of last resort; none of them is ever a sale."""


@router.post(
    "/v1/decisions",
    response_model=DecisionResponse,
    dependencies=[Decide],
    **documented(400, 401, 403, 413, 415, 422, 429, body="DecisionRequest"),
)
async def decide(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(description="The same key again gives the same answer, rechecked.", examples=["order-page-8812"]),
    ] = None,
) -> Response:
    """Decide for one person, one placement, now. Always answers: in doubt, with no action and the reason."""
    asked = await read_model(request, DecisionRequest)
    _check_key(idempotency_key)
    app = wired(request)
    now = app.clock()
    question = core_question.Request(
        customer_id=asked.customer_id,
        anonymous_id=asked.anonymous_id,
        channel=asked.channel,
        placement=asked.placement,
        context=asked.context.model_dump(exclude_none=True, exclude={"query"}),  # it decides nothing: not kept
        n=asked.n,
        mode=asked.mode,
        now=now,
        idempotency_key=idempotency_key,
        send_at=asked.send_at,
        language=asked.language,
    )
    with app.metrics.decision_seconds.time():
        decided = await app.decisions.ask(question)
    if isinstance(decided, str):
        app.metrics.unanswered(decided, asked.mode)
        return json_response(DecisionResponse.safe(asked, now, SAFE_REASONS[decided]))
    app.metrics.decided(decided)
    app.silence.note(decided)
    return _answer(decided)


def give_back(service: DecisionService, late: core.Decision) -> None:
    """A decision that came too late was sent by nobody: free the contact it reserved, if it did."""
    if late.mode != "serve" or not late.actions:
        return
    now = late.decided_at
    place = service.in_force(now).policy.placement(late.placement)
    if place is not None and place.outbound:
        for action in late.actions:
            outcome = Outcome(
                decision_id=late.decision_id, outcome="released", occurred_at=now, action_id=action.action_id
            )
            service.record_outcome(outcome, now)


def _answer(decision: core.Decision) -> Response:
    """A `DecisionResponse`, written straight from the core's decision."""
    told = {
        "decision_id": None if decision.state_status == UNRECORDED else decision.decision_id,
        "customer_key": decision.customer_key,
        "decided_at": decision.decided_at,
        "mode": decision.mode,
        "channel": decision.channel,
        "placement": decision.placement,
        "actions": decision.actions,
        "holds": [hold_out(msgspec.to_builtins(hold)) for hold in decision.holds],
        "no_action_reason": decision.no_action_reason,
        "state_status": decision.state_status,
        "superseded": decision.superseded,
        "versions": decision.versions,
    }
    return Response(msgspec.json.encode(told), media_type="application/json")


def _check_key(key: str | None) -> None:
    if key is not None and not (0 < len(key) <= 200 and key.isprintable()):
        problem = FieldProblem(
            field="Idempotency-Key",
            value=key[:200],
            problem="not 1 to 200 printable characters",
            remedy="Send a shorter key, such as a UUID.",
        )
        raise ProblemError("invalid-request", "Correct the header `Idempotency-Key`.", errors=[problem])
