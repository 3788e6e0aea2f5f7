"""Who asks to be forgotten is gone from notes, lists, files and the history of deeds, on whichever store."""

import os
import re
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.forgetting import forget
from serving import campaign_lists as lists
from serving.console.notes import add, notes

from .room import REGULARS, Room


def names(what: object, customer: str) -> bool:
    """Whether her key can be read in it, not as a part of a word or of an id."""
    return re.search(rf"\b{customer}\b", str(what)) is not None


def files_naming(room: Room, customer: str) -> list[str]:
    """Every file of the data folder but the live store's in which her key can be read."""
    found = []
    for path in sorted(room.shop.home.campaigns.rglob("*")):
        if path.suffix == ".parquet" and path.read_bytes()[-4:] == b"PAR1":
            named = any(names(row, customer) for row in pq.read_table(path).to_pylist())
        else:
            named = path.is_file() and names(path.read_bytes(), customer)
        if named:
            found.append(str(path.relative_to(room.shop.home.campaigns)))
    return found


def rows_naming(room: Room, customer: str) -> list[str]:
    """The console's tables in which she is named."""
    run = room.campaigns.connection()
    tables = ("customer_notes", "campaigns", "campaign_deeds", "campaign_off", "campaign_jobs")
    return [
        table
        for table in tables
        if any(names(value, customer) for row in run.execute(f"select * from {table}").fetchall() for value in row)
    ]


def is_forgotten(room: Room, customer: str, told_by: str | None = None) -> None:
    room.shop.happens("erasure", told_by or customer)
    service = room.app.state.wiring.service
    while forget(room.shop.home, service.records.connection()):
        pass


@pytest.fixture
def busy(room: Room) -> str:
    """A campaign whose list names bea here and aino there, exported; and notes on both."""
    room.shop.happens("feedback", "dora", kind="complaint", text="Never again")
    campaign_id = room.builds()
    room.saves(campaign_id, "preview")
    room.works()
    room.saves(campaign_id, "build", least_gain="0")
    room.works()
    room.does(campaign_id, "take-off", customer="aino", reason="aino was in tears")
    room.does(campaign_id, "take-off", customer="bea", reason="bea moved away")
    room.does(campaign_id, "put-back", customer="bea")
    room.approves(campaign_id)
    room.shop.wait(minutes=5)
    room.shop.happens("feedback", "cilla", kind="complaint", text="Nor I")
    room.becomes("Maija")
    room.does(campaign_id, "export")
    room.works()
    for one in REGULARS:
        add(room.campaigns.connection(), one, "Sari", f"{one} called", room.shop.now)
    return campaign_id


@pytest.mark.parametrize("customer", REGULARS)
def test_nothing_names_her_any_more_and_the_others_stay(room: Room, busy: str, customer: str) -> None:
    assert files_naming(room, customer) and rows_naming(room, customer)
    others = {one: (files_naming(room, one), rows_naming(room, one)) for one in REGULARS if one != customer}
    is_forgotten(room, customer)
    assert (files_naming(room, customer), rows_naming(room, customer)) == ([], [])
    assert {one: (files_naming(room, one), rows_naming(room, one)) for one in others} == others
    assert "called" not in str(notes(room.campaigns.connection(), customer))
    text = room.sees(busy, "history")
    assert "took a customer off" in text and not names(text, customer)
    assert re.search("rows? left", room.sees(busy))


def test_told_by_a_visitor_it_is_the_customer_who_is_forgotten(room: Room, busy: str) -> None:
    room.shop.logs_in("visitor-tablet", "bea")
    is_forgotten(room, "bea", told_by="visitor-tablet")
    assert (files_naming(room, "bea"), rows_naming(room, "bea")) == ([], [])


def test_who_was_forgotten_is_named_by_no_list_that_is_built_later(room: Room, busy: str) -> None:
    is_forgotten(room, "bea")
    campaign_id = room.builds()
    room.saves(campaign_id, "preview")
    room.works()
    assert files_naming(room, "bea") == [] and room.listed(campaign_id) == ["aino"]


