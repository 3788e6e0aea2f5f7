"""Adding and releasing holds by hand: checked, kept as an event, and looked at again before anybody is told."""

from datetime import datetime
from typing import Any

import msgspec

from features.customer.hold_spans import spans
from features.customer.holds import Hold
from features.errors import DataError
from features.instants import to_us
from features.log.connection import Connection
from features.log.identity import resolve
from features.log.packing import FACT_COLUMNS, facts
from serving.desk.faults import ConflictError, NotThereError
from serving.desk.lens import Lens, Standing
from serving.desk.reading import standing_of
from serving.desk.staff_checks import checked, told
from serving.desk.staff_events import SOURCE, HoldWish, add_event, release_event, token_of
from serving.said import said
from serving.service import DecisionService


class StaffHold(msgspec.Struct, frozen=True, kw_only=True):
    """A staff hold as it stands; `hold` is None where it has been released since. `known`: this was a retry."""

    customer_id: str
    hold_id: str
    hold: Hold | None
    known: bool


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """A hold that a person ended, and what is still in force for her."""

    customer_id: str
    hold_id: str
    holds: list[Hold]
    known: bool


def add_hold(
    service: DecisionService, customer_id: str, wish: HoldWish, lens: Lens, *, key: str | None = None
) -> StaffHold:
    """Add a hold at the lens's moment; with the same `key` again it is the same hold.

    Raises `FieldFaultError` for what cannot be asked for, `NotThereError` for a customer nobody knows, `ConflictError`
    where the key was used for another hold.
    """
    now, run = lens.now, service.records.connection()
    wish = checked(wish, now)
    event = add_event(customer_id, wish, token_of("add", customer_id, key), now)
    hold_id = event["payload"]["hold_id"]
    known = _said_before(run, customer_id, event)
    if not known:
        _known_customer(run, customer_id, lens)
        _keep(service, event, now)
    standing = standing_of(run, customer_id, lens)
    hold = next((h for h in standing.holds if h.hold_id == hold_id), None)
    return StaffHold(customer_id=standing.customer_id, hold_id=hold_id, hold=hold, known=known)


def release_hold(
    service: DecisionService, customer_id: str, hold_id: str, person: str, reason: str, lens: Lens,
    *, key: str | None = None,
) -> Released:  # fmt: skip
    """End a hold of any kind at the lens's moment; with the same `key` again nothing more happens.

    Raises `FieldFaultError`, `NotThereError` for a hold she never had, `ConflictError` for one that has ended or that
    cannot be ended yet; both say what is in force.
    """
    told("person", person)
    told("reason", reason)
    now, run = lens.now, service.records.connection()
    event = release_event(customer_id, hold_id, person, reason, token_of(f"release:{hold_id}", customer_id, key), now)
    known = _said_before(run, customer_id, event)
    if not known:
        _in_force(standing_of(run, customer_id, lens), hold_id, lens)
        _keep(service, event, now)
    standing = standing_of(run, customer_id, lens)
    if not known and any(h.hold_id == hold_id for h in standing.holds):
        raise ConflictError(
            said(
                "Hold '%(id)s' rests on an event dated after %(now)s, so a release of now does not reach it. "
                "Release it again once that moment has passed.",
                id=hold_id,
                now=now.isoformat(),
            ),
            standing.holds,
        )
    return Released(customer_id=standing.customer_id, hold_id=hold_id, holds=list(standing.holds), known=known)


def _keep(service: DecisionService, event: dict[str, Any], now: datetime) -> None:
    (result,) = service.ingest([event], now, SOURCE)
    if result.status == "rejected":
        raise DataError(f"It was not kept: {result.detail}. Correct that and ask again.")


def _known_customer(run: Connection, customer_id: str, lens: Lens) -> None:
    standing = standing_of(run, customer_id, lens)
    if not standing.state.facts and standing.problem is None:
        raise NotThereError(
            f"Nothing is known of customer {customer_id!r}: the id may be mistyped. Check it, or post an event of "
            "hers first."
        )


def _in_force(standing: Standing, hold_id: str, lens: Lens) -> None:
    """That the hold is in force; else says whether she ever had it, and what is."""
    if any(h.hold_id == hold_id for h in standing.holds):
        return
    ids = ", ".join(h.hold_id for h in standing.holds) or said("nothing")
    ended = [s for s in spans(standing.state, to_us(lens.now), lens.rules, lens.incidents) if s.hold_id == hold_id]
    if ended:
        raise ConflictError(
            said("Hold '%(id)s' is over already. In force for her: %(ids)s.", id=hold_id, ids=ids), standing.holds
        )
    raise NotThereError(
        said(
            "Customer '%(customer)s' has no hold '%(id)s'. In force for her: %(ids)s.",
            customer=standing.customer_id,
            id=hold_id,
            ids=ids,
        ),
        standing.holds,
    )


def _said_before(run: Connection, customer_id: str, event: dict[str, Any]) -> bool:
    """Whether an earlier request with the same key said the same; raises `ConflictError` where it said other things."""
    origins = {customer_id, resolve(run, customer_id)}
    rows = run.execute(
        f"select {FACT_COLUMNS} from facts where origin_id in ({','.join('?' * len(origins))}) and event_id = ?",
        (*origins, event["event_id"]),
    )
    for fact in facts(rows):
        before = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in
                  fact.payload.items()}  # fmt: skip
        asked = dict(event["payload"])
        if "review_at" in asked:
            asked["review_at"] = (
                datetime.fromisoformat(asked["review_at"]).astimezone(fact.occurred_at.tzinfo).isoformat()
            )
        if before != asked:
            raise ConflictError(
                "This Idempotency-Key was used for another request about her. Give every request its own key."
            )
        return True
    return False
