"""The console with many customers: what each page takes the server, and an export of every row.

The shop is a simulated one, its customers copied until there are enough. Each page is asked for over HTTP in this
process, after a first time that is not counted, while the lookout looks beside it as it does beside a service; a
campaign's list is built, approved and exported by the code that the console's worker runs.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pyarrow.parquet as pq
from argon2 import PasswordHasher

from benchmarks.decide import NOW, multiply, simulated_shop
from benchmarks.measure import Spent, spent
from benchmarks.report import write_result
from features.home import Home
from pipelines.campaign_work import do_all
from pipelines.lookout import LookoutProcess
from serving.api import create_app
from serving.campaign_lists import folder_of
from serving.campaigns.life import Campaigns
from serving.campaigns.spec import Spec
from serving.console.people import People
from serving.console.session import COOKIE, Sessions
from serving.experience.keeping import PERIODS
from serving.experience.kept import KeptReports
from serving.lookout.file import asked, last_look
from serving.settings import ServingSettings

MANY, ROUNDS = int(os.environ.get("MANY", "1000000")), 20
LOOKOUT_SECONDS = 3_600
AIM_MS, AIM_SECONDS, AIM_ROWS = 300, 60, 1_000_000


def run(now: datetime) -> bool:
    """Measure and write the result; needs no data."""
    with TemporaryDirectory() as folder:
        home = Home.open(Path(folder) / "home")
        simulated_shop(home, Path(folder) / "simulated")
        multiply(home, MANY)
        campaign, list_id, preview, build = _built(home)
        with spent() as export:
            _job(home, campaign, "export")
        rows = pq.read_metadata(folder_of(home, list_id) / "list.parquet").num_rows
        clock = _ticking()
        lookout = LookoutProcess(home, clock)
        lookout.start()
        try:
            ahead = _wait_for(home, folder_of(home, list_id) / "results.json")
            pages = asyncio.run(_pages(home, campaign, list_id, clock))
        finally:
            lookout.stop()
    _report(now, pages, preview, build, export, rows, ahead)
    return True


def _built(home: Home) -> tuple[str, str, Spent, Spent]:
    """A campaign for everybody: previewed, built and approved."""
    campaigns = Campaigns(home)
    made = campaigns.make(Spec(name="Everybody", holdout=0.0), "Maija", NOW)
    with spent() as preview:
        _job(home, made.campaign_id, "preview")
    with spent() as build:
        _job(home, made.campaign_id, "build")
    found = campaigns.find(made.campaign_id)
    assert found is not None and found.list_id is not None, campaigns.jobs(made.campaign_id)
    campaigns.approve(made.campaign_id, found.version, "Aku", NOW)
    return made.campaign_id, found.list_id, preview, build


def _job(home: Home, campaign_id: str, kind: Any) -> None:
    campaigns = Campaigns(home)
    found = campaigns.find(campaign_id)
    assert found is not None
    campaigns.ask(campaign_id, found.version, kind, "Maija", NOW)
    do_all(home, lambda: NOW)


def _wait_for(home: Home, results: Path) -> float:
    """Wait until the lookout has looked at everybody and made all reports; the seconds it took."""
    start, reports = time.perf_counter(), KeptReports(home.experience_db)
    while (
        asked(home, last_look) is None
        or any(reports.find("demand", days) is None for days in PERIODS)
        or not results.exists()
    ):
        assert time.perf_counter() - start < LOOKOUT_SECONDS, "the lookout looks for too long"
        time.sleep(1)
    return time.perf_counter() - start


async def _pages(home: Home, campaign: str, list_id: str, clock: Callable[[], datetime]) -> dict[str, list[float]]:
    """Milliseconds of each page, one a round."""
    app = create_app(home, clock=clock, settings=ServingSettings(read_deadline_ms=60_000), lookout=True)
    people = People(home, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    people.add("Ada", "correct horse battery", ["admin"], by="benchmark", now=NOW)
    cookie = {COOKIE: Sessions(people, 12).start(NOW, name="Ada")}
    customer = pq.ParquetFile(folder_of(home, list_id) / "list.parquet").read_row_group(0)["customer_id"][0].as_py()
    addresses = {
        "today": "/console",
        "campaigns": "/console/campaigns",
        "a campaign's plan with its preview": f"/console/campaigns/{campaign}?tab=plan",
        "a campaign's list at a glance": f"/console/campaigns/{campaign}?tab=list",
        "a campaign's results": f"/console/campaigns/{campaign}?tab=results",
        "rows, best first": f"/console/lists/{list_id}",
        "rows, page 1,000": f"/console/lists/{list_id}?page=1000",
        "rows, searched": f"/console/lists/{list_id}?q=c0000123",
        "kept off": f"/console/lists/{list_id}?tab=kept",
        "customers found": "/console/customers?q=c00001",
        "a customer": f"/console/customers/{customer}",
        "unhappy now": "/console/unhappy",
        "journey": "/console/journey",
        "a touchpoint": "/console/journey/at/delivery",
        "searches in vain": "/console/journey/searches",
        "models": "/console/models",
        "policy": "/console/policy",
    }
    took: dict[str, list[float]] = {}
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", cookies=cookie) as client:
            for name, address in addresses.items():
                for number in range(ROUNDS + 1):
                    start = time.perf_counter()
                    answer = await client.get(address, headers={"accept": "text/html"})
                    assert answer.status_code == 200, (name, answer.status_code, answer.text)
                    if number:
                        took.setdefault(name, []).append((time.perf_counter() - start) * 1e3)
                    elif time.perf_counter() - start > 10:  # so slow that once more says it too
                        took[name] = [(time.perf_counter() - start) * 1e3]
                        break
    return took


def _ticking() -> Callable[[], datetime]:
    began = time.monotonic()
    return lambda: NOW + timedelta(seconds=time.monotonic() - began)


def _report(
    now: datetime,
    pages: dict[str, list[float]],
    preview: Spent,
    build: Spent,
    export: Spent,
    rows: int,
    ahead: float,
) -> None:
    p95 = {name: _p95(took) for name, took in pages.items()}
    table = [
        [name, f"{statistics.median(took):,.0f}", f"{p95[name]:,.0f}", "" if p95[name] <= AIM_MS else "missed"]
        for name, took in pages.items()
    ]
    each = export.seconds / max(1, rows) * 1e6
    parts: list[dict[str, Any]] = [
        {
            "text": f"{MANY:,} customers, copies of a simulated shop's thousand. Milliseconds of the server for a "
            f"page, asked for {ROUNDS} times one after the other (aim: 95 of 100 within {AIM_MS} ms)."
        },
        {"table": {"columns": ["page", "median", "95th percentile", f"within {AIM_MS} ms"], "rows": table}},
        {
            "text": f"The lookout, at the lowest priority, had looked at everybody and made the reports of the journey "
            f"after {ahead:,.0f} s; it goes on beside the pages. A preview takes {preview}; a list for everybody "
            f"{build}; its export of {rows:,} rows, each asked "
            f"about once more, reserved and written as CSV and Parquet, {export}: {each:,.0f} microseconds a row, "
            f"{each * AIM_ROWS / 1e6:,.0f} s for a million (aim: {AIM_SECONDS})."
        },
    ]
    facts = {
        "customers": MANY,
        "p95_ms": p95,
        "preview_seconds": preview.seconds,
        "build_seconds": build.seconds,
        "export_rows": rows,
        "export_seconds": export.seconds,
        "export_peak_mb": export.peak_mb,
        "lookout_seconds": ahead,
    }
    write_result(
        "console",
        title="The console",
        order=45,
        command="python -m benchmarks console" if MANY == 1_000_000 else f"MANY={MANY} python -m benchmarks console",
        today=now.date(),
        parts=parts,
        facts=facts,
    )


def _p95(took: list[float]) -> float:
    return sorted(took)[max(0, round(0.95 * len(took)) - 1)]
