"""A shop multiplied: copies of its customers buy copies of its items, in as many districts as the items need.

A copy of a customer has her facts, her state and her online record; the items of her state are those of her district.
Names of copies begin with a number, so that a store takes them in the order of its keys.
"""

import json
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from features.catalogue import ITEM_SCHEMA, RELATIONS, load_items, merge_items
from features.customer.state import CustomerState, decode, encode
from features.feature_store.online.records import BATCH_VIEW
from features.home import Home
from features.inputs.candidates import ItemTable
from features.log.rules import RESERVED_PREFIX
from pipelines.bundles import current_id, sha256
from serving.dissatisfaction import score_id

_SAME = ("occurred_at", "received_at", "type", "channel", "touchpoint", "source", "payload_hash", "body")
_KNOWN = f"customer_id not like '{RESERVED_PREFIX}%'"
_KNOWN_ORIGIN = f"origin_id not like '{RESERVED_PREFIX}%'"


def multiply(home: Home, customers: int, items: int, *, facts: bool = True) -> None:
    """Copies until there are so many, or a few more, of each.

    Without `facts` a copy has the latest of hers alone: enough to be decided for, at a fortieth of the room.
    """
    known = load_items(home)["item_id"].to_pylist()
    districts = -(-items // len(known))
    if districts > 1:
        more_items(home, districts)
        _more_of_the_bundle(home, districts)
    _more_customers(home, customers, districts, known, facts=facts)


def district_item(item: str, district: int) -> str:
    """An item's name in a district; the first has the items as they were.

    >>> district_item("item-7", 0), district_item("item-7", 12)
    ('item-7', 'b0012-item-7')
    """
    return f"b{district:04}-{item}" if district else item


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Plain values with every text that has another name under that name.

    >>> renamed([["a", 1], {"at": "b"}], {"a": "A", "b": "B"})
    [['A', 1], {'at': 'B'}]
    """
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, list | tuple):
        return [renamed(one, names) for one in value]
    return {k: renamed(v, names) for k, v in value.items()} if isinstance(value, dict) else value


def tiled(table: ItemTable, districts: int) -> ItemTable:
    """The table of a shop of so many districts alike: as many buyers an item, neighbours within the district.

    Of the popular items each district has its share.
    """
    n, edges = len(table), len(table.neighbour_item)
    order = [*range(1, districts), 0]  # as the names sort: those of districts before those without
    start = np.repeat(np.arange(districts, dtype=np.int64), n) * edges + np.tile(table.neighbour_start[:-1], districts)
    shift = np.repeat(np.arange(districts, dtype=np.int32) * n, edges)
    popular = (table.popular[:, None] + np.arange(districts, dtype=np.int32) * n).ravel()[: len(table.popular)]
    repeated = ("buyers", "recent_buyers", "repeat_rate", "gap_days", "price", "category", "neighbour_score")
    return replace(
        table,
        item_id=np.array([district_item(item, d) for d in order for item in table.item_id.tolist()]),
        popular=popular.astype(np.int32),
        neighbour_start=np.append(start, districts * edges),
        neighbour_item=np.tile(table.neighbour_item, districts) + shift,
        **{name: np.tile(getattr(table, name), districts) for name in repeated},
    )


def more_items(home: Home, districts: int) -> None:
    """Copies of all items in the catalogue, what they point at in the same district."""
    rows = load_items(home).to_pylist()
    more = []
    for district in range(1, districts):
        here = {row["item_id"]: district_item(row["item_id"], district) for row in rows}
        more += [row | {k: renamed(row[k], here) for k in ("item_id", *RELATIONS)} for row in rows]
    merge_items(home, pa.Table.from_pylist(more, ITEM_SCHEMA))


def _more_of_the_bundle(home: Home, districts: int) -> None:
    """The bundle in force with the larger item table, under a name of its own, in force."""
    old = home.bundles / str(current_id(home))
    new = old.with_name(f"{old.name}-{districts}")
    shutil.copytree(old, new)
    tiled(ItemTable.load(old / "items.npz"), districts).save(new / "items.npz")
    manifest = json.loads((old / "manifest.json").read_text("utf-8"))
    manifest |= {"id": new.name, "files": manifest["files"] | {"items.npz": sha256(new / "items.npz")}}
    (new / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    (home.bundles / "current.json").write_text(json.dumps({"bundle": new.name, "history": [new.name]}), "utf-8")


def _more_customers(home: Home, customers: int, districts: int, items: list[str], *, facts: bool) -> None:
    with closing(_quick(home.live_db)) as live, closing(_quick(home.online_db)) as online:
        states = live.execute(f"select customer_id, position, body, concern_until from state where {_KNOWN}").fetchall()
        latest = "" if facts else f"and position in (select position from state where {_KNOWN})"
        live.execute(f"create temp table told as select * from facts where origin_id != '' {latest}")
        live.execute("create temp table linked as select * from links")
        (last,) = live.execute("select max(position) from facts").fetchone()
        _name_scores(live)
        people = f"select * from records where view = '{BATCH_VIEW}' and customer_id != '' and {_KNOWN}"
        online.execute(f"create temp table people as {people}")
        copies = -(-customers // len(states)) - 1
        plain = [msgspec.to_builtins(decode(body)) for _, _, body, _ in states]
        bodies: list[bytes] = []
        for number in range(copies):
            district = number * districts // copies
            if not number or district != (number - 1) * districts // copies:
                here = {item: district_item(item, district) for item in items}
                bodies = [encode(msgspec.convert(renamed(one, here), CustomerState)) for one in plain]
            before, shift = f"k{number:05}", last * (number + 1)
            _copy_told(live, before, shift)
            live.executemany(
                "insert into state values (?, ?, ?, ?)",
                [(before + s[0], s[1] + shift, body, s[3]) for s, body in zip(states, bodies, strict=True)],
            )
            live.execute("commit")
            online.execute(
                """insert into records (view, customer_id, event_time, sequence, record, kind)
                select view, ? || customer_id, event_time, sequence, record, kind from people""",
                (before,),
            )


def _copy_told(live: sqlite3.Connection, before: str, shift: int) -> None:
    """All facts and links once more, under names that begin with `before`, at positions moved up by `shift`."""
    live.execute("begin immediate")
    live.execute(
        f"""insert into facts (position, origin_id, event_id, {", ".join(_SAME)})
        select position + ?, case when {_KNOWN_ORIGIN} then ? || origin_id
        else '{RESERVED_PREFIX}' || ? || substr(origin_id, {len(RESERVED_PREFIX) + 1}) end,
        copy_of(?, event_id), {", ".join(_SAME)} from told""",
        (shift, before, before, before),
    )
    live.execute("insert into seen select copy_of(?, event_id), payload_hash from told", (before,))
    live.execute(
        "insert into links select ? || external_id, linked_at, unlinked_at, ? || customer_id from linked",
        (before, before),
    )


def _name_scores(live: sqlite3.Connection) -> None:
    """`copy_of(before, event_id)` in queries: a score is named after its feedback, which is thereby known as judged."""
    feedback = [event_id for (event_id,) in live.execute("select event_id from told where type = 'feedback'")]
    judged = {score_id(event_id): event_id for event_id in feedback}

    def copy_of(before: str, event_id: str) -> str:
        of = judged.get(event_id)
        return before + event_id if of is None else score_id(before + of)

    live.create_function("copy_of", 2, copy_of, deterministic=True)


def _quick(path: Path) -> sqlite3.Connection:
    """A store that nobody else has open, written without waiting for the disk: it can be made anew."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma synchronous = off")
    connection.execute("pragma cache_size = -200000")
    return connection
