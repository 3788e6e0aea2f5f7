"""Notes that staff keep on a customer: who wrote them and when; never changed.

Who is erased loses hers (pipelines/forgetting.py).
"""

import secrets
from datetime import datetime

import msgspec

from features.errors import DataError
from features.log.connection import Connection
from features.log.identity import resolve
from features.log.store import from_micros, to_micros, transaction
from serving.desk.forgotten import not_forgotten
from serving.said import said

TABLES = (
    """create table if not exists customer_notes(
        customer_id text not null, note_id text not null, at integer not null, person text not null,
        note text not null, primary key (customer_id, note_id)) without rowid""",
)
LONGEST = 2_000


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """One note."""

    at: datetime
    person: str
    text: str


def add(run: Connection, customer_id: str, person: str, text: str, now: datetime) -> None:
    """Keep a note; raises `DataError` for one that says nothing or too much, or of one who asked to be forgotten."""
    if not text.strip() or len(text) > LONGEST:
        raise DataError(said("A note has 1 to %(most)s characters.", most=LONGEST))
    run.make(TABLES)
    with transaction(run):
        row = (not_forgotten(run, customer_id), secrets.token_hex(8), to_micros(now), person, text.strip())
        run.execute("insert into customer_notes values (?, ?, ?, ?, ?)", row)


def notes(run: Connection, customer_id: str) -> list[Note]:
    """Her notes, the latest first."""
    run.make(TABLES)
    query = "select at, person, note from customer_notes where customer_id = ? order by at desc, note_id"
    rows = run.execute(query, (resolve(run, customer_id),)).fetchall()
    return [Note(at=from_micros(at), person=person, text=text) for at, person, text in rows]
