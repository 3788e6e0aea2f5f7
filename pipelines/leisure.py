"""What takes long and nobody waits for, over and over, in a thread of the lookout's process: reports of the journey
made ahead, and lists and notes rid of who asked to be forgotten.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime

from pipelines.forgetting import forget
from serving.campaigns.kept_results import keep_results
from serving.experience.experience import Experience
from serving.service import DecisionService

log = logging.getLogger("tahdikas.lookout")

_STEP_SECONDS, _AFTER_FAULT_SECONDS = 5.0, 60.0


def do_at_leisure(service: DecisionService, clock: Callable[[], datetime]) -> None:
    """Begin, in a thread of its own that ends with the process: a report of very many takes minutes."""
    threading.Thread(target=_go_on, args=(service, clock), name="leisure", daemon=True).start()


def _go_on(service: DecisionService, clock: Callable[[], datetime]) -> None:
    experience = Experience(service)
    while True:
        pause = _STEP_SECONDS
        try:
            forget(service.home, service.records.connection())
            while experience.keep(clock()) or keep_results(service, service.home, clock()):
                forget(service.home, service.records.connection())
        except Exception:  # whatever it is: pages count for themselves meanwhile, and nothing half done is lost
            log.exception("a report could not be kept, or a customer not forgotten: it is tried again")
            pause = _AFTER_FAULT_SECONDS
        time.sleep(pause)
