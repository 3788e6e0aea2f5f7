"""Reports of the journey made ahead, over and over, in a thread of the lookout's process."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime

from serving.experience.experience import Experience
from serving.service import DecisionService

log = logging.getLogger("tahdikas.lookout")

_STEP_SECONDS, _AFTER_FAULT_SECONDS = 5.0, 60.0


def keep_reports(service: DecisionService, clock: Callable[[], datetime]) -> None:
    """Begin, in a thread of its own that ends with the process: a report of very many takes minutes."""
    threading.Thread(target=_keep, args=(Experience(service), clock), name="journey", daemon=True).start()


def _keep(experience: Experience, clock: Callable[[], datetime]) -> None:
    while True:
        pause = _STEP_SECONDS
        try:
            while experience.keep(clock()):
                pass
        except Exception:  # whatever it is: pages count for themselves meanwhile
            log.exception("a report of the journey could not be kept")
            pause = _AFTER_FAULT_SECONDS
        time.sleep(pause)
