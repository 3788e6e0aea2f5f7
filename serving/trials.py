"""Which bundle is in force, and trying one in a child process that may die of it.

A service that starts begins the trial before it has imported itself: both take a second, on two cores at once.
"""

import atexit
import hashlib
import re
import subprocess
import sys
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from features.errors import BundleError
from features.home import Home

Trial = subprocess.Popen[str]

TRIAL_SECONDS = 20.0
REMEDY = "Promote again, or roll back to another bundle."
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,80}")
_begun: dict[Path, Trial] = {}
_passed: deque[str] = deque(maxlen=8)


def current_id(home: Home) -> str | None:
    """The id of the bundle in force by `current.json`, None before the first promotion. Raises `BundleError`."""
    path = home.bundles / "current.json"
    try:
        found: Any = msgspec.json.decode(path.read_bytes())["bundle"]
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, KeyError, TypeError, RecursionError) as error:
        raise BundleError(f"{path} cannot be read ({error!r}). {REMEDY}") from error
    if not isinstance(found, str) or not _ID.fullmatch(found):
        raise BundleError(f"{path} names the bundle {found!r}, which is no bundle id. {REMEDY}")
    return found


def begin_trial(home: Home) -> None:
    """Begin to try the bundle in force, for a `passes` to come; without one, or where it cannot be, do nothing."""
    try:
        bundle_id = current_id(home)
        if bundle_id is None:
            return
        folder = home.bundles / bundle_id
        _begun[folder] = _start(folder)
    except (BundleError, OSError):  # whoever loads the bundle is told
        return
    atexit.register(_end, folder)


def passes(folder: Path, manifest: msgspec.Struct, seconds: float) -> None:
    """See that a child process opens the bundle and finds this manifest, or did before. Raises `BundleError`."""
    wanted = mark(manifest)
    if wanted in _passed:
        return
    early = _begun.pop(folder, None)
    found = None if early is None else _found(early, folder, seconds)
    if found != wanted:  # none was begun, or the bundle was changed since
        found = _found(_start(folder), folder, seconds)
    if found != wanted:
        raise BundleError(f"{folder} was changed while it was tried. {REMEDY}")
    _passed.append(wanted)


def passed() -> tuple[str, ...]:
    """What passed in this process, for another one on the same host to `take_as_passed`."""
    return tuple(_passed)


def take_as_passed(marks: Iterable[str]) -> None:
    """Take the word of a process that tried them: their sums are looked at all the same."""
    _passed.extend(marks)


def mark(manifest: msgspec.Struct) -> str:
    """What stands for a manifest, and so for the sums of all files of its bundle."""
    return hashlib.sha256(msgspec.json.encode(manifest)).hexdigest()


def _start(folder: Path) -> Trial:
    command = [sys.executable, "-m", "serving.bundle_trial", str(folder)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True, errors="replace")


def _found(trial: Trial, folder: Path, seconds: float) -> str:
    """The mark of the manifest that a trial found good. Raises `BundleError`."""
    try:
        told, wrong = trial.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise BundleError(f"{folder} could not be opened within {seconds:g} s. {REMEDY}") from error
    finally:
        _stop(trial)
    if trial.returncode < 0:
        raise BundleError(f"{folder} killed the process that tried to open it (signal {-trial.returncode}). {REMEDY}")
    if trial.returncode:
        raise BundleError(f"{folder} failed its trial: {(wrong.strip().splitlines() or ['no message'])[-1]}")
    return told.strip()


def _stop(trial: Trial) -> None:
    """End a trial that has not ended, by its id."""
    if trial.poll() is None:
        trial.kill()
        trial.communicate()


def _end(folder: Path) -> None:
    trial = _begun.pop(folder, None)
    if trial is not None:
        _stop(trial)
