"""Every address by every kind of key: nobody gets through who lacks the scope, and nobody asks without end."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from features.home import Home
from serving.api import create_app
from serving.security import SCOPES
from serving.settings import ServingSettings

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
OPEN = {"/v1/health/live", "/v1/health/ready", "/metrics"}
Key = Callable[..., dict[str, str]]
Start = Callable[..., Any]


@pytest.fixture
def client(home: Home, start: Start) -> Any:
    settings = ServingSettings(requests_per_second=0, refused_per_second=0)
    return start(create_app(home, clock=lambda: NOON, settings=settings))


def _addresses(client: Any) -> list[tuple[str, str, str | None]]:
    """Method, path and the scope that the page states."""
    found = []
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        for method, operation in operations.items():
            scopes = [name.rpartition(" ")[2] for one in operation.get("security", []) for name in one]
            found.append((method, path, scopes[0] if scopes else None))
    return found


def test_only_a_key_of_the_stated_scope_gets_past_the_door(client: Any, key: Key) -> None:
    keys = {scope: key(scope) for scope in SCOPES}
    addresses = _addresses(client)
    assert len(addresses) > 20
    assert {path for _, path, scope in addresses if scope is None} == OPEN
    for method, path, scope in addresses:
        if scope is None:
            continue
        where = path.replace("{", "").replace("}", "")
        assert client.request(method, where).status_code == 401, path
        for held, headers in keys.items():
            status = client.request(method, where, headers=headers).status_code
            if held in (scope, "admin"):
                assert status not in (401, 403), (method, path, held, status)
            else:
                assert status == 403, (method, path, held, status)


def test_a_key_that_asks_too_often_is_told_when_to_come_again_and_others_are_not_kept_waiting(
    home: Home, start: Start, key: Key
) -> None:
    settings = ServingSettings(requests_per_second=5, refused_per_second=3)
    client = start(create_app(home, clock=lambda: NOON, settings=settings))
    fast, calm = key("read"), key("read")
    statuses = [client.get("/v1/customers/nobody", headers=fast).status_code for _ in range(20)]
    assert statuses[:5] == [404] * 5 and 429 in statuses
    refused = next(
        answer for _ in range(20) if (answer := client.get("/v1/customers/nobody", headers=fast)).status_code == 429
    )
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.json()["type"] == "urn:tahdikas:problem:too-many-requests"
    assert client.get("/v1/customers/nobody", headers=calm).status_code == 404
    strangers = [
        client.get("/v1/customers/nobody", headers={"authorization": "Bearer tdk_0_0"}).status_code for _ in range(20)
    ]
    assert strangers[:3] == [401] * 3 and 429 in strangers
    assert client.get("/v1/customers/nobody", headers=calm).status_code == 404
