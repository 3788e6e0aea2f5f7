"""The point-in-time join on DuckDB: which feature row each spine row sees is found on keys and times alone.

Features are fetched at the end, by file and row number, in one pass over the files; so memory is that of the keys and
of the result, and what exceeds the limit is spilled.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import duckdb
import pyarrow as pa

from features.columns import EVENT_TIMESTAMP
from features.errors import DataError
from features.feature_store.point_in_time import History
from features.feature_store.snapshots import parquet_of

Spine: TypeAlias = pa.Table | Path | str
"""Rows that ask: an Arrow table, a Parquet file or folder, or a query in DuckDB's SQL."""

_GIVEN = "given"


@contextmanager
def join_engine(scratch: Path | None, memory_gb: float | None, threads: int | None) -> Iterator[Any]:
    """A DuckDB of our own that spills into a folder under `scratch` and leaves nothing there."""
    with TemporaryDirectory(dir=scratch, prefix=".spill-") as spill:
        settings: dict[str, Any] = {"temp_directory": spill}
        if memory_gb is not None:
            settings["memory_limit"] = f"{memory_gb}GB"
        if threads is not None:
            settings["threads"] = threads
        with duckdb.connect(config=settings) as connection:
            connection.execute("set timezone = 'UTC'")
            yield connection


def spine_columns(connection: Any, spine: Spine) -> dict[str, str]:
    """Make the spine's rows known as a view; names and DuckDB's types, in order."""
    if isinstance(spine, pa.Table):  # by number: DuckDB does not tell Label from label
        connection.register(_GIVEN, spine.rename_columns([f"g{n}" for n in range(spine.num_columns)]))
        names = spine.column_names
    else:
        query = spine if isinstance(spine, str) else f"select * from {_parquet(_parts(spine))}"
        connection.execute(f"create temp view {_GIVEN} as {query}")
        names = [row[0] for row in connection.execute(f"describe {_GIVEN}").fetchall()]
    types = [row[1] for row in connection.execute(f"describe {_GIVEN}").fetchall()]
    if len(set(names)) < len(names):
        raise DataError(f"The spine has a column twice: {', '.join(names)}. Rename one.")
    return dict(zip(names, types, strict=True))


def join_query(
    connection: Any,
    columns: dict[str, str],
    histories: Sequence[tuple[History, Sequence[Path], dict[str, str]]],
) -> str:
    """SQL of the joined rows, in the spine's order: its columns, then each history's features.

    A history comes with its Parquet files and the SQL types of its features, which count where there are no files.
    The columns of the result are named by number; all of the work but the fetching is done here.
    """
    _number_spine(connection, columns)
    places = {name: f"s{n}" for n, name in enumerate(columns)}
    selected, fetched = list(places.values()), ""
    for number, (history, files, types) in enumerate(histories):
        outs = [f"v{number}_{place}" for place in range(len(history.features))]
        if not files:
            selected += [f"null::{types[name]} as {out}" for name, out in zip(history.features, outs, strict=True)]
            continue
        _find_rows(connection, number, history, files, places)
        aliased = ", ".join(
            ["h.n", *(f"p.{quoted(name)} as {out}" for name, out in zip(history.features, outs, strict=True))]
        )
        fetched += (
            f" left join (select {aliased} from {_parquet(files)} p join hits{number} h"
            f" on p.file_index = h.f and p.file_row_number = h.r) v{number} on v{number}.n = spine.n"
        )
        selected += outs
    return f"select {', '.join(selected)} from spine{fetched} order by spine.n"


def quoted(name: str) -> str:
    """A column's name as DuckDB reads it."""
    return '"' + name.replace('"', '""') + '"'


def _number_spine(connection: Any, columns: dict[str, str]) -> None:
    """The spine as a table: its row numbers `n`, times `t` in microseconds, and columns s0, s1, ..."""
    inside = [row[0] for row in connection.execute(f"describe {_GIVEN}").fetchall()]
    of = dict(zip(columns, inside, strict=True))
    time = _micros(quoted(of[EVENT_TIMESTAMP]), columns[EVENT_TIMESTAMP], "spine's event_timestamp")
    kept = ", ".join(f"{quoted(name)} as s{place}" for place, name in enumerate(inside))
    connection.execute(
        f"create temp table spine as select row_number() over () as n, {time} as t, {kept} from {_GIVEN}"
    )


