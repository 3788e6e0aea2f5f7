"""What is asked, what is known of the one asked for, and what is answered: the types of the decision core."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec
import numpy as np

from features.customer.holds import Hold
from features.customer.view import CustomerView
from features.feature_store.online import OnlineRecord
from features.inputs.candidates import ItemHistory
from serving.core.gate_names import names_of

Mode = Literal["serve", "list", "manual", "simulate"]
Arm = Literal["treated", "control", "holdout"]


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


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one customer at one moment, read once; made by `snapshot.SnapshotReader` or by hand.

    `state_status` is "ok" or "unknown:<reason>"; anything but "ok" forbids sales and care, while what is known of her
    cases still serves service. `values` are live features by name (`live.KNOWN_FEATURES`), absent where unknown;
    models see those of `view` as of the end of the time bucket. `consents` maps
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


class ShownItem(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A product picked for an action: the chance that she buys it (None without a model), margin in minor units, and
    the chance with which it was drawn for its position.
    """

    item_id: str
    title: str | None
    probability: float | None
    margin: float
    drawn: float = 1.0


class Evidence(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """All that the engine looked at for one decision once stores and models were read: with question, policy and
    catalogue it gives the decision again, to the last bit.

    `identities` are her ids, oldest first; the first is the one her arm hangs on. `consents` are her words by purpose
    in the channel asked for. `features` are those that conditions speak of, `inputs` what the churn model saw (float64
    bytes, in the order of the feature set that `versions` names). `spent` is the weight of contacts in each window of
    the cap, and `frees_at` (epoch seconds) when one more would fit; `used` counts contacts of actions with a cap of
    their own, `told` says when actions that are said once were last said, `about` when what they are about last
    changed. `items` are what each action would show.
    """

    identities: tuple[str, ...] = ()
    state_status: str = "ok"
    holds: tuple[Hold, ...] = ()
    consents: dict[str, str] = {}
    features: dict[str, float] = {}
    churn: float | None = None
    inputs: bytes = b""
    spent: tuple[float, ...] = ()
    frees_at: float | None = None
    used: dict[str, int] = {}
    told: dict[str, float] = {}
    about: dict[str, float] = {}
    recovering: bool = False
    zone: str = ""
    language: str = ""
    items: dict[str, tuple[ShownItem, ...]] = {}


class Reason(msgspec.Struct, frozen=True, gc=False):
    """Why, as a documented code and in plain words in English and Finnish."""

    code: str
    text: str
    text_fi: str = ""


class Item(msgspec.Struct, frozen=True, gc=False):
    """One product inside an action; `probability` is the chance that she buys it, where a model says so.

    `logging_propensity` is the chance with which it was drawn for its position, given those before it; 1 where ranked.
    """

    item_id: str
    title: str | None = None
    probability: float | None = None
    logging_propensity: float = 1.0


class ChosenAction(msgspec.Struct, frozen=True, kw_only=True):
    """One answer. Gains are minor units; `logging_propensity` is the unrounded chance with which it was drawn.

    `message` is what to tell her, in `language`; `text` and `text_fi` are the same for staff.
    """

    action_id: str
    treatment_id: str
    category: str
    rank: int
    response_probability: float
    expected_gain: float
    logging_propensity: float
    items: list[Item] = []
    message: str = ""
    language: str = ""
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


class Fared(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How all m actions fared, column by column: little-endian uint32 masks, float64 figures, uint16 ranks as bytes.

    `chances` has one column a position drawn.
    """

    actions: tuple[str, ...]
    categories: tuple[str, ...]
    failed: bytes
    response: bytes
    incremental: bytes
    gain: bytes
    ranks: bytes
    chances: tuple[bytes, ...]

    def candidates(self) -> list[Candidate]:
        """The same, one record an action."""
        masks: list[int] = np.frombuffer(self.failed, "<u4").tolist()
        odds = list(zip(*(np.frombuffer(c, "<f8").tolist() for c in self.chances), strict=True))
        columns = (np.frombuffer(c, "<f8").tolist() for c in (self.response, self.incremental, self.gain))
        ranks = np.frombuffer(self.ranks, "<u2").tolist()
        rows = zip(self.actions, self.categories, masks, *columns, ranks, strict=True)
        return [
            Candidate(
                action_id=action,
                category=category,
                failed=mask,
                gates=names_of(mask),
                response_probability=response,
                incremental_response=incremental,
                expected_gain=gain,
                rank=rank,
                chances=odds[j] if odds and not mask else (),
            )
            for j, (action, category, mask, response, incremental, gain, rank) in enumerate(rows)
        ]


class Withheld(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The would-be winner: what she would have got, and the gates that stood before it."""

    action_id: str
    category: str
    expected_gain: float
    gates: tuple[str, ...]
    item_ids: tuple[str, ...] = ()


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One answer and everything needed to explain and to replay it.

    `anonymous_id` is the visitor's, where asked with both ids. `arm_probability` is the chance with which she came into
    her arm; `crossover` are the arms that other identities of hers were in before they were known to be hers.
    `released_holds` were let go by chance (`exploration.predicted_release`).
    """

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
    fared: Fared
    evidence: Evidence
    versions: dict[str, str]
    no_action_propensity: float = 0.0
    arm_probability: float = 1.0
    crossover: tuple[str, ...] = ()
    released_holds: tuple[str, ...] = ()
    seed: str = ""
    context: dict[str, Any] = {}
    n: int = 1
    send_at: datetime | None = None
    anonymous_id: str | None = None
    superseded: bool = False
    latency_seconds: float = 0.0

    @property
    def candidates(self) -> list[Candidate]:
        """How each action of the catalogue fared."""
        return self.fared.candidates()

    @property
    def observed(self) -> dict[str, float]:
        """The features that conditions spoke of, where known."""
        return self.evidence.features

    def question(self) -> Request:
        """The question it answers, asked of the customer herself."""
        return Request(
            customer_id=self.customer_key,
            anonymous_id=self.anonymous_id,
            channel=self.channel,
            placement=self.placement,
            now=self.decided_at,
            context=self.context,
            n=self.n,
            mode=self.mode,
            send_at=self.send_at,
        )

    def plain(self) -> dict[str, Any]:
        """The decision in plain types for people: candidates one by one, without what only a replay needs."""
        found: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(self, fared=_NOTHING, evidence=Evidence()))
        del found["fared"], found["evidence"]
        return found | {
            "candidates": [msgspec.structs.asdict(c) for c in self.candidates],
            "observed": self.observed,
        }


_NOTHING = Fared((), (), b"", b"", b"", b"", b"", ())
