"""What every online store must do, each against the real thing: a SQLite file and a Valkey server."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from online_stores import AT, SCHEMA, STORES, home_with, valkey_url, write

from features.feature_store.online import BATCH_VIEW, OnlineFeatures, OnlineWriter, RecordSchema
from features.feature_store.online.records import VALUES, Packed, pack, unpack
from features.feature_store.online.store import OnlineStore, open_online
from features.feature_store.settings import load_settings
from features.home import Home

DAY = 86_400_000_000
NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with valkey_url() as found:
        yield found


@pytest.fixture(params=STORES)
def home(request: pytest.FixtureRequest, tmp_path: Path, url: str) -> Home:
    return home_with(tmp_path, store=request.param, url=url)


@pytest.fixture(scope="module")
def both(url: str, tmp_path_factory: pytest.TempPathFactory) -> list[Home]:
    return [home_with(tmp_path_factory.mktemp(name), store=name, url=url) for name in STORES]


def _bought(home: Home, *customers: str, view: str = BATCH_VIEW) -> list[float | str | None]:
    with closing(OnlineFeatures(home, view=view)) as reader:
        return [None if r is None else r.problem or r.values["bought"] for r in reader.read(customers)]


def _forget(home: Home, *customers: str, at: int = AT, sequence: int = 0) -> None:
    with closing(OnlineWriter(home)) as writer:
        writer.forget(customers, at=at, sequence=sequence)


def test_nobody_is_known_before_the_first_write(home: Home) -> None:
    assert _bought(home, "ada", "bea") == [None, None]
    assert _bought(home) == []


def test_records_come_in_the_order_asked_for_and_as_often(home: Home) -> None:
    for number in range(3):
        write(home, f"c{number}", number)
    assert _bought(home, "c2", "nobody", "c0", "c2") == [2, None, 0, 2]
    assert _bought(home, *[f"c{n % 4}" for n in range(2_000)]) == [0, 1, 2, None] * 500


def test_a_record_reads_as_it_was_written(home: Home) -> None:
    with closing(OnlineWriter(home)) as writer:
        writer.write(BATCH_VIEW, SCHEMA, [("ä:1", AT, 7, [-(2**63), 1e-300, AT, "kengät"])])
    with closing(OnlineFeatures(home, expected_schema=SCHEMA.hash)) as reader:
        (found,) = reader.read(["ä:1"])
    assert found is not None
    assert found.values == {"bought": -(2**63), "share": 1e-300, "last_at": AT / 1e6, "category": "kengät"}
    assert (found.event_time, found.sequence, found.schema_hash, found.problem) == (NOON, 7, SCHEMA.hash, None)


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        ((AT, 5), (AT - 1, 99), 1),
        ((AT, 5), (AT, 4), 1),
        ((AT, 5), (AT, 5), 2),  # the same version written again: a changed feature set replaces
        ((AT, 5), (AT, 6), 2),
        ((AT, 5), (AT + 1, 0), 2),
        ((2**53 + 1, 0), (2**53, 0), 1),  # no double tells these two apart
        ((2**63 - 1, 2**63 - 1), (2**63 - 1, 2**63 - 2), 1),
        ((-1, 0), (0, 0), 2),
        ((0, -1), (-1, 0), 1),
        ((-(2**63), 0), (-(2**63) + 1, 0), 2),
    ],
)
def test_only_what_is_at_least_as_new_replaces(
    home: Home, first: tuple[int, int], second: tuple[int, int], kept: int
) -> None:
    with closing(OnlineWriter(home)) as writer:
        for bought, (at, sequence) in enumerate((first, second), 1):
            writer.write(BATCH_VIEW, SCHEMA, [("ada", at, sequence, [bought, 0.5, None, None])])
        store = open_online(home)
        (record,) = store.fetch(BATCH_VIEW, ["ada"])
        store.close()
    assert record is not None
    values = unpack(record).values  # some of these times are beyond what datetime knows
    assert values is not None
    assert values[0] == kept


def test_twenty_thousand_are_written_and_read_in_one_go(home: Home) -> None:
    with closing(OnlineWriter(home)) as writer:
        writer.write(BATCH_VIEW, SCHEMA, ((f"c{n}", AT, 0, [n, 0.5, AT, None]) for n in range(20_000)))
    assert _bought(home, *(f"c{n}" for n in range(20_000))) == list(range(20_000))


def test_who_was_forgotten_does_not_come_back_with_an_older_write(home: Home) -> None:
    write(home, "ada", 1)
    write(home, "bea", 1)
    _forget(home, "ada", "never-seen", at=AT + 2)
    assert _bought(home, "ada", "bea", "never-seen") == [None, 1, None]
    write(home, "ada", 2, at=AT + 1)
    write(home, "never-seen", 2, at=AT + 1)
    assert _bought(home, "ada", "never-seen") == [None, None]
    write(home, "ada", 3, at=AT + 3)
    assert _bought(home, "ada") == [3]


def test_of_a_write_and_a_tombstone_of_the_same_version_the_tombstone_wins(home: Home) -> None:
    write(home, "ada", 1, AT, 5)
    _forget(home, "ada", "bea", at=AT, sequence=5)
    write(home, "bea", 1, AT, 5)
    assert _bought(home, "ada", "bea") == [None, None]


def test_a_newer_record_outlives_an_older_tombstone(home: Home) -> None:
    write(home, "ada", 1, AT + 1)
    _forget(home, "ada", at=AT)
    assert _bought(home, "ada") == [1]


def test_forgetting_reaches_every_view(home: Home) -> None:
    write(home, "ada", 1, view="one")
    write(home, "ada", 2, view="two")
    _forget(home, "ada")
    assert _bought(home, "ada", view="one") + _bought(home, "ada", view="two") == [None, None]


def test_tombstones_are_purged_by_age_and_nothing_else_is(home: Home) -> None:
    write(home, "old", 1, AT - 9 * DAY)
    _forget(home, "long-ago", at=AT - 1)
    _forget(home, "lately", at=AT)
    with closing(OnlineWriter(home)) as writer:
        assert writer.purge_tombstones(AT) == 1
        assert writer.purge_tombstones(AT) == 0
    for who in ("long-ago", "lately"):
        write(home, who, 2, AT - 2)
    assert _bought(home, "old", "long-ago", "lately") == [1, 2, None]


def test_everybody_with_a_record_is_listed_and_nobody_forgotten(home: Home) -> None:
    with closing(open_online(home)) as store:
        assert list(store.customers(BATCH_VIEW)) == []
        whom = [f"c{n:05}" for n in range(12_000)]
        record = pack([], schema_hash=SCHEMA.hash, event_time_micros=AT, sequence=0)
        store.write(BATCH_VIEW, SCHEMA, (Packed(who, AT, 0, VALUES, record) for who in whom))
        write(home, "elsewhere", 1, view="other")
        _forget(home, *whom[4_990:5_010])
        found = {who for some in store.customers(BATCH_VIEW) for who in some}
        assert found == {*whom[:4_990], *whom[5_010:]}


def test_a_dropped_view_leaves_the_others(home: Home) -> None:
    views = ("a", "ab", "a*", "a[b]", "b?", "^a", "^b")
    for number, view in enumerate(views):
        write(home, "ada", number, view=view)
    with closing(OnlineWriter(home)) as writer:
        writer.drop_view("a*")
        writer.drop_view("a")
        writer.drop_view("^a")
    assert [_bought(home, "ada", view=view)[0] for view in views] == [None, 1, None, 3, 4, None, 6]
    store = open_online(home)
    assert store.views() == ["^b", "a[b]", "ab", "b?"]
    store.close()
    with closing(OnlineWriter(home)) as writer, pytest.raises(ValueError, match="colon"):
        writer.drop_view("a:b")


def test_a_record_lives_until_it_is_older_than_the_time_to_live(home: Home) -> None:
    chosen = home_with(home.root, **_told(home), ttl_days=2)
    write(chosen, "ada", 1)
    with closing(OnlineFeatures(chosen)) as reader:
        for now, problem in ((NOON + timedelta(days=2), None), (NOON + timedelta(days=2, microseconds=1), "expired")):
            (found,) = reader.read(["ada"], now)
            assert found is not None
            assert (found.problem, bool(found.values), found.event_time) == (problem, problem is None, NOON)
        with pytest.raises(ValueError, match="ttl_days"):
            reader.read(["ada"])


def test_another_feature_set_is_never_misread(home: Home) -> None:
    turned = RecordSchema(("share", "bought", "last_at", "category"), SCHEMA.types)
    with closing(OnlineWriter(home)) as writer:
        writer.write(BATCH_VIEW, turned, [("ada", AT, 0, [0.5, 1, AT, None])])
    with closing(OnlineFeatures(home, expected_schema=SCHEMA.hash)) as reader:
        (found,) = reader.read(["ada"])
    assert found is not None
    assert (found.problem, found.values, found.schema_hash) == ("other_schema", {}, turned.hash)
    assert _bought(home, "ada") == [1]


def test_what_is_no_record_is_reported_and_healed_by_the_next_write(home: Home) -> None:
    write(home, "bea", 1)
    store = open_online(home)
    for garbage in (b"", b"T", b"T\x02", b"T\x01", b"nonsense" * 9):
        _put(store, "ada", garbage)
        assert _bought(home, "ada", "bea") == ["corrupt", 1]
    _put(store, "ada", b"T\x09 of a later format, of any length")
    assert _bought(home, "ada") == ["other_version"]
    store.close()
    write(home, "ada", 2)
    assert _bought(home, "ada") == [2]


def test_a_source_of_rows_that_fails_leaves_whole_records_only(home: Home) -> None:
    def rows() -> Iterator[tuple[str, int, int, list[int | float | str | None]]]:
        for n in range(9_000):
            yield f"c{n}", AT, 0, [n, 0.5, AT, None]
        raise RuntimeError("the disk of the history broke")

    with closing(OnlineWriter(home)) as writer, pytest.raises(RuntimeError):
        writer.write(BATCH_VIEW, SCHEMA, rows())
    found = _bought(home, *(f"c{n}" for n in range(9_000)))
    assert all(bought in (None, n) for n, bought in enumerate(found))


def test_of_threads_that_write_the_same_customers_the_newest_wins(home: Home) -> None:
    names = [f"c{n}" for n in range(300)]
    failed: list[BaseException] = []

    def write_all(start: int) -> None:
        try:
            with closing(OnlineWriter(home)) as writer:
                for at in range(start, 40, 4):
                    rows = [(name, AT + at, 0, [at, 0.5, None, None]) for name in names]
                    writer.write(BATCH_VIEW, SCHEMA, rows[::-1] if at % 8 else rows)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=write_all, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert _bought(home, *names) == [39] * 300


def test_threads_share_one_reader_while_another_writes(home: Home) -> None:
    write(home, "ada", 0)
    reader = OnlineFeatures(home)
    seen: list[int] = []

    def look() -> None:
        for _ in range(200):
            (record,) = reader.read(["ada"])
            assert record is not None
            assert record.values["last_at"] == (AT + int(record.values["bought"] or 0)) / 1e6
            seen.append(int(record.values["bought"] or 0))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(20):
        write(home, "ada", number, AT + number)
    for thread in threads:
        thread.join()
    reader.close()
    assert len(seen) == 800


_NUMBERS = count()
_CHANGES = st.lists(
    st.tuples(st.booleans(), st.sampled_from("abc"), st.integers(-1, 2), st.integers(-1, 1)), min_size=1, max_size=12
)


@given(changes=_CHANGES, data=st.data())
@settings(max_examples=150, deadline=None)
def test_the_order_of_writes_and_tombstones_does_not_matter(
    both: list[Home], changes: list[tuple[bool, str, int, int]], data: st.DataObject
) -> None:
    newest: dict[str, tuple[int, int, bool]] = {}
    for is_forgotten, who, at, sequence in changes:
        newest[who] = max(newest.get(who, (at, sequence, is_forgotten)), (at, sequence, is_forgotten))
    expected = [None if who not in newest or newest[who][2] else hash(newest[who][:2]) for who in "abc"]
    for home in both:
        example = f"-{next(_NUMBERS)}"
        with closing(OnlineWriter(home)) as writer:
            for is_forgotten, who, at, sequence in data.draw(st.permutations(changes)):
                if is_forgotten:
                    writer.forget([who + example], at=at, sequence=sequence)
                else:
                    values = [hash((at, sequence)), 0.5, None, None]
                    writer.write(BATCH_VIEW, SCHEMA, [(who + example, at, sequence, values)])
        assert _bought(home, *(who + example for who in "abc")) == expected


def test_unreadable_rows_are_refused_by_name(home: Home) -> None:
    with closing(OnlineWriter(home)) as writer:
        with pytest.raises(ValueError, match="64-bit"):
            writer.write(BATCH_VIEW, SCHEMA, [("ada", 2**63, 0, [1, 0.5, None, None])])
        with pytest.raises(ValueError, match="colon"):
            writer.write("a:b", SCHEMA, [("ada", AT, 0, [1, 0.5, None, None])])


def _told(home: Home) -> dict[str, str]:
    chosen = load_settings(home).online
    return {"store": chosen.store, "url": chosen.url}


def _put(store: OnlineStore, customer: str, record: bytes) -> None:
    """Garbage in the place of a record, past the writer."""
    store.write(BATCH_VIEW, None, [Packed(customer, -(2**63), 0, VALUES, record)])
