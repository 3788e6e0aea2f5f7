"""Where on the journey an event happened: the touchpoint it names, else one that is safe to tell from what it is.

Safe means that the event could hardly have happened elsewhere; everything else without a touchpoint is `unnamed`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import duckdb
import pyarrow as pa

from features.facts import Fact

UNNAMED = "unnamed"


class Place(NamedTuple):
    """A rule for events without a touchpoint: what they are, in words and as SQL over the columns of an event."""

    touchpoint: str
    words: str
    condition: str


PLACES = (
    Place("delivery", "a delivery", "type = 'delivery'"),
    Place(
        "returns",
        "goods or money that came back, or a case of kind return",
        "type = 'return' or (type = 'case' and kind = 'return')",
    ),
    Place("search", "a search", "type = 'browse' and action = 'search'"),
    Place("product_page", "a look at an item", "type = 'browse' and action = 'view' and item_id is not null"),
    Place("cart", "something taken out of the cart", "type = 'browse' and action = 'cart_remove'"),
    Place("checkout", "a checkout begun", "type = 'browse' and action = 'checkout_start'"),
    Place("pickup", "a pick-up that could not be ordered", "type = 'friction' and kind = 'pickup_unavailable'"),
    Place(
        "store_visit",
        "a purchase, friction or feedback in a store",
        "channel = 'store' and type in ('purchase', 'friction', 'feedback')",
    ),
    Place(
        "checkout",
        "a purchase, a failed checkout or a payment error on the web or in the app",
        "channel in ('web', 'app') and (type = 'purchase' or kind in ('failed_checkout', 'payment_error'))",
    ),
    Place("email", "a contact by e-mail", "type = 'contact' and channel = 'email'"),
    Place("phone", "a contact by phone", "type = 'contact' and channel = 'phone'"),
)
"""The first that holds counts."""


def place_sql() -> str:
    """SQL for the touchpoint of an event."""
    cases = " ".join(f"when {one.condition} then '{one.touchpoint}'" for one in PLACES)
    return f"coalesce(touchpoint, case {cases} else '{UNNAMED}' end)"


def places_of(facts: Sequence[Fact]) -> list[str]:
    """The touchpoint of each of a few facts, by the same rules."""
    names = ("type", "kind", "action", "item_id", "channel", "touchpoint")
    rows = [(f.type, *(f.payload.get(n) for n in names[1:4]), f.channel, f.touchpoint) for f in facts]
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    told = pa.table([pa.array(values, pa.string()) for values in columns], names)
    with duckdb.connect(":memory:", config={"threads": 1}) as engine:
        engine.register("told", told)
        return [place for (place,) in engine.execute(f"select {place_sql()} from told").fetchall()]
