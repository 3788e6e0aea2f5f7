"""One action as the catalogue file states it: its words, its form by channel, its conditions, its worth."""

import math
from typing import Annotated, Literal

from pydantic import AwareDatetime, ConfigDict, Field, model_validator

from features.typed_yaml import Strict
from serving.core.conditions import Condition

NO_ACTION = "no_action"
LANGUAGE = r"^[a-z]{2,3}$"
Category = Literal["regulation", "data", "service", "care", "sales", "none"]
ItemSource = Literal[
    "next_offer", "repeat", "popular", "session", "accessories", "seasonal", "cart", "bought", "viewed"
]
Channel = Literal["web", "app", "email", "store", "phone", "social", "partner"]
CHURN_PROBABILITY = "churn_probability"
SECOND_PURCHASE_PROBABILITY = "second_purchase_probability"
EXPECTED_VALUE = "expected_value"
MODELLED = frozenset((CHURN_PROBABILITY, SECOND_PURCHASE_PROBABILITY, EXPECTED_VALUE))
"""Features that conditions may speak of and only a model in force tells."""
SCORE = "score:"
"""Begins the name of a feature that is a stored score: `score:second_purchase` is the latest of that model."""


class Words(Strict):
    """A text in English, Finnish and whatever other languages the shop speaks, by their ISO 639 codes."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[Annotated[str, Field(pattern=LANGUAGE)], Annotated[str, Field(min_length=1)]]

    en: str = Field(min_length=1)
    fi: str = Field(min_length=1)

    def said_in(self, language: str) -> tuple[str, str]:
        """The text in a language and that language; in English where the language is not there."""
        text = getattr(self, language, None) if language in self.languages else None
        return (self.en, "en") if text is None else (text, language)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages there are."""
        return ("en", "fi", *self.__pydantic_extra__)


class Dated(Strict):
    """What is valid from `valid_from` (inclusive) until `valid_until` (exclusive); absent: always, for ever."""

    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> "Dated":
        if self.valid_from and self.valid_until and not self.valid_from < self.valid_until:
            raise ValueError(f"valid_from {self.valid_from} is not before valid_until {self.valid_until}")
        return self

    @property
    def dated(self) -> bool:
        """Whether it is not valid always."""
        return self.valid_from is not None or self.valid_until is not None

    @property
    def span(self) -> tuple[float, float]:
        """The validity in epoch seconds, without bound where not given."""
        return (
            self.valid_from.timestamp() if self.valid_from else -math.inf,
            self.valid_until.timestamp() if self.valid_until else math.inf,
        )

    def is_valid(self, at: float) -> bool:
        """Whether it is valid at `at`, epoch seconds."""
        start, end = self.span
        return start <= at < end


class Treatment(Dated):
    """The form an action takes in some channels; without `placements` it fits any placement of those.

    With `applicability`, only where those conditions are met as well: a letter may ask for more than a shelf.

    The same treatment may be listed several times with other words for other times.
    """

    treatment: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    channels: list[Channel] = Field(min_length=1)
    placements: list[str] | None = None
    applicability: tuple[Condition, ...] = ()
    text: Words

    def fits(self, placement: str, channel: str) -> bool:
        """Whether it can be shown there."""
        return channel in self.channels and (self.placements is None or placement in self.placements)


class ActionCap(Strict):
    """An action's own cap: at most `limit` contacts with it in the last `days`.

    With `channels`, contacts in those count, and only there it is capped: letters, say, while the shelf stays. With
    `whole_group`, contacts with any action of its group count.
    """

    days: float = Field(gt=0, le=400)
    limit: int = Field(gt=0)
    channels: tuple[Channel, ...] | None = None
    whole_group: bool = False

    def counts(self, channel: str) -> bool:
        """Whether a contact in a channel counts, and is capped."""
        return self.channels is None or channel in self.channels


class Response(Strict):
    """Where the chance of the wanted response comes from.

    `prior` is that chance as stated by a person. `model: next_offer` takes the calibrated chance that one of the items
    is bought. `model: churn` reads `prior` as the chance that the offer keeps one who would leave. `model: score` takes
    the customer's latest stored score of the model that `score` names, which must be such a chance; else the prior.
    `model: second_purchase` takes the chance that one with a single order orders again; where no model tells it, the
    stored score that `score` names, if it names one; else the prior.
    """

    prior: float = Field(ge=0, le=1)
    model: Literal["prior", "next_offer", "churn", "second_purchase", "score"] = "prior"
    score: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]*$")

    @model_validator(mode="after")
    def _names_its_score(self) -> "Response":
        if self.model != "second_purchase" and (self.model == "score") != (self.score is not None):
            raise ValueError("model score and the name of a score go together; give both or neither")
        return self


class Items(Strict):
    """Which products go into the action, and how many.

    `next_offer`: what she buys next; `repeat`: of that, what she owns; `popular`: the same for everybody; `session`:
    popular products of the categories she looks at now; `accessories`: what fits the item in view or those in the cart;
    `seasonal`: accessories of and services for what she owns, in the months of their season; `cart`: what is in her
    cart. Two only tell what is worth knowing, of products with a knowledge link: `bought`, those of her latest order
    that were new to her; `viewed`, those she looks at in this session. An action whose items are not `required` may go
    without any.
    """

    source: ItemSource
    count: int = Field(default=4, ge=1, le=24)
    required: bool = True


class Action(Dated):
    """One action. Money is in minor units.

    `personal` actions use a personal model or profile and are barred by an objection to profiling. `value` is the
    policy value of a response; without it the response earns the items' margin, or the policy's default margin.
    `once_per` keeps a message from going out twice about the same case status, end of a case, good answer about a case,
    order, delivery status, touchpoint, cart, bad rating or customer; on-site, service stays visible for as long as it
    is true, unless it is `once_everywhere`. What is said by an action of `said_with` counts as said by this one, too.
    `after` names actions that come first: while one of them is hers by its eligibility and has not reached her, this
    one waits. `sample` is the share of occasions (of what it is once per, else of customers) on which it may go at all,
    drawn once for each. `asks` names the profile fact that it asks for: not of one who told it, and never again of one
    who would rather not.
    """

    action: str = ""  # its key in the file
    name: Words
    category: Category
    group: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    personal: bool = False
    purpose: Literal["marketing", "feedback"] | None = None
    eligibility: tuple[Condition, ...] = ()
    applicability: tuple[Condition, ...] = ()
    suitability: tuple[Condition, ...] = ()
    response: Response
    incrementality: float = Field(default=1.0, ge=0, le=1)
    value: float | None = Field(default=None, ge=0)
    incentive_cost: float = Field(default=0, ge=0)
    items: Items | None = None
    once_per: (
        Literal["case", "resolution", "answer", "order", "delivery", "touchpoint", "cart", "rating", "customer"] | None
    ) = None
    once_everywhere: bool = False
    said_with: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    sample: float = Field(default=1.0, gt=0, le=1)
    asks: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]*$")
    cap: ActionCap | None = None
    outranks: bool = False
    treatments: tuple[Treatment, ...] = ()

    def conditions(self, gate: str, placement: str, channel: str) -> tuple[Condition, ...]:
        """The conditions behind a gate there: for applicability those of its forms that fit there, too."""
        own: tuple[Condition, ...] = getattr(self, gate)
        if gate != "applicability":
            return own
        return (*own, *(c for t in self.treatments if t.fits(placement, channel) for c in t.applicability))

    @property
    def marketing(self) -> bool:
        """Whether consent, caps, suitability, holdout and clearance apply: sales and care do, all else goes."""
        return self.category in ("sales", "care")
