"""Building a campaign list: every known customer through the same engine as the API, in bounded memory.

Customers are decided chunk by chunk and written as they come; the folder appears whole, under its final name, or not at
all. Who is not offered anything is listed too, with the reason, until when, and what she would have got.
"""

import csv
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from features.customer.holds import Hold
from features.errors import DataError
from features.home import Home
from features.log.event_log import EventLog
from features.log.rules import RESERVED_PREFIX
from features.log.store import connect
from serving.campaign_lists import KEPT_OFF_SCHEMA, LIST_SCHEMA
from serving.core.catalogue import load_catalogue
from serving.core.decision import ChosenAction, Decision, Reason, Request
from serving.core.held import blocks
from serving.core.live import KNOWN_FEATURES
from serving.core.policy import load_policy
from serving.core.words import CODES, kind_words, reason, status_words
from serving.service import DecisionService

CHUNK = 2_000
OFFERS = ("sales", "care")
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


@dataclass
class Step:
    """One line of the funnel: how many customers ended here, and the money (minor units) that it means."""

    step: str  # listed or kept_off
    code: str  # an action's id; a reason's code, `hold:<kind>` for holds
    text: str
    text_fi: str
    customers: int = 0
    gain: float = 0.0


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
    service_instead: int = 0
    expected_gain: float = 0.0
    withheld_gain: float = 0.0
    funnel: list[Step] = field(default_factory=list)
    currency: str | None = None  # that of all purchases; None where they have none, or several
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
) -> CampaignReport:
    """Decide for every known customer at `now` and write the list under `home.campaigns`.

    It is to be sent at `send_at`; by default now, or when the quiet hours of the policy's own zone end. Rows can be
    read page by page; a file to send comes from an export alone, which asks about each again. `progress` is told how
    many customers are done. Raises `DataError` where nobody is known, or where channel and placement do not fit the
    policy; nothing is left behind then.
    """
    if known_customers(home) == 0:
        raise DataError("No customer is known yet, so no list can be built. Ingest events first: tahdikas ingest.")
    policy = load_policy(home)
    send_at = policy.sendable_from(now, channel) if send_at is None else max(now, send_at)
    valid_until = send_at + timedelta(hours=policy.file.contact_cap.reservation_hours)
    report = CampaignReport(
        _free_id(home, name, now),
        name,
        channel,
        placement,
        now,
        send_at,
        valid_until,
        currency=_currency(home),
        names=_names(home),
    )
    building = home.campaigns / f".building-{report.id}"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    try:
        _decide_all(home, report, building, progress or (lambda _: None), chunk)
        _write_durably(building / "summary.json", json.dumps(report.summary(), ensure_ascii=False, indent=1))
        report.folder = home.campaigns / report.id
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
    with closing(EventLog(home)) as log, closing(duckdb.connect()) as connection:
        query = f"select distinct currency from ({log.scan()}) where type = 'purchase' and currency is not null limit 2"
        found = connection.sql(query).fetchall()
    return str(found[0][0]) if len(found) == 1 else None


def _names(home: Home) -> dict[str, dict[str, str]]:
    actions = load_catalogue(home, known=KNOWN_FEATURES).actions
    return {action.action: {"en": action.name.en, "fi": action.name.fi} for action in actions}


_NAMED = f"customer_id <> '' and substr(customer_id, 1, {len(RESERVED_PREFIX)}) <> '{RESERVED_PREFIX}'"


def _chunks(home: Home, size: int) -> Iterator[list[str]]:
    after = ""
    with closing(connect(home)) as connection:
        while True:
            query = f"select customer_id from state where customer_id > ? and {_NAMED} order by customer_id limit ?"
            found = [row[0] for row in connection.execute(query, (after, size)).fetchall()]
            if not found:
                return
            yield found
            after = found[-1]


def _decide_all(home: Home, report: CampaignReport, folder: Path, progress: Callable[[int], None], chunk: int) -> None:
    steps: dict[tuple[str, str], Step] = {}
    place = load_policy(home).placement(report.placement)
    outbound = place is None or place.outbound  # one the policy does not know is refused below
    with ExitStack() as stack:
        service = stack.enter_context(closing(DecisionService(home)))
        listed = stack.enter_context(closing(ListFile(folder / "list", LIST_SCHEMA, csv_too=False)))
        kept = stack.enter_context(closing(ListFile(folder / "kept_off", KEPT_OFF_SCHEMA)))
        for customers in _chunks(home, chunk):
            requests = [
                Request(
                    customer_id=one,
                    channel=report.channel,
                    placement=report.placement,
                    now=report.built_at,
                    mode="list",
                    send_at=report.send_at,
                )
                for one in customers
            ]
            decisions = service.decide_many(requests)
            on, off = [], []
            for customer, decision in zip(customers, decisions, strict=True):
                offer = next(
                    (one for one in decision.actions if one.category in OFFERS and one.action_id != "no_action"), None
                )
                if offer is not None:
                    on.append(_listed(customer, decision, offer, report.valid_until))
                    _count(
                        steps,
                        Step("listed", offer.action_id, offer.text or offer.action_id, offer.text_fi),
                        offer.expected_gain,
                    )
                else:
                    row, step = _kept_off(customer, decision, outbound)
                    off.append(row)
                    _count(steps, step, row["would_be_gain"] or 0.0)
            listed.write(on)
            kept.write(off)
            report.customers += len(customers)
            report.listed += len(on)
            report.kept_off += len(off)
            report.service_instead += sum(row["instead"] is not None for row in off)
            report.versions = decisions[-1].versions
            progress(report.customers)
    report.funnel = sorted(steps.values(), key=lambda step: (step.step == "kept_off", -step.customers, step.code))
    for step in report.funnel:
        step.gain = round(step.gain, 2)
    report.expected_gain = round(sum(step.gain for step in report.funnel if step.step == "listed"), 2)
    report.withheld_gain = round(sum(step.gain for step in report.funnel if step.step == "kept_off"), 2)


