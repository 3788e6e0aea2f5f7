"""What each type of fact adds to the state: one small function a type."""

from collections.abc import Callable
from typing import Any

import msgspec

from features.customer.draft import Draft
from features.customer.ledger import Browse, Consent, Friction, Mark, ProfileFact, Release, Returned, Score, StaffHold
from features.customer.scales import scale_of, unit_score
from features.facts import Fact
from features.instants import to_us

_RESPONSES = {"click": 7, "accept": 8, "dismiss": 9}  # places in a Contact


def _purchase(draft: Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
    order_id = payload["order_id"]
    draft.order_ids.add(order_id)
    if draft.first_purchase_at is None:
        draft.first_purchase_at = at
    draft.last_purchase_at = at
    order = draft.orders.get(order_id)
    if order is None:
        draft.orders[order_id] = order = [order_id, at, fact.channel, payload["currency"], 0, []]
    items = order[5]
    bought = draft.bought
    for line in payload["lines"]:
        item_id = line["item_id"]
        quantity = line["quantity"]
        paid = quantity * line["unit_price"] - (line.get("discount") or 0)
        order[4] += paid
        row = bought.get(item_id)
        if row is None:  # item, count, quantity, paid, first, last, previous, last quantity, last paid, last order
            bought[item_id] = [item_id, 1, quantity, paid, at, at, None, quantity, paid, order_id]
            items.append(item_id)
            continue
        row[2] += quantity
        row[3] += paid
        if row[9] == order_id:
            row[5] = at
            row[7] += quantity
            row[8] += paid
        else:
            row[1] += 1
            row[6] = row[5]
            row[5] = at
            row[7] = quantity
            row[8] = paid
            row[9] = order_id
            items.append(item_id)


def _browse(draft: Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
    get = payload.get
    draft.browsed.append(
        Browse(
            at,
            payload["action"],
            payload["session_id"],
            get("item_id"),
            get("category"),
            get("query"),
            get("result_count"),
        )
    )


def _feedback(draft: Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
    get = payload.get
    kind = payload["kind"]
    score = get("score")
    unit = None
    if score is not None:
        unit = unit_score(score, scale_of(kind, get("scale_min"), get("scale_max"), get("higher_is_better")))
    case_id = get("case_id")
    draft.marks.append(
        Mark(
            at,
            fact.event_id,
            fact.origin,
            kind,
            unit,
            fact.channel,
            fact.touchpoint,
            case_id,
            get("order_id"),
            get("item_id"),
        )
    )
    if kind == "complaint":
        draft.case_step(case_id or fact.event_id, fact, (at, "opened", None, "complaint"))


def _case(draft: Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
    promised = payload.get("promised_by")
    step = (at, payload["status"], None if promised is None else to_us(promised), payload["kind"])
    draft.case_step(payload["case_id"], fact, step)


def _return(draft: Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
    order_id = payload["order_id"]
    for line in payload["lines"]:
        draft.returned.append(Returned(at, line["item_id"], line["quantity"], line.get("amount") or 0, order_id))


def _delivery(draft: Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
    order_id = payload["order_id"]
    delivery = draft.deliveries.get(order_id)
    if delivery is None:
        draft.deliveries[order_id] = delivery = [order_id, [], []]
    promised = payload.get("promised_at")
    delivery[1].append((at, payload["status"], None if promised is None else to_us(promised), fact.event_id))
    carrier = payload.get("carrier")
    if carrier is not None and all(name != carrier for _, name in delivery[2]):
        delivery[2].append((at, carrier))


def _friction(draft: Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
    wait = payload.get("wait_seconds")
    draft.frictions.append(Friction(at, fact.event_id, payload["kind"], wait, fact.touchpoint, payload.get("item_id")))


def _consent(draft: Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
    get = payload.get
    draft.consents.append(Consent(at, payload["purpose"], get("consent_channel"), payload["status"], get("basis")))


def _contact(draft: Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
    status = payload["status"]
    action_id = payload["action_id"]
    decision_id = payload.get("decision_id")
    contact: list[Any] | None
    if decision_id is not None:
        contact = draft.contacts.get((decision_id, action_id))
    else:  # a response without a decision belongs to the action's latest contact of the same identity, so that a merge
        # loses none; a new sending is a new contact
        latest = draft.loose_contacts.get((fact.origin, action_id))
        contact = None if status in ("reserved", "sent", "impression") else latest
        if status == "sent" and latest is not None and latest[5] is None:
            contact = latest
    if contact is None:
        contact = [decision_id, action_id, payload.get("treatment_id"), fact.channel, *[None] * 6]
        draft.contacts[decision_id or fact.event_id, action_id] = contact
        if decision_id is None:
            draft.loose_contacts[fact.origin, action_id] = contact
    if status == "reserved":
        contact[4] = contact[4] or at
    elif status == "released":
        contact[6] = contact[6] or at
    else:
        contact[5] = contact[5] or at
        if (place := _RESPONSES.get(status)) is not None:
            contact[place] = contact[place] or at
    if status == "unsubscribe":
        for purpose in ("marketing", "feedback"):
            draft.consents.append(Consent(at, purpose, fact.channel, "withdrawn", "unsubscribe"))


def _hold(draft: Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
    get = payload.get
    hold_id = payload["hold_id"]
    if payload["action"] == "release":
        draft.releases.append(Release(at, hold_id, get("person"), get("reason")))
        return
    review_at = get("review_at")
    draft.staff_holds.append(
        StaffHold(
            at,
            fact.event_id,
            hold_id,
            list(get("categories") or ()),
            list(get("channels") or ()),
            None if review_at is None else to_us(review_at),
            get("person"),
            get("reason"),
        )
    )


def _score(draft: Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
    get = payload.get
    model, version, value = payload["model"], payload["version"], payload["value"]
    score = Score(at, fact.event_id, fact.origin, model, version, value, get("reason"), get("scale_min"))
    draft.scores.append(score)


def _profile(draft: Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
    for name, value in msgspec.json.decode(payload.get("facts") or b"{}").items():
        plain = value if value is None or isinstance(value, str | float | int | bool) else msgspec.json.encode(value)
        plain = float(plain) if isinstance(plain, int) and not isinstance(plain, bool) else plain
        draft.profile[name] = ProfileFact(name, at, plain.decode() if isinstance(plain, bytes) else plain, False)
    for name in payload.get("refused") or ():
        draft.profile[name] = ProfileFact(name, at, None, True)


def _erasure(draft: Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
    draft.erased_at = at


HANDLERS: dict[str, Callable[[Draft, Fact, int, dict[str, Any]], None]] = {
    "purchase": _purchase,
    "browse": _browse,
    "feedback": _feedback,
    "case": _case,
    "return": _return,
    "delivery": _delivery,
    "friction": _friction,
    "consent": _consent,
    "contact": _contact,
    "hold": _hold,
    "score": _score,
    "profile": _profile,
    "erasure": _erasure,
}
"""By type of fact; a type that is not here (identity, incident) tells the state nothing but that it happened."""
