"""The command line: `tahdikas`, one command a job, each teaching itself through `--help`."""

import json
import os
import sys
import warnings

from rich.console import Console

from features.errors import TahdikasError
from pipelines.cli import (  # noqa: F401  (each registers its commands)
    care,
    catalogue,
    customer,
    data,
    deciding,
    drift,
    experience,
    feature_list,
    incidents,
    learning,
    models,
    people,
    policy,
    quality,
    running,
    stages,
    store,
)
from pipelines.cli.base import app

__all__ = ["app", "main"]


def _say_nothing(*_: object, **__: object) -> None:
    """In place of printing a warning."""


def main() -> None:
    """Entry point: a mistake the caller can mend ends with its message and exit code 2, without a traceback."""
    if not sys.warnoptions:
        warnings.showwarning = _say_nothing  # such words are for developers; tests take them as errors
    try:
        app()
    except TahdikasError as error:
        if "--json" in sys.argv:
            print(json.dumps({"error": type(error).__name__, "message": str(error)}))  # noqa: T201
        else:
            Console(stderr=True).print(
                f"[red]{type(error).__name__}[/red]: ", error, sep="", highlight=False, soft_wrap=True
            )
        sys.exit(2)
    except BrokenPipeError:
        os._exit(1)
