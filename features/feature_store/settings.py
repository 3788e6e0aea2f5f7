"""The settings of the feature store: which engines keep the online records and the history.

They are read from `config/feature_store.yaml` in the data folder; what the file does not name keeps its default. One
machine needs no such file.
"""

from typing import Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, field_validator

from features.home import Home
from features.typed_yaml import Path_, Strict, read_source, read_text

_URL_REMEDY = (
    "write one of valkey://, valkeys://, redis://, rediss://, unix://, and no password: name the environment variable "
    "that holds it in online.password_env."
)
_SCHEMES = ("valkey", "valkeys", "redis", "rediss", "unix")


class OnlineSettings(Strict):
    """Where the newest features of each customer are kept for serving."""

    store: Literal["sqlite", "valkey"] = Field(
        default="sqlite",
        description="`sqlite`: a file in the data folder; `valkey`: a Valkey or Redis server at `url`.",
    )
    url: str = Field(
        default="valkey://127.0.0.1:6379/0",
        description="The server: valkey://, valkeys:// (TLS), redis://, rediss:// or unix://; without a password.",
    )
    password_env: str | None = Field(
        default=None, description="Name of the environment variable that holds the server's password; null: none."
    )
    prefix: str = Field(
        default="tahdikas",
        pattern="^[A-Za-z0-9_.-]+$",
        description="First part of every key on the server: two shops that share one need two prefixes.",
    )
    read_deadline_ms: int = Field(
        default=50, ge=1, le=60_000, description="Milliseconds after which a read of up to 500 customers is given up."
    )
    retry_after_ms: int = Field(
        default=1000, ge=0, le=60_000, description="Milliseconds for which a server that did not answer is not asked."
    )
    write_deadline_ms: int = Field(
        default=30_000, ge=1, le=600_000, description="Milliseconds that a write waits for a lock or for the server."
    )
    ttl_days: float | None = Field(
        default=None, gt=0, description="Days after which a record has expired and is not used; null: never."
    )

    @field_validator("url")
    @classmethod
    def _plain(cls, url: str) -> str:
        parts = urlsplit(url)
        port = parts.port  # raises ValueError where it is no number
        if parts.scheme not in _SCHEMES or port == 0 or parts.password or "password" in parse_qs(parts.query):
            raise ValueError(_URL_REMEDY)
        return url


class OfflineSettings(Strict):
    """What computes features and training sets from the history."""

    engine: Literal["duckdb", "spark"] = Field(
        default="duckdb",
        description="`duckdb`: one machine, nothing to install; `spark`: one or many, by `spark_master`.",
    )
    spark_master: str = Field(default="local[2]", description="Spark's master: local[N], spark://..., yarn, k8s://...")
    spark_conf: dict[str, str] = Field(default={}, description="More of Spark's own settings, passed on as they are.")
    memory_limit_gb: float | None = Field(
        default=None, gt=0, description="Gigabytes that the engine may use before it spills to disk; null: its default."
    )


class FeatureStoreSettings(Strict):
    """Both halves of the feature store."""

    online: OnlineSettings = OnlineSettings()
    offline: OfflineSettings = OfflineSettings()


def load_settings(home: Home) -> FeatureStoreSettings:
    """Read `config/feature_store.yaml`; raises `ConfigError` naming file, line, key, value and remedy."""
    path = home.config / "feature_store.yaml"
    if not path.exists():
        return FeatureStoreSettings()
    return read_source(read_text(path), name=str(path)).validated(FeatureStoreSettings, explain=_without_secret)


def _without_secret(path: Path_, problem: str) -> str | None:
    """A wrong address is not shown: it may hold a password."""
    return _URL_REMEDY if path == ("online", "url") and problem == "value_error" else None
