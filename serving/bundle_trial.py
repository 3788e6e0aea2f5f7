"""`python -m serving.bundle_trial FOLDER`: open a bundle and compare its canaries, in a process that may die of it."""

import sys
from pathlib import Path

from features.errors import BundleError
from serving.bundle import REMEDY, checked_manifest, opened


def main(folder: str) -> int:
    """0 if the bundle opens and its canaries sing; the reason on standard error otherwise."""
    try:
        opened(Path(folder), checked_manifest(Path(folder)))
    except BundleError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except Exception as error:  # whatever its files hold
        sys.stderr.write(f"{error!r} at opening it. {REMEDY}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
