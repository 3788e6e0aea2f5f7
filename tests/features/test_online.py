"""Packed online records: what is written is read, what is damaged is reported, what is older never wins."""

import sqlite3
import struct
import subprocess
import sys
import threading
import time
import zlib
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.errors import DataError
from features.feature_store.online import BATCH_VIEW, OnlineFeatures, OnlineWriter, RecordSchema
from features.feature_store.online.records import ORDER_BYTES, pack, tombstone, unpack
from features.home import Home

SCHEMA = RecordSchema(("bought", "share", "last_at", "category"), ("int64", "float64", "timestamp", "string"))
AT = 1_717_243_200_000_000


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path)


def _write(
    home: Home, customer: str, bought: int, at: int = AT, sequence: int = 0, schema: RecordSchema = SCHEMA
) -> None:
    writer = OnlineWriter(home)
    writer.write(BATCH_VIEW, schema, [(customer, at, sequence, [bought, 0.5, AT - 1, None])])
    writer.close()


def _damage(home: Home, customer: str, place: int) -> None:
    with sqlite3.connect(home.online_db) as run:
        (blob,) = run.execute("select record from records where customer_id = ?", (customer,)).fetchone()
        torn = bytearray(blob)
        torn[place] ^= 1
        run.execute("update records set record = ? where customer_id = ?", (bytes(torn), customer))
    run.close()


@given(values=st.lists(st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text()))
@settings(max_examples=50, deadline=None)
def test_a_record_unpacks_to_what_was_packed(values: list[int | float | str | None]) -> None:
    record = pack(values, schema_hash=SCHEMA.hash, event_time_micros=AT, sequence=7)
    assert unpack(record) == (values, SCHEMA.hash, AT, 7)


def test_every_flipped_bit_and_every_cut_is_noticed() -> None:
    record = pack([1, 2.5, AT, "shoes"], schema_hash=SCHEMA.hash, event_time_micros=AT, sequence=7)
    for bit in range(len(record) * 8):
        torn = bytearray(record)
        torn[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DataError):
            unpack(bytes(torn))
    for length in range(len(record)):
        with pytest.raises(DataError):
            unpack(record[:length])


def test_a_record_of_the_first_format_still_reads(home: Home) -> None:
    rest = struct.pack("<16sqq", SCHEMA.hash.encode(), AT, 5) + msgspec.msgpack.encode([1, 0.5, AT - 1, None])
    first = struct.pack("<cBI", b"T", 1, zlib.crc32(rest)) + rest
    assert unpack(first) == ([1, 0.5, AT - 1, None], SCHEMA.hash, AT, 5)
    with sqlite3.connect(home.online_db) as run:
        run.executescript("""
            create table schemas(schema_hash text primary key, columns text not null) without rowid;
            create table records(
              view text not null, customer_id text not null, event_time integer not null, sequence integer not null,
              record blob not null, primary key (view, customer_id)) without rowid;""")
        run.execute("insert into schemas values (?, ?)", (SCHEMA.hash, SCHEMA.as_json()))
        run.execute("insert into records values (?, 'c0', ?, 5, ?)", (BATCH_VIEW, AT, first))
    run.close()
    reader = OnlineFeatures(home)
    (found,) = reader.read(["c0"])
    assert found is not None
    assert (found.values["bought"], found.problem) == (1, None)
    _write(home, "c0", 2, AT, 4)
    assert reader.read(["c0"]) == [found]
    _write(home, "c0", 2, AT, 6)
    (found,) = reader.read(["c0"])
    assert found is not None
    assert found.values["bought"] == 2
    reader.close()


def test_a_record_of_a_later_format_is_named_as_one(home: Home) -> None:
    _write(home, "c0", 1)
    with sqlite3.connect(home.online_db) as run:
        run.execute("update records set record = cast(x'5403' || substr(record, 3) as blob)")
    run.close()
    reader = OnlineFeatures(home)
    (record,) = reader.read(["c0"])
    assert record is not None
    assert (record.problem, record.values) == ("other_version", {})
    reader.close()


