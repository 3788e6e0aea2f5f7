"""A browser without a window, in which somebody of the console's people sits."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from typing import Any

import httpx
from argon2 import PasswordHasher
from fastapi import FastAPI

from features.home import Home
from serving.console.people import People
from serving.console.session import COOKIE, Sessions
from tests.conftest import Client

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse battery"


class Sitting(Client):
    """A browser without a window over an app: keeps cookies, follows no redirect by itself."""

    def __init__(self, home: Home, app: FastAPI, stack: ExitStack, clock: Callable[[], datetime]) -> None:
        self.home, self.app, self._clock = home, app, clock
        super().__init__(app, stack, base_url="http://127.0.0.1:8080", accept="text/html")

    def becomes(self, name: str, *roles: str) -> None:
        """From now on somebody of these roles sits here, who may have been here before."""
        people = People(self.home, QUICK)
        if people.find(name) is None:
            people.add(name, PASSWORD, roles, by="test", now=self._clock())
        self._http.cookies.set(COOKIE, Sessions(people, 12).start(self._clock(), name=name), path="/console")

    def send(self, path: str, **fields: Any) -> httpx.Response:
        """Send a form of ours, with the word that shows that it is."""
        session = self.app.state.wiring.sessions.find(self._http.cookies.get(COOKIE) or "", self._clock())
        return self.post(path, data={"csrf": session.csrf if session else "", **fields})
