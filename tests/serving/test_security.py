from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from features.errors import DataError
from features.home import Home
from features.log.store import connect
from serving.security import KeyStore, StoreUnreadableError

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path)


def test_a_key_is_shown_once_and_only_its_hash_is_kept(home: Home) -> None:
    key, token = KeyStore(home).create("shop", ["decide", "events"], now=NOON)
    assert KeyStore(home).check(token) == key
    secret = token.rpartition("_")[2] if token.count("_") == 2 else token.split("_", 2)[2]
    for path in home.root.rglob("*"):
        assert path.is_dir() or secret.encode() not in path.read_bytes()
    with closing(connect(home)) as run:
        ((*kept,),) = run.execute("select * from api_keys").fetchall()
    assert key.key_id in kept and secret not in str(kept)


def test_scopes(home: Home) -> None:
    store = KeyStore(home)
    key, _ = store.create("shop", ["decide"], now=NOON)
    admin, _ = store.create("boss", ["admin"], now=NOON)
    assert key.allows("decide", NOON) and not key.allows("read", NOON)
    assert all(admin.allows(scope, NOON) for scope in ("events", "decide", "read", "console", "admin"))


@pytest.mark.parametrize("scopes", [[], ["decide", "fly"]])
def test_unknown_scopes_are_refused_with_the_known_ones(home: Home, scopes: list[str]) -> None:
    with pytest.raises(DataError, match="Choose among events, decide, read, care, items, console, admin"):
        KeyStore(home).create("shop", scopes, now=NOON)


def test_a_revoked_key_allows_nothing_at_once(home: Home) -> None:
    serving, command_line = KeyStore(home), KeyStore(home)
    key, token = serving.create("shop", ["decide"], now=NOON)
    command_line.revoke(key.key_id, now=NOON + timedelta(hours=1))
    command_line.revoke(key.key_id, now=NOON + timedelta(hours=2))
    assert serving.check(token) is None
    (found,) = serving.keys()
    assert (found.key_id, found.revoked_at) == (key.key_id, NOON + timedelta(hours=1))
    assert not found.allows("decide", NOON - timedelta(days=2)), "a clock set back"
    with pytest.raises(DataError, match="'nobody'"):
        serving.revoke("nobody", now=NOON)


def test_a_rotated_key_goes_on_for_as_long_as_told_beside_the_new_one(home: Home) -> None:
    store = KeyStore(home)
    old, old_token = store.create("shop", ["decide", "events"], now=NOON)
    new, new_token = store.rotate(old.key_id, now=NOON, keep=timedelta(hours=24))
    assert (new.name, new.scopes) == (old.name, old.scopes) and new_token != old_token
    found = store.check(old_token)
    assert found is not None
    assert found.allows("decide", NOON + timedelta(hours=23)) and not found.allows("decide", NOON + timedelta(hours=24))
    assert new.allows("decide", NOON + timedelta(hours=24))
    store.revoke(old.key_id, now=NOON + timedelta(hours=1))  # found out to be stolen: at once
    assert store.check(old_token) is None
    for key_id, told in ((old.key_id, "has ended"), ("nobody", "no key 'nobody'")):
        with pytest.raises(DataError, match=told):
            store.rotate(key_id, now=NOON + timedelta(hours=2), keep=timedelta(hours=1))


@pytest.mark.parametrize("change", ["", "x", "tdk_", "tdk_00_11", "Bearer", "tdk__", "\ud800"])
def test_other_texts_are_no_keys(home: Home, change: str) -> None:
    _, token = KeyStore(home).create("shop", ["decide"], now=NOON)
    store = KeyStore(home)
    assert store.check(change) is None
    assert store.check(token[:-1]) is None
    assert store.check(token + "A") is None


@pytest.mark.sqlite_only
def test_keys_seen_before_outlive_a_dead_store(home: Home) -> None:
    store = KeyStore(home)
    _, token = store.create("shop", ["decide"], now=NOON)
    _, other = store.create("till", ["events"], now=NOON)
    known = store.check(token)
    for path in home.root.glob("live.db*"):
        path.write_bytes(b"no database" * 10_000)
    assert store.check(token) == known
    with pytest.raises(StoreUnreadableError):
        store.check(other)


def test_a_console_code_works_once_and_for_ten_minutes(home: Home) -> None:
    store = KeyStore(home)
    first, late = store.create_console_code(now=NOON), store.create_console_code(now=NOON)
    assert store.use_console_code(first, now=NOON + timedelta(minutes=1))
    assert not store.use_console_code(first, now=NOON + timedelta(minutes=1))
    assert not store.use_console_code(late, now=NOON + timedelta(minutes=10))
    assert not store.use_console_code("guess", now=NOON)


def test_the_store_is_the_live_database(home: Home) -> None:
    KeyStore(home).create("shop", ["decide"], now=NOON)
    with closing(connect(home)) as run:
        (hashed,) = run.execute("select secret_hash from api_keys").fetchone()
    assert len(hashed) == 32
