"""Tables of a card: figures with their intervals, customers by segment, errors, sources, bins of calibration."""

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
LARGE, SMALL = 100, 0.01  # figures from the one on are told without decimals, below the other with one more


def number(value: float | None) -> str:
    """A figure as a card tells it; "-" where there is none.

    >>> number(0.87654), number(12345.6), number(0.00123), number(None)
    ('0.877', '12,346', '0.0012', '-')
    """
    if value is None:
        return "-"
    decimals = _decimals(value)
    return f"{round(value, decimals) + 0.0:,.{decimals}f}"  # + 0.0: nothing has no sign


def _decimals(value: float) -> int:
    return 0 if abs(value) >= LARGE else 4 if 0 < abs(value) < SMALL else 3


def interval(row: Row, value: str = "value", low: str = "low", high: str = "high") -> str:
    """A figure and its interval.

    >>> interval({"value": 0.9, "low": 0.85, "high": 0.95})
    '0.900 [0.850, 0.950]'
    """
    if row[value] is None:
        return "-"
    return f"{number(row[value])} [{number(row[low])}, {number(row[high])}]"


def words(name: str) -> str:
    """A name of the code as words."""
    return name.replace("_", " ")


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column is text and whose others are figures."""
    lines = [" | ".join(headings), " | ".join(["---", *["---:"] * (len(headings) - 1)])]
    return "".join(f"| {line} |\n" for line in [*lines, *(" | ".join(row) for row in rows)])


def of_metrics(metrics: Mapping[str, float | None]) -> str:
    """The choice's figures, then those of what it was compared with: a name with a point is of another candidate."""
    own = sorted(name for name in metrics if "." not in name)
    others = sorted(name for name in metrics if "." in name)
    return table(["figure", "value"], [[f"`{name}`", number(metrics[name])] for name in [*own, *others]])


def of_segments(rows: Sequence[Row], figure: str, calibrated: bool) -> str:
    """One line a segment; mean prediction and truth only of a model that has them."""
    told = [[words(row["segment"]), f"{row['n']:,}", interval(row)] for row in rows]
    headings = ["segment", "n", f"{figure} [95 %]"]
    if calibrated:
        headings += ["predicted", "observed", "observed less predicted, 95 %"]
        told = [line + _calibrated(row) for line, row in zip(told, rows, strict=True)]
    if all("days_held" in row for row in rows):
        headings.append("days held, mean")
        told = [[*line, number(row["days_held"])] for line, row in zip(told, rows, strict=True)]
    return table(headings, told)


def of_errors(rows: Sequence[Row]) -> str:
    """Counts, and both error rates with their intervals."""
    return table(
        ["segment", "dissatisfied", "missed", "missed, share [95 %]", "others", "held", "held, share [95 %]"],
        [
            [
                words(row["segment"]),
                f"{row['dissatisfied']:,}",
                f"{row['missed']:,}",
                interval(row, "miss_rate", "miss_low", "miss_high"),
                f"{row['others']:,}",
                f"{row['needless']:,}",
                interval(row, "needless_rate", "needless_low", "needless_high"),
            ]
            for row in rows
        ],
    )


def of_sources(rows: Mapping[str, Row], figure: str) -> str:
    """What is lost without each source, the greatest loss first, and whether that is more than chance."""
    ordered = sorted(rows.items(), key=lambda pair: (-pair[1]["value"], pair[0]))
    return table(
        ["without", f"{figure} lost [95 %]", "more than chance"],
        [[words(name), interval(row), _verdict(row)] for name, row in ordered],
    )


def of_bins(bins: Sequence[Row]) -> str:
    """The points of the calibration picture."""
    return table(
        ["predicted", "observed", "n"], [[number(b["predicted"]), number(b["observed"]), f"{b['n']:,}"] for b in bins]
    )


def _calibrated(row: Row) -> list[str]:
    if row["predicted"] is None:
        return ["-", "-", "-"]
    low, high = row["gap_low"], row["gap_high"]
    decimals = _decimals(row["observed"] if abs(row["observed"]) >= LARGE else max(abs(low), abs(high)))
    gap = f"[{low:+,.{decimals}f}, {high:+,.{decimals}f}]"
    return [number(row["predicted"]), number(row["observed"]), gap]


def _verdict(row: Row) -> str:
    if row["low"] > 0:
        return "yes"
    return "no: it is better without" if row["high"] < 0 else "no"
