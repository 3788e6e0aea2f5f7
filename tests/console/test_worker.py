"""The worker's own process: killed in the middle of its work, what it began is done, once."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.campaign_work import Worker
from serving.campaigns.life import Campaigns
from serving.campaigns.rows import Job
from serving.campaigns.spec import Spec
from tests.scenarios.conftest import Shop


@pytest.fixture
def shop(tmp_path: Path, start: Callable[..., Any]) -> Shop:
    found = Shop(tmp_path / "home", start)
    found.writes_eagerly()
    for number in range(60):
        found.regular(f"c{number:02}", orders=1)
    return found


@pytest.fixture
def worker(shop: Shop) -> Iterator[Worker]:
    found = Worker(shop.home, lambda: shop.now)
    found.start()
    yield found
    found.stop()


def wait_for(campaigns: Campaigns, job: Job, *statuses: str) -> Job:
    until = time.monotonic() + 90
    while True:
        found = campaigns.job(job.job_id)
        assert found is not None and time.monotonic() < until, found
        if found.status in statuses:
            return found
        time.sleep(0.005)


@pytest.mark.slow
def test_killed_in_a_build_it_is_started_again_and_the_list_is_there_once(shop: Shop, worker: Worker) -> None:
    campaigns = Campaigns(shop.home)
    made = campaigns.make(Spec(name="Autumn", holdout=0.0), "Maija", shop.now)
    job = campaigns.ask(made.campaign_id, 1, "build", "Maija", shop.now)
    worker.wake()
    wait_for(campaigns, job, "running")
    process = worker._process
    assert process is not None and process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    assert wait_for(campaigns, job, "done", "failed").status == "done"
    found = campaigns.find(made.campaign_id)
    assert found is not None and found.status == "review"
    assert [path.parent.name for path in shop.home.campaigns.glob("*/summary.json")] == [found.list_id]
    assert [deed.deed for deed in campaigns.deeds(made.campaign_id)].count("built") == 1


@pytest.mark.slow
def test_what_was_left_when_the_service_stopped_is_taken_up_at_the_next_start(shop: Shop) -> None:
    campaigns = Campaigns(shop.home)
    made = campaigns.make(Spec(name="Autumn", holdout=0.0), "Maija", shop.now)
    job = campaigns.ask(made.campaign_id, 1, "build", "Maija", shop.now)
    again = Worker(shop.home, lambda: shop.now)
    again.start()
    assert wait_for(campaigns, job, "done", "failed").status == "done"
    again.stop()
