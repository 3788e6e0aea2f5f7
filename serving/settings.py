"""The settings of the serving process: typed, one line of documentation each, unknown keys refused.

They are read from `config/serving.yaml` in the data folder; what the file does not name keeps its default.
"""

from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from features.home import Home
from features.typed_yaml import Strict, parse, read_text


class ServingSettings(Strict):
    """How the API and the console run. Every field has a unit in its name or its description."""

    host: str = Field(
        default="127.0.0.1", description="Address to listen on. Leave it on loopback and put a TLS proxy before it."
    )
    port: int = Field(default=8080, ge=0, le=65535, description="TCP port; 0 takes any free one.")
    workers: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Processes that serve, on one address; as many as there are processors to spare.",
    )
    decision_deadline_ms: int = Field(
        default=500,
        ge=1,
        le=60_000,
        description="Milliseconds after which a decision is answered with no sale, reason `deadline`.",
    )
    read_deadline_ms: int = Field(
        default=5_000,
        ge=1,
        le=60_000,
        description="Milliseconds after which a customer page, a `why` or a console page is given up.",
    )
    write_deadline_ms: int = Field(
        default=30_000,
        ge=1,
        le=600_000,
        description="Milliseconds after which posted events or an outcome are answered 503.",
    )
    decision_threads: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Threads that decide a batch of waiting requests, the next while the one before writes, or where "
        "it takes long.",
    )
    decide_beside: bool = Field(
        default=True,
        description="Whether one worker has a process of its own for decisions and events, given two processors: "
        "faster, for the memory of another process.",
    )
    waiting_requests: int = Field(
        default=200,
        ge=1,
        le=100_000,
        description="Requests of a kind under way or waiting; above it decisions answer with no sale, others 503.",
    )
    max_body_bytes: int = Field(
        default=4_000_000, ge=1_000, description="Bytes of a request body above which it is refused (413)."
    )
    max_bodies_bytes: int = Field(
        default=64_000_000,
        ge=1_000,
        description="Bytes of all bodies under way above which more is refused (503); 64 KiB of each are free.",
    )
    body_seconds: float = Field(
        default=20,
        gt=0,
        le=600,
        description="Seconds within which a request must have come whole; a slower one is refused (408).",
    )
    max_events: int = Field(
        default=1_000, ge=1, le=100_000, description="Events in one POST above which it is refused (413)."
    )
    requests_per_second: int = Field(
        default=2_000,
        ge=0,
        description="Requests a second of one key, in this process, above which it is answered 429; 0 limits nothing.",
    )
    refused_per_second: int = Field(
        default=100,
        ge=0,
        description="Requests a second without a valid key, of all together, above which they are answered 429.",
    )
    log_requests: Literal["none", "slow", "all"] = Field(
        default="slow", description="Which requests get a log line: those slow or failed, all, or none."
    )
    slow_request_ms: int = Field(default=250, ge=1, description="Milliseconds from which a request counts as slow.")
    traces_endpoint: str = Field(
        default="",
        description="Where traces go (OTLP over HTTP), as http://127.0.0.1:4318/v1/traces; empty: nowhere.",
    )
    watch_minutes: float = Field(
        default=5,
        ge=0,
        le=1440,
        description="Minutes between two rounds (watchdogs, and feedback that nobody judged); 0: none.",
    )
    quiet_source_hours: float = Field(
        default=48, gt=0, le=24 * 14, description="Hours after which a source not heard of is told as gone quiet."
    )
    console_hours: int = Field(default=12, ge=1, le=168, description="Hours after which a console session ends.")
    console_hosts: tuple[str, ...] = Field(
        default=("127.0.0.1", "localhost", "[::1]"),
        description="Host names under which the console answers; others are refused against DNS rebinding.",
    )
    console_behind_tls: bool = Field(
        default=False,
        description="Whether a proxy that speaks TLS stands before the console: its cookies then travel over TLS only.",
    )
    time_zone: str = Field(
        default="Europe/Helsinki",
        description="The time zone in which the console writes times, as the tz database names it.",
    )
    shutdown_seconds: int = Field(
        default=10, ge=0, le=300, description="Seconds that requests under way get at a graceful stop."
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"the tz database knows no zone {value!r}; write it like Europe/Helsinki") from error
        return value


def load_settings(home: Home) -> ServingSettings:
    """Read `config/serving.yaml`; raises `ConfigError` naming file, line, key, value and remedy."""
    path = home.config / "serving.yaml"
    return parse(read_text(path), ServingSettings, name=str(path)) if path.exists() else ServingSettings()
