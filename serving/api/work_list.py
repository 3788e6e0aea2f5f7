"""GET /v1/work-list: for whom a person is the next best action, and what there is to do."""

from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from serving.api.access import Care
from serving.api.body import documented, json_response
from serving.api.customer_models import CaseOut
from serving.api.parts import HoldOut, Out
from serving.api.staff_problems import answered
from serving.api.wiring import wired
from serving.desk.desk import next_of
from serving.desk.tasks import KINDS
from serving.desk.work_list import Work, WorkFilters

router = APIRouter(tags=["staff"])

_WHEN = "2026-03-01T09:00:00Z"
_KINDS = ", ".join(f"`{kind}`" for kind in KINDS)

Kind = Annotated[
    str | None,
    Query(max_length=60, description=f"Only who has a task of this kind: {_KINDS}.", examples=["open_case"]),
]
MinSeverity = Annotated[int, Query(ge=1, le=5, description="Only tasks this grave or graver, 1 to 5.", examples=[3])]
After = Annotated[
    str | None,
    Query(max_length=2_000, description="`next` of the answer before; the filters go with it.", examples=["k84AZ…"]),
]
Limit = Annotated[int, Query(ge=1, le=1_000, description="Customers at most; a count.", examples=[100])]


class TaskOut(Out):
    """One thing to do for her."""

    kind: str = Field(description=f"One of {_KINDS}.", examples=["open_case"])
    severity: int = Field(description="1 (mild) to 5 (grave).", examples=[3])
    since: datetime | None = Field(description="Since when it waits, UTC; null where not known.", examples=[_WHEN])
    text: str = Field(description="What to do, in English.", examples=["Bring to an end: exchange rma-7; open 9 days"])
    text_fi: str = Field(description="What to do, in Finnish.", examples=["Hoida loppuun: vaihto rma-7; auki 9 päivää"])
    action_id: str | None = Field(
        description="The action of a call; report it as a `contact` event.", examples=["staff_call"]
    )
    quiet_now: bool = Field(description="True while it is night where she lives: call later.", examples=[False])
    hold_id: str | None = Field(description="The hold, to release it by.", examples=["open_case:rma-7"])
    case_id: str | None = Field(description="The case, if one is behind it.", examples=["rma-7"])
    days_open: int | None = Field(description="Whole days a case has been open.", examples=[9])
    promised_by: datetime | None = Field(description="When a case was promised to be done, UTC.", examples=[_WHEN])
    late: bool = Field(description="Whether that has passed.", examples=[True])
    asked: int = Field(description="Times she had to ask about a case; a count.", examples=[2])
    detail: str = Field(description="What a hold is about, such as the causes predicted.", examples=["late twice"])
    rejected: list[str] = Field(description="Rejected events to correct or dismiss, by id.", examples=[["q-41"]])


class WorkOut(Out):
    """One customer, once."""

    customer_id: str = Field(description="The customer.", examples=["c-1042"])
    severity: int = Field(description="Of her gravest task, 1 to 5.", examples=[4])
    since: datetime | None = Field(description="Since when her most urgent task waits, UTC.", examples=[_WHEN])
    value: int = Field(description="What she paid and kept so far; minor units (cents).", examples=[84900])
    tasks: list[TaskOut] = Field(description="All that is to be done, the most urgent first.", examples=[[]])
    holds: list[HoldOut] = Field(description="Her holds in force, the gravest first.", examples=[[]])
    cases: list[CaseOut] = Field(description="Her open cases, and those behind her holds.", examples=[[]])


class WorkAnswer(Out):
    """A page of the work list: calls first, then the gravest, then the dearest."""

    as_of: datetime = Field(
        description="The moment all pages are of, UTC; of a list kept by the lookout the entries are of now.",
        examples=[_WHEN],
    )
    total: int = Field(description="Customers that the filters take; a count.", examples=[31])
    kinds: dict[str, int] = Field(description="Those of them with a task of each kind.", examples=[{"open_case": 24}])
    entries: list[WorkOut] = Field(description="The customers.", examples=[[]])
    next: str | None = Field(description="Send it as `after` for the next page; null at the end.", examples=["k84AZ…"])


@router.get("/v1/work-list", response_model=WorkAnswer, dependencies=[Care], **documented(401, 403, 422, 429, 503))
async def work_list(
    request: Request, kind: Kind = None, min_severity: MinSeverity = 1, after: After = None, limit: Limit = 100
) -> Response:
    """Customers for whom a person is the next best action, each once, with all that is to be done for her.

    To call (as the call list), a case to bring to an end, one resolved badly, a hold past its review, dissatisfaction
    predicted before she says so, a rejected event that silences her.
    """
    app = wired(request)
    filters = WorkFilters(kind, min_severity)
    page = await answered(
        app.staff, "Ask again shortly.", app.desk.work_list, filters, app.clock(), after=after, limit=limit
    )
    return json_response(
        WorkAnswer(
            as_of=page.as_of,
            total=page.total,
            kinds=page.kinds,
            entries=[_work(one) for one in page.entries],
            next=next_of(page.next),
        )
    )


def _work(one: Work) -> WorkOut:
    return WorkOut(
        customer_id=one.customer_id,
        severity=one.severity,
        since=one.since,
        value=one.value,
        tasks=[TaskOut.model_validate(_task(msgspec.to_builtins(task))) for task in one.tasks],
        holds=[HoldOut.of(hold) for hold in one.holds],
        cases=[CaseOut.model_validate(msgspec.to_builtins(case)) for case in one.cases],
    )


def _task(task: dict[str, object]) -> dict[str, object]:
    return {("quiet_now" if name == "quiet" else name): value for name, value in task.items()}
