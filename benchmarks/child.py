"""Runs a command and writes what it cost as JSON: `python -m benchmarks.child FILE COMMAND ...`.

Linux counts the memory of whoever starts a process as that process's own peak; this one is small, and loads nothing.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path


def main(file: str, command: list[str]) -> int:
    """Run `command` to its end and write seconds, cpu_seconds and peak_mb to `file`; returns its exit code."""
    began = time.perf_counter()
    child = subprocess.Popen(command)
    _, status, used = os.wait4(child.pid, 0)  # what this one used, and the processes it waited for
    child.returncode = os.waitstatus_to_exitcode(status)
    cost = {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_mb": used.ru_maxrss / 1024,
    }
    Path(file).write_text(json.dumps(cost), encoding="utf-8")
    return child.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
