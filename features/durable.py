"""Writing that survives power loss: a file, or the names in a folder, put onto the disk."""

import os
from pathlib import Path


def to_disk(path: Path) -> None:
    """Wait until the file's content, or the folder's names, are on the disk. Raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
