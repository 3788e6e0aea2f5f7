"""A small RetailRocket folder to be read by eye, and one of any size. Times are milliseconds since 1970."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc_csv

HEADERS = {
    "events": "timestamp,visitorid,event,itemid,transactionid",
    "item_properties_part1": "timestamp,itemid,property,value",
    "item_properties_part2": "timestamp,itemid,property,value",
    "category_tree": "categoryid,parentid",
}
NOON = 1_433_160_000_000  # 2015-06-01 12:00 UTC
MINUTE = 60_000
WEEK = 7 * 24 * 60 * MINUTE


def at(minutes: float) -> int:
    """So many minutes after the noon of the first of June 2015."""
    return int(NOON + minutes * MINUTE)


SMALL = {
    "events": f"""
{at(40)},7,addtocart,100,
{at(0)},7,view,100,
{at(10)},7,view,200,
{at(40.5)},7,transaction,100,5000
{at(41)},7,transaction,200,5000
{at(41)},7,transaction,200,5000
{at(71.1)},7,view,300,
{at(5)},8,view,100,
{at(5)},8,view,100,
{at(6)},8,like,100,
{at(7)},,view,100,
{at(8)},8,view,,
noon,8,view,100,
{at(9)},9,transaction,100,
{at(10)},9,transaction,300,5001
{at(11)},9,transaction,100,5002
{at(12)},8,transaction,100,5002
""",
    "item_properties_part1": f"""
{at(0) - WEEK},100,790,n12.340
{at(0) - WEEK},100,categoryid,213
{at(0) - WEEK},100,888,1116713 960601 n277.200
{at(0) + WEEK},100,790,n15.000
{at(0) + WEEK},100,categoryid,213
{at(0) - WEEK},100,available,1
{at(0) + WEEK},100,available,0
""",
    "item_properties_part2": f"""
{at(0) + WEEK},200,790,n480.000 55
{at(0) + 2 * WEEK},200,790,n480.000
{at(0) + 2 * WEEK},100,categoryid,999
{at(0) - WEEK},300,790,nInfinity
never,300,790,n1.000
""",
    "category_tree": """
1016,213
809,169
213,9
9,
169,
""",
}


def write_small(folder: Path, **changed: str) -> Path:
    """The small folder; `changed` gives other rows for a file."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, header in HEADERS.items():
        (folder / f"{name}.csv").write_text(f"{header}\n{changed.get(name, SMALL[name]).lstrip()}", encoding="utf-8")
    return folder


def write_large(folder: Path, events: int, *, properties: int | None = None, weeks: int = 20, seed: int = 1) -> Path:
    """A folder of so many events over so many weeks, of a visitor for every two, not in order; 1 % are transactions."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(seed)
    items = max(100, events // 50)
    step = 1_000_000
    for first in range(0, events, step):
        count = min(step, events - first)
        kinds = draw.choice(["view", "addtocart", "transaction"], count, p=[0.96, 0.03, 0.01])
        visitors = draw.integers(0, max(10, events // 2), count)
        deals = [str(first + place) if kind == "transaction" else None for place, kind in enumerate(kinds.tolist())]
        columns = {
            "timestamp": NOON + draw.integers(0, weeks * WEEK, count),
            "visitorid": visitors,
            "event": kinds,
            "itemid": draw.integers(0, items, count),
            "transactionid": pa.array(deals, pa.string()),
        }
        _append(folder / "events.csv", pa.table(columns), first == 0)
    wanted = 2 * events if properties is None else properties
    for part in (1, 2):
        for first in range(0, wanted // 2, step):
            count = min(step, wanted // 2 - first)
            names = draw.choice(["790", "categoryid", "available", "888"], count, p=[0.2, 0.1, 0.1, 0.6])
            values = draw.integers(0, 50, count).astype(str)
            told = {"790": "n{}.000", "categoryid": "{}", "888": "960601 n{}.000 1116713"}
            texts = [
                str(int(value) % 2) if name == "available" else told[name].format(value)
                for name, value in zip(names.tolist(), values.tolist(), strict=True)
            ]
            columns = {
                "timestamp": NOON + WEEK * draw.integers(-1, weeks, count),
                "itemid": draw.integers(0, items, count),
                "property": names,
                "value": texts,
            }
            _append(folder / f"item_properties_part{part}.csv", pa.table(columns), first == 0)
    tree = "".join(f"{number},{number // 3 if number >= 3 else ''}\n" for number in range(50))
    (folder / "category_tree.csv").write_text(f"{HEADERS['category_tree']}\n{tree}", encoding="utf-8")
    return folder


def _append(file: Path, rows: pa.Table, first: bool) -> None:
    options = pc_csv.WriteOptions(include_header=first, quoting_style="none")
    with file.open("wb" if first else "ab") as out:
        pc_csv.write_csv(rows, out, options)
