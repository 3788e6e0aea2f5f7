"""Searches that were of no use: in vain or in circles, by term, as tables of DuckDB."""

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from serving.experience.happened import Happened
from serving.experience.terms import term_of

CIRCLE = 3
"""So many searches in a row of one session, without a look at any item, go round in circles."""
_AT_ONCE = 5_000


def find_unmet(found: Happened, pause: Callable[[], None]) -> None:
    """Make the table `unmet`: one row a term that was searched in vain or in circles in the later period."""
    _spell(found, pause)
    found.engine.execute(_CIRCLING)
    found.engine.execute(_UNMET)


def each(values: Sequence[Any], change: Callable[[Any], str], pause: Callable[[], None]) -> list[str]:
    """Every value changed, with a pause now and then."""
    changed: list[str] = []
    for start in range(0, len(values), _AT_ONCE):
        changed += [change(value) for value in values[start : start + _AT_ONCE]]
        pause()
    return changed


def _spell(found: Happened, pause: Callable[[], None]) -> None:
    """The table `spelt`: every query and its term."""
    asked = found.rows("select distinct query from happened where action = 'search' and query is not null")
    queries = [query for (query,) in asked]
    terms = each(queries, term_of, pause)
    found.engine.register(
        "spelt", pa.table({"query": pa.array(queries, pa.string()), "term": pa.array(terms, pa.string())})
    )


_CIRCLING = f"""
create temp table circling as
with steps as (
    select event_id, origin, session_id, moment, action = 'search' as is_search,
        action <> 'search' and item_id is not null as is_look
    from happened where type = 'browse'
), busy as (
    select origin, session_id from steps where is_search group by all having count(*) >= {CIRCLE}
), runs as (
    select *, count(*) filter (is_look) over (partition by origin, session_id order by moment, event_id) as looks
    from steps semi join busy using (origin, session_id)
)
select event_id from runs where is_search
qualify count(*) over (partition by origin, session_id, looks) >= {CIRCLE}
"""
_UNMET = """
create temp table searched as
select term, who, moment, is_now, result_count is not distinct from 0 as is_vain,
    event_id in (from circling) as is_circling
from happened join spelt using (query) where type = 'browse' and action = 'search' and term <> '';
create temp table unmet as
select term, count(distinct who) filter (is_now and (is_vain or is_circling)) as people,
    count(*) filter (is_now and (is_vain or is_circling)) as times,
    count(distinct who) filter (is_now and is_vain) as in_vain,
    count(distinct who) filter (is_now and is_circling) as in_circles,
    count(distinct who) filter (is_now) as searched_by,
    count(distinct who) filter (not is_now and (is_vain or is_circling)) as before,
    min(moment) filter (is_vain or is_circling) as first_at, max(moment) filter (is_vain or is_circling) as last_at
from searched group by term having people > 0;
"""
