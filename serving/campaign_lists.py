"""The files of a built campaign list: their columns, and reading them page by page.

A list is a folder of `campaigns/`: `list.parquet` (who is on it), `kept_off.parquet` and `kept_off.csv` (who got no
offer, why, until when), `summary.json` (counts, sums, the money's currency, the actions' names), and a folder
`export-<time>` for each export: only there is a `list.csv` to send, and `dropped.parquet` says who dropped out. A
folder is complete or not there.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from features.columns import CUSTOMER_ID, TIME
from features.home import Home

LIST_SCHEMA = pa.schema(
    [
        pa.field(CUSTOMER_ID, pa.string(), nullable=False),
        pa.field("action_id", pa.string(), nullable=False),
        pa.field("treatment_id", pa.string(), nullable=False),
        pa.field("category", pa.string(), nullable=False),
        pa.field("items", pa.list_(pa.string())),
        pa.field("item_titles", pa.list_(pa.string())),
        pa.field("response_probability", pa.float64()),
        pa.field("expected_gain", pa.float64()),  # minor units
        pa.field("reasons", pa.list_(pa.string())),
        pa.field("reasons_fi", pa.list_(pa.string())),
        pa.field("decision_id", pa.string(), nullable=False),
        pa.field("valid_until", TIME, nullable=False),
        pa.field("stage", pa.string()),  # of her journey (features/customer/journey.py)
    ]
)
KEPT_OFF_SCHEMA = pa.schema(
    [
        pa.field(CUSTOMER_ID, pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),  # a documented code
        pa.field("reason_text", pa.string(), nullable=False),
        pa.field("reason_text_fi", pa.string(), nullable=False),
        pa.field("hold_kind", pa.string()),
        pa.field("until", TIME),  # when it ends by itself, where that is known
        pa.field("review_at", TIME),
        pa.field("release_when", pa.string()),
        pa.field("would_be_action", pa.string()),
        pa.field("would_be_gain", pa.float64()),  # minor units
        pa.field("instead", pa.string()),  # the service action she gets, if any
        pa.field("decision_id", pa.string(), nullable=False),
        pa.field("stage", pa.string()),
    ]
)

DROPPED_SCHEMA = pa.schema(
    [pa.field(name, pa.string(), nullable=False) for name in (CUSTOMER_ID, "reason", "text", "text_fi")]
)
"""Of an export: who dropped out since the list was built, and why."""

EXPORT_BEGINS = "export-"
EXPORT = f"{EXPORT_BEGINS}%Y%m%d-%H%M%S"
"""An export's folder inside its list's, by its UTC time; a dot before it while it is made."""

PREVIEW = "preview-"
"""How the ids of previews begin: lists of a sample, decided without a trace."""

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,119}")


@dataclass(frozen=True)
class Page:
    """Some rows of a list, and how many there are in all under the same filter."""

    rows: list[dict[str, Any]]
    total: int
    number: int
    size: int

    @property
    def first_row(self) -> int:
        """The number of the first row shown, from 1."""
        return (self.number - 1) * self.size + 1

    @property
    def last(self) -> int:
        """The number of the last page; 1 for an empty list."""
        return max(1, -(-self.total // self.size))


def summaries(home: Home) -> list[dict[str, Any]]:
    """The summaries of all complete lists, newest first."""
    found = [one for path in home.campaigns.glob("*/summary.json") if (one := summary(home, path.parent.name))]
    return sorted(found, key=lambda one: (one["built_at"], one["id"]), reverse=True)


def summary(home: Home, campaign_id: str) -> dict[str, Any] | None:
    """One list's summary; None where there is no such complete list."""
    path = folder_of(home, campaign_id) / "summary.json" if _ID.fullmatch(campaign_id) else None
    if path is None or not path.is_file():
        return None
    content: dict[str, Any] = json.loads(path.read_bytes())
    return content


def exports(home: Home, campaign_id: str) -> list[dict[str, Any]]:
    """A list's exports, the latest first: its name, when, how many rows left and how many dropped out."""
    found = []
    for path in sorted(folder_of(home, campaign_id).glob("export-*/list.parquet"), reverse=True):
        at = datetime.strptime(path.parent.name, EXPORT).replace(tzinfo=UTC)
        dropped = path.with_name("dropped.parquet")
        gone = pq.read_metadata(dropped).num_rows if dropped.exists() else 0
        found.append({"name": path.parent.name, "at": at, "kept": pq.read_metadata(path).num_rows, "dropped": gone})
    return found


