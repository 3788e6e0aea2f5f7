"""Traces for OpenTelemetry: a span a request, the steps of deciding under it, and nothing of a customer in any.

Spans leave over OTLP to `traces_endpoint`, from a thread of their own; a collector that does not answer costs spans,
never a decision. Only the attributes named here leave: an address asked for holds a customer's id.
"""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from features.errors import ConfigError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

ATTRIBUTES = frozenset(
    {"http.request.method", "http.route", "http.response.status_code", "error.type", "tahdikas.questions"}
)
SECONDS = 5
"""After which the collector is given up for a batch of spans."""
MOST_WAITING = 2_048
"""Spans waiting to leave, above which new ones are dropped."""


class Traces:
    """The provider that the app's requests are traced with; `took` is for `steps.Steps.watch`.

    Raises `ConfigError` where the extra `traces` is not installed.
    """

    def __init__(self, endpoint: str, exporter: Any = None) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError as error:
            raise ConfigError(
                "traces_endpoint is set, but the libraries for it are not installed. Install the extra `traces`, or "
                "take the setting out."
            ) from error
        told = exporter or OTLPSpanExporter(endpoint=endpoint, timeout=SECONDS)
        self.provider: TracerProvider = TracerProvider(resource=Resource.create({"service.name": "tahdikas"}))
        self.provider.add_span_processor(
            BatchSpanProcessor(
                cast("SpanExporter", _Bare(told)), max_queue_size=MOST_WAITING, export_timeout_millis=SECONDS * 1000
            )
        )
        self._tracer = self.provider.get_tracer("tahdikas")

    def took(self, step: str, seconds: float, questions: int) -> None:
        """A span of a step that has just ended, under the request that is being answered."""
        end = time.time_ns()
        span = self._tracer.start_span(
            step, start_time=end - round(seconds * 1e9), attributes={"tahdikas.questions": questions}
        )
        span.end(end)

    def close(self) -> None:
        """Send what waits, within its time limit."""
        self.provider.shutdown()


class _Bare:
    """An exporter that lets through names, times and the known attributes: no events, since errors speak of values."""

    def __init__(self, exporter: Any) -> None:
        self._exporter = exporter

    def export(self, spans: "Sequence[ReadableSpan]") -> Any:
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.trace import Status

        bare = [
            ReadableSpan(
                name=span.name,
                context=span.context,
                parent=span.parent,
                resource=span.resource,
                attributes={k: v for k, v in (span.attributes or {}).items() if k in ATTRIBUTES},
                kind=span.kind,
                status=Status(span.status.status_code),
                start_time=span.start_time,
                end_time=span.end_time,
                instrumentation_scope=span.instrumentation_scope,
            )
            for span in spans
        ]
        return self._exporter.export(bare)

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return bool(self._exporter.force_flush(timeout_millis))
