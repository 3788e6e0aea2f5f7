"""Homes with keys."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from features.home import Home
from serving.security import KeyStore

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


@pytest.fixture
def key(home: Home) -> Callable[..., dict[str, str]]:
    """Headers with a new key of some scopes: `key("decide")`."""

    def make(*scopes: str) -> dict[str, str]:
        _, token = KeyStore(home).create("test", scopes or ["admin"], now=NOON)
        return {"authorization": f"Bearer {token}"}

    return make
