"""POST /v1/items/stock: items in and out of stock, in force for the next decision once acknowledged."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, RootModel, StrictBool, ValidationError
from starlette.responses import Response

from features.log.store import to_micros
from serving.api.access import Items
from serving.api.body import documented, json_response, read_json
from serving.api.parts import Out
from serving.api.problems import FieldProblem, ProblemError, from_validation
from serving.api.staff_problems import answered
from serving.api.wiring import wired
from serving.core.articles import StockWord
from serving.stock import Became, StockResult

router = APIRouter(tags=["items"])

_LATE = "It is not known whether the words were kept. Send all of them again: telling the same twice changes nothing."


class StockChange(BaseModel):
    """An item that is in stock, or out of it."""

    model_config = ConfigDict(extra="forbid")

    item_id: str = Field(min_length=1, description="The catalogue's id.", examples=["tyre-w-28"])
    in_stock: StrictBool = Field(description="Whether it can be had.", examples=[False])
    occurred_at: AwareDatetime | None = Field(
        default=None,
        description="Since when, with its zone; now if absent. Of two words about one item the later stands.",
        examples=["2026-10-12T08:30:00Z"],
    )


class StockRequest(RootModel[StockChange | list[StockChange]]):
    """One word about an item's stock, or a list of them."""


class StockOutcome(Out):
    """What became of one word."""

    item_id: str | None = Field(description="As sent; null where it could not be read.", examples=["tyre-w-28"])
    status: Became = Field(
        description="`recorded`: it stands; `known`: it stood already; `older`: what was told before, or the "
        "catalogue, is of a later moment; `rejected`: not taken.",
        examples=["recorded"],
    )
    in_stock: bool | None = Field(
        default=None, description="As it stands for the next decision; null where nobody says.", examples=[False]
    )
    detail: str | None = Field(
        default=None,
        description="Why it was rejected, and the remedy.",
        examples=["item 'tyre-x' is not in the catalogue as it stands. Import it first."],
    )


class StockResponse(Out):
    """One result for each word, in the order sent."""

    taken: int = Field(description="How many were not rejected; a count.", examples=[1])
    rejected: int = Field(description="How many were not taken; a count.", examples=[0])
    results: list[StockOutcome] = Field(description="In the order sent.", examples=[[]])


@router.post(
    "/v1/items/stock",
    response_model=StockResponse,
    dependencies=[Items],
    **documented(400, 401, 403, 413, 415, 422, 429, 503, body="StockRequest", also={207: StockResponse}),
)
async def stock(request: Request) -> Response:
    """Tell that items are in or out of stock: one object or a list of them.

    200: all taken. 207: some rejected, the rest taken. 422: none taken. In each case `results` says what became of
    each, in the order sent. What is out of stock is not shown by any decision that starts after the answer.
    """
    app = wired(request)
    sent = await read_json(request)
    objects: list[Any] = sent if isinstance(sent, list) else [sent]
    if len(objects) > app.settings.max_events:
        detail = f"{len(objects)} words are more than {app.settings.max_events}. Send them in several requests."
        raise ProblemError("too-large", detail)
    now = app.clock()
    read = [_read(one, now) for one in objects]
    words = [one for one in read if isinstance(one, StockWord)]
    told = iter(await answered(app.writes, _LATE, app.service.tell_stock, words, now))
    return _answer([_outcome(next(told)) if isinstance(one, StockWord) else one for one in read])


def _read(sent: Any, now: datetime) -> StockWord | StockOutcome:
    """The word, or its rejection."""
    try:
        one = StockChange.model_validate(sent)
    except ValidationError as error:
        first: FieldProblem = (from_validation(error, StockChange).errors or [])[0]
        item_id = sent.get("item_id") if isinstance(sent, dict) else None
        return StockOutcome(
            item_id=item_id if isinstance(item_id, str) else None,
            status="rejected",
            detail=f"{first.field} {first.value!r}: {first.problem}. {first.remedy}",
        )
    return StockWord(one.item_id, one.in_stock, to_micros(one.occurred_at or now))


def _outcome(result: StockResult) -> StockOutcome:
    return StockOutcome(
        item_id=result.item_id, status=result.status, in_stock=result.in_stock, detail=result.detail or None
    )


def _answer(outcomes: list[StockOutcome]) -> Response:
    rejected = [one for one in outcomes if one.status == "rejected"]
    body = StockResponse(taken=len(outcomes) - len(rejected), rejected=len(rejected), results=outcomes)
    if outcomes and len(rejected) == len(outcomes):
        detail = f"None of {len(outcomes)} was taken; the first: {rejected[0].detail}"
        raise ProblemError("invalid-request", detail, extra=body.model_dump(mode="json"))
    return json_response(body, 207 if rejected else 200)
