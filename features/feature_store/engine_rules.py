"""What an expression may not use, because one engine cannot run it or two engines give different values.

`refuse_unequal` looks at operations only and costs little: every computation does it. `check_engines` also writes each
declared feature in the language of every engine; a test does it, and `tahdikas features --check`.
"""

from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from typing import Any

import ibis
import ibis.expr.operations as ops
from ibis.common.exceptions import IbisError

from features.errors import DataError
from features.feature_store.batch_features import BATCH_FEATURES, FeatureSpec
from features.feature_store.batch_relations.known import Relation
from features.feature_store.lineage import aggregated

_LANGUAGES = {"DuckDB": "duckdb", "Spark": "pyspark"}

_CLOCK = "no clock: keep the time itself; its age is taken at the moment of use (`features/inputs/frame.py`)"
_ORDERED = "`argmax` or `argmin` on a struct of time and id"
_SECONDS = "`whole_seconds(later) - whole_seconds(earlier)`"
_EXACT = "the exact form: `nunique`, `median`, `quantile`"
_SHA = "`hashbytes('sha256')`"
_SUM = "integer sums, and one division at the end: `sum / count.nullif(0)`"
_INTEGERS = "arithmetic on `whole_seconds` or `whole_days`: it knows no zone of a session"
_NONE = "an expression of other operations: one engine has none, or gives other values"

_NEVER: dict[tuple[type, ...], str] = {
    (ops.First, ops.Last, ops.Arbitrary, ops.NthValue): _ORDERED,
    (ops.ApproxCountDistinct, ops.ApproxMedian, ops.ApproxQuantile, ops.ApproxMultiQuantile): _EXACT,
    (ops.Hash,): _SHA,
    (ops.TimestampDelta, ops.TimestampDiff, ops.TimestampAdd, ops.TimestampSub, ops.DateDelta, ops.DateDiff): _SECONDS,
    (ops.TimestampNow, ops.DateNow): _CLOCK,
    (ops.ExtractTemporalField, ops.DayOfWeekIndex, ops.DayOfWeekName, ops.Strftime, ops.Date, ops.Time): _INTEGERS,
    (ops.Mode, ops.Kurtosis, ops.Sample, ops.RandomScalar, ops.RandomUUID, ops.RowID): _NONE,
    (ops.GroupConcat, ops.ArrayMode, ops.ScalarUDF, ops.AggUDF): _NONE,
    (ops.Mean, ops.Variance, ops.StandardDev, ops.Covariance, ops.Correlation): _SUM,
    (ops.ArrayMean, ops.ArraySum): _SUM,
}

_Rule = tuple[type | tuple[type, ...], Callable[[Any], bool], str, str]
_SOMETIMES: tuple[_Rule, ...] = (
    (ops.ArrayCollect, lambda op: bool(op.order_by), "collect(order_by=)", "`struct(...).collect().sort()`"),
    (ops.ArrayIndex, lambda op: _literal(op.index) is None or _literal(op.index) < 0, "an index from the end",
     "`a[a.length() - 1]` behind a guard on the length"),
    (ops.JoinLink, lambda op: op.how in ("asof", "any_inner", "any_left"), "asof_join", "a left join and `row_number`"),
    (ops.Cast, lambda op: _float_to_int(op), "a cast from float to integer", "`.floor().cast(...)`"),
    (ops.ExtractEpochSeconds, lambda op: not isinstance(op.arg, ops.TimestampTruncate), "epoch_seconds of parts of a "
     "second", "`whole_seconds(time)`"),
    (ops.Sum, lambda op: op.arg.dtype.is_floating(), "a sum of floats", _SUM),
    ((ops.Divide, ops.FloorDivide, ops.Modulus), lambda op: not _never_zero(op.right), "a division that can be by zero",
     "`.nullif(0)` on what it divides by"),
    ((ops.Ln, ops.Log2, ops.Log10, ops.Log), lambda op: not isinstance(op.arg, ops.NullIf), "a logarithm of zero",
     "the count or sum itself; `features/inputs/frame.py` takes logarithms"),
    (ops.HashBytes, lambda op: op.how != "sha256", "a hash that is not sha256", _SHA),
)  # fmt: skip


