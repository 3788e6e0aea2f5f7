"""Bins that never change: quarter octaves of either sign and zero, so that any two profiles can be compared.

A bin's number grows with its values: 0 holds zero alone, bin b > 0 the values in [2^((b - 81) / 4), 2^((b - 80) / 4)),
and -b the same with a minus. The outermost hold everything beyond 2^-20 and 2^60.
"""

from collections.abc import Mapping

_FINEST, _COARSEST = -80, 240
_FIRST = 1 - _FINEST


def bin_sql(value: str) -> str:
    """DuckDB SQL for the bin of a number; null for null, infinities and not-a-number."""
    number = f"({value})::double"
    place = f"{_FIRST} + greatest({_FINEST}, least({_COARSEST}, floor(4 * log2(abs({number})))))"
    return f"case when {number} = 0 then 0 when isfinite({number}) then (sign({number}) * ({place}))::integer end"


def typical_value(number: int) -> float:
    """A value in the middle of a bin, within 10 % of all others in it.

    >>> typical_value(0), round(typical_value(81), 2), round(typical_value(-81), 2)
    (0.0, 1.09, -1.09)
    """
    if number == 0:
        return 0.0
    return float((1 if number > 0 else -1) * 2 ** ((abs(number) - _FIRST + 0.5) / 4))


def median(bins: Mapping[int, int]) -> float | None:
    """The typical value of the bin that half of the values lie in or under; None without values."""
    half, seen = sum(bins.values()) / 2, 0
    for number in sorted(bins):
        seen += bins[number]
        if seen >= half:
            return typical_value(number)
    return None
