"""Building a campaign list: every known customer through the same engine as the API, in bounded memory.

Customers are decided chunk by chunk and written as they come; the folder appears whole, under its final name, or not at
all. Who is not offered anything is listed too, with the reason, until when, and what she would have got.
"""

import hashlib
import json
import math
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from features.errors import DataError
from features.home import Home
from features.log.rules import RESERVED_PREFIX
from features.log.store import connect
from pipelines.campaign_cut import cut
from pipelines.campaign_rows import Step, Wanted
from pipelines.campaign_workers import CHUNK, Task, parts
from pipelines.list_files import ListFile
from serving.campaign_lists import KEPT_OFF_SCHEMA, LIST_SCHEMA, folder_of
from serving.campaigns.money import currency_of
from serving.core.catalogue import load_catalogue
from serving.core.live import KNOWN_FEATURES
from serving.core.policy import load_policy


@dataclass
class CampaignReport:
    """What became of every known customer. Gains are expected, in minor units."""

    id: str
    name: str
    channel: str
    placement: str
    built_at: datetime
    send_at: datetime
    valid_until: datetime
    customers: int = 0
    listed: int = 0
    kept_off: int = 0
    outside: int = 0  # of the campaign's audience
    service_instead: int = 0
    known: int = 0  # of whom `customers` are a sample, in a preview
    gain_spread: float = 0.0  # standard deviation of the gain, over all customers asked about
    expected_gain: float = 0.0
    withheld_gain: float = 0.0
    funnel: list[Step] = field(default_factory=list)
    currency: str | None = None  # of the latest purchases; None where they have none, or several
    names: dict[str, dict[str, str]] = field(default_factory=dict)  # the actions' names by language
    versions: dict[str, str] = field(default_factory=dict)
    folder: Path = Path()

    def summary(self) -> dict[str, Any]:
        """The same as plain JSON types, without the folder."""
        plain = asdict(self)
        del plain["folder"]
        moments = {name: getattr(self, name).isoformat() for name in ("built_at", "send_at", "valid_until")}
        return plain | moments


def build_campaign(
    home: Home,
    *,
    name: str,
    channel: str,
    placement: str,
    now: datetime,
    send_at: datetime | None = None,
    progress: Callable[[int], None] | None = None,
    chunk: int = CHUNK,
    workers: int | None = None,
    wanted: Wanted | None = None,
    list_id: str | None = None,
) -> CampaignReport:
    """Decide for every known customer at `now` and write the list under `home.campaigns`.

    It is to be sent at `send_at`; by default now, or when the quiet hours of the policy's own zone end. Rows can be
    read page by page; a file to send comes from an export alone, which asks about each again. `progress` is told how
    many customers are done; `workers` processes decide (None: one a core where there are many). With `wanted` the list
    is a campaign's, kept to what it asks for; of a sample nothing is recorded. `list_id` names the list. Raises
    `DataError` where nobody is known, or where channel and placement do not fit the policy; then nothing is left.
    """
    customers = known_customers(home)
    if customers == 0:
        raise DataError("No customer is known yet, so no list can be built. Ingest events first: tahdikas ingest.")
    policy = load_policy(home)
    send_at = policy.sendable_from(now, channel) if send_at is None else max(now, send_at)
    valid_until = send_at + timedelta(hours=policy.file.contact_cap.reservation_hours)
    report = CampaignReport(
        list_id or _free_id(home, name, now),
        name,
        channel,
        placement,
        now,
        send_at,
        valid_until,
        known=customers,
        currency=_currency(home),
        names=_names(home),
    )
    final = folder_of(home, report.id)
    building = final.with_name(f".building-{report.id}")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    try:
        _decide_all(home, report, building, progress or (lambda _: None), chunk, customers, workers, wanted)
        _write_durably(building / "summary.json", json.dumps(report.summary(), ensure_ascii=False, indent=1))
        report.folder = final
        building.rename(report.folder)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    return report


def known_customers(home: Home) -> int:
    """How many customers a list is decided for: all that have state, visitors without a name left out."""
    with closing(connect(home)) as connection:
        row = connection.execute(f"select count(*) from state where {_NAMED}").fetchone()
    return int(row[0])


def _currency(home: Home) -> str | None:
    with closing(connect(home)) as connection:
        return currency_of(connection)


