"""The journey: at which stage a customer is, and what the session she is in says of her, derived from her view.

One stage a customer, the first of these that holds (K3):

| stage | when |
|---|---|
| in_recovery | a hold of severity 2 or more is in force, or the days after a grave one still run |
| buying | in the session she is in there is something in her cart, or she began to check out |
| considering | she has ordered nothing yet |
| onboarding | her only order is at most 30 days old |
| active | her last order is at most two of her usual gaps ago |
| lapsing | at most four |
| lapsed | longer ago |

Her usual gap is the median of the gaps between her latest orders, kept between 7 and 180 days; 60 days where she has
made fewer than three. Orders less than half a day apart are one.
"""

from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from features.customer.ledger import Browse, Order
from features.customer.span import BAD, GOOD, verdict
from features.instants import DAY, MINUTE, SECOND

if TYPE_CHECKING:
    from features.customer.view import CustomerView
    from features.customer.view_parts import ItemsBought

STAGES = ("considering", "buying", "onboarding", "active", "lapsing", "lapsed", "in_recovery")
"""By code, from 0: what the feature `stage` says."""

JOURNEY_FEATURES: dict[str, str] = {
    "stage": "the stage of her journey: " + ", ".join(STAGES),
    "searches_in_vain": "searches of the session she is in that found nothing, since she last looked at a product",
    "searches_in_circles": "searches in a row of the session she is in without a look at any product",
    "absorbed": "1 where she is absorbed: eight products or more in ten minutes or more, nothing in vain, nothing in "
    "the cart; else 0",
    "cart_items": "items in her cart",
    "days_since_cart": "days since she last put something into her cart that is still there; absent with an empty one",
    "days_in_use": "days since her latest order reached her; absent while it is on its way",
    "days_since_touchpoint": "days since her latest order was placed, or reached her if that was later; absent before "
    "one",
    "order_fell_through": "1 where her latest order was cancelled, or all of it came back and nothing was exchanged; "
    "else 0; absent before one",
    "items_running_out": "items bought in more than one order, half a day apart or more on average, that she should "
    "need again by now: at least four fifths of her mean gap between them have passed, and no more than four",
    "bad_ratings_14d": "scores in the lowest part of their scale in the last 14 days, given about no case",
    "good_ratings_365d": "scores in the highest part of their scale in the last 365 days, given about no case",
}
"""Name and meaning, as in `STATE_FEATURES`."""

RECOVERY_SEVERITY = 2
ONBOARDING_DAYS = 30
USUAL_GAP_DAYS, SHORTEST_GAP_DAYS, LONGEST_GAP_DAYS = 60.0, 7.0, 180.0
LAPSING_GAPS, LAPSED_GAPS = 2.0, 4.0
RUNNING_OUT, GIVEN_UP = 0.8, 4.0
"""Of her usual gaps: from when on an item runs out, and after how many she has given it up."""
ONE_VISIT_DAYS = 0.5
"""Orders less than this apart say nothing of how often she comes, or of how fast she uses things up."""
EXCHANGES = ("exchange", "warranty")
"""Kinds of cases in which what came back makes room for another."""
ABSORBED_VIEWS, ABSORBED_MINUTES = 8, 10
CART_DAYS = 14
UNTOLD_DELIVERY_DAYS = 5
"""Where nobody told of the delivery of an order that was not made in a store, it is taken to have arrived by then."""


def journey_of(view: "CustomerView") -> dict[str, float]:
    """`JOURNEY_FEATURES` at the view's moment; what is not known is absent."""
    now, session, cart = view.moment, view.session, view.cart
    in_vain, in_circles = searches(session)
    found = {
        "stage": float(STAGES.index(stage_of(view))),
        "searches_in_vain": float(in_vain),
        "searches_in_circles": float(in_circles),
        "absorbed": float(is_absorbed(session, in_vain, bool(cart))),
        "cart_items": float(len(cart)),
        "items_running_out": float(running_out(view.items_bought, now / SECOND)),
        "bad_ratings_14d": float(sum(now - 14 * DAY < at <= now for at in bad_ratings(view))),
        "good_ratings_365d": float(
            sum(m.unit is not None and m.case_id is None and now - 365 * DAY < m.at <= now
                and verdict(m, view.rules) == GOOD for m in view.state.marks)
        ),
    }  # fmt: skip
    if cart:
        found["days_since_cart"] = (now - max(cart.values())) / DAY
    order = view.orders[-1] if view.orders else None
    if order is not None:
        arrived = arrived_at(view, order)
        found["order_fell_through"] = float(fell_through(view, order))
        found["days_since_touchpoint"] = (now - max(order.at, arrived or 0)) / DAY
        if arrived is not None:
            found["days_in_use"] = (now - arrived) / DAY
    return found


def bad_ratings(view: "CustomerView") -> list[int]:
    """When (microseconds) she gave bad scores that are no answer about a case: those have a person."""
    now = view.moment
    return [
        m.at
        for m in view.state.marks
        if m.at <= now and m.unit is not None and m.case_id is None and verdict(m, view.rules) == BAD
    ]


