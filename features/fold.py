"""The fold: a customer's facts, in any order of arrival, into her compact state.

Facts are taken in the order (occurred_at, event_id); a fact given twice counts once. Nothing here reads a clock or a
policy. What grows without limit is cut by fixed rules relative to her own latest fact (`KEPT_DAYS`, `KEPT_COUNTS`), far
beyond any window a policy may use.
"""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any

import msgspec

from features.case_course import FINISHED
from features.facts import Fact
from features.instants import days, to_us
from features.ledger import (
    ActionTotal,
    Browse,
    Case,
    Consent,
    Contact,
    CustomerState,
    Delivery,
    Friction,
    Mark,
    Order,
    ProfileFact,
    Purchases,
    Release,
    Returned,
    Score,
    StaffHold,
)
from features.scales import scale_of, unit_score

KEPT_DAYS = {"finished deliveries": 400, "finished cases": 400, "contacts": 400, "scores": 100}
KEPT_COUNTS = {"orders": 10, "browsed": 50, "frictions": 200, "contacts": 1000, "returned": 200}

_SEEN = frozenset({"browse", "purchase", "feedback"})
_RESPONSES = {"click": 7, "accept": 8, "dismiss": 9}  # places in a Contact


def fold(facts: Iterable[Fact]) -> CustomerState:
    """The state made of `facts`: pure, and equal for any order and repetition of them.

    For training or replay at `t`, give the facts known by then (`features.facts.known_by`).
    """
    ordered = sorted(facts, key=attrgetter("occurred_at", "event_id"))
    draft = _Draft()
    handlers = _HANDLERS
    last_id = None
    for fact in ordered:
        if fact.event_id == last_id:
            continue
        last_id = fact.event_id
        at = to_us(fact.occurred_at)
        draft.note(fact, at)
        handler = handlers.get(fact.type)
        if handler is not None:
            handler(draft, fact, at, fact.payload)
    return draft.finish()


class _Draft:
    """The state while it is being folded; lists and dicts instead of frozen records."""

    def __init__(self) -> None:
        self.facts = 0
        self.first_at: int | None = None
        self.last_at: int | None = None
        self.origins: dict[str, int] = {}
        self.last_seen_at: int | None = None
        self.first_purchase_at: int | None = None
        self.last_purchase_at: int | None = None
        self.order_ids: set[str] = set()
        self.cases: dict[str, list[Any]] = {}
        self.marks: list[Mark] = []
        self.deliveries: dict[str, list[Any]] = {}
        self.consents: list[Consent] = []
        self.contacts: dict[tuple[str, str], list[Any]] = {}
        self.loose_contacts: dict[str, list[Any]] = {}
        self.bought: dict[str, list[Any]] = {}
        self.orders: dict[str, list[Any]] = {}
        self.returned: list[Returned] = []
        self.frictions: list[Friction] = []
        self.scores: list[Score] = []
        self.staff_holds: list[StaffHold] = []
        self.releases: list[Release] = []
        self.browsed: list[Browse] = []
        self.profile: dict[str, ProfileFact] = {}
        self.erased_at: int | None = None

    def note(self, fact: Fact, at: int) -> None:
        """What every fact tells."""
        self.facts += 1
        if self.first_at is None:
            self.first_at = at
        self.last_at = at
        if fact.origin not in self.origins:
            self.origins[fact.origin] = at
        if fact.type in _SEEN:
            self.last_seen_at = at

    def case_step(self, case_id: str, fact: Fact, step: tuple[int, str, int | None, str]) -> None:
        """Add a step to a case, opening it if it is new."""
        case = self.cases.get(case_id)
        payload = fact.payload
        if case is None:
            self.cases[case_id] = case = [case_id, fact.event_id, None, [], []]
        if case[2] is None:
            case[2] = payload.get("order_id")
        for item_id in payload.get("item_ids") or ():
            if item_id not in case[3]:
                case[3].append(item_id)
        case[4].append(step)

    def finish(self) -> CustomerState:
        """The frozen state."""
        if self.last_at is None:
            return CustomerState()
        last = self.last_at
        contacts = list(self.contacts.values())
        return CustomerState(
            facts=self.facts,
            first_at=self.first_at,
            last_at=last,
            origins=list(self.origins.items()),
            last_seen_at=self.last_seen_at,
            first_purchase_at=self.first_purchase_at,
            last_purchase_at=self.last_purchase_at,
            order_count=len(self.order_ids),
            cases=_kept_cases(self.cases, self.marks, last),
            marks=self.marks,
            deliveries=_kept_deliveries(self.deliveries, last),
            consents=self.consents,
            contacts=_kept_contacts(contacts, last),
            actions=_action_totals(contacts),
            purchases=_purchases(self.bought),
            orders=[Order(*o) for o in list(self.orders.values())[-KEPT_COUNTS["orders"] :]],
            returned=self.returned[-KEPT_COUNTS["returned"] :],
            frictions=self.frictions[-KEPT_COUNTS["frictions"] :],
            scores=[s for s in self.scores if s.at >= last - days(KEPT_DAYS["scores"])],
            staff_holds=self.staff_holds,
            releases=self.releases,
            browsed=self.browsed[-KEPT_COUNTS["browsed"] :],
            profile=list(self.profile.values()),
            erased_at=self.erased_at,
        )


