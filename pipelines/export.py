"""Exporting a campaign list: every row is asked about once more, and only what may still be sent leaves the house."""

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from features.columns import CUSTOMER_ID
from features.errors import DataError
from features.home import Home
from features.log.store import transaction
from pipelines.campaign_workers import CHUNK, on_all_cores
from pipelines.export_files import ExportFiles
from pipelines.list_files import Sheet, rows_of, sheet_of
from serving.campaign_lists import DROPPED_SCHEMA, EXPORT, exports, summary
from serving.campaigns.asked import note_asked
from serving.campaigns.life import Campaigns
from serving.core.words import reason
from serving.desk.touched import told_of
from serving.service import DecisionService


@dataclass(frozen=True)
class Export:
    """An exported list: its CSV, how many are in it, and who dropped out since it was built, each with the reason.

    Where it `was_there`, nobody dropped out since the list was exported last: the file is the one of then.
    """

    campaign: str
    file: Path
    exported_at: datetime
    kept: int
    dropped: list[dict[str, Any]]
    was_there: bool = False

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "campaign": self.campaign,
            "file": str(self.file),
            "exported_at": self.exported_at.isoformat(),
            "kept": self.kept,
            "dropped": self.dropped,
            "was_there": self.was_there,
        }

    def __str__(self) -> str:
        if self.was_there:
            at = f"{self.exported_at:%Y-%m-%d %H:%M} UTC"
            return f"{self.kept:,} rows in {self.file}, exported at {at}; nobody dropped out since"
        reasons = "".join(f"\n  {row[CUSTOMER_ID]}: {row['text']}" for row in self.dropped[:20])
        more = f"\n  and {len(self.dropped) - 20:,} more" if len(self.dropped) > 20 else ""
        return f"{self.kept:,} rows in {self.file}; {len(self.dropped):,} dropped out since it was built{reasons}{more}"


def export_campaign(
    home: Home, campaign: str, *, now: datetime, progress: Callable[[int], None] = lambda _: None
) -> Export:
    """Recheck every row of a list at `now`, reserve the contacts of those allowed, and write them as CSV and Parquet.

    Exported again, it is the rows of the last export that are asked about: if all of them may still be sent, its file
    is given once more, else a file of those who may. Who was sent hers meanwhile gets no second one, who was taken off
    by hand none. Whoever something is heard of while this runs is asked about again; the file appears in a moment in
    which nothing is heard. `progress` is told how many rows are done. Raises `DataError` for an unknown list, one whose
    answers are no longer valid, one that is being exported at this moment, or one of a campaign that nobody approved.
    """
    told = summary(home, campaign)
    if told is None:
        known = sorted(path.parent.name for path in home.campaigns.glob("*/summary.json"))
        raise DataError(f"There is no campaign list {campaign!r}. Built lists: {', '.join(known[-5:]) or 'none'}.")
    if now > datetime.fromisoformat(told["valid_until"]):
        raise DataError(
            f"The list {campaign} was valid until {told['valid_until']}. Build a new one: tahdikas campaign build"
        )
    off = _taken_off(home, campaign)
    folder = home.campaigns / campaign
    draft = folder / now.astimezone(UTC).strftime(f".{EXPORT}")
    send_at = datetime.fromisoformat(told["send_at"])
    with _alone(folder), closing(DecisionService(home)) as service:
        before = next((folder / one["name"] for one in exports(home, campaign)), None)
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        heard = service.records.heard()
        files, dropped, done = ExportFiles(draft), list[dict[str, Any]](), 0
        rows = pq.ParquetFile((before or folder) / "list.parquet")
        ask = partial(_asked_again, off=off, now=now, send_at=send_at, reserve=True)
        with closing(files):
            for part in on_all_cores(home, ask, rows.iter_batches(CHUNK), customers=rows.metadata.num_rows):
                files.write(part.still)
                dropped += part.dropped
                done += part.still.table.num_rows + len(part.dropped)
                progress(done)
        ask_only = partial(_asked_again, off={}, now=now, send_at=send_at, reserve=False)
        while True:
            pq.write_table(pa.Table.from_pylist(dropped, schema=DROPPED_SCHEMA), draft / "dropped.parquet")
            with transaction(service.records.connection()):  # nothing is told while this looks
                latest = service.records.heard()
                about = told_of(service.records.connection(), heard, latest)
                groups = files.with_any(about)
                if not groups:
                    note_asked(before if before is not None and not dropped else draft, latest, now)
                    return _published(home, campaign, draft, now, files.count, dropped, off, before)
            heard = latest
            rest = files.rows(groups, about)
            if about is None:
                asked = on_all_cores(home, ask_only, rest, customers=files.count)
            else:
                asked = map(partial(ask_only, service), rest)
            if out := [row for part in asked for row in part.dropped]:
                dropped += out
                files.leave_out({row[CUSTOMER_ID] for row in out})


