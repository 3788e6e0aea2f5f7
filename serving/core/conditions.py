"""Conditions `{feature, op, value}` compiled into predicates over columns: one customer and a million are one path.

An absent value (NaN) meets no condition but `absent`: what is not known never opens a door.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from features.customer.journey import STAGES
from features.typed_yaml import Strict

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Columns = Mapping[str, Floats]
Predicate = Callable[[Columns, int], Bools]
Op = Literal[">=", ">", "<=", "<", "==", "!=", "between", "in", "present", "absent"]

_MET: dict[str, Callable[[Floats, Any], Bools]] = {
    ">=": np.greater_equal,
    ">": np.greater,
    "<=": np.less_equal,
    "<": np.less,
    "==": np.equal,
    "!=": np.not_equal,
    "in": lambda seen, values: (seen[..., None] == values).any(axis=-1),
    "present": lambda seen, _: seen == seen,
    "absent": lambda seen, _: seen != seen,
}
"""Each test of what is seen; NaN is equal to nothing and neither more nor less, so unequal to all."""


SPOKEN: dict[str, tuple[str, ...]] = {"stage": STAGES}
"""Features whose values have names: a condition may say them, and is told with them."""


class Condition(Strict):
    """One test of one feature. `between` takes [low, high], both ends included; `in` takes a list of numbers.

    Of a feature whose values have names (`stage`) the names stand for the numbers.
    """

    feature: str
    op: Op
    value: float | list[float] | None = None

    @model_validator(mode="before")
    @classmethod
    def _names_to_numbers(cls, data: Any) -> Any:
        names = SPOKEN.get(str(data.get("feature"))) if isinstance(data, dict) else None
        if names is None:
            return data
        value = data.get("value")
        if isinstance(value, list):
            return data | {"value": [_code(one, names) for one in value]}
        return data if value is None else data | {"value": _code(value, names)}

    @model_validator(mode="after")
    def _value_fits_op(self) -> "Condition":
        wanted = {"present": "no value", "absent": "no value", "between": "[low, high]", "in": "a list"}.get(
            self.op, "a number"
        )
        fits = {
            "no value": self.value is None,
            "[low, high]": isinstance(self.value, list) and len(self.value) == 2 and self.value[0] <= self.value[1],
            "a list": isinstance(self.value, list) and bool(self.value),
            "a number": isinstance(self.value, float),
        }[wanted]
        if not fits:
            raise ValueError(f"op {self.op!r} takes {wanted}, not {self.value!r}")
        return self

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.feature} {self.op}"
        if isinstance(self.value, float):
            return f"{self.feature} {self.op} {told(self.feature, self.value)}"
        return f"{self.feature} {self.op} [{', '.join(told(self.feature, v) for v in self.value)}]"


def _code(value: Any, names: Sequence[str]) -> Any:
    if not isinstance(value, str):
        return value
    if value not in names:
        raise ValueError(f"{value!r} is none of {', '.join(names)}")
    return float(names.index(value))


def told(feature: str, value: float) -> str:
    """A feature's value as people say it.

    >>> told("stage", 5.0), told("open_cases", 2.0)
    ('lapsed', '2')
    """
    names = SPOKEN.get(feature, ())
    return names[int(value)] if value in range(len(names)) else f"{value:g}"


class _Test(NamedTuple):
    """One test of one feature: with the one value, with all of them (`in`), or with none (NaN)."""

    feature: str
    op: str
    values: tuple[float, ...]

    def met(self, column: Floats) -> Bools:
        """Where it is met."""
        return np.asarray(_MET[self.op](column, self.values if self.op == "in" else self.values[0]))


def _tests(condition: Condition) -> tuple[_Test, ...]:
    """The same as tests that must all be met."""
    name, op, value = condition.feature, condition.op, condition.value
    if isinstance(value, list):
        both = _Test(name, ">=", (value[0],)), _Test(name, "<=", (value[-1],))
        return both if op == "between" else (_Test(name, op, tuple(value)),)
    if op == "!=" and value is not None:
        return _Test(name, "present", (math.nan,)), _Test(name, op, (value,))
    return (_Test(name, op, (math.nan if value is None else value,)),)


def predicate(condition: Condition) -> Predicate:
    """The condition as a function of columns and their length.

    >>> test = predicate(Condition(feature="open_cases", op=">=", value=1))
    >>> test({"open_cases": np.array([0.0, 2.0, np.nan])}, 3).tolist()
    [False, True, False]
    """
    name, tests = condition.feature, _tests(condition)

    def test(columns: Columns, n: int) -> Bools:
        column = columns.get(name)
        seen = np.full(n, np.nan) if column is None else column
        return np.asarray(np.logical_and.reduce([one.met(seen) for one in tests]))

    return test


class Compiled:
    """Lists of conditions, one list an action, compiled: all of them are judged in a handful of operations.

    A test that many conditions make is made once, and a list that many actions have is judged once. `features` are the
    names that conditions speak of, in the order of the columns that `unmet` takes.
    """

    def __init__(self, lists: Sequence[Sequence[Condition]], features: Sequence[str]) -> None:
        asked = [tuple(test for condition in conditions for test in _tests(condition)) for conditions in lists]
        unlike = {one: place for place, one in enumerate(dict.fromkeys(asked))}
        tests = dict.fromkeys(test for one in unlike for test in one)
        listed = [test for test in tests if test.op == "in"]
        spans = [test for test in tests if test.op != "in"]
        place = {test: k for k, test in enumerate((*spans, *listed))}
        column = {name: j for j, name in enumerate(features)}
        self._columns = np.array([column[test.feature] for test in spans], dtype=np.int64)
        self._low, self._high = np.array([_SPANS[t.op](t.values[0]) for t in spans]).reshape(len(spans), 2).T
        self._outside = np.array([test.op in ("!=", "absent") for test in spans], dtype=np.bool_)
        self._listed = [(place[test], column[test.feature], test) for test in listed]
        self._always = len(place)
        longest = max(map(len, unlike), default=0)
        padded = [[place[test] for test in one] + [self._always] * (longest - len(one)) for one in unlike]
        self._of_list = np.array(padded, dtype=np.int64).reshape(len(unlike), longest)
        self._of_action = np.array([unlike[one] for one in asked], dtype=np.int64)

    def unmet(self, rows: Floats) -> Bools:
        """[n, m] where an action has a condition that is not met; `rows` are [n, features], NaN where absent."""
        met = np.ones((len(rows), self._always + 1), dtype=np.bool_)  # the last is a test that everybody passes
        seen = rows.take(self._columns, axis=1)
        met[:, : len(self._columns)] = ((seen >= self._low) & (seen <= self._high)) ^ self._outside
        for place, column, test in self._listed:
            met[:, place] = test.met(rows[:, column])
        fine = np.logical_and.reduce(met.take(self._of_list, axis=1), axis=2)
        return np.asarray(~fine.take(self._of_action, axis=1))


def _above(value: float) -> float:
    return math.nan if value == math.inf else math.nextafter(value, math.inf)


def _below(value: float) -> float:
    return math.nan if value == -math.inf else math.nextafter(value, -math.inf)


_SPANS: dict[str, Callable[[float], tuple[float, float]]] = {
    ">=": lambda value: (value, math.inf),
    ">": lambda value: (_above(value), math.inf),
    "<=": lambda value: (-math.inf, value),
    "<": lambda value: (-math.inf, _below(value)),
    "==": lambda value: (value, value),
    "!=": lambda value: (value, value),
    "present": lambda _: (-math.inf, math.inf),
    "absent": lambda _: (-math.inf, math.inf),
}
"""The least and the most that a test lets through, both included; of `!=` and `absent` what it keeps out."""
