"""Who asked to be forgotten leaves what the console keeps: notes, deeds, and every list that names her.

One step looks at the erasures told since the last; how far it came stands in `derived/forgotten_through`. Each host has
lists of its own, so each keeps its own; where it is lost, as with a folder brought back from a copy, all is looked at
again. Cut short anywhere, the next step does it again. What a killed build, export or step left goes as a whole.
"""

import fcntl
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.columns import CUSTOMER_ID
from features.home import Home
from features.log.connection import Connection, transaction
from features.log.rules import RESERVED_PREFIX
from pipelines.campaign_work import alone
from pipelines.list_files import ListFile, sheet
from serving.campaign_lists import EXPORT_BEGINS
from serving.campaigns.rows import TABLES as CAMPAIGN_TABLES
from serving.console import notes

FORGOTTEN = {"customer_id": "–"}
"""What a deed about somebody forgotten still says."""

_ROWS_AT_ONCE = 10_000
_ANEW = "-anew"
_LONGEST_SILENCE_SECONDS = 3_600
"""A list that nothing was written to for so long is not on its way any more."""


def forget(home: Home, connection: Connection) -> bool:
    """Forget whom erasures since the last step name; whether any was dealt with.

    While a list is built or exported nothing is done: it may yet name her. Raises `OSError` for files that cannot be
    written anew.
    """
    connection.make((*CAMPAIGN_TABLES, *notes.TABLES))
    (latest,) = connection.execute("select coalesce(max(position), 0) from facts").fetchone()
    since = _through(home)
    gone = _gone(connection, since, latest) if latest > since else set()
    if gone:
        with alone(home, wait=False) as is_alone:
            if not is_alone or _is_any_built(home) or not all(_cleared(folder, gone) for folder in _lists(home)):
                return False
        _clear_tables(connection, gone)
    if latest > since:
        home.derived.mkdir(exist_ok=True)
        draft = _mark(home).with_suffix(".draft")
        draft.write_text(str(latest), encoding="ascii")
        draft.replace(_mark(home))
    return bool(gone)


def _mark(home: Home) -> Path:
    return home.derived / "forgotten_through"


def _through(home: Home) -> int:
    """The position up to which all were forgotten; 0 where nothing tells."""
    try:
        return int(_mark(home).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def _gone(run: Connection, since: int, latest: int) -> set[str]:
    """The keys of all whom facts of positions in (since, latest] tell to be forgotten: an erasure forgets also those
    whom the visitor belongs to, or belonged to then; a link, the customer of a visitor who was erased before.
    """
    span = (since, latest)
    told = run.execute(
        "select origin_id, received_at from facts where position > ? and position <= ? and type = 'erasure'", span
    ).fetchall()
    found = {origin for origin, _ in told}
    for origin, at in told:
        rows = run.execute(
            """select customer_id from links where external_id = ?
            and (unlinked_at is null or (linked_at <= ? and unlinked_at > ?))""",
            (origin.removeprefix(RESERVED_PREFIX), at, at),
        )
        found |= {customer for (customer,) in rows} if origin.startswith(RESERVED_PREFIX) else set()
    linked = run.execute(
        f"""select l.customer_id from links l where l.external_id in (select external_id from identity_events
            where event_id in (select event_id from facts where position > ? and position <= ? and type = 'identity'))
        and exists (select 1 from facts f where f.origin_id = '{RESERVED_PREFIX}' || l.external_id
            and f.type = 'erasure' and (l.unlinked_at is null
            or (l.linked_at <= f.received_at and l.unlinked_at > f.received_at)))""",
        span,
    )
    return found | {customer for (customer,) in linked}


def _clear_tables(connection: Connection, gone: Collection[str]) -> None:
    """Looked for first and written then: decisions wait for a write, and this process has the lowest priority."""
    noted, off = (
        [one for one in gone if connection.execute(f"select 1 from {table} where customer_id = ?", (one,)).fetchone()]
        for table in ("customer_notes", "campaign_off")
    )
    query = "select campaign_id, n, detail from campaign_deeds where deed = 'took off' or deed = 'put back'"
    deeds = [
        (campaign_id, n)
        for campaign_id, n, detail in connection.execute(query).fetchall()
        if msgspec.json.decode(detail).get("customer_id") in gone
    ]
    if not (noted or off or deeds):
        return
    text = msgspec.json.encode(FORGOTTEN).decode()
    with transaction(connection) as run:
        run.executemany("delete from customer_notes where customer_id = ?", [(one,) for one in noted])
        run.executemany("delete from campaign_off where customer_id = ?", [(one,) for one in off])
        run.executemany(
            "update campaign_deeds set detail = ? where campaign_id = ? and n = ?", [(text, *deed) for deed in deeds]
        )


def _lists(home: Home) -> Iterator[Path]:
    """The folders of all lists and previews."""
    for pattern in ("*/summary.json", "previews/*/summary.json"):
        yield from sorted(path.parent for path in home.campaigns.glob(pattern))


def _is_any_built(home: Home) -> bool:
    """Whether a list is on its way by command. What a killed one left is removed: nobody goes on with it."""
    oldest = time.time() - _LONGEST_SILENCE_SECONDS
    drafts = [*home.campaigns.glob(".building-*"), *home.campaigns.glob("previews/.building-*")]
    for draft in drafts:
        if max((path.stat().st_mtime for path in draft.rglob("*")), default=draft.stat().st_mtime) > oldest:
            return True
        shutil.rmtree(draft)
    return False


def _cleared(folder: Path, gone: set[str]) -> bool:
    """Write anew what names any of them, without what killed ones left; False where the list is being exported."""
    with _not_exported(folder) as is_mine:
        if is_mine:
            for left in folder.glob(f".{EXPORT_BEGINS}*"):
                shutil.rmtree(left)
            for left in folder.rglob(f".*{_ANEW}.*"):
                left.unlink()
            for path in sorted(folder.rglob("*.parquet")):
                _write_without(path, gone)
        return is_mine


def _write_without(path: Path, gone: set[str]) -> None:
    names = pa.array(sorted(gone), pa.string())
    if not pc.any(pc.is_in(pq.read_table(path, columns=[CUSTOMER_ID])[CUSTOMER_ID], names)).as_py():
        return
    csv, draft, schema = path.with_suffix(".csv"), path.with_name(f".{path.stem}{_ANEW}"), pq.read_schema(path)
    has_csv = csv.exists()
    with closing(ListFile(draft, schema, csv_too=has_csv)) as file:
        for batch in pq.ParquetFile(path).iter_batches(_ROWS_AT_ONCE):
            rows = batch.filter(pc.invert(pc.is_in(batch[CUSTOMER_ID], names))).to_pylist()
            file.write(sheet(rows, schema, csv_too=has_csv))
    if has_csv:  # first: what still names her is then found by the next step
        draft.with_suffix(".csv").replace(csv)
    draft.with_suffix(".parquet").replace(path)


@contextmanager
def _not_exported(folder: Path) -> Iterator[bool]:
    with (folder / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
