"""What every answer owes: a documented status, a body of its schema, a problem document for a refusal, in time."""

import time
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import httpx
import schemathesis
from fastapi import FastAPI

from features.home import Home
from serving.api import create_app
from serving.security import KeyStore
from serving.service import DecisionService
from serving.settings import ServingSettings
from tests.faults.regular_customer import NOON, Shop

DEADLINES_MS = {"decision_deadline_ms": 3_000, "read_deadline_ms": 5_000, "write_deadline_ms": 10_000}
SETTINGS = ServingSettings(
    **DEADLINES_MS, watch_minutes=0, requests_per_second=0, refused_per_second=0, log_requests="none"
)
NOW = datetime(2026, 9, 2, 12, tzinfo=UTC)  # as in the document's examples, half a year later: the shop's next day
_SLACK_SECONDS = 2.0  # for parsing, and for a machine that has other things to do


def app_of(home: Home) -> tuple[FastAPI, str, dict[str, str]]:
    """The service over a small shop, a key that may do everything, and what the examples' ids are called here."""
    shop = Shop(home)
    with closing(shop.service):
        decision = shop.ask(mode="serve").decision_id
    _, token = KeyStore(home).create("test", ["admin"], now=NOON)
    service = DecisionService(home, durable=False, patience_seconds=1.0)
    known = {"c-1042": "aino", "d-01J8ZK": decision, "bike-54": "boots", "2026-03-": "2026-09-", "2026-02-": "2026-08-"}
    return create_app(home, clock=lambda: NOW, settings=SETTINGS, service=service), token, known


class Contract:
    """The OpenAPI document, held against answers; `statuses` counts what was answered."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document, self.statuses = document, dict[int, int]()
        self._schema = schemathesis.openapi.from_dict(document)

    def hold(self, method: str, path: str | None, answer: httpx.Response, seconds: float) -> None:
        """Raise `AssertionError` where the answer to `path` (None: aimed at no operation) is not what was promised."""
        self.statuses[answer.status_code] = self.statuses.get(answer.status_code, 0) + 1
        assert answer.status_code != 500, answer.text
        assert '"code":"failure"' not in answer.text and "(failure)" not in answer.text, "a call failed"
        assert seconds < self._deadline(path), f"{seconds:.2f} s"
        if path is None:
            assert answer.status_code < 400 or answer.request.method == "HEAD" or _is_problem(answer), answer.text
            return
        operation = self.document["paths"][path][method.lower()]
        assert str(answer.status_code) in operation["responses"], (
            f"{answer.status_code} is not documented: {answer.text}"
        )
        if answer.status_code >= 400 and path != "/v1/health/ready":
            assert _is_problem(answer), answer.text
        if answer.status_code not in (401, 403, 405) or "content" in operation["responses"][str(answer.status_code)]:
            self._schema[path][method].validate_response(answer)

    def _deadline(self, path: str | None) -> float:
        longest = "decision_deadline_ms" if path == "/v1/decisions" else "write_deadline_ms"
        return DEADLINES_MS[longest] / 1000 + _SLACK_SECONDS


def _is_problem(answer: httpx.Response) -> bool:
    if answer.headers["content-type"] != "application/problem+json":
        return False
    told = answer.json()
    return bool(
        told["type"].startswith("urn:tahdikas:problem:")
        and told["status"] == answer.status_code
        and told["title"]
        and told["detail"]
        and told["instance"]
    )


class Watch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def seconds(self) -> float:
        """Until now."""
        return time.monotonic() - self._began
