"""The corpus over every operation: no request is answered 500, late, or otherwise than documented."""

from collections.abc import Callable
from itertools import islice

import pytest

from features.home import Home
from tests.conftest import Client

from .contract import Contract, Watch, app_of
from .hostile import Hostile, requests


def send(client: Client, contract: Contract, one: Hostile) -> None:
    watch = Watch()
    answer = client.request(one.sent_as, one.address, content=one.body, headers=one.headers)
    try:
        contract.hold(one.method, one.path, answer, watch.seconds())
    except Exception as error:
        body = (one.body or b"")[:600]
        error.add_note(
            f"{one.sent_as} {one.address[:300]}\n{one.headers}\n{body!r}\n{answer.status_code} {answer.text[:600]}"
        )
        raise


@pytest.mark.parametrize("count", [1_200, pytest.param(80_000, marks=pytest.mark.slow)])
def test_no_hostile_request_is_answered_otherwise_than_documented(
    start: Callable[..., Client], tmp_path, count: int, record_property: Callable[[str, object], None]
) -> None:
    app, token, known = app_of(Home.open(tmp_path / "home"))
    client, contract = start(app, authorization=f"Bearer {token}"), Contract(app.openapi())
    record_property("answers by status", contract.statuses)
    for one in islice(requests(contract.document, seed=count, known=known), count):
        send(client, contract, one)
    assert sum(contract.statuses.values()) == count
    assert set(contract.statuses) >= {200, 400, 404, 405, 415, 422}, contract.statuses