def faults(expression: Any) -> Iterator[str]:
    """What an Ibis expression may not use, each with the spelling to use instead."""
    for op in expression.op().find(ops.Node):
        for kinds, remedy in _NEVER.items():
            if isinstance(op, kinds) and not isinstance(op, ops.ExtractEpochSeconds):
                yield f"{_called(op)}: use {remedy}"
        for kind, is_fault, name, remedy in _SOMETIMES:
            if isinstance(op, kind) and is_fault(op):
                yield f"{name}: use {remedy}"


_COMPARISONS = (ops.Less, ops.LessEqual, ops.Greater, ops.GreaterEqual, ops.Equals)


def moving(expression: Any) -> Iterator[str]:
    """Where a cutoff or a window's start is used otherwise than beside an event's own time.

    A row of a day before is taken over as it is where nothing of hers crossed a cutoff or a window's start
    (`features/feature_store/touched.py`). A value made of the cutoff itself would change although nothing crossed it.
    """
    for op in expression.op().find(ops.Value):
        for side in op.__children__:
            if not isinstance(side, ops.Field) or not _moves(side.name) or isinstance(op, ops.WindowFunction):
                continue
            others = [other for other in op.__children__ if other is not side]
            if not isinstance(op, _COMPARISONS) or not all(_is_a_time(other) for other in others):
                yield (
                    f"{side.name} as a value: compare it with a time of the event, or keep the time and take its age "
                    "at the moment of use (`features/inputs/frame.py`)"
                )


def _moves(name: str) -> bool:
    return name == "event_timestamp" or name.startswith("since_")


def _is_a_time(op: Any) -> bool:
    """Whether it is a column, or the first or last of one, unaltered."""
    return isinstance(op.arg if isinstance(op, ops.Min | ops.Max) else op, ops.Field)


def refuse_unequal(spec: FeatureSpec, expression: Any) -> None:
    """Raises `DataError` if the feature's expression uses what engines do not share, or what increments cannot see."""
    if told := sorted({*faults(expression), *moving(expression)}):
        raise DataError(f"Feature {spec.name!r} ({spec.place}) uses {'; and '.join(told)}.")


def check_engines(specs: Iterable[FeatureSpec] | None = None) -> None:
    """Raises `DataError` for a feature that an engine cannot run or that engines would compute differently."""
    by_relation: dict[Relation, list[FeatureSpec]] = {}
    for spec in BATCH_FEATURES.values() if specs is None else specs:
        try:
            refuse_unequal(spec, aggregated(spec))
        except (AttributeError, TypeError, IbisError) as error:
            raise DataError(f"Feature {spec.name!r} ({spec.place}) cannot be put together: {error}") from error
        by_relation.setdefault(spec.relation, []).append(spec)
    for together in by_relation.values():
        if _not_written(*together):
            for spec in together:
                if told := _not_written(spec):
                    raise DataError(f"Feature {spec.name!r} ({spec.place}): {told}")


def _not_written(*specs: FeatureSpec) -> str | None:
    """Which engine has no words for features of one relation, and why; None if all have."""
    for engine, language in _LANGUAGES.items():
        if find_spec(language) is None:
            continue  # an extra that is not installed: what it cannot run is still refused by the operations above
        try:
            getattr(ibis, language)  # loads what the compiler wants to know
            ibis.to_sql(aggregated(*specs), dialect=language)
        except (IbisError, NotImplementedError) as error:
            return f"{engine} cannot run it: {error}"
    return None


def _called(op: Any) -> str:
    name = type(op).__name__
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def _literal(op: Any) -> Any:
    return op.value if isinstance(op, ops.Literal) else None


def _never_zero(op: Any) -> bool:
    """Whether a divisor is a literal other than zero, or null where it would be zero."""
    if isinstance(op, ops.Cast):
        return _never_zero(op.arg)
    return isinstance(op, ops.NullIf) or bool(_literal(op))


def _float_to_int(op: Any) -> bool:
    return bool(op.to.is_integer() and op.arg.dtype.is_floating() and not isinstance(op.arg, ops.Floor | ops.Ceil))
