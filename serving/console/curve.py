"""A customer's experience as a drawn curve: how things stood after each moment of her journey."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from serving.experience.moments import Moment

WIDTH, HEIGHT, EDGE = 720, 150, 8


class Point(msgspec.Struct, frozen=True):
    """A moment on the drawing: its place, whether it went well (0 to 1), and the moment."""

    x: float
    y: float
    value: float
    moment: Moment


class Curve(msgspec.Struct, frozen=True):
    """A line through the points, in a drawing of WIDTH times HEIGHT; `months` are marks at the beginnings of months."""

    path: str
    points: list[Point]
    months: list[tuple[float, datetime]]


def curve(moments: Sequence[Moment], now: datetime) -> Curve | None:
    """The drawing of the moments until `now`, oldest first; None where nothing is known of how things stood."""
    felt = [one for one in moments if one.estimate is not None]
    if len(felt) < 2:
        return None
    start, whole = felt[0].at, max(1.0, (now - felt[0].at).total_seconds())
    points = [Point(_x(one.at, start, whole), _y(one.estimate or 0.0), one.estimate or 0.0, one) for one in felt]
    path = f"M{points[0].x:.1f},{points[0].y:.1f}" + "".join(f"H{p.x:.1f}V{p.y:.1f}" for p in points[1:])
    return Curve(path + f"H{WIDTH - EDGE}", points, _months(start, now, whole))


def _x(at: datetime, start: datetime, whole: float) -> float:
    return EDGE + (WIDTH - 2 * EDGE) * (at - start).total_seconds() / whole


def _y(value: float) -> float:
    return EDGE + (HEIGHT - 2 * EDGE) * (1 - value)


def _months(start: datetime, now: datetime, whole: float) -> list[tuple[float, datetime]]:
    found, at = [], start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    step = 1 if whole < 200 * 86_400 else 3
    while at <= now:
        if at >= start and (at.month - 1) % step == 0:
            found.append((_x(at, start, whole), at))
        at = at.replace(year=at.year + at.month // 12, month=at.month % 12 + 1)
    return found
