"""A process that imports in small parts and dies: `python import_in_parts.py SOURCE FOLDER HOME READ WHEN`.

The names of the parts it begins to read go to the file READ, a line each. SIGKILL comes when WHEN says: "1.5", so many
seconds after everything is loaded (0: never), or "mark:2", as the function is entered for the second time.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

sys.path.append(str(Path(__file__).parent))

from log_intake import kill_at

from features.home import Home
from pipelines import ingest as ingesting
from pipelines.sources.base import SourceBatch
from pipelines.sources.olist import Olist
from pipelines.sources.parted import Part, PartedSource
from pipelines.sources.retailrocket import RetailRocket

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def small_parts(name: str, read: Path) -> PartedSource:
    """The source with parts of some hundred rows, noting which of them it reads."""
    kind: type[PartedSource] = {"olist": Olist, "retailrocket": RetailRocket}[name]

    class Noting(kind):  # type: ignore[valid-type, misc]
        def read(self, folder: Path, part: Part) -> Iterator[SourceBatch]:
            with read.open("a") as file:
                file.write(f"{part.name}\n")
            yield from super().read(folder, part)

    source: PartedSource = Noting(part_rows=300)
    return source


def main(name: str, folder: str, home: str, read: str, when: str) -> None:
    """Import, dying on the way."""
    ingesting.SOURCES[name] = small_parts(name, Path(read))
    if ":" in when:
        function, count = when.split(":")
        kill_at(function, int(count))
    elif float(when):
        threading.Timer(float(when), os.kill, (os.getpid(), signal.SIGKILL)).start()
    ingesting.ingest(Home.open(home), name, Path(folder), now=NOW)


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)  # the timer need not come
