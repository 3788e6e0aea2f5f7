"""What takes long for the console, done in a process of its own: previews, lists and exports, one after the other.

What is to be done stands in the live store, so that nothing of it is lost: whoever takes the work up next goes on with
what was begun and not ended. One process at a time works for a data folder; the lock ends with it, however it ends.
"""

import fcntl
import logging
import multiprocessing
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from features.errors import HomeError, TahdikasError
from features.home import Home
from features.log.connection import STORE_ERRORS
from serving.campaign_lists import folder_of
from serving.campaigns.compared import difference, others, overlap
from serving.campaigns.life import Campaigns
from serving.campaigns.rows import Job
from serving.clocks import Clock
from serving.logs import fields, to_lines

log = logging.getLogger("tahdikas.campaigns")

SAMPLE = 2_000
"""About so many customers are asked about for a preview."""

TRIES = 3
"""So often in a row the process is started again after it died; then not until there is more to do."""
_STOP_SECONDS = 10.0

_TELL_SECONDS = 0.5


class StoppedError(Exception):
    """Nobody wants it any more."""


def do_all(home: Home, clock: Clock) -> int:
    """Do what is waiting, also what comes meanwhile; gives how many jobs were ended."""
    with alone(home), closing(Campaigns(home)) as campaigns:
        ended = 0
        while waiting := campaigns.waiting():
            _do(home, campaigns, waiting[0], clock)
            ended += 1
        return ended


def _do(home: Home, campaigns: Campaigns, job: Job, clock: Clock) -> None:
    try:
        {"preview": _preview, "build": _build, "export": _export}[job.kind](home, campaigns, job, clock)
    except StoppedError:
        pass
    except TahdikasError as error:
        campaigns.failed(job, str(error), clock())
    except Exception as error:
        log.exception("a job failed", extra=fields(part=job.kind))
        campaigns.failed(job, f"{type(error).__name__}: {error}", clock())


def _preview(home: Home, campaigns: Campaigns, job: Job, clock: Clock) -> None:
    summary = _made(home, campaigns, job, SAMPLE)
    _compare(home, campaigns, job, summary["id"])
    campaigns.previewed(job, {"list_id": summary["id"]}, clock())
    for older in campaigns.jobs(job.campaign_id):
        if older.kind == "preview" and older.result.get("list_id") not in (None, summary["id"]):
            shutil.rmtree(folder_of(home, older.result["list_id"]), ignore_errors=True)


def _build(home: Home, campaigns: Campaigns, job: Job, clock: Clock) -> None:
    summary = _made(home, campaigns, job, None)
    _compare(home, campaigns, job, summary["id"])
    campaigns.built(job, summary["id"], summary, clock())


def _compare(home: Home, campaigns: Campaigns, job: Job, list_id: str) -> None:
    """Count ahead what its page compares it with."""
    overlap(home, list_id, list(others(campaigns.all(), job.campaign_id, list_id)))
    was = campaigns.find(job.campaign_id)
    if job.kind == "build" and was is not None and was.list_id not in (None, list_id):
        difference(home, was.list_id, list_id)


def _made(home: Home, campaigns: Campaigns, job: Job, sample: int | None) -> dict[str, Any]:
    """The list of a job: made now, or by somebody who could not tell any more that it was."""
    from pipelines.campaign_rows import Wanted
    from pipelines.campaigns import build_campaign, known_customers
    from serving.campaign_lists import PREVIEW, summary

    spec, token = job.spec, job.job_id.partition("-")[2]
    slug = re.sub(r"[^a-z0-9]+", "-", spec.name.lower()).strip("-")[:60] or "list"
    list_id = f"{PREVIEW}{token}" if sample else f"{slug}-{token}"
    found = summary(home, list_id)
    if found is not None:
        return found
    everybody = known_customers(home)
    report = build_campaign(
        home,
        name=spec.name,
        channel=spec.channel,
        placement=spec.placement,
        now=job.asked_at,
        progress=_teller(campaigns, job, min(everybody, sample or everybody)),
        wanted=Wanted(job.campaign_id, spec, sample),
        list_id=list_id,
    )
    return report.summary()


def _export(home: Home, campaigns: Campaigns, job: Job, clock: Clock) -> None:
    from pipelines.export import export_campaign

    campaign = campaigns.find(job.campaign_id)
    if campaign is None or campaign.list_id is None or campaign.version != job.version:
        raise TahdikasError("The campaign was changed after the export was asked for. Ask again.")
    export = export_campaign(home, campaign.list_id, now=clock(), progress=_teller(campaigns, job, job.total))
    told: dict[str, Any] = {"export": export.file.parent.name, "kept": export.kept, "dropped": len(export.dropped)}
    if export.was_there:
        told["was_there"] = True
    campaigns.exported(job, told, clock())


def _teller(campaigns: Campaigns, job: Job, total: int) -> Callable[[int], None]:
    """Tells the store how far it is, now and then; raises `StoppedError` once nobody wants it."""
    told_at = 0.0

    def tell(done: int) -> None:
        nonlocal told_at
        if time.monotonic() - told_at > _TELL_SECONDS:
            if not campaigns.goes_on(job, done, max(total, done)):
                raise StoppedError
            told_at = time.monotonic()

    tell(0)
    return tell


@contextmanager
def alone(home: Home, *, wait: bool = True) -> Iterator[bool]:
    """Wait until nobody else works for the data folder; gives False, without waiting, if `wait` is off and one does."""
    home.campaigns.mkdir(parents=True, exist_ok=True)
    with (home.campaigns / ".work.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True


class Worker:
    """Starts the process when there is work, and again while there is; `clock` is the console's."""

    def __init__(self, home: Home, clock: Clock) -> None:
        self._home, self._clock = home, clock
        self._woken = threading.Event()
        self._stopped = False
        self._process: multiprocessing.process.BaseProcess | None = None
        self._thread = threading.Thread(target=self._run, name="campaigns", daemon=True)

    def start(self) -> None:
        """Take up what was left by whoever worked before; nobody waits for a store in which to look for it."""
        self._thread.start()

    def wake(self) -> None:
        """There is something to do."""
        self._woken.set()

    def stop(self) -> None:
        """End the process; what it did not end is taken up at the next start."""
        self._stopped = True
        self._woken.set()
        if self._process is not None:
            self._process.terminate()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)

    def _has_work(self) -> bool:
        if not (self._home.live_db.exists() or (self._home.config / "store.yaml").exists()):
            return False
        try:
            with closing(Campaigns(self._home)) as campaigns:
                return bool(campaigns.waiting())
        except (*STORE_ERRORS, HomeError):
            log.warning("it could not be seen whether work was left: the process looks itself", exc_info=True)
            return True

    def _run(self) -> None:
        context, died = multiprocessing.get_context("spawn"), 0
        if self._has_work():
            self.wake()
        while True:
            self._woken.wait()
            self._woken.clear()
            if self._stopped:
                return
            ahead = (self._clock() - datetime.now(UTC)).total_seconds()
            self._process = context.Process(target=_work, args=(self._home.root, ahead), name="campaigns")
            self._process.start()
            self._process.join()
            died = died + 1 if self._process.exitcode else 0
            if 0 < died <= TRIES:
                self.wake()


def _work(root: Path, ahead_seconds: float) -> None:
    """In the process: the console's clock is so far ahead of the true one."""
    to_lines()
    ahead = timedelta(seconds=ahead_seconds)
    try:
        do_all(Home.open(root), lambda: datetime.now(UTC) + ahead)
    except Exception:
        log.exception("the work for the console failed")
        raise SystemExit(1) from None
