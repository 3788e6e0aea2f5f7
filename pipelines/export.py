"""Exporting a campaign list: every row is asked about once more, and only what may still be sent leaves the house."""

import shutil
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.columns import CUSTOMER_ID
from features.errors import DataError
from features.home import Home
from pipelines.campaigns import ListFile
from serving.campaign_lists import EXPORT, LIST_SCHEMA, summary
from serving.service import DecisionService

CHUNK = 2_000


@dataclass(frozen=True)
class Export:
    """An exported list: its CSV, who is in it, and who dropped out since it was built, each with the reason."""

    campaign: str
    file: Path
    exported_at: datetime
    kept: int
    dropped: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "campaign": self.campaign,
            "file": str(self.file),
            "exported_at": self.exported_at.isoformat(),
            "kept": self.kept,
            "dropped": self.dropped,
        }

    def __str__(self) -> str:
        reasons = "".join(f"\n  {row[CUSTOMER_ID]}: {row['text']}" for row in self.dropped[:20])
        more = f"\n  and {len(self.dropped) - 20:,} more" if len(self.dropped) > 20 else ""
        return f"{self.kept:,} rows in {self.file}; {len(self.dropped):,} dropped out since it was built{reasons}{more}"


def export_campaign(home: Home, campaign: str, *, now: datetime) -> Export:
    """Recheck every row of a list at `now`, reserve the contacts of those allowed, and write them as CSV and Parquet.

    Raises `DataError` for an unknown list, or one whose answers are no longer valid.
    """
    told = summary(home, campaign)
    if told is None:
        known = sorted(path.parent.name for path in home.campaigns.glob("*/summary.json"))
        raise DataError(f"There is no campaign list {campaign!r}. Built lists: {', '.join(known[-5:]) or 'none'}.")
    if now > datetime.fromisoformat(told["valid_until"]):
        raise DataError(
            f"The list {campaign} was valid until {told['valid_until']}. Build a new one: tahdikas campaign build"
        )
    folder = home.campaigns / campaign
    name = now.astimezone(UTC).strftime(EXPORT)
    draft = folder / f".{name}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    kept, dropped = 0, list[dict[str, Any]]()
    with closing(DecisionService(home)) as service, closing(ListFile(draft / "list", LIST_SCHEMA)) as out:
        for batch in pq.ParquetFile(folder / "list.parquet").iter_batches(CHUNK):
            rows = pa.Table.from_batches([batch]).to_pylist()
            answers = service.recheck([row["decision_id"] for row in rows], now, reserve=True)
            allowed = [row for row, answer in zip(rows, answers, strict=True) if answer.allowed]
            out.write(allowed)
            kept += len(allowed)
            dropped += [
                {
                    CUSTOMER_ID: row[CUSTOMER_ID],
                    "reason": ", ".join([reason.code, *kinds]),
                    "text": reason.text,
                    "text_fi": reason.text_fi,
                }
                for row, answer in zip(rows, answers, strict=True)
                if not answer.allowed
                for kinds in [[hold.kind for hold in answer.holds]]
                for reason in answer.reasons[:1]
            ]
    final = folder / name
    shutil.rmtree(final, ignore_errors=True)
    draft.rename(final)
    return Export(campaign, final / "list.csv", now, kept, dropped)
