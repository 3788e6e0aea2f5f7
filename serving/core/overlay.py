"""One settings file laid over another: what it says replaces, part by part, and every part knows whose line it is.

Mappings merge by key, treatments by their name; every other list, and every plain value, is replaced whole.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from features.typed_yaml import Path_, Source

Values = Mapping[str, Any]


class Overlay:
    """Lays parts of the file `own` over others, noting on which of its lines each part of the outcome stands.

    `inherited` are the parts of the outcome on which it says nothing.
    """

    def __init__(self, own: Source) -> None:
        self.lines: dict[Path_, int] = {path: line for path, line in own.lines.items() if len(path) < 2}
        self.inherited: set[Path_] = set()
        self._said = own.lines

    def mappings(self, base: Values, own: Values, path: Path_, at: Path_ | None = None) -> dict[str, Any]:
        """`base` with the keys of `own` over it; `at` is where `own` stands in the shop's file, `path` by default."""
        at = path if at is None else at
        self.lines.setdefault(path, self._line(at))
        found: dict[str, Any] = {}
        for key in (*base, *(k for k in own if k not in base)):
            if key not in own:
                found[key] = self._kept(base[key], (*path, key))
            elif key not in base:
                found[key] = self._taken(own[key], (*path, key), (*at, key))
            else:
                found[key] = self._one(base[key], own[key], (*path, key), (*at, key))
        return found

    def _one(self, base: Any, own: Any, path: Path_, at: Path_) -> Any:
        if isinstance(base, dict) and isinstance(own, dict):
            return self.mappings(base, own, path, at)
        if path[-1] == "treatments" and _are_treatments(base) and _are_treatments(own):
            return self._treatments(base, own, path, at)
        return self._taken(own, path, at)

    def _treatments(self, base: Sequence[Values], own: Sequence[Values], path: Path_, at: Path_) -> list[Any]:
        """By the treatments' names; one that is listed several times, for other times, takes the place of them all."""
        self.lines[path] = self._line(at)
        found: list[Any] = []
        shipped = [one["treatment"] for one in base]
        for name in dict.fromkeys([*shipped, *(one["treatment"] for one in own)]):
            was = [one for one in base if one["treatment"] == name]
            now = [(k, one) for k, one in enumerate(own) if one["treatment"] == name]
            for one in was if not now else ():
                found.append(self._kept(one, (*path, len(found))))
            for k, one in now:
                here, there = (*path, len(found)), (*at, k)
                alike = was[0] if len(was) == 1 else {}
                found.append(self.mappings(alike, one, here, there) if alike else self._taken(one, here, there))
        return found

    def _taken(self, own: Any, path: Path_, at: Path_) -> Any:
        """What the shop says, as it says it."""
        for there, line in _under(self._said, at):
            self.lines[(*path, *there)] = line
        return own

    def _kept(self, base: Any, path: Path_) -> Any:
        """What only the shipped file says."""
        self.inherited.add(path)
        parts = base.items() if isinstance(base, dict) else enumerate(base) if isinstance(base, list) else ()
        for key, part in parts:
            self._kept(part, (*path, key))
        return base

    def _line(self, at: Path_) -> int:
        while at and at not in self._said:
            at = at[:-1]
        return self._said.get(at, 1)


def _under(lines: Mapping[Path_, int], at: Path_) -> list[tuple[Path_, int]]:
    """The places at or below one, relative to it."""
    return [(path[len(at) :], line) for path, line in lines.items() if path[: len(at)] == at]


def _are_treatments(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(t, dict) and isinstance(t.get("treatment"), str) for t in value)
