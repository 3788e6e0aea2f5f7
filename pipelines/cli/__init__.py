"""The command line: `tahdikas`, one command a job, each teaching itself through `--help`."""

import json
import os
import sys
import warnings

from rich.console import Console
from rich.text import Text

from features.errors import TahdikasError
from features.log.connection import STORE_ERRORS
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
    """Entry point: a mistake the caller can mend ends with its message and exit code 2, without a traceback; so does a
    store that cannot do what was asked (a full disk, another who writes), with 1.
    """
    if not sys.warnoptions:
        warnings.showwarning = _say_nothing  # such words are for developers; tests take them as errors
    try:
        app()
    except TahdikasError as error:
        _tell(type(error).__name__, str(error))
        sys.exit(2)
    except STORE_ERRORS as error:
        _tell("StoreError", f"The live store could not do it: {error}. Mend that, then run the command again.")
        sys.exit(1)
    except BrokenPipeError:
        os._exit(1)


def _tell(error: str, message: str) -> None:
    if "--json" in sys.argv:
        print(json.dumps({"error": error, "message": message}))  # noqa: T201
    else:
        Console(stderr=True).print(f"[red]{error}[/red]: ", Text(message), sep="", highlight=False, soft_wrap=True)
