"""Conditions `{feature, op, value}` compiled into predicates over columns: one customer and a million are one path.

An absent value (NaN) meets no condition but `absent`: what is not known never opens a door.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

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

_COMPARE: dict[str, Callable[[Floats, Any], Bools]] = {
    ">=": np.greater_equal,
    ">": np.greater,
    "<=": np.less_equal,
    "<": np.less,
    "==": np.equal,
    "!=": np.not_equal,
}


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


def predicate(condition: Condition) -> Predicate:
    """The condition as a function of columns and their length.

    >>> test = predicate(Condition(feature="open_cases", op=">=", value=1))
    >>> test({"open_cases": np.array([0.0, 2.0, np.nan])}, 3).tolist()
    [False, True, False]
    """
    name, op, value = condition.feature, condition.op, condition.value

    def test(columns: Columns, n: int) -> Bools:
        column = columns.get(name)
        if column is None:
            column = np.full(n, np.nan)
        absent = np.isnan(column)
        if op == "absent":
            return absent
        if op == "present":
            return ~absent
        if isinstance(value, list):
            inside = (column >= value[0]) & (column <= value[1]) if op == "between" else np.isin(column, value)
            return np.asarray(inside & ~absent)
        assert value is not None
        return np.asarray(_COMPARE[op](column, value) & ~absent)

    return test


def _simple(condition: Condition) -> tuple[Condition, ...]:
    """The same as comparisons with one number, where it can be said so."""
    if condition.op != "between":
        return (condition,)
    assert isinstance(condition.value, list)
    low, high = condition.value
    return tuple(condition.model_copy(update={"op": op, "value": v}) for op, v in ((">=", low), ("<=", high)))


class Compiled:
    """Lists of conditions, one list an action, compiled: all of them are judged in a handful of operations.

    `features` are the names that conditions speak of, in the order of the columns that `unmet` takes.
    """

    def __init__(self, lists: Sequence[Sequence[Condition]], features: Sequence[str]) -> None:
        place = {name: j for j, name in enumerate(features)}
        flat = [(action, one) for action, conditions in enumerate(lists) for c in conditions for one in _simple(c)]
        self._actions = len(lists)
        self._alone = [
            (action, place[c.feature], predicate(c), c.feature) for action, c in flat if c.op not in _COMPARE
        ]
        self._groups = []
        for op, compare in _COMPARE.items():
            same = [(action, place[c.feature], c.value) for action, c in flat if c.op == op]
            if same:
                actions, columns, values = zip(*same, strict=True)
                self._groups.append((compare, np.array(actions), np.array(columns), np.array(values, dtype=np.float64)))

    def unmet(self, rows: Floats) -> Bools:
        """[n, m] where an action has a condition that is not met; `rows` are [n, features], NaN where absent."""
        failing = np.zeros((self._actions, len(rows)), dtype=np.bool_)
        for compare, actions, columns, values in self._groups:
            with np.errstate(invalid="ignore"):
                seen = rows[:, columns]
                met = compare(seen, values) & (seen == seen)
            np.logical_or.at(failing, actions, ~met.T)
        for action, column, test, name in self._alone:
            failing[action] |= ~test({name: rows[:, column]}, len(rows))
        return failing.T