def _published(
    home: Home,
    campaign: str,
    draft: Path,
    now: datetime,
    kept: int,
    dropped: list[dict[str, Any]],
    off: dict[str, str],
    before: Path | None,
) -> Export:
    """The draft as an export; where nobody dropped out since the one `before`, that one."""
    if before is not None and not dropped:
        shutil.rmtree(draft)
        at = datetime.strptime(before.name, EXPORT).replace(tzinfo=UTC)
        return Export(campaign, before / "list.csv", at, kept, [], was_there=True)
    if _taken_off(home, campaign) != off:
        raise DataError("Somebody was taken off or put back meanwhile, so nothing left. Export the list again.")
    final = draft.with_name(draft.name.removeprefix("."))
    shutil.rmtree(final, ignore_errors=True)
    draft.rename(final)
    return Export(campaign, final / "list.csv", now, kept, dropped)


def _taken_off(home: Home, list_id: str) -> dict[str, str]:
    """Who was taken off by hand, with the reason; raises `DataError` where the list's campaign is not approved."""
    campaigns = Campaigns(home)
    with closing(campaigns):
        campaign = campaigns.of_list(list_id)
        if campaign is not None and campaign.status not in ("approved", "exported"):
            raise DataError(
                f"The list {list_id} belongs to the campaign {campaign.spec.name!r}, which is {campaign.status}. "
                "Have it approved in the console first."
            )
        return {key: one["reason"] for key, one in campaigns.off(list_id).items()}


def _by_hand(customer: str, why: str) -> dict[str, Any]:
    """Who was taken off by a person."""
    told = {"text": f"Taken off by hand: {why}", "text_fi": f"Poistettu käsin: {why}"}
    return {CUSTOMER_ID: customer, "reason": "taken_off", **told}


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One export of a list at a time. The lock ends with the process that holds it, however it ends."""
    with (folder / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DataError(
                f"The list {folder.name} is being exported at this moment. Wait until that has ended."
            ) from error
        yield


class _Part(NamedTuple):
    """Of some rows those that may still be sent, and the others with the reason."""

    still: Sheet
    dropped: list[dict[str, Any]]


def _asked_again(
    service: DecisionService,
    batch: pa.RecordBatch | pa.Table,
    *,
    off: dict[str, str],
    now: datetime,
    send_at: datetime,
    reserve: bool,
) -> _Part:
    """Ask about rows once more, but for whom a person took `off`."""
    keys, ids, actions = (batch[name].to_pylist() for name in (CUSTOMER_ID, "decision_id", "action_id"))
    sent = service.records.with_outcome(ids, "sent")
    dropped = [_by_hand(key, off[key]) for key in keys if key in off]
    asked = [i for i, key in enumerate(keys) if key not in off]
    open_still = [ids[i] for i in asked if (ids[i], actions[i]) not in sent]
    answers = iter(service.recheck(open_still, now, send_at=send_at, reserve=reserve))
    still = []
    for i in asked:
        answer = None if (ids[i], actions[i]) in sent else next(answers)
        if answer is not None and answer.allowed:
            still.append(i)
            continue
        why = reason("already_told") if answer is None else answer.reasons[0]
        kinds = [] if answer is None else [hold.kind for hold in answer.holds]
        text = {"reason": ", ".join([why.code, *kinds]), "text": why.text, "text_fi": why.text_fi}
        dropped.append({CUSTOMER_ID: keys[i], **text})
    return _Part(sheet_of(rows_of(batch, still)), dropped)