def _count(steps: dict[tuple[str, str], Step], step: Step, gain: float) -> None:
    counted = steps.setdefault((step.step, step.code), step)
    counted.customers += 1
    counted.gain += gain


def _listed(customer: str, decision: Decision, offer: ChosenAction, valid_until: datetime) -> dict[str, Any]:
    return {
        "customer_id": customer,
        "action_id": offer.action_id,
        "treatment_id": offer.treatment_id,
        "category": offer.category,
        "items": [item.item_id for item in offer.items],
        "item_titles": [item.title or item.item_id for item in offer.items],
        "response_probability": offer.response_probability,
        "expected_gain": offer.expected_gain,
        "reasons": [one.text for one in offer.reasons],
        "reasons_fi": [one.text_fi or one.text for one in offer.reasons],
        "decision_id": decision.decision_id,
        "valid_until": valid_until,
    }


def _kept_off(customer: str, decision: Decision, outbound: bool) -> tuple[dict[str, Any], Step]:
    why = _why(decision, outbound)
    held = next(
        (hold for hold in decision.holds if why.code == "hold" and _covers_offers(hold, decision.channel, outbound)),
        None,
    )
    withheld = decision.withheld
    row = {
        "customer_id": customer,
        "reason": why.code,
        "reason_text": why.text,
        "reason_text_fi": why.text_fi or why.text,
        "hold_kind": held.kind if held else None,
        "until": held.ends_at if held else None,
        "review_at": held.review_at if held else None,
        "release_when": held.release_when if held else None,
        "would_be_action": withheld.action_id if withheld else None,
        "would_be_gain": withheld.expected_gain if withheld else None,
        "instead": next((one.action_id for one in decision.actions if one.action_id != "no_action"), None),
        "decision_id": decision.decision_id,
    }
    if held is not None:
        general = reason("hold", **kind_words([held.kind]))
        return row, Step("kept_off", f"hold:{held.kind}", general.text, general.text_fi)
    english, finnish = _GENERAL.get(why.code, (why.text, why.text_fi))
    return row, Step("kept_off", why.code, english, finnish)


_GENERAL = {
    "consent": (
        "They have not agreed to be contacted like this",
        "He eivät ole antaneet lupaa tällaiseen yhteydenottoon",
    ),
    "holdout": (
        "The group that gets no offers, so that their effect can be measured",
        "Ryhmä, joka ei saa tarjouksia, jotta niiden vaikutus voidaan mitata",
    ),
    "contact_cap": ("They have heard from us enough for now", "He ovat kuulleet meistä tällä erää tarpeeksi"),
    "no_gain": ("Nothing is worth its cost", "Mikään ei ole kustannuksensa arvoista"),
    "state_unknown": (
        "What is known of them cannot be trusted right now",
        "Asiakkaan tilannetta ei voi nyt tietää varmasti",
    ),
}
"""Texts for many customers where the code's own text speaks of one."""


def _why(decision: Decision, outbound: bool) -> Reason:
    """Why there is no offer: the decision's own reason, else the gate before the offer she would have got."""
    if decision.no_action_reason is not None:
        return decision.no_action_reason
    gates = decision.withheld.gates if decision.withheld else ()
    held = any(_covers_offers(hold, decision.channel, outbound) for hold in decision.holds)
    code = "hold" if held or "hold" in gates else gates[0] if gates else "service_first"
    if code == "hold":
        return reason("hold", **kind_words(hold.kind for hold in decision.holds))
    if code == "state_unknown":
        return reason("state_unknown", **status_words(decision.state_status))
    return reason(code) if "{" not in CODES[code][0] else Reason(code, *_GENERAL.get(code, (code, code)))


def _covers_offers(hold: Hold, channel: str, outbound: bool) -> bool:
    return any(blocks(hold, category, "", channel=channel, outbound=outbound) for category in OFFERS)


class ListFile:
    """Rows written as `path`.parquet and, with `csv_too`, as `path`.csv that a spreadsheet cannot take for formulas."""

    def __init__(self, path: Path, schema: pa.Schema, *, csv_too: bool = True) -> None:
        self._schema = schema
        self._parquet = pq.ParquetWriter(path.with_suffix(".parquet"), schema, compression="zstd")
        self._file = path.with_suffix(".csv").open("w", encoding="utf-8-sig", newline="") if csv_too else None
        if self._file is not None:
            csv.writer(self._file, quoting=csv.QUOTE_NONNUMERIC).writerow(schema.names)

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Append rows, keyed by the schema's names."""
        if not rows:
            return
        self._parquet.write_table(pa.Table.from_pylist(list(rows), schema=self._schema))
        if self._file is not None:
            lines = [[cell(row[name]) for name in self._schema.names] for row in rows]
            csv.writer(self._file, quoting=csv.QUOTE_NONNUMERIC).writerows(lines)

    def close(self) -> None:
        """End both files; the CSV is on disk."""
        self._parquet.close()
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()


def cell(value: Any) -> str | float:
    """A CSV cell: text that begins like a formula gets an apostrophe before it, lists are joined by ` | `.

    >>> cell("=HYPERLINK(1)"), cell(["+1", "tea"]), cell(None), cell(0.25)
    ("'=HYPERLINK(1)", "'+1 | tea", '', 0.25)
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, datetime):
        return value.isoformat()
    text = " | ".join(str(one) for one in value) if isinstance(value, list) else str(value)
    text = text.replace("\x00", "")
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


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
