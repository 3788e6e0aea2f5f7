"""GET /v1/holds and its feed: who is silenced and why, for those who watch over it and for those who send."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from serving.api.access import Care
from serving.api.body import documented, json_response
from serving.api.parts import CoversOut, HoldOut, Out, hold_out
from serving.api.staff_problems import answered
from serving.api.wiring import wired
from serving.desk.desk import next_of
from serving.desk.watch_list import Filters, Watched

router = APIRouter(tags=["staff"])

_WHEN = "2026-03-01T09:00:00Z"
LATE = "Ask again shortly."

Kind = Annotated[
    str | None, Query(max_length=60, description="Only this kind of hold, or `state_unknown`.", examples=["open_case"])
]
MinSeverity = Annotated[int, Query(ge=1, le=5, description="Only this grave or graver, 1 to 5.", examples=[3])]
PastReview = Annotated[
    bool | None, Query(description="true: only those that a person should have looked at.", examples=[True])
]
After = Annotated[
    str | None,
    Query(max_length=2_000, description="`next` of the answer before; the filters go with it.", examples=["k84AZ…"]),
]
FeedAfter = Annotated[
    str | None,
    Query(
        max_length=2_000, description="`next` of the answer before; without it everybody held is told.",
        examples=["k84AZ…"],
    ),
]  # fmt: skip
Limit = Annotated[int, Query(ge=1, le=1_000, description="Entries at most; a count.", examples=[100])]
FeedLimit = Annotated[int, Query(ge=1, le=10_000, description="Customers at most; a count.", examples=[1_000])]


class WatchedOut(Out):
    """One reason of silence for one customer."""

    customer_id: str = Field(description="The customer.", examples=["c-1042"])
    kind: str = Field(description="Kind of hold; `state_unknown`: her state cannot be trusted.", examples=["open_case"])
    severity: int = Field(description="1 (mild) to 5 (grave).", examples=[3])
    since: datetime | None = Field(description="Since when, UTC; null where it is not known.", examples=[_WHEN])
    past_review: bool = Field(description="Whether a person should have looked at it by now.", examples=[True])
    state_status: str = Field(description="`ok`, or `unknown:` and why.", examples=["ok"])
    hold_id: str | None = Field(description="The hold, to release it by.", examples=["open_case:rma-7"])
    covers: CoversOut | None = Field(description="What is suppressed; null: sales and care everywhere.", examples=[{}])
    case_id: str | None = Field(description="The case behind it, if one is.", examples=["rma-7"])
    ends_at: datetime | None = Field(description="When it ends by itself, UTC, if known.", examples=[None])
    review_at: datetime | None = Field(description="When a person is to look at it, UTC.", examples=[_WHEN])
    text: str = Field(description="Why, in English.", examples=["a case of hers is open"])
    text_fi: str = Field(description="Why, in Finnish.", examples=["asia on kesken"])
    ends: str = Field(description="When it ends, in English.", examples=["when a person releases it"])
    ends_fi: str = Field(description="When it ends, in Finnish.", examples=["kun työntekijä vapauttaa sen"])
    detail: str = Field(description="More, for staff.", examples=["dissatisfaction 3: 0.81"])


class EveryoneOut(Out):
    """Why nobody at all is sold to."""

    text: str = Field(description="In English.", examples=["source till has gone quiet"])
    text_fi: str = Field(description="In Finnish.", examples=["lähde till on vaiennut"])


class WatchAnswer(Out):
    """A page of the watch list: past review first, then the gravest, then the oldest."""

    as_of: datetime = Field(
        description="The moment all pages are of, UTC; of a list kept by the lookout the entries are of now.",
        examples=[_WHEN],
    )
    total: int = Field(description="Entries that the filters take; a count.", examples=[317])
    past_review: int = Field(description="Those of them past their review; a count.", examples=[4])
    everyone: EveryoneOut | None = Field(description="Set where nobody at all is sold to.", examples=[None])
    entries: list[WatchedOut] = Field(description="The entries.", examples=[[]])
    next: str | None = Field(description="Send it as `after` for the next page; null at the end.", examples=["k84AZ…"])


class NewlyHeldOut(Out):
    """A customer whom something newly holds; it replaces what was told of her before."""

    customer_id: str = Field(description="The customer.", examples=["c-1042"])
    state_status: str = Field(description="`ok`; anything else: no sales, no care.", examples=["ok"])
    holds: list[HoldOut] = Field(description="All holds in force for her.", examples=[[]])


class FeedAnswer(Out):
    """What newly holds anybody since the cursor."""

    everyone: EveryoneOut | None = Field(description="Set where nobody at all may be sold to.", examples=[None])
    customers: list[NewlyHeldOut] = Field(description="By customer.", examples=[[]])
    next: str = Field(description="Send it as `after` the next time; keep it.", examples=["k84AZ…"])
    more: bool = Field(description="Whether more waits now: ask again at once.", examples=[False])


@router.get("/v1/holds", response_model=WatchAnswer, dependencies=[Care], **documented(401, 403, 422, 429, 503))
async def watch_list(
    request: Request,
    kind: Kind = None,
    min_severity: MinSeverity = 1,
    past_review: PastReview = None,
    after: After = None,
    limit: Limit = 100,
) -> Response:
    """Everything that silences anybody: holds in force, and customers whose state cannot be trusted.

    What a person should have looked at comes first and is marked. Nothing leaves the list while it silences somebody.
    """
    app = wired(request)
    now = app.clock()
    filters = Filters(kind, min_severity, past_review)
    page = await answered(app.staff, LATE, app.desk.watch, filters, now, after=after, limit=limit)
    silent = await answered(app.staff, LATE, _everyone, app.desk, now)
    return json_response(
        WatchAnswer(
            as_of=page.as_of,
            total=page.total,
            past_review=page.past_review,
            everyone=silent,
            entries=[_watched(one) for one in page.entries],
            next=next_of(page.next),
        )
    )


@router.get("/v1/holds/feed", response_model=FeedAnswer, dependencies=[Care], **documented(401, 403, 422, 429, 503))
async def feed(request: Request, after: FeedAfter = None, limit: FeedLimit = 1_000) -> Response:
    """New holds since a cursor: for senders, who keep what it says and send nothing that a hold covers.

    Nobody newly held is missed, whatever held her: an event, one received late, a merge, the clock, an incident, a
    change of the policy. The same may be told again. An entry replaces what was told of her before; drop a hold when
    its `ends_at` has passed, or ask `POST /v1/recheck`. While `everyone` is set, send nothing to anybody.
    """
    app = wired(request)
    now = app.clock()
    page = await answered(app.staff, LATE, app.desk.feed, now, after=after, limit=limit)
    silent = await answered(app.staff, LATE, _everyone, app.desk, now)
    body: dict[str, Any] = {
        "everyone": None if silent is None else silent.model_dump(),
        "customers": [
            {
                "customer_id": one.customer_id,
                "state_status": one.state_status,
                "holds": [hold_out(msgspec.to_builtins(h)) for h in one.holds],
            }
            for one in page.customers
        ],
        "next": next_of(page.cursor),
        "more": page.more,
    }
    return Response(msgspec.json.encode(body), media_type="application/json")


def _everyone(desk: Any, now: datetime) -> EveryoneOut | None:
    found = desk.everyone_silent(now)
    return None if found is None else EveryoneOut(text=found[0], text_fi=found[1])


def _watched(one: Watched) -> WatchedOut:
    hold = one.hold
    return WatchedOut(
        customer_id=one.customer_id,
        kind=one.kind,
        severity=one.severity,
        since=one.since,
        past_review=one.past_review,
        state_status=one.state_status,
        hold_id=hold.hold_id if hold else None,
        covers=CoversOut.model_validate(msgspec.to_builtins(hold.covers)) if hold else None,
        case_id=hold.case_id if hold else None,
        ends_at=hold.ends_at if hold else None,
        review_at=hold.review_at if hold else None,
        text=one.text,
        text_fi=one.text_fi,
        ends=one.ends,
        ends_fi=one.ends_fi,
        detail=hold.detail if hold else "",
    )