def test_it_is_done_once_and_again_only_for_who_asks_next(room: Room, busy: str) -> None:
    is_forgotten(room, "bea")
    connection = room.app.state.wiring.service.records.connection()
    assert not forget(room.shop.home, connection)
    is_forgotten(room, "cilla")
    assert files_naming(room, "cilla") == []
    room.shop.home.derived.joinpath("forgotten_through").unlink()  # as in a folder brought back from a copy
    assert forget(room.shop.home, connection) and not forget(room.shop.home, connection)


def test_interrupted_it_goes_on_where_it_was(room: Room, busy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="disk"):
        patch.setattr(Path, "replace", full)
        is_forgotten(room, "bea")
    assert rows_naming(room, "bea")
    connection = room.app.state.wiring.service.records.connection()
    assert forget(room.shop.home, connection)
    assert (files_naming(room, "bea"), rows_naming(room, "bea")) == ([], [])


def cut_short(path: Path) -> None:
    """A file as its writer left it when he was killed: its end, where Parquet says what is in it, is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"PAR1 bea and much more")


@pytest.mark.parametrize(
    "left", ["an export", "the second writing of an export", "a forgetting", "a list", "a preview"]
)
def test_what_a_killed_process_left_of_her_goes_too_and_keeps_nobody_from_being_forgotten(
    room: Room, busy: str, left: str
) -> None:
    found = room.campaigns.find(busy)
    assert found is not None and found.list_id is not None
    campaigns = room.shop.home.campaigns
    folder = lists.folder_of(room.shop.home, found.list_id)
    place = {
        "an export": folder / ".export-20260101-000000" / "list",
        "the second writing of an export": folder / ".export-20260101-000000" / "rest",
        "a forgetting": folder / ".list-anew",
        "a list": campaigns / ".building-autumn-1" / "list",
        "a preview": campaigns / "previews" / ".building-preview-1" / "list",
    }[left]
    for suffix in (".parquet", ".csv"):
        cut_short(place.with_suffix(suffix))
        two_hours_ago = time.time() - 7_200
        os.utime(place.with_suffix(suffix), (two_hours_ago, two_hours_ago))
    is_forgotten(room, "bea")
    assert (files_naming(room, "bea"), rows_naming(room, "bea")) == ([], [])


def test_a_list_that_is_being_written_is_waited_for(room: Room, busy: str) -> None:
    growing = room.shop.home.campaigns / ".building-autumn-1"
    cut_short(growing / "list.parquet")
    two_hours_ago = time.time() - 7_200
    os.utime(growing, (two_hours_ago, two_hours_ago))  # begun long ago, and written to just now
    is_forgotten(room, "bea")
    assert (growing / "list.parquet").exists() and "customer_notes" in rows_naming(room, "bea")


def test_nothing_is_kept_any_more_of_who_was_forgotten(room: Room) -> None:
    """As from pages that were open when she asked: what is said there comes after everybody was looked at."""
    campaign_id = room.builds()
    room.shop.logs_in("visitor-tablet", "aino")
    is_forgotten(room, "bea")
    is_forgotten(room, "aino", told_by="visitor-tablet")
    for customer in ("aino", "bea", "visitor-tablet", "cilla"):
        room.does(campaign_id, "take-off", customer=customer, reason=f"{customer} was in tears")
        room.does(campaign_id, "put-back", customer=customer)
        room.becomes("Sari", "customer_service")
        room.send(f"/console/customers/{customer}/do/note", note=f"{customer} called")
        room.becomes("Maija", "marketer")
    assert rows_naming(room, "aino") == rows_naming(room, "bea") == []
    assert "customer_notes" in rows_naming(room, "cilla") and "campaign_deeds" in rows_naming(room, "cilla")


def test_a_file_that_names_her_is_still_one_to_send(room: Room, busy: str) -> None:
    found = room.campaigns.find(busy)
    assert found is not None and found.list_id is not None
    before = lists.exports(room.shop.home, found.list_id)[0]["kept"]
    is_forgotten(room, "bea")
    room.shop.wait(minutes=5)
    room.becomes("Maija")
    room.does(busy, "export")
    room.works()
    assert [one["kept"] for one in lists.exports(room.shop.home, found.list_id)] == [before - 1]
