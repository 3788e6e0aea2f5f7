"""Where the real data lie: a folder beside the repository, or the one that TAHDIKAS_SHARED_DATA names."""

import os
from pathlib import Path

from benchmarks.report import ROOT


def shared_data(folder: str) -> Path | None:
    """A folder of the shared data; None where it is absent."""
    found = Path(os.environ.get("TAHDIKAS_SHARED_DATA", ROOT.parent / "shared" / "data")) / folder
    return found if found.exists() else None
