"""An item proposed for a customer, by a model or by a source: what every scorer gives and every offer is made of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, overload

if TYPE_CHECKING:
    from serving.core.evidence import RunsOut


class Scored(NamedTuple):
    """An item proposed: the calibrated chance that she buys it (NaN without a model), and the ways it came in.

    Of a favourite, the pieces she usually takes and when it runs out.
    """

    item_id: str
    probability: float
    source: int
    quantity: int | None = None
    runs_out: "RunsOut | None" = None


@dataclass(frozen=True)
class Proposals(Sequence[Scored]):
    """Items proposed for one customer, best first, in columns: few of them are ever looked at one by one."""

    item_ids: Sequence[str] = ()
    probabilities: Sequence[float] = ()
    sources: Sequence[int] = ()

    @classmethod
    def of(cls, proposed: Sequence[Scored]) -> "Proposals":
        """Of items in any form."""
        return proposed if isinstance(proposed, Proposals) else cls(*zip(*(one[:3] for one in proposed), strict=True))

    @cached_property
    def chances(self) -> dict[str, float]:
        """The chance of each item."""
        return dict(zip(self.item_ids, self.probabilities, strict=True))

    def __len__(self) -> int:
        return len(self.item_ids)

    def __iter__(self) -> Iterator[Scored]:
        return map(Scored, self.item_ids, self.probabilities, self.sources)

    @overload
    def __getitem__(self, place: int) -> Scored: ...
    @overload
    def __getitem__(self, place: slice) -> "Proposals": ...
    def __getitem__(self, place: int | slice) -> "Scored | Proposals":
        kind = Scored if isinstance(place, int) else Proposals
        return kind(self.item_ids[place], self.probabilities[place], self.sources[place])  # type: ignore[arg-type]
