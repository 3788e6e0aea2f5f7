"""The moments of one customer's journey: what she ordered, got, met, said and was told, in the order of time."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from features.customer.delivery_course import delivery_course
from features.customer.ledger import CustomerState
from features.customer.scales import scale_of, unit_score
from features.facts import Fact
from features.instants import from_us, to_us
from serving.experience.places import places_of
from serving.experience.stories import shortened

MomentKind = Literal["order", "delivery", "promise_broken", "return", "friction", "feedback", "case", "contact"]
REACHED = ("sent", "impression", "click", "accept", "dismiss", "unsubscribe")
"""Contacts that reached her, and what she did with them."""


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One moment. `detail` is its status or kind; `value` her score from 0 (worst) to 1 where she gave one.

    `estimate` is how things stand after it (`estimating`), None while nothing is known. `event_id` of a broken promise
    is that of the promise.
    """

    at: datetime
    kind: MomentKind
    detail: str
    touchpoint: str
    channel: str | None
    event_id: str
    value: float | None = None
    text: str = ""
    order_id: str | None = None
    item_id: str | None = None
    case_id: str | None = None
    action_id: str | None = None
    estimate: float | None = None


def moments_of(facts: Sequence[Fact], state: CustomerState, now: datetime) -> list[Moment]:
    """The moments up to `now`, from her facts known then and the state folded from them."""
    bounced = {_contact(fact) for fact in facts if fact.payload.get("status") == "bounce"}
    felt = [fact for fact in facts if _is_felt(fact) and not (fact.type == "contact" and _contact(fact) in bounced)]
    found = [_moment(fact, place) for fact, place in zip(felt, places_of(felt), strict=True)]
    return sorted([*found, *_broken(state, to_us(now))], key=lambda one: (one.at, one.event_id, one.kind))


def _is_felt(fact: Fact) -> bool:
    if fact.type == "contact":
        return str(fact.payload["status"]) in REACHED
    if fact.type == "delivery":
        return bool(fact.payload["status"] != "promised")
    return fact.type in ("purchase", "return", "friction", "feedback", "case")


def _contact(fact: Fact) -> tuple[Any, Any]:
    """What makes contact events one contact; for those without a decision nothing does."""
    return fact.payload.get("decision_id") or fact.event_id, fact.payload.get("action_id")


def _moment(fact: Fact, place: str) -> Moment:
    said = fact.payload
    kinds: dict[str, MomentKind] = {"purchase": "order", "delivery": "delivery", "return": "return", "case": "case"}
    kinds |= {"friction": "friction", "feedback": "feedback", "contact": "contact"}
    details = {"purchase": "", "return": "", "case": f"{said.get('kind')} {said.get('status')}"}
    return Moment(
        at=fact.occurred_at,
        kind=kinds[fact.type],
        detail=details.get(fact.type, said.get("status") or said.get("kind") or ""),
        touchpoint=place,
        channel=fact.channel,
        event_id=fact.event_id,
        value=_value(said) if fact.type == "feedback" else None,
        text=shortened(said.get("text") or said.get("reason") or ""),
        order_id=said.get("order_id"),
        item_id=said.get("item_id"),
        case_id=said.get("case_id"),
        action_id=said.get("action_id"),
    )


def _value(said: dict[str, Any]) -> float | None:
    if said.get("score") is None:
        return None
    scale = scale_of(said["kind"], said.get("scale_min"), said.get("scale_max"), said.get("higher_is_better"))
    return unit_score(said["score"], scale)


def _broken(state: CustomerState, now: int) -> Iterator[Moment]:
    """Promised days that passed without the parcel."""
    for delivery in state.deliveries:
        course = delivery_course(delivery, now)
        broken_at = None if course is None else course.broken_at(now)
        if course is not None and broken_at is not None:
            yield Moment(
                at=from_us(broken_at),
                kind="promise_broken",
                detail="late",
                touchpoint="delivery",
                channel=None,
                event_id=course.promise_event,
                order_id=delivery.order_id,
            )


def scored(moments: Iterable[Moment]) -> list[tuple[int, float]]:
    """When she gave a score, and which."""
    return [(to_us(one.at), one.value) for one in moments if one.value is not None]
