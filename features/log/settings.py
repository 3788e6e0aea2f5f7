"""The settings of the live store: which engine keeps events, state and decisions.

They are read from `config/store.yaml` in the data folder; what the file does not name keeps its default. One machine
needs no such file.
"""

from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, field_validator

from features.home import Home
from features.typed_yaml import Path_, Strict, read_source, read_text

_URL_REMEDY = (
    "write postgresql://USER@HOST/DATABASE and no password: name the environment variable that holds it in "
    "password_env, or keep it in a pgpass file."
)


class StoreSettings(Strict):
    """Where events, state, decisions and keys are kept."""

    engine: Literal["sqlite", "postgresql"] = Field(
        default="sqlite",
        description="`sqlite`: a file in the data folder; `postgresql`: a PostgreSQL server at `url`.",
    )
    url: str = Field(
        default="postgresql://127.0.0.1:5432/tahdikas",
        description="The server: postgresql://USER@HOST:PORT/DATABASE?OPTIONS of libpq; without a password.",
    )
    password_env: str | None = Field(
        default=None,
        description="Name of the environment variable that holds the password; null: none, or as pgpass says.",
    )
    db_schema: str = Field(
        default="tahdikas",
        pattern="^[a-z_][a-z0-9_]{0,50}$",
        description="The schema in the database: two shops that share one need two.",
    )
    connect_timeout_ms: int = Field(
        default=1_000, ge=1, le=60_000, description="Milliseconds after which an attempt to connect is given up."
    )
    statement_timeout_ms: int = Field(
        default=30_000,
        ge=1,
        le=3_600_000,
        description="Milliseconds that a statement waits for another's write or for the server; a decision waits less.",
    )
    retry_after_ms: int = Field(
        default=1_000,
        ge=0,
        le=60_000,
        description="Milliseconds in which a server that did not answer is not asked again.",
    )

    @field_validator("url")
    @classmethod
    def _plain(cls, url: str) -> str:
        parts = urlsplit(url)
        port = parts.port  # raises ValueError where it is no number
        if parts.scheme not in ("postgresql", "postgres") or port == 0:
            raise ValueError(_URL_REMEDY)
        if parts.password or {"password", "passfile", "sslpassword"} & set(parse_qs(parts.query)):
            raise ValueError(_URL_REMEDY)
        return url


def settings_path(home: Home) -> Path:
    """The file that names the engine."""
    return home.config / "store.yaml"


def load_settings(home: Home) -> StoreSettings:
    """Read `config/store.yaml`; raises `ConfigError` naming file, line, key, value and remedy."""
    path = settings_path(home)
    try:
        found = path.stat()
    except FileNotFoundError:
        return StoreSettings()
    return _load(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=32)
def _load(path: Path, *_: int) -> StoreSettings:
    return read_source(read_text(path), name=str(path)).validated(StoreSettings, explain=_without_secret)


def _without_secret(path: Path_, problem: str) -> str | None:
    """A wrong address is not shown: it may hold a password."""
    return _URL_REMEDY if path == ("url",) and problem == "value_error" else None
