"""The point-in-time join on Spark: each feature row is seen for one span of time, and spans of a key do not overlap.

So a left join on key and span gives every spine row once. Columns go by number until the end; Spark takes names in
quotes for patterns once Feast has told it to.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from features.columns import EVENT_TIMESTAMP
from features.errors import DataError
from features.feature_store.point_in_time import History, check_spine, joined_names

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_TIMES = ("timestamp", "timestamp_ntz", "date", "void")


def joined_frame(
    spine: "DataFrame", histories: Sequence[tuple[History, "DataFrame"]], *, full: bool = False
) -> "DataFrame":
    """The spine's columns and each history's features, in any order of rows; nothing runs yet."""
    from pyspark.sql import functions as F  # noqa: N812

    told = [history for history, _ in histories]
    check_spine(spine.columns, told)
    names = [name for own in joined_names(spine.columns, told, full=full) for name in own]
    kinds = dict(spine.dtypes)
    places = {name: f"s{n}" for n, name in enumerate(spine.columns)}
    joined = spine.toDF(*places.values())
    time = _micros(F.col(places[EVENT_TIMESTAMP]), kinds[EVENT_TIMESTAMP], "spine's event_timestamp")
    joined = joined.withColumn("t", time)
    kept = [F.col(place) for place in places.values()]
    for number, (history, rows) in enumerate(histories):
        own = f"v{number}_"
        on = [F.col(places[key]) == F.col(f"{own}k{n}") for n, (_, key) in enumerate(history.keys)]
        on += [F.col("t") >= F.col(f"{own}since")]
        on += [F.col(f"{own}until").isNull() | (F.col("t") < F.col(f"{own}until"))]
        joined = joined.join(_spans(history, rows, own), on, "left")
        alive = F.lit(True) if history.ttl_us is None else F.col(f"{own}e") >= F.col("t") - history.ttl_us
        kept += [F.when(alive, F.col(f"{own}f{n}")) for n in range(len(history.features))]
    return joined.select(*(column.alias(f"c{n}") for n, column in enumerate(kept))).toDF(*spine.columns, *names)


def _spans(history: History, rows: "DataFrame", own: str) -> "DataFrame":
    """The rows that are ever seen, each from `since` to before `until` (null: for ever); columns start with `own`."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F  # noqa: N812

    kinds = dict(rows.dtypes)
    event = _micros(_column(history.event), kinds[history.event], history.event)
    created = _micros(_column(history.created), kinds[history.created], history.created) if history.created else event
    keys = [f"{own}k{n}" for n in range(len(history.keys))]
    order = [_column(name).alias(f"{own}o{n}") for n, name in enumerate(history.ordering)]
    wanted = [_column(name).alias(f"{own}f{n}") for n, name in enumerate(history.features)]
    named = [_column(here).alias(key) for (here, _), key in zip(history.keys, keys, strict=True)]
    told = rows.select(*named, event.alias(f"{own}e"), created.alias(f"{own}c"), *wanted, *order)
    since = F.greatest(f"{own}e", f"{own}c") if history.known_by_created else F.col(f"{own}e")
    needed = [f"{own}e", f"{own}c"] if history.known_by_created else [f"{own}e"]
    told = told.dropna(subset=[*keys, *needed]).withColumn(f"{own}since", since)
    rising = [f"{own}since", f"{own}e", f"{own}c", *(f"{own}o{n}" for n in range(len(order)))]
    upwards = Window.partitionBy(*keys).orderBy(*(F.col(name).asc_nulls_first() for name in rising))
    newest = F.max(f"{own}e").over(upwards.rowsBetween(Window.unboundedPreceding, Window.currentRow))
    turns = told.withColumns({f"{own}newest": newest, f"{own}next": F.lead(f"{own}since").over(upwards)})
    seen = turns.where(
        (F.col(f"{own}e") == F.col(f"{own}newest"))
        & (F.col(f"{own}next").isNull() | (F.col(f"{own}next") > F.col(f"{own}since")))
    )
    one_each = Window.partitionBy(*keys).orderBy(f"{own}since")
    spans = seen.withColumn(f"{own}until", F.lead(f"{own}since").over(one_each))
    features = [f"{own}f{n}" for n in range(len(wanted))]
    return spans.select(*keys, f"{own}since", f"{own}until", f"{own}e", *features)


def _column(name: str) -> "Column":
    from pyspark.sql import functions as F  # noqa: N812

    return F.col("`" + name.replace("`", "``") + "`")


def _micros(column: "Column", kind: str, what: str) -> "Column":
    """A time as whole microseconds; one without zone is UTC, as the session is."""
    from pyspark.sql import functions as F  # noqa: N812

    if kind not in _TIMES:
        raise DataError(f"The {what} is of the type {kind}, not a time. Convert it to timestamps in UTC.")
    return F.unix_micros(column.cast("timestamp"))
