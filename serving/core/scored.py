"""An item proposed for a customer, by a model or by a source: what every scorer gives and every offer is made of."""

from typing import TYPE_CHECKING, NamedTuple

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
