"""What is asked, and what is known of the one asked for."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from features.customer.holds import Hold
from features.customer.view import CustomerView
from features.feature_store.online.records import OnlineRecord
from features.inputs.candidates import ItemHistory

Mode = Literal["serve", "list", "manual", "simulate"]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One question: what should this person see, in this place, now?

    `now` is an aware UTC instant; `send_at`, where later, is when the answer will reach her (quiet hours and validity
    are judged then). `n` is the number of positions of the slot. `context` may say `page`, `item`, `cart` (list of item
    ids) and `query`. `language` is that of the page, else hers. An `idempotency_key` makes a retry answer what was
    answered before.
    """

    channel: str
    placement: str
    now: datetime
    customer_id: str | None = None
    anonymous_id: str | None = None
    context: dict[str, Any] = {}
    n: int = 1
    mode: Mode = "serve"
    idempotency_key: str | None = None
    send_at: datetime | None = None
    language: str | None = None

    @property
    def reaches_at(self) -> datetime:
        """When the answer reaches her."""
        return self.now if self.send_at is None or self.send_at < self.now else self.send_at


class Contact(msgspec.Struct, frozen=True):
    """One contact that counts toward the cap: what was sent, seen, or is reserved within its time limit."""

    at: datetime
    action_id: str
    channel: str
    placement: str = ""
    decision_id: str = ""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """All that is known of one customer at one moment, read once; made by `snapshot.SnapshotReader` or by hand.

    `state_status` is "ok" or "unknown:<reason>"; anything but "ok" forbids sales and care, while what is known of her
    cases still serves service. `values` are live features by name (`live.KNOWN_FEATURES`), absent where unknown; models
    see those of `view` as of the end of the time bucket. `consents` maps (purpose, channel) to the status in force,
    channel None speaking for all channels not named; "declared" is a source's basis. `contacts` reached her; `reserved`
    ones were promised to a sender and neither sent nor released. `viewed_items` and `viewed_categories` are those of
    the session she is in, latest first, `cart` what is in her cart, `newly_bought` what was new to her in her latest
    order, `never_came` what she ordered in cancelled orders alone. `last_sign_at` (epoch seconds) is when she last gave
    a sign of life: a visit, an order, a word that is no complaint, a click.
    `scored` are stored scores by model, `told_facts` the facts that she gave or would rather not give. `about` says
    when (epoch seconds) her case, order or delivery last changed, a case last ended or was first answered well, her
    cart was last filled. `arm_key` is the identity the experiment arm hangs on, the older one after a merge.
    """

    customer_key: str
    state_status: str = "ok"
    holds: tuple[Hold, ...] = ()
    consents: Mapping[tuple[str, str | None], str] = {}
    contacts: tuple[Contact, ...] = ()
    reserved: tuple[Contact, ...] = ()
    values: Mapping[str, float] = {}
    scored: Mapping[str, float] = {}
    cart: tuple[str, ...] = ()
    newly_bought: tuple[str, ...] = ()
    never_came: frozenset[str] = frozenset()
    told_facts: frozenset[str] = frozenset()
    history: ItemHistory | None = None
    returned: frozenset[str] = frozenset()
    viewed_items: tuple[str, ...] = ()
    viewed_categories: tuple[str, ...] = ()
    about: Mapping[str, float] = {}
    recovering: bool = False
    last_sign_at: float = -math.inf
    features: OnlineRecord | None = None
    view: CustomerView | None = None
    arm_key: str = ""
    versions: Mapping[str, str] = {}

    @property
    def readable(self) -> bool:
        """Whether the state read clears sales and care at all."""
        return self.state_status == "ok"

    def consent(self, purpose: str, channel: str | None) -> str | None:
        """The status in force for a purpose in a channel, None where she never said."""
        return self.consents.get((purpose, channel)) or self.consents.get((purpose, None))