def stage_of(view: "CustomerView") -> str:
    """The stage of her journey, one of `STAGES`."""
    now = view.moment
    if view.recovery_until is not None and view.now < view.recovery_until:
        return "in_recovery"
    if any(h.severity >= RECOVERY_SEVERITY for h in view.holds):
        return "in_recovery"
    orders = [o.at for o in view.state.orders if o.at <= now]
    bought_at = view.state.last_purchase_at
    last = bought_at if bought_at is not None and bought_at <= now else max(orders, default=None)
    began = (
        b.at
        for b in view.session
        if b.action == "checkout_start" or (b.action == "cart_add" and b.item_id in view.cart)
    )
    if any(last is None or at > last for at in began):
        return "buying"
    if last is None:
        return "considering"
    if view.state.order_count == 1 and now - last <= ONBOARDING_DAYS * DAY:
        return "onboarding"
    since = (now - last) / DAY / usual_gap_days(orders)
    return "active" if since <= LAPSING_GAPS else "lapsing" if since <= LAPSED_GAPS else "lapsed"


def usual_gap_days(orders: list[int]) -> float:
    """The median gap between orders (instants in microseconds, ascending), in days, within its bounds.

    >>> usual_gap_days([0, 10 * DAY, 40 * DAY])
    20.0
    >>> usual_gap_days([0, DAY])
    60.0
    """
    gaps = [(later - earlier) / DAY for earlier, later in pairwise(orders) if later - earlier >= ONE_VISIT_DAYS * DAY]
    if len(gaps) < 2:
        return USUAL_GAP_DAYS
    return min(max(float(median(gaps)), SHORTEST_GAP_DAYS), LONGEST_GAP_DAYS)


def searches(session: list[Browse]) -> tuple[int, int]:
    """Searches that found nothing, and searches in a row, both since she last looked at a product of this session."""
    in_vain = in_circles = 0
    for step in reversed(session):
        if step.action == "search":
            in_circles += 1
            in_vain += step.result_count == 0
        elif step.item_id is not None:
            break
    return in_vain, in_circles


def is_absorbed(session: list[Browse], in_vain: int, has_cart: bool) -> bool:
    """Whether somebody is happily absorbed in products: not to be interrupted."""
    if (
        in_vain
        or has_cart
        or len(session) < ABSORBED_VIEWS
        or session[-1].at - session[0].at < ABSORBED_MINUTES * MINUTE
    ):
        return False
    if any(step.action == "checkout_start" for step in session):
        return False
    return len({step.item_id for step in session if step.action == "view" and step.item_id}) >= ABSORBED_VIEWS


def cart_at(browsed: list[Browse], last_purchase_at: int | None, now: int) -> dict[str, int]:
    """What is in the cart and when it was last put there, latest last: of the last fortnight, nothing bought since."""
    since = max(now - CART_DAYS * DAY, -1 if last_purchase_at is None or last_purchase_at > now else last_purchase_at)
    cart: dict[str, int] = {}
    for step in browsed:
        if step.item_id is None or not since < step.at <= now:
            continue
        if step.action == "cart_add":
            cart.pop(step.item_id, None)
            cart[step.item_id] = step.at
        elif step.action == "cart_remove":
            cart.pop(step.item_id, None)
    return cart


def running_out(bought: "ItemsBought", now: float) -> int:
    """How many of the items bought (instants and `now` in epoch seconds) she should need again by now."""
    found = 0
    for count, first, last in zip(
        bought.counts.tolist(), bought.first_at.tolist(), bought.last_at.tolist(), strict=True
    ):
        if count > 1:  # few are, for which whole columns take longer
            gap = max((last - first) / (count - 1), 1.0)
            habit = gap >= ONE_VISIT_DAYS * DAY / SECOND
            found += habit and RUNNING_OUT <= (now - last) / gap <= GIVEN_UP
    return found


def fell_through(view: "CustomerView", order: Order) -> bool:
    """Whether nothing of an order is hers: it was cancelled, or each of its items came back for good: not exchanged."""
    now = view.moment
    if was_cancelled(view, order):
        return True
    back = {r.item_id for r in view.state.returned if r.order_id == order.order_id and r.at <= now}
    changed = any(c.kind in EXCHANGES and c.order_id in (None, order.order_id) for c in view.cases)
    return bool(order.items) and back.issuperset(order.items) and not changed


def arrived_at(view: "CustomerView", order: Order) -> int | None:
    """When an order reached her (microseconds): delivered, taken along from the store, or some days after it was made
    where nobody told of any delivery; None while it is on its way, or was cancelled.
    """
    course = view.courses.get(order.order_id)
    if course is not None:
        return course.delivered_at
    if order.channel == "store":
        return order.at
    taken = order.at + UNTOLD_DELIVERY_DAYS * DAY
    return taken if taken <= view.moment else None


def was_cancelled(view: "CustomerView", order: Order) -> bool:
    """Whether an order was cancelled and no parcel of it came."""
    course = view.courses.get(order.order_id)
    return course is not None and course.delivered_at is None and course.cancelled_at is not None
