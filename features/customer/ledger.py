"""The compact state of one customer: plain records of what happened and when, nothing that the clock alone changes.

Every instant is an int of microseconds since 1970 UTC (`features.instants`). Records are arrays on disk, so their
fields may only be appended to, together with a new `features.customer.state.STATE_VERSION`.
"""

import msgspec


class Case(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A case with its whole course. `steps` are (at, status, promised_by or None, kind as stated then) in order.

    A complaint received as feedback is a case whose id is the feedback's `case_id`, else its event id.
    """

    case_id: str
    source_event: str
    order_id: str | None
    item_ids: list[str]
    steps: list[tuple[int, str, int | None, str]]


class Mark(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A piece of feedback; `unit` is its score from 0 (worst) to 1 (best), None without a score."""

    at: int
    event_id: str
    origin: str
    kind: str
    unit: float | None
    channel: str | None
    touchpoint: str | None
    case_id: str | None
    order_id: str | None
    item_id: str | None


class Delivery(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Deliveries of one order. `steps` are (at, status, promised_at or None, event_id) in order.

    `carriers` are (when first told, name) of whoever was said to bring it.
    """

    order_id: str
    steps: list[tuple[int, str, int | None, str]]
    carriers: list[tuple[int, str]]


class Consent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One statement of consent; `channel` None means every channel. To unsubscribe withdraws marketing and feedback."""

    at: int
    purpose: str
    channel: str | None
    status: str
    basis: str | None


class Contact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One contact: an action shown or sent once, whatever number of events reported it.

    `contacted_at` is the first sign that it reached her (sent, impression or any response); None while only reserved.
    """

    decision_id: str | None
    action_id: str
    treatment_id: str | None
    channel: str | None
    reserved_at: int | None
    contacted_at: int | None
    released_at: int | None
    clicked_at: int | None
    accepted_at: int | None
    dismissed_at: int | None


class ActionTotal(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """All contacts of one action, for as long as the customer is known."""

    action_id: str
    contacts: int
    first_at: int
    last_at: int
    clicked_at: int | None
    accepted_at: int | None
    dismissed_at: int | None


class Purchases(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Per item bought, as parallel lists in the order of first purchase.

    `counts` are orders with the item, `quantities` units, `paid` minor units. The `last_*` and `previous_*` lists tell
    the latest purchase from those before it (`previous_at` None after a single one).
    """

    items: list[str] = []
    counts: list[int] = []
    quantities: list[int] = []
    paid: list[int] = []
    first_at: list[int] = []
    last_at: list[int] = []
    previous_at: list[int | None] = []
    last_quantities: list[int] = []
    last_paid: list[int] = []


class Order(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An order; `paid` in minor units after discounts. `items` are of the latest orders only, empty before those."""

    order_id: str
    at: int
    channel: str | None
    currency: str
    paid: int
    items: list[str]


class Returned(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An item line that came back."""

    at: int
    item_id: str
    quantity: int
    amount: int
    order_id: str


class Friction(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something went wrong although nobody complained."""

    at: int
    event_id: str
    kind: str
    wait_seconds: float | None
    touchpoint: str | None
    item_id: str | None


class Score(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A model's score of this customer, as it was recorded; `reason` is its main causes in words.

    `holds_from` is the value from which the model itself says that she should be held, None where it says none.
    """

    at: int
    event_id: str
    origin: str
    model: str
    version: str
    value: float
    reason: str | None = None
    holds_from: float | None = None


class StaffHold(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A hold that a person added."""

    at: int
    event_id: str
    hold_id: str
    categories: list[str]
    channels: list[str]
    review_at: int | None
    person: str | None
    reason: str | None


class Release(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A person released a hold, staff or derived, by its id."""

    at: int
    hold_id: str
    person: str | None
    reason: str | None


class Browse(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One step in the shop."""

    at: int
    action: str
    session_id: str
    item_id: str | None
    category: str | None
    query: str | None
    result_count: int | None


class ProfileFact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What she told about herself, latest statement; `value` None with `refused` means she would rather not say."""

    name: str
    at: int
    value: str | float | bool | None
    refused: bool


class CustomerState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """All that is known of one customer, independent of the clock. `origins` are (id, first fact at), oldest first."""

    facts: int = 0
    first_at: int | None = None
    last_at: int | None = None
    origins: list[tuple[str, int]] = []
    last_seen_at: int | None = None
    first_purchase_at: int | None = None
    last_purchase_at: int | None = None
    order_count: int = 0
    cases: list[Case] = []
    marks: list[Mark] = []
    deliveries: list[Delivery] = []
    consents: list[Consent] = []
    contacts: list[Contact] = []
    actions: list[ActionTotal] = []
    purchases: Purchases = Purchases()
    orders: list[Order] = []
    returned: list[Returned] = []
    frictions: list[Friction] = []
    scores: list[Score] = []
    staff_holds: list[StaffHold] = []
    releases: list[Release] = []
    browsed: list[Browse] = []
    profile: list[ProfileFact] = []
    erased_at: int | None = None
