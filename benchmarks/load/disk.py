"""What the disk itself takes: whoever is answered only when all is on disk waits at least as long."""

import os
import time
from pathlib import Path
from tempfile import TemporaryFile

import msgspec
import numpy as np

BYTES, FILE_BYTES, TIMES, PAUSE_SECONDS = 8_192, 16 * 1024 * 1024, 500, 0.005


class Disk(msgspec.Struct, frozen=True):
    """Milliseconds until two pages written were on disk: percentiles."""

    p50: float
    p99: float


def disk(folder: Path) -> Disk:
    """Write two pages over and wait for them (`fdatasync`), again and again for some seconds, in a file of a folder."""
    with TemporaryFile(dir=folder) as file:
        file.write(bytes(FILE_BYTES))
        file.flush()
        os.fsync(file.fileno())
        pages, seconds = os.urandom(BYTES), []
        for number in range(TIMES):
            os.pwrite(file.fileno(), pages, number * BYTES % FILE_BYTES)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            seconds.append(time.perf_counter() - began)
            time.sleep(PAUSE_SECONDS)
    p50, p99 = (float(v) * 1e3 for v in np.percentile(seconds, [50, 99]))
    return Disk(p50, p99)
