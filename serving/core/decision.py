"""What is asked, what is known of the one asked for, and what is answered: the types of the decision core."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from features.customer.holds import Hold
from features.customer.view import CustomerView
from features.feature_store.online import OnlineRecord
from features.inputs.candidates import ItemHistory

Mode = Literal["serve", "list", "manual", "simulate"]
Arm = Literal["treated", "control", "holdout"]
ENGINE_VERSION = "1"
"""Raised with every change to what the engine decides from the same inputs."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One question: what should this person see, in this place, now?

    `now` is an aware UTC instant. `n` is the number of positions of the slot. `context` may say `page`, `item`, `cart`
    (list of item ids) and `query`. An `idempotency_key` makes a retry answer what was answered before.
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


class Contact(msgspec.Struct, frozen=True):
    """One contact that counts toward the cap: what was sent, seen, or is reserved within its time limit."""

    at: datetime
    action_id: str
    channel: str
    placement: str = ""
    decision_id: str = ""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one customer at one moment, read once; made by `snapshot.SnapshotReader` or by hand.

    `state_status` is "ok" or "unknown:<reason>"; anything but "ok" forbids sales and care, while what is known of her
    cases still serves service. `values` are live features by name (`live.KNOWN_FEATURES`), absent where unknown;
    `scored` are those that models see, taken at the end of the time bucket. `consents` maps
    (purpose, channel) to the status in force, channel None speaking for all channels not named; "declared" is
    a source's basis. `contacts` reached her; `reserved` ones were promised to a sender and neither sent nor released.
    `viewed_items` and `viewed_categories` are those of the session she is in, latest first. `about` says when (epoch
    seconds) her case, order or delivery last changed, a case last ended or was first answered well. `arm_key` is the
    identity the experiment arm hangs on, the older one after a merge.
    """

    customer_key: str
    state_status: str = "ok"
    holds: tuple[Hold, ...] = ()
    consents: Mapping[tuple[str, str | None], str] = {}
    contacts: tuple[Contact, ...] = ()
    reserved: tuple[Contact, ...] = ()
    values: Mapping[str, float] = {}
    scored: Mapping[str, float] = {}
    history: ItemHistory | None = None
    returned: frozenset[str] = frozenset()
    viewed_items: tuple[str, ...] = ()
    viewed_categories: tuple[str, ...] = ()
    about: Mapping[str, float] = {}
    recovering: bool = False
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


class Reason(msgspec.Struct, frozen=True, gc=False):
    """Why, as a documented code and in plain words in English and Finnish."""

    code: str
    text: str
    text_fi: str = ""


class Item(msgspec.Struct, frozen=True, gc=False):
    """One product inside an action; `probability` is the chance that she buys it, where a model says so."""

    item_id: str
    title: str | None = None
    probability: float | None = None


class ChosenAction(msgspec.Struct, frozen=True, kw_only=True):
    """One answer. Gains are minor units; `logging_propensity` is the unrounded chance with which it was drawn."""

    action_id: str
    treatment_id: str
    category: str
    rank: int
    response_probability: float
    expected_gain: float
    logging_propensity: float
    items: list[Item] = []
    text: str = ""
    text_fi: str = ""
    reasons: list[Reason] = []


class Candidate(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """How one action of the catalogue fared.

    `failed` is a bit mask (`gates.GATES` gives the bits), `rank` its place by gain among the survivors (0: blocked),
    `chances` its probability at each position drawn.
    """

    action_id: str
    category: str
    failed: int
    gates: tuple[str, ...]
    response_probability: float
    incremental_response: float
    expected_gain: float
    rank: int
    chances: tuple[float, ...] = ()


class Withheld(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The would-be winner: what she would have got, and the gates that stood before it."""

    action_id: str
    category: str
    expected_gain: float
    gates: tuple[str, ...]
    item_ids: tuple[str, ...] = ()


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One answer and everything needed to explain it. `anonymous_id` is the visitor's, where asked with both ids."""

    decision_id: str
    customer_key: str
    decided_at: datetime
    mode: Mode
    channel: str
    placement: str
    arm: Arm
    state_status: str
    actions: list[ChosenAction]
    holds: list[Hold]
    no_action_reason: Reason | None
    withheld: Withheld | None
    candidates: list[Candidate]
    versions: dict[str, str]
    no_action_propensity: float = 0.0
    seed: str = ""
    context: dict[str, Any] = {}
    observed: dict[str, float] = {}
    anonymous_id: str | None = None
    superseded: bool = False
    latency_seconds: float = 0.0
