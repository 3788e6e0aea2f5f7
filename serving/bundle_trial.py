"""`python -m serving.bundle_trial FOLDER`: open a bundle and compare its canaries, in a process that may die of it."""

import sys
from pathlib import Path

from features.errors import BundleError
from serving.bundle import checked_manifest, opened
from serving.trials import REMEDY, mark


def main(folder: str) -> int:
    """0 if the bundle opens and its canaries sing, and the mark of its manifest; else the reason on standard error."""
    try:
        manifest = checked_manifest(Path(folder))
        opened(Path(folder), manifest)
    except BundleError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except Exception as error:  # whatever its files hold
        sys.stderr.write(f"{error!r} at opening it. {REMEDY}\n")
        return 1
    sys.stdout.write(mark(manifest))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
