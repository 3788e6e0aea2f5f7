"""/v1/incidents: one cause, many customers: seen coming, tried out, declared and closed by a person."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from features.instants import from_us
from serving.api.access import Care
from serving.api.body import documented, json_response, read_model
from serving.api.parts import Out
from serving.api.staff_holds import Key
from serving.api.staff_problems import answered
from serving.api.wiring import wired
from serving.desk.incidents import IncidentWish, Listed

router = APIRouter(tags=["staff"])

_WHEN = "2026-03-01T09:00:00Z"
_RULE = {"carrier": "posti", "since": "2026-02-27T00:00:00Z"}
_RULE_WORDS = "Whom it affects: `carrier`, `channel`, `touchpoint`, `orders_between` [from, to), `since`; at least one."
_LATE = "It is not known whether it was kept: look at GET /v1/incidents, or send it again with its key."

IncidentId = Annotated[str, Path(min_length=1, max_length=256, description="The incident.", examples=["posti-strike"])]


class IncidentRequest(BaseModel):
    """An incident to declare."""

    model_config = ConfigDict(extra="forbid")

    rule: dict[str, Any] = Field(description=_RULE_WORDS, examples=[_RULE])
    person: str = Field(description="Who declares it; up to 500 characters.", examples=["maija"])
    reason: str = Field(description="Why; up to 500 characters.", examples=["Strike at the carrier"])
    incident_id: str | None = Field(
        default=None, min_length=1, description="Its id; one is made if absent.", examples=["posti-strike"]
    )
    touchpoint: str | None = Field(
        default=None, pattern=r"^[a-z][a-z0-9_]{0,63}$", description="Where on the journey; lower_snake.",
        examples=["delivery"],
    )  # fmt: skip
    review_at: AwareDatetime | None = Field(
        default=None, description="When somebody looks again; as the policy says if absent.", examples=[_WHEN]
    )


class CloseRequest(BaseModel):
    """Who closes an incident, and why."""

    model_config = ConfigDict(extra="forbid")

    person: str = Field(description="Who closes it; up to 500 characters.", examples=["maija"])
    reason: str = Field(description="Why; up to 500 characters.", examples=["The strike is over"])


class ReachRequest(BaseModel):
    """A rule to try out."""

    model_config = ConfigDict(extra="forbid")

    rule: dict[str, Any] = Field(description=_RULE_WORDS, examples=[_RULE])


class IncidentOut(Out):
    """An incident as it stands."""

    incident_id: str = Field(description="Its id.", examples=["posti-strike"])
    status: str = Field(description="open; closed: by a person; over: its time has passed.", examples=["open"])
    rule: dict[str, Any] = Field(description=_RULE_WORDS, examples=[_RULE])
    touchpoint: str | None = Field(description="Where on the journey.", examples=["delivery"])
    person: str | None = Field(description="Who declared it.", examples=["maija"])
    reason: str | None = Field(description="Why.", examples=["Strike at the carrier"])
    declared_at: datetime = Field(description="Since when, UTC.", examples=[_WHEN])
    review_at: datetime | None = Field(description="When a person is to look at it, UTC.", examples=[_WHEN])
    ends_at: datetime = Field(description="When it ends by itself, or ended; UTC.", examples=["2026-03-15T09:00:00Z"])


class IncidentsAnswer(Out):
    """All incidents, open ones first, then the latest declared."""

    incidents: list[IncidentOut] = Field(description="The incidents.", examples=[[]])


class ReachAnswer(Out):
    """Whom a rule would take in, were it declared now."""

    affected: int = Field(description="Customers affected; a count.", examples=[412])
    customers: int = Field(description="Customers looked at, that is all known; a count.", examples=[100000])
    examples: list[str] = Field(description="Up to ten of them.", examples=[["c-1042"]])


class AlarmOut(Out):
    """A jump of unhappy customers that chance hardly explains."""

    kind: str = Field(description="touchpoint, carrier or store.", examples=["carrier"])
    touchpoint: str | None = Field(description="The touchpoint, if that is what jumped.", examples=[None])
    carrier: str | None = Field(description="The carrier, if that is what jumped.", examples=["posti"])
    channel: str | None = Field(description="The channel, if it is part of it.", examples=[None])
    hours: int = Field(description="Length of the window that ends now; hours.", examples=[24])
    since: datetime = Field(description="The first sign in it, UTC.", examples=[_WHEN])
    observed: int = Field(description="Signs in it; a count.", examples=[31])
    customers: int = Field(description="Different customers they come from; a count.", examples=[28])
    expected: float = Field(description="Customers to be expected in it; a count.", examples=[6.4])
    p_value: float = Field(description="The chance of so many if nothing has changed.", examples=[1.2e-9])
    examples: list[str] = Field(description="Ids of the newest events behind it.", examples=[["e-90017"]])
    text: str = Field(description="In English.", examples=["posti: 28 unhappy customers in a day, 6 expected"])
    text_fi: str = Field(description="In Finnish.", examples=["posti: 28 tyytymätöntä vuorokaudessa, odotus 6"])
    rule: dict[str, Any] = Field(description="Whom an incident would affect: declare it as it is.", examples=[_RULE])
    declared: str | None = Field(description="The open incident that speaks of it already.", examples=[None])


class AlarmsAnswer(Out):
    """Those not declared first, the clearest first."""

    alarms: list[AlarmOut] = Field(description="The alarms.", examples=[[]])


@router.get("/v1/incidents", response_model=IncidentsAnswer, dependencies=[Care], **documented(401, 403, 429, 503))
async def listed(request: Request) -> Response:
    """All incidents: open ones hold whom they affect, until they are closed or their time has passed."""
    app = wired(request)
    found = await answered(app.staff, "Ask again shortly.", app.desk.incidents, app.clock())
    return json_response(IncidentsAnswer(incidents=[_out(one) for one in found]))


@router.post(
    "/v1/incidents",
    response_model=IncidentOut,
    status_code=201,
    dependencies=[Care],
    **documented(400, 401, 403, 409, 413, 415, 422, 429, 503, body="IncidentRequest"),
)
async def declare(request: Request, idempotency_key: Key = None) -> Response:
    """Declare an incident: whom it affects is held from the next decision on."""
    sent = await read_model(request, IncidentRequest)
    app = wired(request)
    wish = IncidentWish(**sent.model_dump())
    found = await answered(app.writes, _LATE, app.desk.declare, wish, app.clock(), idempotency_key)
    return json_response(_out(found), 201)


@router.post(
    "/v1/incidents/reach",
    response_model=ReachAnswer,
    dependencies=[Care],
    **documented(400, 401, 403, 413, 415, 422, 429, 503, body="ReachRequest"),
)
async def reach(request: Request) -> Response:
    """How many customers a rule would take in, with examples. Looks at everybody; writes nothing."""
    sent = await read_model(request, ReachRequest)
    app = wired(request)
    found = await answered(app.staff, "Ask again shortly.", app.desk.reach, sent.rule, app.clock())
    return json_response(ReachAnswer(affected=found.affected, customers=found.customers, examples=found.examples))


@router.get("/v1/incidents/alarms", response_model=AlarmsAnswer, dependencies=[Care], **documented(401, 403, 429, 503))
async def alarms(request: Request) -> Response:
    """Where unhappy customers have jumped beyond chance, each with the rule to declare an incident by."""
    app = wired(request)
    found = await answered(app.staff, "Ask again shortly.", app.desk.alarms, app.clock())
    return json_response(AlarmsAnswer(alarms=[AlarmOut.model_validate(msgspec.to_builtins(one)) for one in found]))


@router.post(
    "/v1/incidents/{incident_id}/close",
    response_model=IncidentOut,
    dependencies=[Care],
    **documented(400, 401, 403, 404, 409, 413, 415, 422, 429, 503, body="CloseRequest"),
)
async def close(request: Request, incident_id: IncidentId) -> Response:
    """Close an open incident: whom it held is free of it at the next decision."""
    sent = await read_model(request, CloseRequest)
    app = wired(request)
    found = await answered(
        app.writes, _LATE, app.desk.close_incident, incident_id, sent.person, sent.reason, app.clock()
    )
    return json_response(_out(found))


def _out(one: Listed) -> IncidentOut:
    incident = one.incident
    return IncidentOut(
        incident_id=incident.incident_id,
        status=one.status,
        rule=msgspec.to_builtins(incident.rule),
        touchpoint=incident.touchpoint,
        person=incident.person,
        reason=incident.reason,
        declared_at=from_us(incident.declared_at),
        review_at=None if incident.review_at is None else from_us(incident.review_at),
        ends_at=one.ends_at,
    )
