"""The shop's incidents at the desk: declared and closed as events, listed, and tried out before they are declared."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from features.customer.incidents import Incident, incidents_of, read_rule
from features.facts import Fact
from features.instants import days, from_us, to_us
from serving.desk.faults import ConflictError, FieldFaultError, NotThereError
from serving.desk.lens import Lens
from serving.desk.staff_checks import review_in_time, told
from serving.desk.staff_events import SOURCE
from serving.said import said
from serving.service import DecisionService

Status = Literal["open", "closed", "over"]
LONGEST_ID = 200


class IncidentWish(msgspec.Struct, frozen=True, kw_only=True):
    """An incident as a person wants it declared. `rule` as in `features.customer.incidents.IncidentRule`."""

    rule: dict[str, Any]
    person: str
    reason: str
    review_at: datetime | None = None
    touchpoint: str | None = None
    incident_id: str | None = None


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """An incident as it stands: open, closed by a person, or over because its time has passed."""

    incident: Incident
    status: Status
    ends_at: datetime


def status_of(incident: Incident, lens: Lens) -> Listed:
    """How an incident stands at the lens's moment. Until `ends_at` it holds whom it affects."""
    ends = incident.declared_at + days(lens.rules.incident.lasts_days or 0)
    now = to_us(lens.now)
    if incident.closed_at is not None and incident.closed_at <= now:
        return Listed(incident=incident, status="closed", ends_at=from_us(min(ends, incident.closed_at)))
    return Listed(incident=incident, status="over" if ends <= now else "open", ends_at=from_us(ends))


def listed(lens: Lens) -> list[Listed]:
    """All incidents, open ones first, the latest declared first."""
    found = [status_of(incident, lens) for incident in lens.incidents]
    return sorted(found, key=lambda one: (one.status != "open", -one.incident.declared_at, one.incident.incident_id))


def tried(rule: dict[str, Any], now: datetime, touchpoint: str | None = None) -> Incident:
    """The incident that a declaration now would make; raises `FieldFaultError` for a rule that cannot be used."""
    text = rule_text(rule)
    payload = {"action": "declare", "hold_id": "tried", "rule": text}
    (incident,) = incidents_of([Fact("tried", "incident", now, now, "", touchpoint=touchpoint, payload=payload)])
    return incident


def rule_text(rule: dict[str, Any]) -> str:
    """A rule as the event's text; raises `FieldFaultError`."""
    text = msgspec.json.encode(rule, order="sorted").decode()
    try:
        read_rule(text)
    except ValueError as error:
        remedy = (
            'Write it like {"carrier": "posti", "since": "2026-03-01T00:00:00Z"}; docs/holds.md lists all it may say.'
        )
        raise FieldFaultError("rule", text, f"cannot be used: {error}", remedy) from error
    return text


def declare(service: DecisionService, wish: IncidentWish, lens: Lens, *, key: str | None = None) -> str:
    """Declare an incident at the lens's moment; gives its event's id. With the same `key` again it is the same one.

    Raises `FieldFaultError` for what cannot be declared, `ConflictError` for an id that is open already.
    """
    told("person", wish.person)
    told("reason", wish.reason)
    if wish.review_at is not None:
        review_in_time(wish.review_at, lens.now)
    token = _token(key)
    incident_id = wish.incident_id or f"incident-{token}"
    if len(incident_id) > LONGEST_ID:
        raise FieldFaultError(
            "incident_id", incident_id[:40] + "…", "is too long", f"Keep it to {LONGEST_ID} characters."
        )
    event_id = f"incident-declare:{token}"
    before = _by_event(lens.incidents, event_id)
    if before is not None:
        if before.incident_id != incident_id or before.rule != read_rule(rule_text(wish.rule)):
            raise ConflictError("This Idempotency-Key declared another incident. Give every request its own key.")
        return event_id
    if any(one.incident.incident_id == incident_id and one.status == "open" for one in listed(lens)):
        raise ConflictError(f"Incident {incident_id!r} is open already. Close it first, or declare under another id.")
    payload = {
        "action": "declare",
        "incident_id": incident_id,
        "rule": rule_text(wish.rule),
        "person": wish.person,
        "reason": wish.reason,
    }
    if wish.review_at is not None:
        payload["review_at"] = wish.review_at.isoformat()
    event = _event(event_id, payload, lens.now)
    if wish.touchpoint is not None:
        event["touchpoint"] = wish.touchpoint
    _keep(service, event, lens.now)
    return event_id


def close(service: DecisionService, incident_id: str, person: str, reason: str, lens: Lens) -> None:
    """Close an open incident at the lens's moment: whom it held is free at once.

    Raises `FieldFaultError`, `NotThereError` for an id never declared, `ConflictError` for one that is over.
    """
    told("person", person)
    told("reason", reason)
    mine = [one for one in listed(lens) if one.incident.incident_id == incident_id]
    if not mine:
        open_ids = ", ".join(one.incident.incident_id for one in listed(lens) if one.status == "open") or said("none")
        raise NotThereError(said("There is no incident '%(id)s'. Open ones: %(ids)s.", id=incident_id, ids=open_ids))
    if mine[0].status != "open":
        raise ConflictError(
            said(
                "Incident '%(id)s' is %(status)s since %(when)s.",
                id=incident_id, status=said(mine[0].status), when=mine[0].ends_at.isoformat(),
            )
        )  # fmt: skip
    payload = {"action": "close", "incident_id": incident_id, "person": person, "reason": reason}
    _keep(service, _event(f"incident-close:{secrets.token_hex(12)}", payload, lens.now), lens.now)


def _keep(service: DecisionService, event: dict[str, Any], now: datetime) -> None:
    (result,) = service.ingest([event], now, SOURCE)
    if result.status == "rejected":
        raise FieldFaultError("incident", event["payload"]["incident_id"], str(result.detail), "Correct it, ask again.")


def _event(event_id: str, payload: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {"event_id": event_id, "type": "incident", "occurred_at": now.isoformat(), "payload": payload}


def _token(key: str | None) -> str:
    token = secrets.token_hex(16) if key is None else f"key:{key}"
    return hashlib.blake2b(f"incident\0{token}".encode(), digest_size=12).hexdigest()


def _by_event(incidents: Sequence[Incident], event_id: str) -> Incident | None:
    return next((one for one in incidents if one.source_event == event_id), None)
