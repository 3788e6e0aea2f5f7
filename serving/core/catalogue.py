"""The action catalogue: what can be done for a customer, when it makes sense, and what it is worth.

Read from `actions.yaml` of the data folder's config, which may say only what differs (`shop_actions`), else from the
shipped default; every fault names file and line.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from features.home import Home
from features.typed_yaml import Source, Strict, read_text
from serving.core.action_checks import check_action
from serving.core.actions import (
    CHURN_PROBABILITY,
    EXPECTED_VALUE,
    NO_ACTION,
    SCORE,
    SECOND_PURCHASE_PROBABILITY,
    Action,
    Category,
)
from serving.core.conditions import Bools, Compiled, Floats
from serving.core.shop_actions import DEFAULT_ACTIONS as DEFAULT_ACTIONS
from serving.core.shop_actions import explain, resolved

ActionId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class CatalogueFile(Strict):
    """The file: actions by id, `no_action` among them, and the categories of those that are done no more.

    Contacts of the past are told by `retired` to be service, or to count toward the cap.
    """

    actions: dict[ActionId, Action]
    retired: dict[ActionId, Category] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_no_action(self) -> "CatalogueFile":
        if NO_ACTION not in self.actions:
            raise ValueError(f"{NO_ACTION!r} is missing; list it like any other action, with category none")
        both = sorted(set(self.retired) & set(self.actions))
        if both:
            raise ValueError(f"{', '.join(both)} is an action and retired as well; keep one of the two")
        return self


@dataclass(frozen=True)
class Catalogue:
    """The actions in force, compiled. Everything per action is in the order of `actions`.

    `text` says all of it by itself, whatever is shipped; `source` knows on which line of the shop's file a part stands.
    """

    actions: tuple[Action, ...]
    text: str
    hash: str
    source: Source
    retired: Mapping[str, Category]

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
    def dated(self) -> tuple[int, ...]:
        """The columns of actions that are not valid always, or have a treatment that is not."""
        return tuple(j for j, a in enumerate(self.actions) if a.dated or any(t.dated for t in a.treatments))

    @cached_property
    def conditional(self) -> tuple[tuple[int, int], ...]:
        """The columns of actions with forms that have conditions, and where in `form_conditions` those begin."""
        found, place = [], 0
        for j, action in enumerate(self.actions):
            if any(form.applicability for form in action.treatments):
                found.append((j, place))
                place += len(action.treatments)
        return tuple(found)

    @cached_property
    def form_conditions(self) -> Compiled:
        """The conditions of all forms of the `conditional` actions, form by form."""
        forms = (form for j, _ in self.conditional for form in self.actions[j].treatments)
        return Compiled([form.applicability for form in forms], self.features)

    @cached_property
    def names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Action ids and categories."""
        return tuple(a.action for a in self.actions), tuple(a.category for a in self.actions)

    @cached_property
    def priors(self) -> Floats:
        """Stated chance of a response, float[m]."""
        return np.array([a.response.prior for a in self.actions], dtype=np.float64)

    @cached_property
    def incrementality(self) -> Floats:
        """Stated share of responses that the action brings about, float[m]."""
        return np.array([a.incrementality for a in self.actions], dtype=np.float64)

    @cached_property
    def incentive_cost(self) -> Floats:
        """What a response costs, minor units, float[m]."""
        return np.array([a.incentive_cost for a in self.actions], dtype=np.float64)

    @cached_property
    def retains(self) -> NDArray[np.int64]:
        """The columns of actions whose response is that of the churn model."""
        return np.flatnonzero([a.response.model == "churn" for a in self.actions])

    @cached_property
    def nurtures(self) -> tuple[int, ...]:
        """The columns of actions whose response is that of the model of second purchases."""
        return tuple(j for j, a in enumerate(self.actions) if a.response.model == "second_purchase")

    @cached_property
    def scored(self) -> tuple[tuple[int, str], ...]:
        """The columns of actions whose response is a stored score, with the feature that holds it."""
        return tuple((j, SCORE + a.response.score) for j, a in enumerate(self.actions) if a.response.score)

    @cached_property
    def awaited(self) -> tuple[tuple[int, list[int]], ...]:
        """The columns of actions that others wait for, with the columns of those."""
        found: dict[int, list[int]] = {}
        for j, action in enumerate(self.actions):
            for other in action.after:
                found.setdefault(self.index[other], []).append(j)
        return tuple(found.items())

    @cached_property
    def sampled(self) -> tuple[int, ...]:
        """The columns of actions that go to a sample only."""
        return tuple(j for j, a in enumerate(self.actions) if a.sample < 1)

    @cached_property
    def asking(self) -> tuple[tuple[int, str], ...]:
        """The columns of actions that ask for a profile fact, with it."""
        return tuple((j, a.asks) for j, a in enumerate(self.actions) if a.asks)

    @cached_property
    def personal(self) -> Bools:
        """What a personal model or profile chooses, bool[m]."""
        return np.array([a.personal for a in self.actions])

    @cached_property
    def ranking(self) -> NDArray[np.int64]:
        """The columns of what outranks everything else where it stands."""
        return np.flatnonzero([a.outranks for a in self.actions])

    @cached_property
    def outranked(self) -> Bools:
        """The rest but silence, bool[m]."""
        return np.array([not a.outranks and a.category != "none" for a in self.actions])

    @cached_property
    def conditions(self) -> Compiled:
        """All conditions: of eligibility of every action, then of applicability, then of suitability."""
        parts = (a.eligibility for a in self.actions), (a.applicability for a in self.actions)
        return Compiled([*parts[0], *parts[1], *(a.suitability for a in self.actions)], self.features)

    @cached_property
    def speaks_of(self) -> frozenset[str]:
        """The features its conditions speak of, and the scores that responses are taken from."""
        conditions = [c for a in self.actions for c in (*a.eligibility, *a.applicability, *a.suitability)]
        conditions += [c for a in self.actions for t in a.treatments for c in t.applicability]
        return frozenset(c.feature for c in conditions) | {name for _, name in self.scored}

    @cached_property
    def features(self) -> tuple[str, ...]:
        """The same in order."""
        return tuple(sorted(self.speaks_of))

    @cached_property
    def uses_churn(self) -> bool:
        """Whether any action needs the churn model."""
        return any(a.response.model == "churn" for a in self.actions) or CHURN_PROBABILITY in self.speaks_of

    @cached_property
    def uses_second_purchase(self) -> bool:
        """Whether any action needs the model of second purchases."""
        return bool(self.nurtures) or SECOND_PURCHASE_PROBABILITY in self.speaks_of

    @cached_property
    def uses_value(self) -> bool:
        """Whether any action needs the model of value."""
        return EXPECTED_VALUE in self.speaks_of

    def sells(self, action_id: str) -> bool:
        """Whether a contact sold; one of an action not known here is taken to have."""
        column = self.index.get(action_id)
        return column is None or self.actions[column].category == "sales"

    @cached_property
    def sales(self) -> Bools:
        """Sales, bool[m]."""
        return np.array([a.category == "sales" for a in self.actions])

    def is_service(self, action_id: str) -> bool:
        """Whether a contact was service; one of an action not known here counts as marketing."""
        column = self.index.get(action_id)
        if column is None:
            return self.retired.get(action_id, "none") not in ("sales", "care", "none")
        return bool(self.service[column])


def parse_catalogue(text: str, *, known: Collection[str] | None, name: str = "actions.yaml") -> Catalogue:
    """The catalogue in `text`, whose conditions may speak of the features `known`; raises `ConfigError`.

    `known` None takes any feature: a catalogue of the past may speak of what is known no more.
    """
    source, whole = resolved(text, name=name)
    file = source.validated(CatalogueFile, explain=explain(source))
    actions = tuple(a.model_copy(update={"action": key}) for key, a in file.actions.items())
    for action in actions:
        check_action(action, file.actions, known, source)
    return Catalogue(actions, whole, hashlib.sha256(whole.encode()).hexdigest(), source, file.retired)


def load_catalogue(home: Home, *, known: Collection[str]) -> Catalogue:
    """The shop's catalogue, else the default; raises `ConfigError`."""
    path = actions_path(home)
    return parse_catalogue(read_text(path), known=known, name=str(path))


def actions_path(home: Home) -> Path:
    """The file of the catalogue in force."""
    own = home.config / "actions.yaml"
    return own if own.exists() else DEFAULT_ACTIONS
