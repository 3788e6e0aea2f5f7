"""From a customer's view to the snapshot the engine decides on: features, contacts, and when things last changed."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np

from features.customer.journey import JOURNEY_FEATURES, arrived_at, bad_ratings, journey_of, was_cancelled
from features.customer.span import BAD, GOOD, verdict
from features.customer.state_features import STATE_FEATURES, bought_at
from features.customer.view import CustomerView
from features.inputs.candidates import ItemHistory
from features.inputs.frame import CHURN_INPUTS
from features.instants import DAY, SECOND, to_us
from serving.core.actions import MODELLED
from serving.core.question import Contact, Snapshot

LIVE_FEATURES: dict[str, str] = {
    "known": "1 where anything is known of her, else 0",
    "cool_downs": "holds in force that wait for nothing but time, or for her word that it went well",
    "unresolved_severity": "severity (1-5) of the gravest hold in force that is not cooling down; 0 without one",
    "distinct_items": "different items she has bought",
    "repeat_items": "items she has bought in more than one order",
    "session_items": "items of the session she is in",
    "cases_put_right": "cases but ordinary ones that ended in the last 30 days and that she has not rated since",
    "complaints_handled_well": "complaints she rated well in the last 30 days, resolved in time without her having "
    "to ask",
    **JOURNEY_FEATURES,
}
"""What conditions may speak of beside `STATE_FEATURES`; name and meaning."""

REACHED = ("sent", "clicked", "accepted", "dismissed")
_NAN = float("nan")


def snapshot_of(
    view: CustomerView,
    *,
    customer_key: str,
    reservation: timedelta,
    reserved: Sequence[Contact] = (),
    state_status: str = "ok",
    versions: Mapping[str, str] | None = None,
) -> Snapshot:
    """The snapshot of one customer.

    `reserved` are contacts promised by decisions here; those her state knows to be sent or released are left out.
    """
    state, now = view.state, view.now
    bought = view.items_bought
    contacts: list[Contact] = []
    promised: list[Contact] = []
    settled: set[str] = set()
    for c in view.contacts:
        status, decision = c.status, c.decision_id or ""
        if status in REACHED or (status == "reserved" and c.at + reservation > now):
            found = Contact(c.at, c.action_id, c.channel or "", "", decision)
            (promised if status == "reserved" else contacts).append(found)
        if status != "reserved" and decision:
            settled.add(decision)
    held_by_log = {c.decision_id for c in promised if c.decision_id}
    promised += [r for r in reserved if r.decision_id not in settled and r.decision_id not in held_by_log]
    values = view.features | {
        "known": float(view.known),
        "cool_downs": float(sum(h.cool_down for h in view.holds)),
        "unresolved_severity": float(max((h.severity for h in view.holds if not h.cool_down), default=0)),
        "distinct_items": float(len(bought.items)),
        "repeat_items": float(np.count_nonzero(bought.counts > 1)),
        "session_items": float(len(view.session_items)),
        "cases_put_right": float(put_right(view)),
        "complaints_handled_well": float(handled_well(view)),
        **journey_of(view),
    }
    return Snapshot(
        customer_key=customer_key,
        state_status=state_status,
        holds=tuple(view.holds),
        consents=view.consents,
        contacts=tuple(contacts),
        reserved=tuple(promised),
        values=values,
        history=ItemHistory(
            items=bought.items,
            counts=bought.counts.astype(np.float64),
            last_at=bought.last_at,
            first_at=bought.first_at,
            orders=float(state.order_count),
            first_order_at=_seconds(state.first_purchase_at),
            last_order_at=_seconds(state.last_purchase_at),
            units=bought.quantities.astype(np.float64),
            last_units=bought.last_quantities,
        ),
        returned=frozenset(view.returned_items),
        viewed_items=tuple(view.session_items),
        viewed_categories=tuple(view.session_categories),
        scored={s.model: s.value for s in state.scores if s.at <= view.moment},
        cart=tuple(reversed(view.cart)),
        newly_bought=newly_bought(view),
        never_came=never_came(view),
        told_facts=frozenset(p.name for p in state.profile if p.at <= view.moment),
        about=_last_changes(view),
        last_sign_at=last_sign(view),
        recovering=view.recovery_until is not None and now < view.recovery_until,
        view=view,
        arm_key=view.arm_key or customer_key,
        versions=versions or {},
    )


def last_sign(view: CustomerView) -> float:
    """When (epoch seconds) she last visited, ordered, said something or followed a contact; minus infinity if never.

    To dismiss what we sent is a no, and to say that she is unhappy asks for help: neither asks for more offers.
    """
    now, state = view.moment, view.state
    words = (m.at for m in state.marks if m.kind != "complaint" and verdict(m, view.rules) != BAD)
    signs = [
        *(step.at for step in state.browsed),
        *bought_at(state, now),
        *words,
        *(at for contact in state.contacts for at in (contact.clicked_at, contact.accepted_at)),
    ]
    return max((at for at in signs if at is not None and at <= now), default=-math.inf) / SECOND


def newly_bought(view: CustomerView) -> tuple[str, ...]:
    """The items of her latest order that she had not bought before."""
    if not view.orders:
        return ()
    order, bought = view.orders[-1], view.items_bought
    first, at = dict(zip(bought.items, bought.first_at.tolist(), strict=True)), order.at / SECOND
    return tuple([item for item in order.items if first.get(item, 0.0) >= at])


def never_came(view: CustomerView) -> frozenset[str]:
    """The items of her latest orders that she never got: each order with them was cancelled."""
    cancelled = [order for order in view.orders if was_cancelled(view, order)] if view.courses else []
    if not cancelled:
        return frozenset()
    bought = dict(zip(view.items_bought.items, view.items_bought.counts.tolist(), strict=True))
    times = Counter(item for order in cancelled for item in order.items)
    return frozenset(item for item, count in times.items() if count >= bought.get(item, 0))


def put_right(view: CustomerView) -> int:
    """Cases but ordinary returns and questions that ended in the last 30 days and that she has not rated since."""
    if not view.cases:
        return 0
    now = view.moment
    rated = {(m.case_id, m.at) for m in view.state.marks if m.case_id is not None and m.at <= now}
    return sum(
        case.finished_at is not None
        and to_us(case.finished_at) > now - 30 * DAY
        and (case.overdue or case.kind not in ("return", "question"))
        and not any(one == case.case_id and at >= to_us(case.finished_at) for one, at in rated)
        for case in view.cases
    )


def handled_well(view: CustomerView) -> int:
    """Complaints answered well in the last 30 days that never grew worse by asking, a broken promise or a long wait."""
    if not view.cases:
        return 0
    since = view.moment - 30 * DAY
    good = _good_answers(view)
    return sum(
        case.kind == "complaint"
        and not case.is_open
        and not case.overdue
        and case.severity == view.rules.open_complaint.severity
        and good.get(case.case_id, since) > since
        for case in view.cases
    )


def _good_answers(view: CustomerView) -> dict[str, int]:
    """When she first said of each finished case that it went well, in microseconds."""
    ended = {c.case_id: to_us(c.finished_at) for c in view.cases if c.finished_at is not None}
    if not ended:
        return {}
    now, found = view.moment, dict[str, int]()
    for mark in view.state.marks:
        case = mark.case_id
        if case in ended and ended[case] <= mark.at <= now and verdict(mark, view.rules) == GOOD:
            found.setdefault(case, mark.at)
    return found


def _last_changes(view: CustomerView) -> dict[str, float]:
    """When (epoch seconds) her cases, orders and deliveries last changed; a promise that passes is a change.

    `resolution` is when a case of hers last ended, `answer` when she last said for the first time that one went well,
    `cart` when she last put something into it, `rating` when she last gave a bad one, `touchpoint` when her latest
    order was placed, or reached her.
    """
    now = view.moment
    cases = [at for case in view.state.cases for at, *_ in case.steps if at <= now]
    steps = [(at, promised) for d in view.state.deliveries for at, _, promised, _ in d.steps if at <= now]
    deliveries = [at for at, _ in steps] + [p for _, p in steps if p is not None and p <= now]
    orders = [o.at for o in view.orders]
    ended = [to_us(c.finished_at) for c in view.cases if c.finished_at is not None]
    moments = {
        "case": cases,
        "resolution": ended,
        "answer": list(_good_answers(view).values()),
        "delivery": deliveries,
        "order": orders,
        "cart": list(view.cart.values()),
        "rating": bad_ratings(view),
        "touchpoint": [] if not view.orders else [view.orders[-1].at, arrived_at(view, view.orders[-1]) or 0],
    }
    return {name: max(at) / SECOND for name, at in moments.items() if at}


def _seconds(us: int | None) -> float:
    return _NAN if us is None else us / SECOND


KNOWN_FEATURES = frozenset((*STATE_FEATURES, *LIVE_FEATURES, *CHURN_INPUTS, *MODELLED))
"""Everything a condition of the catalogue may speak of."""
