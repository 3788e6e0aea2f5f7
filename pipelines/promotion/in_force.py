"""Which bundle is in force, and which were before: one small file, replaced whole."""

import json
import os

from features.durable import to_disk
from features.home import Home


def put_in_force(home: Home, bundle: str, history: list[str]) -> None:
    """`bundle` decides from now on; `history` ends with it. Atomic and durable."""
    draft = home.bundles / f".current.{os.getpid()}"
    draft.write_text(json.dumps({"bundle": bundle, "history": history}) + "\n", "utf-8")
    to_disk(draft)
    draft.replace(home.bundles / "current.json")
    to_disk(home.bundles)


def history(home: Home) -> list[str]:
    """The bundles put in force and not rolled back, oldest first."""
    path = home.bundles / "current.json"
    if not path.exists():
        return []
    found: list[str] = json.loads(path.read_text("utf-8"))["history"]
    return found
