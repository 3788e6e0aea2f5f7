"""Conditions over hand-written columns."""

import numpy as np
import pytest
from pydantic import ValidationError

from serving.core.conditions import Condition, all_of, predicate

COLUMN = {"x": np.array([1.0, 2.0, 3.0, np.nan])}


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [
        (">=", 2, [False, True, True, False]),
        (">", 2, [False, False, True, False]),
        ("<=", 2, [True, True, False, False]),
        ("<", 2, [True, False, False, False]),
        ("==", 2, [False, True, False, False]),
        ("!=", 2, [True, False, True, False]),
        ("between", [2, 3], [False, True, True, False]),
        ("in", [1, 3], [True, False, True, False]),
        ("present", None, [True, True, True, False]),
        ("absent", None, [False, False, False, True]),
    ],
)
def test_every_operator_and_that_the_absent_meets_none_but_absent(op, value, expected):
    assert predicate(Condition(feature="x", op=op, value=value))(COLUMN, 4).tolist() == expected


def test_a_column_nobody_has_is_absent_for_everybody():
    assert predicate(Condition(feature="y", op="<", value=9))(COLUMN, 4).tolist() == [False] * 4


def test_all_of_nothing_is_true_and_all_of_some_is_their_conjunction():
    assert all_of([])(COLUMN, 4).all()
    both = [Condition(feature="x", op=">", value=1), Condition(feature="x", op="<", value=3)]
    assert all_of(both)(COLUMN, 4).tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    ("op", "value"), [(">=", None), (">=", [1, 2]), ("between", [2, 1]), ("between", 3), ("in", []), ("present", 1)]
)
def test_a_value_that_does_not_fit_its_operator_is_refused(op, value):
    with pytest.raises(ValidationError, match="takes"):
        Condition(feature="x", op=op, value=value)
