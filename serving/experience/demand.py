"""Demand for what is missing: searches that found nothing or went round in circles, by term, and friction by item.

Different people are counted, so that one person's hammering leads nothing. What a few people typed can tell who they
are: terms of fewer than `min_people` are counted, not told.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import pyarrow as pa

from features.instants import from_us
from serving.core.items import Articles
from serving.experience.figures import Trend, ratio
from serving.experience.happened import Happened, Span
from serving.experience.searches import each, find_unmet
from serving.experience.terms import spelt

T = TypeVar("T")
MIN_PEOPLE = 2
SHOWN_ITEMS = 3


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """One term. `people` searched it in vain or in circles in the later period, `times` in all; `searched_by` are those
    who searched it however it ended. `first_at` and `last_at` (in vain or in circles) are over both periods.

    `articles` are items of the catalogue at the report's moment whose title has the term, `in_stock` those of them not
    known to be out of stock; `examples` some of their ids.
    """

    term: str
    people: int
    times: int
    in_vain: int
    in_circles: int
    searched_by: int
    first_at: datetime
    last_at: datetime
    articles: int
    in_stock: int
    examples: list[str]
    trend: Trend


class Lack(msgspec.Struct, frozen=True, kw_only=True):
    """Friction of one kind at one touchpoint over one item (None: it names none). `in_stock` as the catalogue says."""

    touchpoint: str
    kind: str
    item_id: str | None
    title: str | None
    in_stock: bool | None
    people: int
    times: int
    first_at: datetime
    last_at: datetime
    trend: Trend


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """The report. `kept_back` are terms of fewer people than may be told."""

    as_of: datetime
    days: int
    min_people: int
    terms_found: int
    kept_back: int
    terms: list[Term]
    frictions_found: int
    frictions: list[Lack]


def demand(
    found: Happened, span: Span, articles: Articles, *, days: int, min_people: int, most: int, pause: Callable[[], None]
) -> Demand:
    """The report: terms and frictions, the `most` people first. `articles` are those of the span's end."""
    has_before = found.first_at is not None and found.first_at <= span.start
    find_unmet(found, pause)
    totals = found.rows(
        "select count(*) filter (people >= ?), count(*) filter (people < ?) from unmet", *[min_people] * 2
    )
    ((told, kept_back),) = totals
    _titles(found, articles, pause)
    terms = [_told(Term, row, has_before) for row in found.records(_TERMS, min_people, most)]
    lacks = [_told(Lack, row, has_before) for row in found.records(_LACKS)]
    return Demand(
        as_of=from_us(span.now),
        days=days,
        min_people=min_people,
        terms_found=told,
        kept_back=kept_back,
        terms=terms,
        frictions_found=len(lacks),
        frictions=lacks[:most],
    )


def _titles(found: Happened, articles: Articles, pause: Callable[[], None]) -> None:
    """The table `titles`: every item with the spelling of its title that terms are looked for in."""
    ids = list(articles.by_id)
    titles = [articles.by_id[item_id].title for item_id in ids]
    columns = {
        "item_id": pa.array(ids, pa.string()),
        "title": pa.array(titles, pa.string()),
        "in_stock": pa.array(map(articles.in_stock, ids), pa.bool_()),
        "spelt": pa.array(each(titles, _title_term, pause), pa.string()),
    }
    found.engine.register("titles", pa.table(columns))


def _title_term(title: str | None) -> str:
    return spelt(title or "")


def _told(kind: type[T], row: dict[str, Any], has_before: bool) -> T:
    """A row of the report, its instants read and its trend against the period before."""
    before = row.pop("before")
    trend = ratio(row["people"], before) if has_before else Trend("no_history")
    return kind(**row | {"first_at": from_us(row["first_at"]), "last_at": from_us(row["last_at"]), "trend": trend})


_TERMS = f"""
with told as (from unmet where people >= ? order by people desc, times desc, term limit ?),
found as (
    select term, count(*) as articles, count(*) filter (in_stock is distinct from false) as in_stock,
        list_sort(list(item_id))[:{SHOWN_ITEMS}] as examples
    from told join titles on contains(spelt, term) group by term
)
select term, people, times, in_vain, in_circles, searched_by, before, first_at, last_at,
    coalesce(articles, 0) as articles, coalesce(in_stock, 0) as in_stock, coalesce(examples, []) as examples
from told left join found using (term) order by people desc, times desc, term
"""
_LACKS = """
with lacks as (
    select touchpoint, kind, item_id, count(distinct who) filter (is_now) as people, count(*) filter (is_now) as times,
        count(distinct who) filter (not is_now) as before, min(moment) as first_at, max(moment) as last_at
    from happened where type = 'friction' group by all having people > 0
)
select touchpoint, kind, item_id, title, in_stock, people, times, before, first_at, last_at
from lacks left join titles using (item_id)
order by people desc, times desc, touchpoint, kind, item_id nulls first
"""
