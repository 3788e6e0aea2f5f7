"""Until when what an export asked still counts: a file that waits must not go to whom something happened since."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from features.home import Home
from serving.campaign_lists import folder_of, summary
from serving.desk.faults import ConflictError
from serving.desk.touched import told_of
from serving.records import Heard
from serving.said import said
from serving.service import DecisionService

COUNTS_FOR = timedelta(hours=1)
"""After this much, time alone may have brought a hold: a promised day that passed. (Clocks of hosts differ by less.)"""
MOST = 500
"""More people than this of whom something was heard are asked about by a new export, which nobody waits for."""
_NOTE = "asked.json"


def note_asked(folder: Path, heard: Heard, now: datetime) -> None:
    """Note in an export's folder that everybody in it was asked about at `now`, when so much had been heard."""
    draft = folder / f".{_NOTE}"
    draft.write_text(json.dumps({"at": now.isoformat(), "heard": heard}), encoding="utf-8")
    draft.replace(folder / _NOTE)


def check_asked(service: DecisionService, home: Home, list_id: str, export: str, now: datetime) -> None:
    """Raise `ConflictError` unless everybody in an export may still be sent what it says, by all heard by now."""
    if not _still(service, home, list_id, export, now):
        raise ConflictError(
            said("Something happened since this was exported, or it was long ago. Export the list again.")
        )


def _still(service: DecisionService, home: Home, list_id: str, export: str, now: datetime) -> bool:
    folder, told = folder_of(home, list_id) / export, summary(home, list_id)
    try:
        noted = json.loads((folder / _NOTE).read_bytes())
        at, before = datetime.fromisoformat(noted["at"]), Heard(*noted["heard"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if told is None or abs(now - at) > COUNTS_FOR:
        return False
    about = told_of(service.records.connection(), before, service.records.heard())
    if about is None:
        return False
    with duckdb.connect(":memory:", config={"threads": 1}) as run:
        query = "select decision_id from read_parquet(?) where list_contains(?, customer_id) limit ?"
        found = run.execute(query, [str(folder / "list.parquet"), sorted(about), MOST + 1]).fetchall() if about else []
    send_at = datetime.fromisoformat(told["send_at"])
    return len(found) <= MOST and all(
        one.allowed for one in service.recheck([decision_id for (decision_id,) in found], now, send_at=send_at)
    )