def _purchase(draft: _Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
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


def _browse(draft: _Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
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


def _feedback(draft: _Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
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


def _case(draft: _Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
    promised = payload.get("promised_by")
    step = (at, payload["status"], None if promised is None else to_us(promised), payload["kind"])
    draft.case_step(payload["case_id"], fact, step)


def _return(draft: _Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
    order_id = payload["order_id"]
    for line in payload["lines"]:
        draft.returned.append(Returned(at, line["item_id"], line["quantity"], line.get("amount") or 0, order_id))


def _delivery(draft: _Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
    order_id = payload["order_id"]
    delivery = draft.deliveries.get(order_id)
    if delivery is None:
        draft.deliveries[order_id] = delivery = [order_id, [], None]
    promised = payload.get("promised_at")
    delivery[1].append((at, payload["status"], None if promised is None else to_us(promised), fact.event_id))
    delivery[2] = payload.get("carrier") or delivery[2]


def _friction(draft: _Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
    wait = payload.get("wait_seconds")
    draft.frictions.append(Friction(at, fact.event_id, payload["kind"], wait, fact.touchpoint, payload.get("item_id")))


def _consent(draft: _Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
    get = payload.get
    draft.consents.append(Consent(at, payload["purpose"], get("consent_channel"), payload["status"], get("basis")))


def _contact(draft: _Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
    status = payload["status"]
    action_id = payload["action_id"]
    decision_id = payload.get("decision_id")
    contact: list[Any] | None
    if decision_id is not None:
        contact = draft.contacts.get((decision_id, action_id))
    else:  # a response without a decision belongs to the action's latest contact; a new sending is a new contact
        contact = None if status in ("reserved", "sent", "impression") else draft.loose_contacts.get(action_id)
        if status == "sent" and (reserved := draft.loose_contacts.get(action_id)) and reserved[5] is None:
            contact = reserved
    if contact is None:
        contact = [decision_id, action_id, payload.get("treatment_id"), fact.channel, *[None] * 6]
        draft.contacts[decision_id or fact.event_id, action_id] = contact
        if decision_id is None:
            draft.loose_contacts[action_id] = contact
    if status == "reserved":
        contact[4] = contact[4] or at
    elif status == "released":
        contact[6] = contact[6] or at
    else:
        contact[5] = contact[5] or at
        if (place := _RESPONSES.get(status)) is not None:
            contact[place] = contact[place] or at
    if status == "unsubscribe":
        draft.consents.append(Consent(at, "marketing", fact.channel, "withdrawn", "unsubscribe"))


def _hold(draft: _Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
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


def _score(draft: _Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
    score = Score(at, fact.event_id, fact.origin, payload["model"], payload["version"], payload["value"])
    draft.scores.append(score)


def _profile(draft: _Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
    for name, value in msgspec.json.decode(payload.get("facts") or b"{}").items():
        plain = value if value is None or isinstance(value, str | float | int | bool) else msgspec.json.encode(value)
        plain = float(plain) if isinstance(plain, int) and not isinstance(plain, bool) else plain
        draft.profile[name] = ProfileFact(name, at, plain.decode() if isinstance(plain, bytes) else plain, False)
    for name in payload.get("refused") or ():
        draft.profile[name] = ProfileFact(name, at, None, True)


def _erasure(draft: _Draft, fact: Fact, at: int, payload: dict[str, Any]) -> None:
    draft.erased_at = at


_HANDLERS: dict[str, Callable[[_Draft, Fact, int, dict[str, Any]], None]] = {
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


def _kept_cases(cases: dict[str, list[Any]], marks: list[Mark], last: int) -> list[Case]:
    oldest = last - days(KEPT_DAYS["finished cases"])
    rated = {m.case_id for m in marks if m.case_id is not None} if cases else set()
    return [Case(*c) for c in cases.values() if c[4][-1][0] >= oldest or c[4][-1][1] not in FINISHED or c[0] in rated]


def _kept_deliveries(deliveries: dict[str, list[Any]], last: int) -> list[Delivery]:
    oldest = last - days(KEPT_DAYS["finished deliveries"])
    return [
        Delivery(*d)
        for d in deliveries.values()
        if d[1][-1][0] >= oldest or d[1][-1][1] not in ("delivered", "cancelled")
    ]


def _kept_contacts(contacts: list[list[Any]], last: int) -> list[Contact]:
    oldest = last - days(KEPT_DAYS["contacts"])
    kept = [Contact(*c) for c in contacts if max(c[4] or 0, c[5] or 0, c[6] or 0) >= oldest]
    return kept[-KEPT_COUNTS["contacts"] :]


def _action_totals(contacts: list[list[Any]]) -> list[ActionTotal]:
    totals: dict[str, list[Any]] = {}
    for contact in contacts:
        reached = contact[5]
        if reached is None:
            continue
        total = totals.get(contact[1])
        if total is None:
            totals[contact[1]] = [contact[1], 1, reached, reached, contact[7], contact[8], contact[9]]
            continue
        total[1] += 1
        total[2] = min(total[2], reached)
        total[3] = max(total[3], reached)
        for place in (4, 5, 6):
            response = contact[place + 3]
            if response is not None:
                total[place] = response if total[place] is None else max(total[place], response)
    return [ActionTotal(*t) for t in totals.values()]


def _purchases(bought: dict[str, list[Any]]) -> Purchases:
    if not bought:
        return Purchases()
    columns = [list(column) for column in zip(*bought.values(), strict=True)]
    return Purchases(*columns[:9])
