"""The ledger of judged windows: each challenger that was looked at, on which window, in a file that only grows.

A window judges once: who may try again and again on the same customers finds, by chance alone, a challenger that looks
good on them. One JSON object a line; a line that a kill cut short is passed over, and the next begins on a line of its
own.
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from features.durable import to_disk
from features.home import Home
from training.gates.verdict import Gate

FILE = "judged.jsonl"


@dataclass(frozen=True)
class Judged:
    """One model of a challenger, judged on a window.

    `window` is a sum over the window's rows and their truth, `files` over the model's files: the same customers with
    the same outcomes, the same model. `validated_at` is when the window begins, for people, as is `log_fingerprint`.
    """

    model: str
    validated_at: str
    window: str
    files: str
    log_fingerprint: str
    decided_at: str
    bundle: str
    promoted: bool


def path_of(home: Home) -> Path:
    """Where it lies."""
    return home.models / FILE


def read(home: Home) -> list[Judged]:
    """All lines that are whole, oldest first."""
    path = path_of(home)
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    return [one for line in lines if (one := _parsed(line)) is not None]


def append(home: Home, judged: Sequence[Judged]) -> None:
    """Add lines, durable when this returns; one writer at a time (see `promote`)."""
    path = path_of(home)
    torn = path.exists() and not path.read_bytes().endswith(b"\n") and path.stat().st_size > 0
    text = ("\n" if torn else "") + "".join(json.dumps(asdict(one), sort_keys=True) + "\n" for one in judged)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        with os.fdopen(handle, "ab", closefd=False) as file:
            file.write(text.encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    to_disk(path.parent)


def used_windows(known: Iterable[Judged], wanted: Sequence[Judged]) -> list[Gate]:
    """A failed gate for each model whose window has judged another model before; the same files may be judged again."""
    first: dict[tuple[str, str], Judged] = {}
    for one in known:
        first.setdefault((one.model, one.window), one)
    return [
        _used(one, before)
        for one in wanted
        if (before := first.get((one.model, one.window))) is not None and before.files != one.files
    ]


def _used(one: Judged, before: Judged) -> Gate:
    text = (
        f"the window from {one.validated_at[:10]} judged another model on {before.decided_at[:10]} (bundle "
        f"{before.bundle}, {'promoted' if before.promoted else 'refused'}), and a window judges once. Retrain as of a "
        "later date (tahdikas retrain --as-of DATE), when newer customers have shown what they do"
    )
    return Gate(f"{one.model}_window", False, 1.0, 0.0, text)


def _parsed(line: bytes) -> Judged | None:
    try:
        told = json.loads(line)
        return Judged(**{field.name: told[field.name] for field in fields(Judged)})
    except (ValueError, KeyError, TypeError):
        return None
