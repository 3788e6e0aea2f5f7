"""POST /v1/customers/{id}/holds and DELETE .../holds/{hold_id}: what a person does to holds, kept with who and why."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from features.log.rules import LONGEST_ID
from serving.api.access import Care
from serving.api.body import documented, json_response, read_model
from serving.api.customers import CustomerId
from serving.api.parts import HoldOut, Out
from serving.api.staff_problems import answered
from serving.api.wiring import wired
from serving.desk.staff_events import HoldWish

router = APIRouter(tags=["staff"])

HoldId = Annotated[
    str, Path(min_length=1, max_length=LONGEST_ID, description="The hold.", examples=["open_case:rma-7"])
]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", min_length=1, max_length=200, description="A retry with the same key changes nothing.",
        examples=["hold-2026-03-02-17"],
    ),
]  # fmt: skip


class HoldRequest(BaseModel):
    """A hold by a person."""

    model_config = ConfigDict(extra="forbid")

    review_at: AwareDatetime = Field(
        description="When somebody looks at it again, with its offset: later than now, at most 100 days ahead.",
        examples=["2026-03-16T09:00:00Z"],
    )
    person: str = Field(description="Who wants it; up to 500 characters.", examples=["maija"])
    reason: str = Field(description="Why; up to 500 characters.", examples=["Promised her a quiet fortnight"])
    categories: list[str] = Field(
        default=[],
        description="What to hold: data, service, care, sales; as the policy says if absent.",
        examples=[["sales", "care"]],
    )
    channels: list[str] = Field(
        default=[],
        description="Where: channels, or `any`, `outbound`, `onsite`; as the policy says if absent.",
        examples=[["outbound"]],
    )


class HoldAnswer(Out):
    """A hold by a person, as it stands."""

    customer_id: str = Field(description="The id all hers resolve to.", examples=["c-1042"])
    hold_id: str = Field(description="The hold; release it by this.", examples=["staff:5e0c9a61b2d47f8034aa1c07"])
    status: str = Field(description="added, or known: a retry, nothing changed.", examples=["added"])
    hold: HoldOut | None = Field(description="It in full; null where it has been released since.", examples=[{}])


class ReleaseRequest(BaseModel):
    """Who ends a hold, and why."""

    model_config = ConfigDict(extra="forbid")

    person: str = Field(description="Who ends it; up to 500 characters.", examples=["maija"])
    reason: str = Field(description="Why; up to 500 characters.", examples=["Called her, all is well"])


class ReleaseAnswer(Out):
    """A hold that a person ended."""

    customer_id: str = Field(description="The id all hers resolve to.", examples=["c-1042"])
    hold_id: str = Field(description="As sent.", examples=["open_case:rma-7"])
    status: str = Field(description="released, or known: a retry, nothing changed.", examples=["released"])
    holds: list[HoldOut] = Field(description="What is still in force for her.", examples=[[]])


@router.post(
    "/v1/customers/{customer_id}/holds",
    response_model=HoldAnswer,
    status_code=201,
    dependencies=[Care],
    **documented(400, 401, 403, 404, 409, 413, 415, 422, 429, 503, body="HoldRequest"),
)
async def add(request: Request, customer_id: CustomerId, idempotency_key: Key = None) -> Response:
    """Hold a customer by hand: in force for the next decision. It lasts until a person releases it."""
    sent = await read_model(request, HoldRequest)
    wish = HoldWish(
        review_at=sent.review_at,
        person=sent.person,
        reason=sent.reason,
        categories=tuple(sent.categories),
        channels=tuple(sent.channels),
    )
    app = wired(request)
    late = "It is not known whether the hold is kept: send it again with its key."
    found = await answered(app.writes, late, app.desk.add_hold, customer_id, wish, app.clock(), idempotency_key)
    answer = HoldAnswer(
        customer_id=found.customer_id,
        hold_id=found.hold_id,
        status="known" if found.known else "added",
        hold=None if found.hold is None else HoldOut.of(found.hold),
    )
    return json_response(answer, 201)


@router.delete(
    "/v1/customers/{customer_id}/holds/{hold_id:path}",
    response_model=ReleaseAnswer,
    dependencies=[Care],
    **documented(400, 401, 403, 404, 409, 413, 415, 422, 429, 503, body="ReleaseRequest"),
)
async def release(request: Request, customer_id: CustomerId, hold_id: HoldId, idempotency_key: Key = None) -> Response:
    """End a hold of any kind by hand, until its cause grows worse. The body says who and why."""
    sent = await read_model(request, ReleaseRequest)
    app = wired(request)
    late = "It is not known whether the hold is released: send it again with its key."
    found = await answered(
        app.writes, late, app.desk.release_hold, customer_id, hold_id, sent.person, sent.reason, app.clock(),
        idempotency_key,
    )  # fmt: skip
    answer = ReleaseAnswer(
        customer_id=found.customer_id,
        hold_id=found.hold_id,
        status="known" if found.known else "released",
        holds=[HoldOut.of(hold) for hold in found.holds],
    )
    return json_response(answer)
