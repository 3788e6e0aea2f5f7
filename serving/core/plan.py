"""What policy and catalogue say together, laid out once so that no decision looks it up action by action."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.customer.coverage import Covers
from features.customer.holds import Hold
from features.customer.state_features import STATE_FEATURES
from features.inputs.frame import CHURN_INPUTS
from serving.core.actions import MODELLED, SCORE, ActionCap, Items
from serving.core.catalogue import Catalogue
from serving.core.conditions import Bools, Floats
from serving.core.favourites import Favourites
from serving.core.held import covers
from serving.core.modelled import Said
from serving.core.policy import Policy
from serving.core.remembered import Remembered
from serving.core.scored import Proposals

MOST_COVERS = 1000  # of what holds cover in channels: staff may hold anything
DERIVED = frozenset(CHURN_INPUTS) - frozenset(STATE_FEATURES)  # model inputs that no store holds as such


class Shelf(NamedTuple):
    """The items that a place may show: actions of the same source and count share one list."""

    most: Mapping[str, int]  # by source, the longest list
    lists: tuple[Items, ...]  # what each list is of
    of_action: tuple[tuple[str, int], ...]  # each item action, in the order of columns, with its list

    def asks(self, *sources: str) -> bool:
        """Whether any list is of one of the sources."""
        return any(source in self.most for source in sources)


class Offer(NamedTuple):
    """What matters of an action where its items are weighed."""

    column: int
    required: bool  # it does not go without items
    modelled: bool  # its response is that one of them is bought
    earns_items: bool  # a response earns what its items do, not a stated value


class Spoken(NamedTuple):
    """The features that conditions speak of, by where they come from."""

    stored: tuple[str, ...]  # what is known of her
    scores: tuple[tuple[str, str], ...]  # scores told of her, each with its model's name
    derived: tuple[tuple[str, int], ...]  # model inputs that no store holds, each with its column of `CHURN_INPUTS`


class Plan:
    """Rows over the m actions of the catalogue, and tables by channel and place."""

    def __init__(self, policy: Policy, catalogue: Catalogue) -> None:
        self.policy, self.catalogue = policy, catalogue
        self.shops: list[Any] = []  # what `item_sources.shop_of` keeps
        self.proposed: Remembered[Proposals] = Remembered()
        self.favourites: Remembered[Favourites] = Remembered()
        self.said: Remembered[Said] = Remembered()
        self.laid_bare: dict[tuple[frozenset[str], str, str], Catalogue] = {}  # what `standing.laid_bare` keeps
        self._forms: dict[tuple[str, str], tuple[tuple[tuple[int, ...], ...], NDArray[np.int64]]] = {}
        self._conditional: dict[tuple[str, str], tuple[tuple[int, int, tuple[int, ...]], ...]] = {}
        self._held: dict[tuple[Covers, str, bool], Bools] = {}
        self._shown: dict[str, Bools] = {}
        self._shelves: dict[str, Shelf] = {}
        self._weighed: dict[str, Floats] = {}

    def forms(self, placement: str, channel: str) -> tuple[tuple[tuple[int, ...], ...], NDArray[np.int64]]:
        """Of each action the treatments that fit there, and the first of them (-1: none)."""
        found = self._forms.get((placement, channel))
        if found is None:
            fits = tuple(
                tuple(k for k, t in enumerate(a.treatments) if t.fits(placement, channel))
                for a in self.catalogue.actions
            )
            found = fits, np.array([k[0] if k else -1 for k in fits], dtype=np.int64)
            self._forms[placement, channel] = found
        return found

    def conditional_forms(self, placement: str, channel: str) -> tuple[tuple[int, int, tuple[int, ...]], ...]:
        """Of the actions with forms that fit there and have conditions: the column, where its forms begin in
        `catalogue.form_conditions`, and which of them fit.
        """
        found = self._conditional.get((placement, channel))
        if found is None:
            fits, actions = self.forms(placement, channel)[0], self.catalogue.actions
            found = tuple(
                (j, first, fits[j])
                for j, first in self.catalogue.conditional
                if any(actions[j].treatments[k].applicability for k in fits[j])
            )
            self._conditional[placement, channel] = found
        return found

    def held(self, hold: Hold, channel: str, outbound: bool) -> Bools:
        """The actions that a hold keeps back in a channel, as the place is outbound or not."""
        key = hold.covers, channel, outbound
        found = self._held.get(key)
        if found is None:
            if len(self._held) >= MOST_COVERS:
                self._held = {}
            found = self._held[key] = np.array([covers(hold, a, channel=channel, outbound=outbound)
                                                for a in self.catalogue.actions])  # fmt: skip
        return found

    def shown(self, placement: str) -> Bools:
        """Whether the place may show each action's category."""
        found = self._shown.get(placement)
        if found is None:
            categories = self.policy.file.placements[placement].categories
            found = self._shown[placement] = np.array([a.category in categories for a in self.catalogue.actions])
        return found

    def shelf(self, placement: str) -> Shelf:
        """What items the place may show."""
        found = self._shelves.get(placement)
        if found is None:
            here = [
                (a.action, a.items) for a, s in zip(self.catalogue.actions, self.shown(placement), strict=True) if s
            ]
            needs = [(action, need) for action, need in here if need is not None]
            lists = {(need.source, need.count): need for _, need in needs}
            most: dict[str, int] = {}
            for _, need in needs:
                most[need.source] = max(most.get(need.source, 0), need.count)
            place = {key: number for number, key in enumerate(lists)}
            of_action = tuple((action, place[need.source, need.count]) for action, need in needs)
            found = self._shelves[placement] = Shelf(most, tuple(lists.values()), of_action)
        return found

    def context_weights(self, placement: str) -> Floats:
        """Each action's weight in the place."""
        found = self._weighed.get(placement)
        if found is None:
            weights = self.policy.file.placements[placement].context_weight
            found = np.array([weights.get(a.action, 1.0) for a in self.catalogue.actions])
            self._weighed[placement] = found
        return found

    @cached_property
    def spoken(self) -> Spoken:
        """The features that conditions speak of; what models in force say is none of them."""
        named = [name for name in self.catalogue.features if name not in MODELLED]
        return Spoken(
            tuple(name for name in named if name not in DERIVED and not name.startswith(SCORE)),
            tuple((name, name.removeprefix(SCORE)) for name in named if name.startswith(SCORE)),
            tuple((name, CHURN_INPUTS.index(name)) for name in named if name in DERIVED),
        )

    @cached_property
    def offers(self) -> Mapping[str, Offer]:
        """Every action as one with items, by its name."""
        return {
            a.action: Offer(j, a.items is None or a.items.required, a.response.model == "next_offer", a.value is None)
            for j, a in enumerate(self.catalogue.actions)
        }

    @cached_property
    def purposes(self) -> dict[str, Bools]:
        """By purpose, the actions that need consent to it."""
        needed = [self.policy.purpose(a) for a in self.catalogue.actions]
        return {p: np.array([one == p for one in needed]) for p in sorted({p for p in needed if p})}

    @cached_property
    def levers(self) -> Floats:
        """The hand on each action's scale."""
        return np.array([self.policy.file.levers.get(a.action, 1.0) for a in self.catalogue.actions])

    @cached_property
    def margins(self) -> Floats:
        """What a response to each action earns where its items do not say, minor units."""
        default = self.policy.file.worth.default_margin
        return np.array([default if a.value is None else a.value for a in self.catalogue.actions], dtype=np.float64)

    @cached_property
    def kept(self) -> Floats:
        """The stated chance of each action that `catalogue.retains` that it keeps one who would leave."""
        return self.catalogue.priors[self.catalogue.retains]

    @cached_property
    def scored(self) -> Mapping[str, tuple[int, ...]]:
        """By the feature that holds a stored score, the columns of actions whose response it is."""
        features = dict.fromkeys(feature for _, feature in self.catalogue.scored)
        return {name: tuple(j for j, feature in self.catalogue.scored if feature == name) for name in features}

    @cached_property
    def contact_costs(self) -> Mapping[str, float]:
        """What a contact costs by channel, minor units."""
        return {name: rule.contact_cost for name, rule in self.policy.file.channels.items()}

    @cached_property
    def contact_weights(self) -> Mapping[str, float]:
        """What a contact weighs in the cap by channel."""
        return {name: rule.weight for name, rule in self.policy.file.channels.items()}

    @cached_property
    def limits(self) -> tuple[float, ...]:
        """The limit of each window of the cap."""
        return tuple(w.limit for w in self.policy.file.contact_cap.windows)

    @cached_property
    def says(self) -> Mapping[str, tuple[int, ...]]:
        """The columns of actions that are said by each action said once: its own, and those said with it."""
        actions = self.catalogue.actions
        return {
            name: tuple(j for j, a in enumerate(actions) if a.action == name or name in a.said_with)
            for name in self.said_once
        }

    @cached_property
    def outbound_only(self) -> frozenset[str]:
        """Channels by which we only ever come to her."""
        places = self.policy.file.placements.values()
        onsite = {channel for p in places if not p.outbound for channel in p.channels}
        return frozenset(channel for p in places if p.outbound for channel in p.channels) - onsite

    @cached_property
    def awaited(self) -> frozenset[str]:
        """Actions that others wait for, and those whose saying counts as theirs."""
        waited_for = {one for a in self.catalogue.actions for one in a.after}
        also = {one for a in self.catalogue.actions if a.action in waited_for for one in a.said_with}
        return frozenset(waited_for | also)

    @cached_property
    def said_once(self) -> frozenset[str]:
        """Actions that are said once about what they are about."""
        return frozenset(a.action for a in self.catalogue.actions if a.once_per)

    @cached_property
    def own_caps(self) -> Mapping[str, tuple[tuple[str, ActionCap], ...]]:
        """By action, the caps toward which a contact with it may count: of which action, and which."""
        found: dict[str, list[tuple[str, ActionCap]]] = {}
        for capped in self.catalogue.actions:
            for one in self.catalogue.actions if capped.cap else ():
                if one.action == capped.action or (capped.cap and capped.cap.whole_group and one.group == capped.group):
                    assert capped.cap is not None
                    found.setdefault(one.action, []).append((capped.action, capped.cap))
        return {name: tuple(caps) for name, caps in found.items()}


def plan_of(policy: Policy, catalogue: Catalogue) -> Plan:
    """The plan of a policy with a catalogue, made once."""
    found = policy.plans.get(catalogue.hash)
    if found is None:
        found = policy.plans[catalogue.hash] = Plan(policy, catalogue)
    return found