def _names(home: Home) -> dict[str, dict[str, str]]:
    actions = load_catalogue(home, known=KNOWN_FEATURES).actions
    return {action.action: {"en": action.name.en, "fi": action.name.fi} for action in actions}


_NAMED = f"customer_id <> '' and substr(customer_id, 1, {len(RESERVED_PREFIX)}) <> '{RESERVED_PREFIX}'"


def _chunks(home: Home, size: int, share: float = 1.0) -> Iterator[list[str]]:
    """The known customers by id, or about so large a share of them, the same at each call."""
    after, under = "", int(share * 2**64)
    with closing(connect(home)) as connection:
        while True:
            query = f"select customer_id from state where customer_id > ? and {_NAMED} order by customer_id limit ?"
            found = [row[0] for row in connection.execute(query, (after, size)).fetchall()]
            if not found:
                return
            yield found if share >= 1 else [one for one in found if _drawn(one) < under]
            after = found[-1]


def _drawn(customer: str) -> int:
    """A number from 0 to 2^64 that says when a customer comes into samples."""
    return int.from_bytes(hashlib.blake2b(customer.encode(), digest_size=8, person=b"preview").digest(), "big")


def _decide_all(
    home: Home,
    report: CampaignReport,
    folder: Path,
    progress: Callable[[int], None],
    chunk: int,
    customers: int,
    workers: int | None,
    wanted: Wanted | None,
) -> None:
    steps: dict[tuple[str, str], Step] = {}
    place = load_policy(home).placement(report.placement)
    outbound = place is None or place.outbound  # one the policy does not know is refused by the first decision
    task = Task(report.channel, report.placement, report.built_at, report.send_at, report.valid_until, outbound, wanted)
    share = 1.0 if wanted is None or wanted.sample is None else min(1.0, wanted.sample / customers)
    with ExitStack() as stack:
        listed = stack.enter_context(closing(ListFile(folder / "list", LIST_SCHEMA, csv_too=False)))
        kept = stack.enter_context(closing(ListFile(folder / "kept_off", KEPT_OFF_SCHEMA)))
        for part in parts(home, task, _chunks(home, chunk, share), customers=customers, workers=workers):
            listed.write(part.on)
            kept.write(part.off)
            for key, step in part.steps.items():
                counted = steps.setdefault(key, replace(step, customers=0, gain=0.0))
                counted.customers += step.customers
                counted.gain += step.gain
            report.customers += part.customers
            report.outside += sum(step.customers for step in part.steps.values() if step.step == "outside")
            report.listed += part.on.table.num_rows
            report.kept_off += part.off.table.num_rows
            report.service_instead += part.service
            report.versions = part.versions or report.versions
            progress(report.customers)
        if wanted is not None and (wanted.spec.at_most is not None or wanted.spec.budget is not None):
            listed.close()
            moved = cut(home, folder, wanted.spec, report.channel, share, kept, steps)
            report.listed -= moved
            report.kept_off += moved
    report.gain_spread = _spread(folder / "list.parquet", report.customers)
    report.funnel = sorted(steps.values(), key=lambda step: (_ORDER.index(step.step), -step.customers, step.code))
    for step in report.funnel:
        step.gain = round(step.gain, 2)
    report.expected_gain = round(sum(step.gain for step in report.funnel if step.step == "listed"), 2)
    report.withheld_gain = round(sum(step.gain for step in report.funnel if step.step == "kept_off"), 2)


_ORDER = ("listed", "kept_off", "outside")


def _spread(path: Path, customers: int) -> float:
    """The standard deviation of the expected gain, who is not on the list counting as none."""
    with closing(duckdb.connect()) as connection:
        query = """select coalesce(sum(expected_gain), 0), coalesce(sum(expected_gain * expected_gain), 0)
            from read_parquet(?)"""
        total, squares = connection.execute(query, [str(path)]).fetchall()[0]
    everybody = max(1, customers)
    return math.sqrt(max(0.0, squares / everybody - (total / everybody) ** 2))


def _free_id(home: Home, name: str, now: datetime) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "list"
    base = f"{slug}-{now:%Y%m%d-%H%M%S}"
    taken = {path.name for path in home.campaigns.glob("*")} if home.campaigns.is_dir() else set()
    return next(one for one in (base, *(f"{base}-{n}" for n in range(2, len(taken) + 3))) if one not in taken)


def _write_durably(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