@given(
    one=st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1)),
    other=st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1)),
)
@example(one=(2**53, 0), other=(2**53 + 1, 0))
@example(one=(-1, -1), other=(0, 0))
def test_the_bytes_of_two_orders_sort_as_their_numbers_do(one: tuple[int, int], other: tuple[int, int]) -> None:
    def order(at: int, sequence: int) -> bytes:
        return pack([], schema_hash=SCHEMA.hash, event_time_micros=at, sequence=sequence)[ORDER_BYTES]

    assert (order(*one) < order(*other)) == (one < other)
    assert order(*one) < tombstone(event_time_micros=one[0], sequence=one[1])[ORDER_BYTES]


def test_a_time_beyond_64_bits_is_refused() -> None:
    with pytest.raises(ValueError, match="64-bit"):
        pack([], schema_hash=SCHEMA.hash, event_time_micros=2**63, sequence=0)


def test_reads_keep_the_order_asked_for(home: Home) -> None:
    for number in range(300):
        _write(home, f"c{number}", number) if number < 3 else None
    reader = OnlineFeatures(home)
    found = reader.read(["c2", "nobody", "c0", "c2"])
    assert [None if r is None else r.values["bought"] for r in found] == [2, None, 0, 2]
    assert found[0] is not None
    assert found[0].values == {"bought": 2, "share": 0.5, "last_at": (AT - 1) / 1e6, "category": None}
    assert found[0].event_time == datetime(2024, 6, 1, 12, tzinfo=UTC)
    assert reader.read([]) == []
    assert reader.read([f"c{n % 3}" for n in range(1000)])[999] == reader.read(["c0"])[0]
    reader.close()


def test_without_a_database_nobody_is_known_until_there_is_one(home: Home) -> None:
    reader = OnlineFeatures(home)
    assert reader.read(["c0"]) == [None]
    _write(home, "c0", 1)
    assert reader.read(["c0"])[0] is not None
    reader.close()


@pytest.mark.parametrize(
    ("at", "sequence", "kept"), [(AT - 1, 99, 1), (AT, 4, 1), (AT, 5, 2), (AT, 6, 2), (AT + 1, 0, 2)]
)
def test_only_what_is_at_least_as_new_replaces(home: Home, at: int, sequence: int, kept: int) -> None:
    _write(home, "c0", 1, AT, 5)
    _write(home, "c0", 2, at, sequence)
    reader = OnlineFeatures(home)
    (record,) = reader.read(["c0"])
    assert record is not None
    assert record.values["bought"] == kept
    reader.close()


def test_a_failed_write_leaves_nothing_of_itself(home: Home) -> None:
    writer = OnlineWriter(home)
    rows = [("c0", AT, 0, [1, 0.5, AT, None]), ("c1", AT, 0, [object()])]
    with pytest.raises(TypeError):
        writer.write(BATCH_VIEW, SCHEMA, rows)  # type: ignore[arg-type]
    writer.close()
    reader = OnlineFeatures(home)
    assert reader.read(["c0", "c1"]) == [None, None]
    reader.close()


def test_a_damaged_record_is_a_problem_of_its_own_only(home: Home) -> None:
    _write(home, "c0", 1)
    _write(home, "c1", 1)
    _damage(home, "c0", -1)
    reader = OnlineFeatures(home)
    broken, sound = reader.read(["c0", "c1"])
    assert broken is not None
    assert sound is not None
    assert (broken.problem, broken.values, sound.problem) == ("corrupt", {}, None)
    reader.close()


def test_another_feature_set_is_never_misread(home: Home) -> None:
    other = RecordSchema(("share", "bought", "last_at", "category"), SCHEMA.types)
    _write(home, "c0", 1, schema=other)
    reader = OnlineFeatures(home, expected_schema=SCHEMA.hash)
    (record,) = reader.read(["c0"])
    assert record is not None
    assert (record.problem, record.values) == ("other_schema", {})
    reader.close()
    with sqlite3.connect(home.online_db) as run:
        run.execute("update schemas set columns = ?", (SCHEMA.as_json(),))
    run.close()
    reader = OnlineFeatures(home)
    (record,) = reader.read(["c0"])
    assert record is not None
    assert record.problem == "unknown_schema"
    reader.close()


