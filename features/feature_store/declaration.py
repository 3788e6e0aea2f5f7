"""Declaring a batch feature: one named aggregate with its unit, window, source of events and meaning of absence.

A feature at cutoff T sees events with `occurred_at < T` and `received_at <= T`. Its window of w days is half-open,
[T - w, T); a feature over all history says so with `since=ALWAYS`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from features.columns import CREATED_TIMESTAMP, EVENT_SCHEMA
from features.feature_store.batch_relations.known import KEYS, KNOWING_TYPES, Relation

INT, FLOAT, TEXT, TIME = "int64", "float64", "string", "timestamp('UTC', 6)"
Expression = Callable[[Any, Any], Any]

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_WINDOW_IN_NAME = re.compile(r"_(\d+)d$")
_LONGEST_DAYS = 36_500
_RESERVED = {*KEYS, *EVENT_SCHEMA.names, CREATED_TIMESTAMP, "of_customer", "at_cutoff", "label"}
_RESERVED_BEGINNINGS = ("has_", "since_")


class _Always:
    """The window of a feature that sees all history."""

    def __repr__(self) -> str:
        return "ALWAYS"


ALWAYS: Final = _Always()


@dataclass(frozen=True)
class FeatureSpec:
    """One feature. `days` is its window, None for all history; `edges` are further days its expression divides by.

    `source` is the type of event without which the shop cannot know it; `zero` says that a customer without such
    events has 0, not an absent value; `place` is where it is declared.
    """

    name: str
    dtype: str
    unit: str
    days: int | None
    edges: tuple[int, ...]
    source: str
    description: str
    relation: Relation
    expression: Expression
    zero: bool
    place: str

    @property
    def window(self) -> str:
        """The window in words."""
        return "all" if self.days is None else f"{self.days} d"

    @property
    def absence(self) -> str:
        """What null and zero mean for this feature, in words."""
        if self.zero:
            return f"0: none; null: the log has no {self.source} events"
        return "null: not known or not defined for her"

    def value(self, rows: Any) -> Any:
        """Its aggregate over `rows` of its relation."""
        within = self.days is not None and "occurred_at" in rows.columns
        return self.expression(rows, rows.occurred_at >= rows[f"since_{self.days}d"] if within else None)


class FeatureRegister(dict[str, FeatureSpec]):
    """Declared features by name, in the order of their declaration."""

    def feature(
        self,
        relation: Relation,
        source: str,
        unit: str,
        *,
        days: int | None = None,
        since: _Always | None = None,
        edges: tuple[int, ...] = (),
        dtype: str = INT,
        zero: bool | None = None,
        name: str | None = None,
    ) -> Callable[[Expression], Expression]:
        """Declare a feature under the function's name, or under `name` where one function serves several windows.

        Either `days` or `since=ALWAYS` says the window. `zero` is the meaning of absence: by default true for int64.
        Raises `ValueError` where anything is missing, ambiguous or taken.
        """

        def declare(expression: Expression) -> Expression:
            code = expression.__code__
            place = f"{Path(code.co_filename).name}:{code.co_firstlineno}"
            meaning = " ".join((expression.__doc__ or "").split())
            called = name or expression.__name__
            spec = FeatureSpec(
                called,
                dtype,
                unit,
                days,
                edges,
                source,
                meaning,
                relation,
                expression,
                dtype == INT if zero is None else zero,
                place,
            )
            if fault := _fault(spec, since) or self._taken(spec):
                raise ValueError(f"Feature {called!r} ({place}): {fault}")
            self[called] = spec
            return expression

        return declare

    def _taken(self, spec: FeatureSpec) -> str | None:
        taken = self.get(spec.name)
        if taken is None:
            return None
        return f"the name is already declared at {taken.place}. Choose another name for one of them."


def _fault(spec: FeatureSpec, since: _Always | None) -> str | None:
    """What is wrong with a declaration, and the remedy."""
    if not _NAME.fullmatch(spec.name):
        return "a name is lower-case letters, digits and underscores, beginning with a letter."
    if spec.name.endswith("_y"):
        return "names ending in _y are lost in Feast's point-in-time join. Choose another ending."
    if spec.name in _RESERVED or spec.name.startswith(_RESERVED_BEGINNINGS):
        return "the name is reserved: a column is called so. Choose another."
    if spec.dtype not in (INT, FLOAT, TEXT, TIME):
        return f"dtype is {spec.dtype!r}. It is one of INT, FLOAT, TEXT and TIME."
    if spec.zero and spec.dtype != INT:
        return f"zero=True needs INT, not {spec.dtype}: only counts and sums are 0 for nothing."
    if spec.source not in KNOWING_TYPES:
        return f"source is {spec.source!r}. It is one of {', '.join(KNOWING_TYPES)}."
    if not spec.unit or not spec.description:
        return "it needs a unit, and a docstring that says what it means."
    return _window_fault(spec, since)


def _window_fault(spec: FeatureSpec, since: _Always | None) -> str | None:
    if (spec.days is None) == (since is None):
        said = "is not said" if since is None else "is said twice"
        return f"its window {said}. Say days=N for [T - N days, T), or since=ALWAYS for all history."
    for told in (spec.days, *spec.edges):
        if told is not None and not _is_window(told):
            return f"a window of {told!r} days. It is a whole number of days from 1 to {_LONGEST_DAYS}."
    ending = _WINDOW_IN_NAME.search(spec.name)
    if ending and spec.days != int(ending[1]):
        return f"its name says {ending[1]} days, its window is {spec.days or 'all history'}. Let both say the same."
    return None


def _is_window(told: Any) -> bool:
    return isinstance(told, int) and not isinstance(told, bool) and 1 <= told <= _LONGEST_DAYS


BATCH_FEATURES = FeatureRegister()
feature = BATCH_FEATURES.feature


def windows_days() -> tuple[int, ...]:
    """Every number of days that a declared window begins or divides at, ascending."""
    return tuple(sorted({d for spec in BATCH_FEATURES.values() for d in (spec.days, *spec.edges) if d is not None}))
