"""The gates by name, in the order of their bits: the list only ever grows at its end."""

from functools import lru_cache

NAMES = (
    "placement",
    "state_unknown",
    "consent",
    "profiling_objection",
    "hold",
    "eligibility",
    "applicability",
    "suitability",
    "no_items",
    "contact_cap",
    "already_told",
    "outranked",
    "service_first",
    "holdout",
    "validity",
    "quiet_hours",
    "action_cap",
    "comes_later",
    "not_sampled",
    "already_known",
    "unanswered",
)
BITS: dict[str, int] = {name: 1 << bit for bit, name in enumerate(NAMES)}


@lru_cache(maxsize=4096)
def names_of(mask: int) -> tuple[str, ...]:
    """The gates in a mask, in order.

    >>> names_of(0b10010)
    ('state_unknown', 'hold')
    """
    return tuple(name for bit, name in enumerate(NAMES) if mask >> bit & 1)
