"""What an owned thing makes its owner need: winter tyres for a bicycle in autumn, a service for skis in spring."""

from dataclasses import dataclass

import numpy as np

from pipelines.shop.arrays import Flags, Floats, Ints, chance
from pipelines.shop.catalogue import Catalogue
from pipelines.shop.dice import Dice

LONG_AGO = -1000


@dataclass
class Belongings:
    """Weeks in which each customer last bought a kind of thing; LONG_AGO for never."""

    bicycle: Ints
    skis: Ints
    tyres: Ints
    bicycle_service: Ints
    ski_service: Ints
    members: dict[str, Ints]
    kind_of: dict[str, Flags]  # by item number
    departments: tuple[str, ...]

    @classmethod
    def none(cls, size: int, catalogue: Catalogue) -> "Belongings":
        """Customers the shop has sold nothing yet."""
        wanted = {
            "bicycle": ("bicycles/city", "bicycles/gravel", "bicycles/electric"),
            "skis": ("skis/classic", "skis/skate", "skis/alpine"),
            "tyres": ("bicycle_gear/winter_tyres",),
            "bicycle_service": ("bicycle_gear/service",),
            "ski_service": ("ski_care/service",),
            "gear": ("bicycle_gear/helmets", "bicycle_gear/lights", "bicycle_gear/locks"),
            "wax": ("ski_care/wax", "ski_care/poles"),
        }
        members = {name: catalogue.members(*categories) for name, categories in wanted.items()}
        kinds = {name: np.isin(np.arange(catalogue.size), items) for name, items in members.items()}
        bicycle, skis, tyres, bicycle_service, ski_service = (np.full(size, LONG_AGO, np.int64) for _ in range(5))
        return cls(bicycle, skis, tyres, bicycle_service, ski_service, members, kinds, catalogue.departments)

    def weigh(self, weights: Floats, who: Ints) -> Floats:
        """Department weights [rows, departments] of planned orders: nobody soon needs a second bicycle."""
        result = weights.copy()
        for name, since in (("bicycles", self.bicycle[who]), ("skis", self.skis[who])):
            result[:, self.departments.index(name)] *= np.where(since > LONG_AGO, 0.04, 1.0)
        return result

    def needs(self, dice: Dice, month: int, week: int, who: Ints, mood: Floats) -> tuple[Ints, Ints]:
        """(customer, item) of the needs met this week, by the active customers `who`; `mood` is over all customers."""
        rng = dice(week, "needs")
        bicycle, skis = self.bicycle[who], self.skis[who]
        owns_bicycle, owns_skis = bicycle > LONG_AGO, skis > LONG_AGO
        wishes = (
            ("tyres", 0.06 * (month in (9, 10, 11)), owns_bicycle & (self.tyres[who] == LONG_AGO)),
            ("bicycle_service", 0.025 * (month in (3, 4, 5)), owns_bicycle & (week - self.bicycle_service[who] > 30)),
            ("gear", 0.07, owns_bicycle & (week - bicycle < 6)),
            ("ski_service", 0.06 * (month in (3, 4)), owns_skis & (week - self.ski_service[who] > 30)),
            ("wax", 0.03 * (month in (11, 12, 1, 2, 3)), owns_skis),
        )
        customers: list[Ints] = [np.empty(0, dtype=np.int64)]
        items: list[Ints] = [np.empty(0, dtype=np.int64)]
        for name, rate, applies in wishes:
            if rate:
                owners = who[applies]
                if dice.for_all:
                    met = owners[rng.random(len(mood))[owners] < rate * mood[owners]]
                    which = np.floor(rng.random(len(mood))[met] * len(self.members[name])).astype(np.int64)
                    items.append(self.members[name][which])
                else:
                    met = owners[chance(rng, rate * mood[owners], len(owners))]
                    items.append(rng.choice(self.members[name], len(met)))
                customers.append(met)
        return np.concatenate(customers), np.concatenate(items)

    def bought(self, week: int, who: Ints, item: Ints) -> None:
        """Remember what was bought."""
        for name in ("bicycle", "skis", "tyres", "bicycle_service", "ski_service"):
            getattr(self, name)[who[self.kind_of[name][item]]] = week
