"""The evidence: what a decision rests on once stores and models were read, small enough to be kept with it."""

from datetime import date

import msgspec

from features.customer.holds import Hold


class RunsOut(msgspec.Struct, frozen=True, gc=False):
    """When something that she uses up runs out, as UTC dates: on the likeliest middle day `on`, and with four chances
    of five from `early` to `late`. `probability` is the chance that she needs it again within a fortnight.
    """

    on: date
    early: date
    late: date
    probability: float


class ShownItem(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A product picked for an action: the chance that she buys it (None without a model), margin in minor units, and
    the chance with which it was drawn for its position. `quantity` is what she usually takes of a favourite, `url`
    where to read what is worth knowing of it, `runs_out` when a favourite does.
    """

    item_id: str
    title: str | None
    probability: float | None
    margin: float
    drawn: float = 1.0
    quantity: int | None = None
    url: str | None = None
    runs_out: RunsOut | None = None


class Evidence(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """All that the engine looked at for one decision once stores and models were read: with question, policy and
    catalogue it gives the decision again, to the last bit.

    `identities` are her ids, oldest first; the first is the one her arm hangs on. `consents` are her words by purpose
    in the channel asked for. `features` are those that conditions speak of, `inputs` what models of people saw (float64
    bytes, in the order of the feature set that `versions` names). `spent` is the weight of contacts in each window of
    the cap, and `frees_at` (epoch seconds) when one more would fit; `used` counts contacts of actions with a cap of
    their own, `unanswered` sales contacts that we made since her last sign of life, `told` says when actions that are
    said once were last said or promised to a sender, `reached` when those that others wait for last reached her,
    `about` when what they are about last changed. `items` are what each action would show. `told_facts` are the facts
    that actions ask for and she has told, or would rather not tell, `stage` is where she is on her journey, empty where
    that is not known. `second_purchase` is the chance that one with a single order orders again, `value` what she is
    expected to bring, with the ends of an interval, minor units; both by models that saw `inputs`, too.
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
    told_facts: tuple[str, ...] = ()
    reached: dict[str, float] = {}
    unanswered: int = 0
    stage: str = ""
    second_purchase: float | None = None
    value: tuple[float, float, float] | None = None
