"""Results of campaigns, counted ahead by a process that has time: they look at everybody on a list and held out of it.

They lie beside the list, in `results.json`; whoever deletes that loses a moment. It holds counts and sums, no names.
"""

import secrets
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import msgspec

from features.home import Home
from serving.campaign_lists import folder_of
from serving.campaigns.results import Results, results
from serving.service import DecisionService

AGAIN_AFTER = timedelta(minutes=10)
"""They are counted again so long after the last time, or after so many times what it took, if that is longer."""

REST = 20
_SHOWN_FOR = 3


class Kept(msgspec.Struct, frozen=True):
    """Results of a moment, when they are to be counted again, and until when they may be shown.

    What was kept by another `rule` of counting is not read: the first took all of those held out, also where a bound
    had cut the list.
    """

    as_of: datetime
    due_at: datetime
    good_until: datetime
    results: Results
    rule: Literal[2]


def results_lately(
    service: DecisionService, home: Home, list_id: str, now: datetime
) -> tuple[datetime, Results] | None:
    """What became of a list, and as of when: some time ago where that is kept, else `now`; None for no such list."""
    kept = _read(folder_of(home, list_id))
    if kept is not None and kept.as_of <= now and (now <= kept.good_until or _is_final(kept)):
        return kept.as_of, kept.results
    found = results(service, home, list_id, now)
    return None if found is None else (now, found)


def keep_results(service: DecisionService, home: Home, now: datetime) -> bool:
    """Count the results that have waited longest, if any are due; whether some were."""
    waits = [(kept.due_at if kept else None, folder) for folder, kept in _sent(home)]
    due = [(at, folder) for at, folder in waits if at is None or at <= now]
    if not due:
        return False
    _, folder = min(due, key=lambda one: (one[0] is not None, one[0] or now, one[1]))
    start = time.perf_counter()
    found = results(service, home, folder.name, now)
    if found is None:
        return False
    rest = max(AGAIN_AFTER, REST * timedelta(seconds=time.perf_counter() - start))
    draft = folder / f".results-{secrets.token_hex(4)}"
    draft.write_bytes(msgspec.json.encode(Kept(now, now + rest, now + _SHOWN_FOR * rest, found, 2)))
    draft.replace(folder / "results.json")
    return True


def _sent(home: Home) -> Iterator[tuple[Path, Kept | None]]:
    """The lists that have left and whose results are not final, with what is kept of each."""
    for folder in sorted({path.parent.parent for path in home.campaigns.glob("*/export-*/list.parquet")}):
        kept = _read(folder)
        if kept is None or not _is_final(kept):
            yield folder, kept


def _is_final(kept: Kept) -> bool:
    """Whether all had had their weeks."""
    return kept.results.tells_at is not None and kept.as_of >= kept.results.tells_at


def _read(folder: Path) -> Kept | None:
    try:
        return msgspec.json.decode((folder / "results.json").read_bytes(), type=Kept)
    except (OSError, msgspec.MsgspecError):
        return None
