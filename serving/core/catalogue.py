"""The action catalogue: what can be done for a customer, when it makes sense, and what it is worth.

Read from `actions.yaml` of the data folder's config, else from the shipped default; every fault names file and line.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from features.home import Home
from serving.core.conditions import Bools, Condition, Predicate, all_of
from serving.core.typed_yaml import Strict, fault, parse, read_text

NO_ACTION = "no_action"
Category = Literal["regulation", "data", "service", "care", "sales", "none"]
ItemSource = Literal["next_offer", "repeat", "popular", "session", "accessories"]
Channel = Literal["web", "app", "email", "store", "phone", "social", "partner"]
CHURN_PROBABILITY = "churn_probability"
DEFAULT_ACTIONS = Path(__file__).parents[1] / "defaults" / "actions.yaml"


class Words(Strict):
    """A text in English and Finnish."""

    en: str = Field(min_length=1)
    fi: str = Field(min_length=1)


class Treatment(Strict):
    """The form an action takes in some channels; without `placements` it fits any placement of those."""

    treatment: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    channels: list[Channel] = Field(min_length=1)
    placements: list[str] | None = None
    text: Words


class Response(Strict):
    """Where the chance of the wanted response comes from.

    `prior` is that chance as stated by a person. `model: next_offer` takes the calibrated chance that one of the items
    is bought. `model: churn` reads `prior` as the chance that the offer keeps one who would leave.
    """

    prior: float = Field(ge=0, le=1)
    model: Literal["prior", "next_offer", "churn"] = "prior"


class Items(Strict):
    """Which products go into the action, and how many.

    `next_offer`: what she buys next; `repeat`: of that, what she owns; `popular`: the same for everybody; `session`:
    popular products of the categories she looks at now; `accessories`: what fits the item in view or those in the cart.
    """

    source: ItemSource
    count: int = Field(default=4, ge=1, le=24)


class Action(Strict):
    """One action. Money is in minor units.

    `personal` actions use a personal model or profile and are barred by an objection to profiling. `value` is the
    policy value of a response; without it the response earns the items' margin, or the policy's default margin.
    `once_per` keeps a message from going out twice about the same case status, end of a case, good answer about a case,
    order, delivery status or customer; on-site, service stays visible for as long as it is true, unless it is
    `once_everywhere`.
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
    once_per: Literal["case", "resolution", "answer", "order", "delivery", "customer"] | None = None
    once_everywhere: bool = False
    outranks: bool = False
    treatments: tuple[Treatment, ...] = ()

    @property
    def marketing(self) -> bool:
        """Whether consent, caps, suitability, holdout and clearance apply: sales and care do, all else goes."""
        return self.category in ("sales", "care")


class CatalogueFile(Strict):
    """The file: actions by id, `no_action` among them."""

    actions: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], Action]

    @model_validator(mode="after")
    def _has_no_action(self) -> "CatalogueFile":
        if NO_ACTION not in self.actions:
            raise ValueError(f"{NO_ACTION!r} is missing; list it like any other action, with category none")
        return self


@dataclass(frozen=True)
class Catalogue:
    """The actions in force, compiled. Everything per action is in the order of `actions`."""

    actions: tuple[Action, ...]
    text: str
    hash: str

    def __len__(self) -> int:
        return len(self.actions)

    @cached_property
    def index(self) -> dict[str, int]:
        """Action id to column."""
        return {a.action: j for j, a in enumerate(self.actions)}

    @cached_property
    def no_action(self) -> int:
        """The column of no_action."""
        return self.index[NO_ACTION]

    @cached_property
    def marketing(self) -> Bools:
        """Sales and care, bool[m]."""
        return np.array([a.marketing for a in self.actions])

    @cached_property
    def service(self) -> Bools:
        """Service, recovery and the rest that no hold, cap or holdout touches, bool[m]; no_action is neither."""
        return np.array([not a.marketing and a.category != "none" for a in self.actions])

    @cached_property
    def eligibility(self) -> tuple[Predicate, ...]:
        """One predicate an action."""
        return tuple(all_of(a.eligibility) for a in self.actions)

    @cached_property
    def applicability(self) -> tuple[Predicate, ...]:
        """One predicate an action."""
        return tuple(all_of(a.applicability) for a in self.actions)

    @cached_property
    def suitability(self) -> tuple[Predicate, ...]:
        """One predicate an action."""
        return tuple(all_of(a.suitability) for a in self.actions)

    @cached_property
    def speaks_of(self) -> frozenset[str]:
        """The features its conditions speak of."""
        conditions = (c for a in self.actions for c in (*a.eligibility, *a.applicability, *a.suitability))
        return frozenset(c.feature for c in conditions)

    @cached_property
    def uses_churn(self) -> bool:
        """Whether any action needs the churn model."""
        return any(a.response.model == "churn" for a in self.actions) or CHURN_PROBABILITY in self.speaks_of

    def is_service(self, action_id: str) -> bool:
        """Whether a contact was service; one of an action not known here counts as marketing."""
        column = self.index.get(action_id)
        return column is not None and bool(self.service[column])


def parse_catalogue(text: str, *, known: Collection[str], name: str = "actions.yaml") -> Catalogue:
    """The catalogue in `text`, whose conditions may speak of the features `known`; raises `ConfigError`."""
    file = parse(text, CatalogueFile, name=name)
    actions = tuple(a.model_copy(update={"action": key}) for key, a in file.actions.items())
    for action in actions:
        here: tuple[str | int, ...] = ("actions", action.action)
        for part in ("eligibility", "applicability", "suitability"):
            for j, condition in enumerate(getattr(action, part)):
                if condition.feature not in known:
                    raise fault(
                        name, text, (*here, part, j, "feature"),
                        f"unknown feature {condition.feature!r}. Known: {', '.join(sorted(known))}.",
                    )  # fmt: skip
        if action.suitability and not action.marketing:
            raise fault(
                name, text, (*here, "suitability"),
                f"only sales and care have suitability, not {action.category}. Move the conditions to applicability.",
            )  # fmt: skip
        if action.action == NO_ACTION and (action.category != "none" or action.eligibility or action.applicability):
            raise fault(name, text, here, "no_action has category none and no conditions. Remove them.")
        if (action.category == "none") != (action.action == NO_ACTION):
            raise fault(name, text, (*here, "category"), "category none belongs to no_action alone. Choose another.")
        if action.action != NO_ACTION and not action.treatments:
            raise fault(name, text, here, f"action {action.action!r} has no treatments. Give at least one.")
        if action.response.model == "next_offer" and action.items is None:
            raise fault(name, text, (*here, "response"), "model next_offer needs items. Say which, or use the prior.")
    return Catalogue(actions, text, hashlib.sha256(text.encode()).hexdigest())


def load_catalogue(home: Home, *, known: Collection[str]) -> Catalogue:
    """The shop's catalogue, else the default; raises `ConfigError`."""
    own = home.config / "actions.yaml"
    path = own if own.exists() else DEFAULT_ACTIONS
    return parse_catalogue(read_text(path), known=known, name=str(path))
