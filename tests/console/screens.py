"""Pictures of every page of the console, of a small shop: `make screens` (into `screens/`), or with another folder."""

import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.conftest import Client
from tests.console.stage import Stage, breakdown, chromium, fill, served, shots
from tests.scenarios.conftest import Shop


def main(folder: Path) -> None:
    """Take them."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as home, ExitStack() as stack:

        def start(app: Any, **headers: str) -> Client:
            return Client(app, stack, **headers)

        shop = Shop(Path(home) / "home", start)
        breakdown(shop)
        fill(shop)
        with served(shop) as address, chromium() as browser:
            made = shots(Stage(shop, address, browser), folder)
    sys.stdout.write(f"{len(made)} pictures in {folder}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "screens"))
