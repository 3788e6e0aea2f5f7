"""Keys are checked beside the loop once the store is slow: the loop goes on, a revoked key is refused all the same."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from features.home import Home
from serving.api.key_check import KeyCheck
from serving.security import ApiKey, KeyStore, StoreUnreadableError

from .conftest import NOON

PATIENCE_SECONDS = 0.3


class SlowStore(KeyStore):
    """A store that takes its time."""

    seconds = 0.0
    asked = 0

    def check(self, token: str) -> ApiKey | None:
        self.asked += 1
        time.sleep(self.seconds)
        return super().check(token)


@pytest.fixture
def store(home: Home) -> SlowStore:
    return SlowStore(home)


async def longest_stop(work: Callable[[], object]) -> float:
    """How long the loop did nothing else, at most, while `work` went on."""
    task, longest = asyncio.ensure_future(work()), 0.0  # type: ignore[arg-type]
    while not task.done():
        began = time.monotonic()
        await asyncio.sleep(0.001)
        longest = max(longest, time.monotonic() - began)
    await task
    return longest


def test_only_the_first_slow_answer_stops_the_loop_and_many_wait_for_one(store: SlowStore) -> None:
    _, token = store.create("shop", ["decide"], now=NOON)
    door = KeyCheck(store, PATIENCE_SECONDS * 10)

    async def asked() -> None:
        store.seconds = 0.2
        await door.check(token)
        store.asked = 0

        async def at_once() -> None:
            assert all(await asyncio.gather(*(door.check(token) for _ in range(20))))

        assert await longest_stop(at_once) < 0.15
        assert store.asked <= 2

    asyncio.run(asked())


def test_requests_that_came_together_ask_once_and_each_that_comes_later_anew(store: SlowStore) -> None:
    key, token = store.create("shop", ["decide"], now=NOON)
    door = KeyCheck(store, PATIENCE_SECONDS)

    async def asked() -> None:
        assert all(await asyncio.gather(*(door.check(token) for _ in range(20))))
        assert store.asked == 1
        assert await door.check(token[:-1]) is None
        store.revoke(key.key_id, now=NOON)
        await asyncio.sleep(0)  # as between any two requests of which one came after the other was answered
        assert await door.check(token) is None
        assert await door.check("tdk_0_0") is None

    asyncio.run(asked())


def test_a_key_revoked_in_a_slow_store_is_refused_by_the_next_check(store: SlowStore) -> None:
    key, token = store.create("shop", ["decide"], now=NOON)
    door = KeyCheck(store, PATIENCE_SECONDS * 10)

    async def asked() -> None:
        store.seconds = 0.05
        for _ in range(2):
            found = await door.check(token)
            assert found is not None and not found.is_revoked(NOON)
        store.revoke(key.key_id, now=NOON - timedelta(hours=1))
        assert await door.check(token) is None

    asyncio.run(asked())


def test_a_store_that_hangs_keeps_nobody_waiting_and_opens_for_nobody_new(store: SlowStore) -> None:
    _, token = store.create("shop", ["decide"], now=NOON)
    _, other = store.create("till", ["events"], now=NOON)
    door = KeyCheck(store, PATIENCE_SECONDS)

    async def asked() -> None:
        store.seconds = 0.02
        assert await door.check(token)
        store.seconds = 1.5
        began = time.monotonic()
        assert [(await door.check(token)) is not None for _ in range(5)] == [True] * 5
        assert await door.check(token[:-1]) is None
        with pytest.raises(StoreUnreadableError):
            await door.check(other)
        assert time.monotonic() - began < 1.2, "one of them waited"
        store.seconds = 0.0
        await asyncio.sleep(1.6)
        assert await door.check(other)

    asyncio.run(asked())