def read_dropped(home: Home, campaign_id: str, export: str, search: str, number: int, size: int) -> Page:
    """Who dropped out of a list at an export, by customer; `search` (customer) narrows it."""
    path = export_file(home, campaign_id, export, "dropped.parquet")
    return _page(path, {_CUSTOMER: search.lower()}, "customer_id", number, size)


def export_file(home: Home, campaign_id: str, export: str, name: str) -> Path:
    """A file of an export. Raises `ValueError` for what can be none."""
    if not re.fullmatch(r"export-\d{8}-\d{6}", export) or name not in ("list.csv", "list.parquet", "dropped.parquet"):
        raise ValueError(f"{export}/{name} is no file of an export")
    return folder_of(home, campaign_id) / export / name


ORDERS = {
    "gain": "expected_gain desc, customer_id",
    "chance": "response_probability desc, customer_id",
    "customer": "customer_id",
    "action": "action_id, expected_gain desc, customer_id",
}
"""By what a list can be sorted."""


def read_list(
    home: Home, campaign_id: str, action: str, search: str, number: int, size: int, order: str = "gain"
) -> Page:
    """Rows of who is on the list, in one of `ORDERS`; `action` and `search` (customer or title) narrow it unless
    empty.
    """
    title = "contains(lower(array_to_string(item_titles, ' ')), $1)"
    wanted = {"action_id = $1": action, f"({_CUSTOMER} or {title})": search.lower()}
    path = folder_of(home, campaign_id) / "list.parquet"
    return _page(path, wanted, ORDERS.get(order, ORDERS["gain"]), number, size)


def read_kept_off(home: Home, campaign_id: str, reason: str, search: str, number: int, size: int) -> Page:
    """Rows of who was kept off, by customer; `reason` (a code, or `hold:<kind>`) and `search` (customer) narrow it."""
    code = "case when hold_kind is null then reason else reason || ':' || hold_kind end"
    path = folder_of(home, campaign_id) / "kept_off.parquet"
    return _page(path, {f"{code} = $1": reason, _CUSTOMER: search.lower()}, "customer_id", number, size)


def folder_of(home: Home, campaign_id: str) -> Path:
    """Where a list lies; previews have a folder of their own. Raises `ValueError` for what can be no list's id."""
    if not _ID.fullmatch(campaign_id):
        raise ValueError(f"{campaign_id!r} is no campaign's id")
    inside = home.campaigns / "previews" if campaign_id.startswith(PREVIEW) else home.campaigns
    return inside / campaign_id


_CUSTOMER = "contains(lower(customer_id), $1)"
_ROWS = "from read_parquet($1, file_row_number = true)"


def _page(path: Path, wanted: dict[str, str], order: str, number: int, size: int) -> Page:
    """A page of the rows for which each condition holds that is given a value ($1; empty: none), in an order.

    Of all rows only the columns are read that they are chosen and ordered by: of a million a page comes in a third of a
    second.
    """
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        asked = {condition: value for condition, value in wanted.items() if value}
        conditions = [one.replace("$1", f"${place}") for place, one in enumerate(asked, start=2)]
        rows = f"select * {_ROWS} where {' and '.join(['true', *conditions])}"
        given = [str(path), *asked.values()]
        total = pq.read_metadata(path).num_rows
        if len(given) > 1:
            connection.execute(f"create temp table chosen as select file_row_number as row from ({rows})", given)
            total = connection.execute("select count(*) from chosen").fetchall()[0][0]
            rows = f"select * {_ROWS} semi join chosen on file_row_number = row"
        number = min(max(number, 1), max(1, -(-total // size)))
        some = f"select file_row_number from ({rows}) order by {order} limit {size:d} offset {(number - 1) * size:d}"
        shown = [row for (row,) in connection.execute(some, [str(path)]).fetchall()]
    return Page(_rows_of(path, shown), total, number, size)


def _rows_of(path: Path, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """The rows of these numbers, in their order; only the groups of rows are read that hold one."""
    file = pq.ParquetFile(path)
    ends = list(accumulate(file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)))
    groups = {group: file.read_row_group(group) for group in {bisect_right(ends, number) for number in numbers}}
    found = []
    for number in numbers:
        group = bisect_right(ends, number)
        found += groups[group].slice(number - (ends[group] - groups[group].num_rows), 1).to_pylist()
    return found
