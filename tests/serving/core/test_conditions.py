"""Conditions over hand-written columns."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError

from serving.core.conditions import Compiled, Condition, predicate

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


ROWS = COLUMN["x"][:, None]


def test_no_conditions_are_met_and_several_only_together():
    both = [Condition(feature="x", op=">", value=1), Condition(feature="x", op="<", value=3)]
    assert Compiled([[], both], ["x"]).unmet(ROWS).T.tolist() == [[False] * 4, [True, False, True, True]]


CONDITIONS = st.one_of(
    st.builds(
        Condition, feature=st.sampled_from("xyz"), op=st.sampled_from([">=", ">", "<=", "<", "==", "!="]),
        value=st.integers(-2, 2).map(float),
    ),
    st.builds(Condition, feature=st.sampled_from("xyz"), op=st.sampled_from(["present", "absent"])),
    st.builds(Condition, feature=st.sampled_from("xyz"), op=st.just("in"), value=st.just([-1.0, 2.0])),
    st.builds(Condition, feature=st.sampled_from("xyz"), op=st.just("between"), value=st.just([-1.0, 1.0])),
)  # fmt: skip


@given(
    st.lists(st.lists(CONDITIONS, max_size=4), min_size=1, max_size=5),
    hnp.arrays(np.float64, (3, 3), elements=st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0, np.nan])),
)
def test_law_compiled_together_is_each_alone(lists, rows):
    columns = dict(zip("xyz", rows.T, strict=True))
    alone = [[all(predicate(c)(columns, 3)[i] for c in conditions) for conditions in lists] for i in range(3)]
    assert (~Compiled(lists, "xyz").unmet(rows)).tolist() == alone


@pytest.mark.parametrize(
    ("op", "value"), [(">=", None), (">=", [1, 2]), ("between", [2, 1]), ("between", 3), ("in", []), ("present", 1)]
)
def test_a_value_that_does_not_fit_its_operator_is_refused(op, value):
    with pytest.raises(ValidationError, match="takes"):
        Condition(feature="x", op=op, value=value)
