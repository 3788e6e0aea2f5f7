"""An app whose lists a lookout keeps, which has always done all that is due when something is read."""

from typing import Any

import httpx

from features.home import Home
from serving.desk.desk import Desk
from serving.lookout.file import to_keep
from serving.lookout.lookout import Lookout
from serving.service import DecisionService
from tests.conftest import Client

from .shop import Clock

WAYS = ("looks itself", "has a lookout")


class WithLookout:
    """A client of such an app."""

    def __init__(self, client: Client, home: Home, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._service, self._file = DecisionService(home), to_keep(home)
        self._lookout = Lookout(self._file, Desk(self._service), minutes=5, quiet_source_hours=48)

    def get(self, path: str, **arguments: Any) -> httpx.Response:
        """One GET, all that was told before being kept."""
        while self._lookout.step(self._clock()):
            pass
        return self._client.get(path, **arguments)

    def post(self, path: str, **arguments: Any) -> httpx.Response:
        """One POST."""
        return self._client.post(path, **arguments)

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Any other request."""
        return self._client.request(method, path, **arguments)

    def close(self) -> None:
        """The lookout ends."""
        self._file.close()
        self._service.close()
