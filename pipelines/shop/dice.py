"""Where the draws of a simulated life come from: one stream from first to last, or one for each week and step.

From one stream, whatever is done otherwise in one week changes all that is drawn after it. From a stream for each week
and step, with the same rows drawn whoever they turn out to matter for, two shops that do different things to the same
customers still throw the same dice: common random numbers, so that what differs between them is what was done.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

Step = Literal[
    "begin", "letter", "demand", "needs", "baskets", "order", "reception", "withdraw", "fates", "give_up", "drop",
    "discount", "moments", "say", "browse", "arrive",
]  # fmt: skip
STEPS: tuple[Step, ...] = Step.__args__  # type: ignore[attr-defined]


class Dice(Protocol):
    """Gives the generator to draw from; `for_all`: draw for every customer, not only for those it concerns."""

    @property
    def for_all(self) -> bool:
        """Whether each step draws as many numbers whoever does what."""

    def __call__(self, week: int, step: Step) -> np.random.Generator:
        """The generator of a step in a week."""


@dataclass(frozen=True)
class OneStream:
    """All steps draw from one generator, one after another."""

    rng: np.random.Generator
    for_all: bool = False

    def __call__(self, week: int, step: Step) -> np.random.Generator:
        """That generator."""
        return self.rng


class CommonDice:
    """Each week and step has a generator of its own, the same whatever was drawn elsewhere."""

    for_all = True

    def __init__(self, seed: np.random.SeedSequence) -> None:
        self._seed = [int(word) for word in seed.generate_state(4)]

    def __call__(self, week: int, step: Step) -> np.random.Generator:
        """A new generator of the week and step: asked twice, it draws the same again."""
        return np.random.default_rng([*self._seed, week, STEPS.index(step)])
