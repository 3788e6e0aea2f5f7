"""What was worked out of customers lately, kept: who looks through a shop is asked for again within minutes.

The key of an answer is all that it depends on, to the last bit, but for the models. So nothing here goes stale, and
nobody has to tell of changes: whatever is other about her is another key.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

Answer = TypeVar("Answer")

KEPT = 500
"""Answers of one kind from which on the older are forgotten; at most twice as many are there."""
MANY = 50
"""Who asks for so many at once makes a list, in which nobody is asked for again."""


class Remembered(Generic[Answer]):
    """Answers of one kind by one set of models: the latest, in two halves of which the older is dropped.

    Safe to share between threads: at worst an answer is worked out once more.
    """

    def __init__(self) -> None:
        self._kept: tuple[object, dict[Hashable, Answer], dict[Hashable, Answer]] = None, {}, {}

    def of(
        self, models: object, keys: Sequence[Hashable], work_out: Callable[[list[int]], Sequence[Answer]]
    ) -> list[Answer]:
        """The answer to each key; those not kept are worked out by `models` together, given their places."""
        if len(keys) >= MANY:
            return list(work_out(list(range(len(keys)))))
        by, new, old = self._kept
        if by is not models or len(new) > KEPT:
            new, old = {}, (new if by is models else {})
            self._kept = models, new, old
        missing = [place for place, key in enumerate(keys) if key not in new and key not in old]
        answers = dict(zip(missing, work_out(missing), strict=True)) if missing else {}
        found = [
            answers[place] if place in answers else new[key] if key in new else old[key]
            for place, key in enumerate(keys)
        ]
        new |= zip(keys, found, strict=True)
        return found
