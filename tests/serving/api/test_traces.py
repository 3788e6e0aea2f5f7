"""Traces tell how long what took, reach a real collector's port, and hold nothing of a customer."""

import http.server
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from features.home import Home
from serving.api import create_app
from serving.settings import ServingSettings

from .conftest import NOON
from .shop import purchase

SECRET = "c-maija-4711"


class Collector(http.server.ThreadingHTTPServer):
    """Takes spans as a collector does; or takes the connection and never answers."""

    def __init__(self, hangs: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hangs, self.bodies, self.release = hangs, list[bytes](), threading.Event()

    @property
    def spans(self) -> list[Any]:
        posts = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [span for post in posts for one in post.resource_spans for sc in one.scope_spans for span in sc.spans]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.server.hangs:
            self.server.release.wait(20)
            return
        self.server.bodies.append(body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector(request: pytest.FixtureRequest) -> Iterator[Collector]:
    server = Collector(getattr(request, "param", False))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.release.set()
    server.shutdown()
    server.server_close()
    thread.join()


def _app(home: Home, collector: Collector) -> Any:
    where = f"http://127.0.0.1:{collector.server_port}/v1/traces"
    return create_app(home, clock=lambda: NOON, settings=ServingSettings(traces_endpoint=where))


ASK = {"customer_id": SECRET, "channel": "web", "placement": "front_page"}


def test_a_decision_is_one_trace_with_its_steps_and_without_a_name(
    home: Home, start: Callable[..., Any], key: Callable[..., dict[str, str]], collector: Collector
) -> None:
    app = _app(home, collector)
    client = start(app, **key("admin"))
    client.post("/v1/events", json=[purchase("p", SECRET)])
    assert client.post("/v1/decisions", json=ASK).status_code == 200
    assert client.get(f"/v1/customers/{SECRET}").status_code == 200
    assert client.get(f"/v1/customers/{SECRET}?at=notime").status_code in (200, 422)
    for _ in range(200):
        names = [span.name for span in collector.spans]
        if {"read", "decide", "record"} <= set(names) and any("customers" in name for name in names):
            break
        time.sleep(0.1)
    spans = collector.spans
    (decision,) = [span for span in spans if span.name == "POST /v1/decisions"]
    under = {span.name: span for span in spans if span.parent_span_id == decision.span_id}
    assert {"read", "decide", "record"} <= set(under)
    for span in under.values():
        assert decision.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= decision.end_time_unix_nano
    assert any(span.name == "GET /v1/customers/{customer_id}" for span in spans)
    assert SECRET.encode() not in b"".join(collector.bodies)


@pytest.mark.parametrize("collector", [True], indirect=True)
def test_a_collector_that_hangs_costs_no_decision(
    home: Home, start: Callable[..., Any], key: Callable[..., dict[str, str]], collector: Collector
) -> None:
    client = start(_app(home, collector), **key("admin"))
    client.post("/v1/events", json=[purchase("p", SECRET)])
    for _ in range(30):
        answer = client.post("/v1/decisions", json=ASK)
        assert answer.status_code == 200 and answer.json()["decision_id"] is not None
    collector.release.set()