def _find_rows(connection: Any, number: int, history: History, files: Sequence[Path], places: dict[str, str]) -> None:
    """A table `hits<number>` of (spine row n, file f, row in the file r), with no row where nothing is seen."""
    rows = _parquet(files)
    types = {row[0]: row[1] for row in connection.execute(f"describe select * from {rows}").fetchall()}
    names = [history.event, *([history.created] if history.created else []), *(here for here, _ in history.keys)]
    if lacking := [name for name in (*names, *history.features) if name not in types]:
        raise DataError(f"{history.view} lacks the columns {', '.join(lacking)} in {files[0]}. Build snapshots again.")
    event = _micros(f"p.{quoted(history.event)}", types[history.event], history.event)
    created = event
    if history.created:
        created = _micros(f"p.{quoted(history.created)}", types[history.created], history.created)
    since = "greatest(e, c)" if history.known_by_created else "e"
    keys = [f"k{place}" for place in range(len(history.keys))]
    asking = [places[key] for _, key in history.keys]
    same = " and ".join(f"p.{quoted(here)} = {key}" for (here, _), key in zip(history.keys, keys, strict=True))
    connection.execute(
        f"create or replace temp table askers as select *, row_number() over () as k from (select distinct "
        f"{', '.join(f'{a} as {key}' for a, key in zip(asking, keys, strict=True))} from spine"
        f" where {' and '.join(f'{a} is not null' for a in asking)})"
    )
    alive = "" if history.ttl_us is None else f" and e >= (select min(t) from spine) - {history.ttl_us}"
    known = " and c is not null" if history.known_by_created else ""
    connection.execute(f"""
        create or replace temp table visible as
        with told as (
            select askers.k, {event} as e, {created} as c, p.file_index as f, p.file_row_number as r
            from {rows} p join askers on {same}
        ), timely as (
            select *, {since} as since from told where e <= (select max(t) from spine){alive}{known}
        ), turns as (
            select *, max(e) over upwards as newest, lead(since) over upwards as following,
                coalesce(lag(e) over upwards = e and lag(c) over upwards is not distinct from c, false) as tied
            from timely window upwards as (partition by k order by since, e, c nulls first)
        )
        select k, since, e, c, f, r, tied from turns where e = newest and (following is null or following > since)
    """)
    if connection.execute("select bool_or(tied) from visible").fetchone()[0]:
        _settle_ties(connection, rows, same, event, created, history.ordering)
    lives = "" if history.ttl_us is None else f" where v.e >= s.t - {history.ttl_us}"
    found = " and ".join(f"{a} = {key}" for a, key in zip(asking, keys, strict=True))
    connection.execute(
        f"create temp table hits{number} as select s.n, v.f, v.r"
        f" from (select n, t, k from spine join askers on {found}) s"
        f" asof join visible v on s.k = v.k and s.t >= v.since{lives}"
    )


def _settle_ties(connection: Any, rows: str, same: str, event: str, created: str, ordering: Sequence[str]) -> None:
    """Where rows of a key have both times in common, let the one with the greatest features be seen."""
    greatest = ", ".join(f"p.{quoted(name)} desc nulls last" for name in ordering) or "f, r"
    connection.execute(f"""
        create or replace temp table visible as
        select k, since, e, c, f, r, false as tied from visible where not tied
        union all
        select k, since, e, c, f, r, false as tied from (
            select v.k, v.since, v.e, v.c, p.file_index as f, p.file_row_number as r,
                row_number() over (partition by v.k, v.since order by {greatest}) as place
            from (select * from visible where tied) v join askers using (k)
            join {rows} p on {same} and {event} = v.e and {created} is not distinct from v.c
        ) where place = 1
    """)


def _micros(column: str, kind: str, what: str) -> str:
    """SQL of a time as whole microseconds, rounded down; a time without zone is UTC."""
    if kind == '"NULL"':
        return "null::bigint"
    if kind in ("TIMESTAMP_NS", "TIMESTAMPTZ_NS"):  # DuckDB's division rounds towards zero
        return f"((epoch_ns({column}) - ((epoch_ns({column}) % 1000) + 1000) % 1000) // 1000)"
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        return f"epoch_us({column})"
    raise DataError(f"The {what} is of the type {kind}, not a time. Convert it to timestamps in UTC.")


def _parquet(files: Sequence[Path]) -> str:
    return parquet_of(files)


def _parts(path: Path) -> list[Path]:
    return sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
