"""A catalogue file is taken in whole or not at all, and every fault says where it is and what to do."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.catalogue import items_at, load_items
from features.errors import DataError, SourceError
from features.home import Home
from pipelines.catalogue import check_catalogue, export_items, import_items

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
HEADER = "item_id,title,category,price,margin,in_stock,season_months,consumable,"
GOOD = f"""{HEADER}accessory_of,service_for,replaces,valid_from
bike,Bicycle,bicycles/city,89900,20000,true,,false,,,,
tyre,"Winter tyre, 28",bicycles/tyres,4900,2000,TRUE,10 | 11|12,,bike,,tyre-1,2026-10-01T02:00:00+02:00
tyre-1,,,,,false,,,bike,,,
tune,Tune-up,services,7900,,,,,,bike|tyre,,
"""


@pytest.fixture
def home(tmp_path):
    return Home.open(tmp_path / "home")


@pytest.fixture
def take(home, tmp_path):
    """Import a text as a file: `take(text)`; gives the report."""

    def run(text, name="items.csv", **more):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return import_items(home, path, now=NOW, **more)

    return run


def faults(report):
    return [fault.partition(": ")[2] for fault in report.faults]


def by_id(home):
    return {row["item_id"]: row for row in load_items(home).to_pylist()}


def test_a_file_is_taken_as_it_says(home, take):
    report = take(GOOD)
    assert (report.taken, report.rows, report.new_items, report.items) == (True, 4, 4, 4)
    found = by_id(home)
    assert found["tyre"] | {"stock_at": None, "valid_from": None} == {
        "item_id": "tyre", "title": "Winter tyre, 28", "category": "bicycles/tyres", "price": 4900, "margin": 2000,
        "in_stock": True, "season_months": [10, 11, 12], "consumable": None, "accessory_of": ["bike"],
        "service_for": None, "replaces": ["tyre-1"], "knowledge_url": None, "valid_from": None, "valid_to": None,
        "stock_at": None,
    }  # fmt: skip
    assert found["tyre"]["valid_from"] == OCTOBER
    assert found["tune"]["service_for"] == ["bike", "tyre"]


def test_stock_is_said_of_now_or_of_when_the_row_begins_unless_the_file_says_when(home, take):
    take("item_id,in_stock,stock_at,valid_from\na,true,,\nb,true,,2026-10-01\nc,true,2026-08-01,\nd,,,\n")
    assert {item: row["stock_at"] for item, row in by_id(home).items()} == {
        "a": NOW,
        "b": OCTOBER,
        "c": datetime(2026, 8, 1, tzinfo=UTC),
        "d": None,
    }


def test_rows_without_a_beginning_get_the_one_asked_for(home, take):
    take("item_id,price\nlamp,100\n")
    take("item_id,price,valid_from\nlamp,200,\nrug,300,2026-01-01\n", valid_from=OCTOBER)
    prices = [row["price"] for row in items_at(load_items(home), NOW).to_pylist()]
    assert prices == [100, 300]
    assert [row["price"] for row in items_at(load_items(home), OCTOBER).to_pylist()] == [200, 300]


def test_taking_the_same_file_again_changes_nothing(home, take):
    take(GOOD)
    before = load_items(home)
    assert take(GOOD).new_items == 0
    assert load_items(home).equals(before)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("item_id,price\n,100\n", "line 2: item_id None is missing. Give the row one"),
        ("item_id\n lamp\n", "line 2: item_id ' lamp' is no usable id. Use 1 to 200 characters"),
        ("item_id\nla\u200bmp\n", "is no usable id"),
        ("item_id,price\nlamp,1\nrug,1\nlamp,2\n", "line 4: item_id 'lamp' is there twice (see line 2). Keep one"),
        (
            "item_id,price\nlamp,12.50\n",
            "line 2 (lamp): price '12.50' is no whole number of minor units (cents). Write",
        ),
        ("item_id,price\nlamp,-1\n", "line 2 (lamp): price -1 is below 0. State minor units (cents), 0 or more."),
        ("item_id,margin\nlamp,-1\n", "margin -1 is below 0"),
        ("item_id,price\nlamp,1000000000001\n", "price 1000000000001 is above 1000000000000. State minor units"),
        ("item_id,in_stock\nlamp,yes\n", "in_stock 'yes' is neither true nor false. Write true or false"),
        ("item_id,season_months\nlamp,10|13\n", "season_months [10, 13] has a month outside 1 to 12. Name months 1"),
        ("item_id,season_months\nlamp,0\n", "season_months [0] has a month outside 1 to 12"),
        ("item_id,season_months\nlamp,300\n", "season_months [300] has a month outside 1 to 12"),
        (
            "item_id,season_months\nlamp,Oct\n",
            "season_months 'Oct' is no list of months. Write months 1 to 12 with a bar",
        ),
        ("item_id,accessory_of\nlamp,lamp\n", "accessory_of ['lamp'] names the item itself. Take it out"),
        ("item_id,replaces\nlamp,rug||sofa\n", "replaces ['rug', '', 'sofa'] has an empty entry. Take it out"),
        ('item_id,replaces\nlamp,"[""rug""]"\n', "is no list of ids. Write ids with a bar between them: a|b."),
        ("item_id,valid_from\nlamp,1.10.2026\n", "valid_from '1.10.2026' is no moment with its time zone. Write 2026-"),
        ("item_id,valid_from\nlamp,2026-10-01T08:00\n", "is no moment with its time zone"),
        (
            "item_id,valid_from,valid_to\nlamp,2026-10-01,2026-09-01\n",
            "valid_to '2026-09-01 00:00:00+00:00' is not after valid_from. Correct one of them",
        ),
        ("item_id,replaces\na,b\nb,a\n", "a replaces b replaces a: a loop. Take one of these replaces out."),
        ("item_id,accessory_of\na,b\nb,c\nc,a\n", "a is an accessory of b is an accessory of c is an accessory of a"),
        ('item_id,title,price\nlamp,"two\nlines",1\nrug,x,much\n', "line 4 (rug): price 'much'"),
        ("item_id,price\n\nlamp,much\n", "row 1 (lamp): price 'much'"),
    ],
)
def test_a_fault_is_named_with_its_place_value_and_remedy_and_nothing_is_taken(home, take, text, words):
    take("item_id,price\nsofa,100\n")
    before = home.catalogue.read_bytes()
    report = take(text, "new.csv")
    assert not report.taken and len(report.faults) == 1
    assert "new.csv" in report.faults[0] and words in faults(report)[0]
    assert home.catalogue.read_bytes() == before


def test_every_fault_is_named_at_once(take):
    report = take("item_id,price,in_stock\na,-1,yes\nb,x,true\n")
    assert [fault.split(" ")[1:4] for fault in faults(report)] == [
        ["2", "(a):", "in_stock"],
        ["2", "(a):", "price"],
        ["3", "(b):", "price"],
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("item_id,prise\nlamp,1\n", r"line 1: unknown columns \['prise'\]. Is 'prise' meant as 'price'\?"),
        ("title,price\nlamp,1\n", "line 1: there is no column item_id"),
        ("item_id,price,price\nlamp,1,1\n", r"columns \['price'\] are there twice"),
        ("item_id,price\nlamp,1\nrug,2", "no line end after its last line 3, so it may be cut"),
        ("item_id,price\nlamp,1,5\n", "is broken .* export it again"),
        ("item_id,price\n", "holds no item"),
        ("", "is empty"),
    ],
)
def test_a_file_broken_as_a_whole_is_refused(home, take, text, words):
    take("item_id,price\nsofa,100\n")
    before = home.catalogue.read_bytes()
    with pytest.raises(SourceError, match=words):
        take(text, "new.csv")
    assert home.catalogue.read_bytes() == before


def test_a_torn_or_foreign_parquet_file_is_refused(home, tmp_path):
    path = tmp_path / "items.parquet"
    pq.write_table(pa.table({"item_id": ["a", "b"], "price": [1, 2]}), path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with pytest.raises(SourceError, match="may be cut"):
        import_items(home, path, now=NOW)
    pq.write_table(pa.table({"item_id": ["a"], "price": [1.5]}), path)
    with pytest.raises(SourceError, match="price"):
        import_items(home, path, now=NOW)
    with pytest.raises(SourceError, match="is read as"):
        import_items(home, tmp_path / "items.xlsx", now=NOW)
    with pytest.raises(SourceError, match="There is no file"):
        import_items(home, tmp_path / "none.csv", now=NOW)
    assert not home.catalogue.exists()
    path.write_bytes(whole)
    assert import_items(home, path, now=NOW).taken


def test_faults_of_a_parquet_file_are_named_by_row(home, tmp_path):
    path = tmp_path / "items.parquet"
    pq.write_table(pa.table({"item_id": ["a", "b"], "price": [1, -2], "season_months": [[1], [300]]}), path)
    told = faults(import_items(home, path, now=NOW))
    assert told[0].startswith("row 2 (b): price -2") and told[1].startswith("row 2 (b): season_months [300]")


def test_what_looks_wrong_is_taken_and_said(take):
    report = take("item_id,category,price,margin,accessory_of\nlamp,,100,200,table\nrug,home,100,20,lamp\n")
    assert report.taken
    assert [warning.partition(". ")[0] for warning in report.warnings] == [
        "line 2 (lamp): margin 200 is above the price",
        "line 2 (lamp): accessory_of 'table' names an item that the catalogue does not have",
    ]
    assert report.unsaid == {"title": 2, "category": 1, "in_stock": 2, "consumable": 2}
    assert "1 of 2 rows do not say category: no suggestions by what she looks into" in str(report)


def test_a_loop_with_what_is_there_already_is_refused_and_one_there_already_stops_nobody(home, take):
    take("item_id,replaces\nnew,old\n")
    assert "new replaces old replaces new" in take("item_id,replaces\nold,new\n").faults[0]
    assert take("item_id,replaces\nold,new\nnew,\n").taken, "turned round in one go"
    assert check_catalogue(home).faults == []


def test_items_that_take_turns_over_time_are_no_loop(take):
    turns = "item_id,replaces,valid_from,valid_to\na,b,,2026-10-01\nb,a,2026-10-01,\n"
    assert take(turns).faults == []
    assert (
        "a replaces b replaces a from 2026-10-01 00:00 UTC on"
        in take(turns.replace(",2026-10-01\nb", ",\nb")).faults[0]
    )


def test_checking_only_takes_nothing(home, take):
    report = take(GOOD, check_only=True)
    assert not report.taken and report.new_items == 4 and "4 rows in order" in str(report)
    assert not home.catalogue.exists()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_what_is_exported_is_taken_back_the_same(home, take, tmp_path, kind):
    take(GOOD)
    take("item_id,season_months,stock_at\nnone,,2026-01-01\n")
    before = load_items(home)
    path = tmp_path / f"out.{kind}"
    assert export_items(home, path) == 5
    other = Home.open(tmp_path / "other")
    assert import_items(other, path, now=NOW).taken
    assert load_items(other).equals(before)
    assert export_items(home, path, NOW) == 4, "the tyre comes in October"


def test_an_empty_catalogue_is_said_to_be_none(home):
    with pytest.raises(DataError, match="tahdikas catalogue import"):
        check_catalogue(home)


def test_a_killed_import_leaves_the_old_catalogue_or_the_new_one(home, take, tmp_path):
    take("item_id,price\nold,1\n")
    count = 20_000
    path = tmp_path / "many.csv"
    path.write_text("item_id,price\n" + "".join(f"i{n},{n}\n" for n in range(count)))
    command = [sys.executable, "-m", "pipelines.cli", "--home", str(home.root), "catalogue", "import", str(path)]
    began = time.perf_counter()
    subprocess.run([*command, "--check"], check=True, capture_output=True)
    whole = time.perf_counter() - began
    seen = set()
    for part in (0.6, 0.8, 0.9, 1.0):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(whole * part)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        seen.add(load_items(home).num_rows)
    assert seen <= {1, count + 1}
    assert take("item_id,price\nnext,1\n").taken, "whoever comes next is not locked out"
    assert [one.name for one in home.catalogue.parent.iterdir()] == ["items.parquet"], "and clears away what was left"
