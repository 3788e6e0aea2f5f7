"""The catalogue put in words for the terminal: an overview, or one item with its rows, stock and relations."""

from datetime import UTC, datetime
from typing import Any

import pyarrow.compute as pc
from rich.console import Group
from rich.table import Table

from features.catalogue import RELATIONS, items_at, load_items
from features.catalogue_checks import COSTS, unsaid
from features.columns import ITEM_ID
from features.errors import DataError
from features.home import Home
from serving.core.articles import StockWord
from serving.core.items import Articles
from serving.records import Records
from serving.stock import StockOver, told_since


def items_shown(home: Home, at: datetime) -> tuple[dict[str, Any], Any]:
    """How many items there are at a moment, what they say and leave unsaid, and what was told of stock since."""
    rows = load_items(home)
    if not rows.num_rows:
        raise DataError("There is no catalogue. Import one: tahdikas catalogue import FILE.")
    items = items_at(rows, at)
    articles, words = _with_stock(home, Articles.of(items))
    out = sum(articles.in_stock(item) is False for item in articles.by_id)
    data = {
        "rows": rows.num_rows,
        "items": items.num_rows,
        "later": len(set(rows[ITEM_ID].to_pylist()) - set(articles.by_id)),
        "out_of_stock": out,
        "stock_told": len(words),
        "in_season": sum(articles.showable(i, at.month) for i in articles.by_id if articles.by_id[i].months),
        "seasonal": sum(bool(one.months) for one in articles.by_id.values()),
        "unsaid": unsaid(items),
    } | {name: sum(bool(getattr(one, name)) for one in articles.by_id.values()) for name in RELATIONS}
    table = Table("", "items", box=None)
    words_of = {
        "items": f"at {at:%Y-%m-%d %H:%M} UTC, of {rows.num_rows} rows",
        "later": "not valid then",
        "out_of_stock": "out of stock",
        "stock_told": "whose stock was told beside the catalogue",
        "seasonal": "with season months",
        "in_season": "of these in season and stock",
    } | {name: f"with {name}" for name in RELATIONS}
    for name, text in words_of.items():
        table.add_row(text, str(data[name]))
    for name, count in unsaid(items).items():
        table.add_row(f"without {name}: {COSTS[name]}", str(count))
    return data, table


def item_shown(home: Home, item_id: str, at: datetime) -> tuple[dict[str, Any], Any]:
    """One item's rows, which of them counts at a moment, its stock, and its relations both ways."""
    rows = load_items(home)
    own = rows.filter(pc.equal(rows[ITEM_ID], item_id)).to_pylist()
    if not own:
        raise DataError(f"The catalogue has no item {item_id!r}. See what it has: tahdikas catalogue export FILE.csv.")
    now = items_at(rows, at)
    articles, words = _with_stock(home, Articles.of(now))
    counts = next((row for row in now.to_pylist() if row[ITEM_ID] == item_id), None)
    word = next((word for word in words if word.item_id == item_id), None)
    related = {
        "accessories": articles.accessories.get(item_id, []),
        "services": articles.services.get(item_id, []),
        "stands_in": articles.replacements(item_id),
    }
    told = None if word is None else {"in_stock": word.in_stock, "occurred_at": _moment(word.occurred_at).isoformat()}
    data = {
        "item_id": item_id,
        "now": counts,
        "in_stock": articles.in_stock(item_id),
        "showable": articles.showable(item_id, at.month),
        "told": told,
        **related,
        "rows": own,
    }
    table = Table("", *(_span(row) for row in own), box=None)
    for name in own[0]:
        if name not in (ITEM_ID, "valid_from", "valid_to") and any(row[name] is not None for row in own):
            table.add_row(name, *(_cell(row[name]) for row in own))
    stands = {True: "in stock", False: "out of stock", None: "stock not known"}[data["in_stock"]]
    row = "not in the catalogue" if counts is None else _span(counts)
    may = "may be shown" if data["showable"] else "is not shown"
    lines = [
        f"{item_id} at {at:%Y-%m-%d %H:%M} UTC: {row}, {stands}, {may}",
        *([] if told is None else [f"stock told: {told['in_stock']} at {told['occurred_at']}"]),
        *(f"{name.replace('_', ' ')}: {', '.join(found)}" for name, found in related.items() if found),
    ]
    return data, Group(*lines, table)


def _with_stock(home: Home, articles: Articles) -> tuple[Articles, list[StockWord]]:
    records = Records(home)
    try:
        return StockOver(records.connection).over(articles), told_since(records.connection())[0]
    finally:
        records.close()


def _moment(micros: int) -> datetime:
    return datetime.fromtimestamp(micros / 1e6, UTC)


def _span(row: dict[str, Any]) -> str:
    since, until = row["valid_from"], row["valid_to"]
    begun = "always" if since is None else f"from {since:%Y-%m-%d %H:%M}"
    return begun if until is None else f"{begun} to {until:%Y-%m-%d %H:%M}"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