@pytest.mark.parametrize("columns", ["", "[]", "no schema", '[["a", "int64"], ["a", "int64"]]'])
def test_a_damaged_schema_is_a_problem_of_its_records(home: Home, columns: str) -> None:
    _write(home, "c0", 1)
    with sqlite3.connect(home.online_db) as run:
        run.execute("update schemas set columns = ?", (columns,))
    run.close()
    reader = OnlineFeatures(home)
    (record,) = reader.read(["c0"])
    assert record is not None
    assert (record.problem, record.values) == ("unknown_schema", {})
    reader.close()


@pytest.mark.parametrize("values", [[], [1, 0.5, AT], [1, 0.5, AT, None, 5]])
def test_more_or_fewer_values_than_names_are_no_features(home: Home, values: list[int | float | None]) -> None:
    writer = OnlineWriter(home)
    writer.write(BATCH_VIEW, SCHEMA, [("c0", AT, 0, values)])
    writer.close()
    reader = OnlineFeatures(home, expected_schema=SCHEMA.hash)
    (record,) = reader.read(["c0"])
    assert record is not None
    assert (record.problem, record.values) == ("unknown_schema", {})
    reader.close()


@pytest.mark.parametrize("names", [("a", "a"), ("two words", "b"), ("class", "b"), ("_own", "b"), ("a",)])
def test_a_schema_has_plain_names_each_once(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="plain name"):
        RecordSchema(names, ("int64", "int64"))


def test_a_locked_database_fails_within_the_deadline(home: Home) -> None:
    _write(home, "c0", 1)
    with sqlite3.connect(home.online_db) as run:
        run.execute("pragma journal_mode=delete")
        run.execute("begin exclusive")
        start = time.monotonic()
        reader = OnlineFeatures(home, deadline_seconds=0.05)
        with pytest.raises(DataError, match="within 50 ms"):
            reader.read(["c0"])
        assert time.monotonic() - start < 1.0
        run.rollback()
    run.close()
    assert reader.read(["c0"])[0] is not None
    reader.close()


def test_a_long_read_is_cut_off_at_the_deadline(home: Home) -> None:
    writer = OnlineWriter(home)
    writer.write(BATCH_VIEW, SCHEMA, ((f"c{n}", AT, 0, [n, 0.5, AT, None]) for n in range(3000)))
    writer.close()
    reader = OnlineFeatures(home, deadline_seconds=0.0)
    with pytest.raises(DataError, match="cannot be read"):
        reader.read([f"c{n}" for n in range(3000)])
    reader.close()


def test_something_that_is_no_database_is_reported(home: Home) -> None:
    home.online_db.write_bytes(b"not a database, certainly not one" * 100)
    reader = OnlineFeatures(home)
    with pytest.raises(DataError, match="materialize"):
        reader.read(["c0"])
    reader.close()


def test_threads_read_while_a_writer_writes(home: Home) -> None:
    _write(home, "c0", 0)
    reader = OnlineFeatures(home, deadline_seconds=5)
    seen: list[int] = []

    def look() -> None:
        for _ in range(200):
            (record,) = reader.read(["c0"])
            assert record is not None
            seen.append(int(record.values["bought"] or 0))
        reader.close()

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(20):
        _write(home, "c0", number, AT + number)
    for thread in threads:
        thread.join()
    assert len(seen) == 600


def test_reading_needs_neither_feast_nor_pandas_nor_ibis() -> None:
    told = "import sys, features.feature_store.online, features.inputs.frame; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout.split()
    assert not {"feast", "pandas", "ibis", "duckdb", "pyarrow", "valkey", "redis"} & set(modules)
