"""Schemathesis over the OpenAPI document: what fits it, and what just does not, is answered as it says."""

import os
from collections.abc import Callable

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode

from features.home import Home
from tests.conftest import Client

from .contract import Contract, Watch, app_of

LEAN, ALL = 6, 900
"""Examples of an operation: some 150 requests in all, and some 20,000."""


def send(client: Client, contract: Contract, case: Case) -> None:
    """One generated request, its answer held against the document."""
    made = requests.Request(**case.as_transport_kwargs(base_url="http://127.0.0.1")).prepare()
    headers = {name: one for name, one in made.headers.items() if name.lower() != "authorization"}
    watch = Watch()
    answer = client.request(str(made.method), str(made.url), content=made.body, headers=headers)
    contract.hold(case.operation.method, _aimed_at(case), answer, watch.seconds())


def _aimed_at(case: Case) -> str | None:
    """The operation's path, None where what was put into it makes another address of it."""
    odd = ("", ".", "..", "{", "}")
    return None if any(str(one) in odd or "/" in str(one) for one in case.path_parameters.values()) else case.path


@pytest.mark.parametrize("count", [LEAN, pytest.param(ALL, marks=pytest.mark.slow)])
def test_the_service_keeps_to_its_document(
    start: Callable[..., Client], tmp_path, count: int, record_property: Callable[[str, object], None]
) -> None:
    app, token, _ = app_of(Home.open(tmp_path / "home"))
    client, contract = start(app, authorization=f"Bearer {token}"), Contract(app.openapi())
    record_property("answers by status", contract.statuses)
    for found in schemathesis.openapi.from_dict(contract.document).get_all_operations():
        operation = found.ok()
        drawn = operation.as_strategy() | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

        @settings(
            max_examples=count,
            database=None,
            deadline=None,
            derandomize=os.environ.get("HYPOTHESIS_PROFILE", "same") == "same",
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink] if count == ALL else [Phase.generate],
        )
        @given(drawn)
        def one(case: Case) -> None:
            send(client, contract, case)

        one()
    assert set(contract.statuses) >= {200, 404, 422}, contract.statuses
