"""Checking a request's key without holding up the others: the loop that serves all waits for no slow store."""

import asyncio
import time
from concurrent.futures import Future, ThreadPoolExecutor

from serving.security import ApiKey, KeyStore, StoreUnreadableError

_PROMPT_SECONDS = 0.005
Found = ApiKey | StoreUnreadableError | None


class KeyCheck:
    """Asks the store at once while it answers at once, which a thread of its own would make several times as dear.

    A store that was slow is asked in a thread until it is prompt again. Each check begins after its request came: a key
    revoked before is refused; of requests that had come already it serves all. Where none has ended within `seconds`,
    keys seen before go on, as with a dead store.
    """

    def __init__(self, keys: KeyStore, seconds: float) -> None:
        self._keys, self._seconds = keys, seconds
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="keys")
        self._prompt, self._overdue = True, False
        self._waiting: tuple[str, Future[Found]] | None = None
        self._just: dict[str, Found] = {}  # found since the loop last looked for what came

    async def check(self, token: str) -> ApiKey | None:
        """As `KeyStore.check`."""
        found = self._at_once(token) if self._prompt else await self._beside(token)
        if isinstance(found, StoreUnreadableError):
            raise found
        return found

    def _at_once(self, token: str) -> Found:
        if token not in self._just:
            asyncio.get_running_loop().call_soon(self._just.clear)
            self._just[token] = self._timed(token)
        return self._just[token]

    async def _beside(self, token: str) -> Found:
        if self._overdue:
            return self._keys.remembered(token)
        last = self._waiting
        if last is None or last[0] != token or last[1].running() or last[1].done():
            last = self._waiting = token, self._pool.submit(self._timed, token)
        ended, _ = await asyncio.wait([asyncio.wrap_future(last[1])], timeout=self._seconds)
        if ended:
            return last[1].result()
        self._overdue = True
        return self._keys.remembered(token)

    def _timed(self, token: str) -> Found:
        began = time.monotonic()
        try:
            return self._keys.check(token)
        except StoreUnreadableError as error:
            return error
        finally:
            self._prompt = time.monotonic() - began < _PROMPT_SECONDS
            self._overdue = False
