"""Lists compared with each other: who is on another one too, and who came and went since the one before.

A list never changes, so that what was counted once is remembered beside it, in `compared.json`; whoever deletes that
loses a moment. It holds counts, no names.
"""

import json
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb

from features.home import Home
from serving.campaign_lists import folder_of
from serving.campaigns.rows import Campaign

_SHARED = "select count(*) from read_parquet(?) semi join read_parquet(?) using (customer_id)"
_MISSING = "select count(*) from read_parquet(?) anti join read_parquet(?) using (customer_id)"


def others(campaigns: Iterable[Campaign], campaign_id: str, list_id: str) -> dict[str, str]:
    """The lists of other campaigns that a list may overlap with, and what their campaigns are called."""
    return {
        one.list_id: one.spec.name
        for one in campaigns
        if one.list_id not in (None, list_id)
        and one.campaign_id != campaign_id
        and one.status in ("review", "approved", "exported")
    }


def overlap(home: Home, list_id: str, others: Sequence[str]) -> dict[str, int]:
    """How many of a list's customers are on each of some other lists, those that share none left out."""
    there = [other for other in others if _rows(home, other).exists()]
    counts = _counted(home, [(_SHARED, list_id, other) for other in there])
    return {other: count for other, count in zip(there, counts, strict=True) if count}


def difference(home: Home, before: str, after: str) -> tuple[int, int]:
    """How many customers came onto a list, and how many left it, since an earlier one."""
    came, left = _counted(home, [(_MISSING, after, before), (_MISSING, before, after)])
    return came, left


def _counted(home: Home, asked: Sequence[tuple[str, str, str]]) -> list[int]:
    """A count of each query over two lists; those not remembered are counted, and remembered beside the first."""
    remembered = {one: _remembered(home, one) for one in {one for _, one, _ in asked}}
    found = []
    for query, one, other in asked:
        known, key = remembered[one], f"{'shared with' if query is _SHARED else 'not on'} {other}"
        if key not in known:
            known[key] = _count(home, query, one, other)
            _remember(home, one, known)
        found.append(known[key])
    return found


def _count(home: Home, query: str, one: str, other: str) -> int:
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        paths = [str(_rows(home, one)), str(_rows(home, other))]
        return int(connection.sql(query, params=paths).fetchall()[0][0])


def _rows(home: Home, list_id: str) -> Path:
    return folder_of(home, list_id) / "list.parquet"


def _remembered(home: Home, list_id: str) -> dict[str, int]:
    try:
        found = json.loads((folder_of(home, list_id) / "compared.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _remember(home: Home, list_id: str, known: dict[str, int]) -> None:
    path = folder_of(home, list_id) / "compared.json"
    draft = path.with_name(f".compared-{secrets.token_hex(4)}")
    draft.write_text(json.dumps(known), encoding="utf-8")
    draft.replace(path)
