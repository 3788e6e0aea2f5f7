"""How features are distributed over the customers of a snapshot: null shares and percentiles."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import ibis
import msgspec
from ibis import _

from features.feature_store.batch import BATCH_FEATURES, TEXT, TIME

_AT = {"p5": 0.05, "p50": 0.5, "p95": 0.95}
_DAY_SECONDS = 86_400


class Distribution(msgspec.Struct, frozen=True):
    """One feature: share of customers without a value, 5th, 50th and 95th percentile of the others.

    Of a time, percentiles are ages in days at the cutoff; a text has its commonest value instead.
    """

    null_share: float
    p5: float | None = None
    p50: float | None = None
    p95: float | None = None
    commonest: str | None = None


class Distributions(msgspec.Struct, frozen=True):
    """All features of one snapshot: how many customers it has, its cutoff, and the command that made it, if told."""

    customers: int
    as_of: datetime
    features: dict[str, Distribution]
    command: str = ""


def distributions(files: Sequence[Path], as_of: datetime) -> Distributions:
    """Of the batch features in the Parquet files of the snapshot at `as_of`; rounded to three digits that count."""
    connection = ibis.duckdb.connect()
    try:
        rows = connection.read_parquet([str(path) for path in files])
        there = [spec for spec in BATCH_FEATURES.values() if spec.name in rows.columns]
        wanted: dict[str, Any] = {"customers": rows.count()}
        for spec in there:
            column = rows[spec.name]
            wanted[f"{spec.name}.known"] = column.count()
            if spec.dtype == TEXT:
                continue
            number = column.epoch_seconds() if spec.dtype == TIME else column
            wanted |= {f"{spec.name}.{at}": number.quantile(q) for at, q in _AT.items()}
        (found,) = connection.to_pyarrow(rows.agg(**wanted)).to_pylist()
        most = {s.name: _commonest(connection, rows, s.name) for s in there if s.dtype == TEXT}
    finally:
        connection.disconnect()
    features: dict[str, Distribution] = {}
    for spec in there:
        told = {at: found.get(f"{spec.name}.{at}") for at in _AT}
        if spec.dtype == TIME:
            ages = [None if at is None else (as_of.timestamp() - at) / _DAY_SECONDS for at in told.values()]
            told = dict(zip(_AT, reversed(ages), strict=True))
        absent = 1 - found[f"{spec.name}.known"] / max(found["customers"], 1)
        features[spec.name] = Distribution(
            _rounded(absent) or 0.0, **{at: _rounded(v) for at, v in told.items()}, commonest=most.get(spec.name)
        )
    return Distributions(found["customers"], as_of, features)


def _commonest(connection: Any, rows: Any, name: str) -> str | None:
    told = rows.select(value=rows[name]).filter(_.value.notnull()).group_by("value").agg(times=_.count())
    found = connection.to_pyarrow(told.order_by(_.times.desc(), "value").limit(1)).to_pylist()
    return str(found[0]["value"]) if found else None


def _rounded(value: float | None) -> float | None:
    """Three digits that count; None where there is none.

    >>> _rounded(0.123456), _rounded(98765.4)
    (0.123, 98800.0)
    """
    return None if value is None else float(f"{value:.3g}")
