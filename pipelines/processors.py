"""How many processors this process may use."""

import os


def processors() -> int:
    """What the system allows it, where the system tells; else what the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
