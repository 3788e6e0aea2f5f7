"""Sessions from the event log: what counts as one, and what was known when."""

from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from features.columns import EVENT_SCHEMA
from features.home import Home
from features.log.event_log import EventLog
from tests.training.shops import day
from training.views import VIEWS_SCHEMA, load_views

MINUTE = timedelta(minutes=1)


def step(
    minute: int, item: str | None, session: str = "s", *, who: str = "v", late: timedelta = timedelta(0), **more: object
) -> dict[str, object]:
    """A look at an item; `who` is a visitor's device, unless told otherwise."""
    at: datetime = day(1) + minute * MINUTE
    return {
        "event_id": f"{who}-{session}-{minute:04d}-{item}", "type": "browse", "anonymous_id": who, "occurred_at": at,
        "received_at": at + late, "channel": "web", "source": "test", "schema_version": 1, "action": "view",
        "session_id": session, "item_id": item,
    } | more  # fmt: skip


def sessions(tmp_path: Path, rows: list[dict[str, object]], **more: int) -> list[list[str]]:
    home = Home.open(tmp_path / "home")
    with EventLog(home) as log:
        log.append_history([pa.Table.from_pylist(rows, schema=EVENT_SCHEMA)], source="test", now=day(9))
    found = load_views(home, day(2), **more)
    assert found.schema == VIEWS_SCHEMA
    return found["items"].to_pylist()


def test_what_counts_is_every_step_with_an_item_but_its_removal(tmp_path: Path) -> None:
    rows = [
        step(1, "hat"), step(3, "cup", action="cart_add"), step(2, None, action="search", query="cups"),
        step(4, "cup", action="cart_remove"), step(5, "hat"), step(6, "pan", action="wishlist"),
    ]  # fmt: skip
    assert sessions(tmp_path, rows) == [["hat", "cup", "hat", "pan"]]


def test_the_first_to_end_comes_first_and_one_item_alone_is_none(tmp_path: Path) -> None:
    rows = [step(1, "a", "x"), step(9, "b", "x"), step(2, "c", "y"), step(3, "d", "y"), step(4, "e", "z")]
    rows += [step(5, "f", "w"), step(6, "f", "w")]
    assert sessions(tmp_path, rows) == [["c", "d"], ["a", "b"]]


def test_two_visitors_with_one_session_id_are_two_and_a_log_in_parts_nothing(tmp_path: Path) -> None:
    rows = [step(1, "a"), step(2, "b", customer_id="ada"), step(1, "c", who="w"), step(3, "d", who="w")]
    assert sessions(tmp_path, rows) == [["a", "b"], ["c", "d"]]


def test_only_what_was_known_by_then(tmp_path: Path) -> None:
    rows = [step(1, "a"), step(2, "b"), step(3, "later", late=timedelta(days=2)), step(1440, "at as_of")]
    assert sessions(tmp_path, rows) == [["a", "b"]]


def test_the_newest_only(tmp_path: Path) -> None:
    rows = [step(10 * n + m, f"i{n}{m}", f"s{n}") for n in range(4) for m in range(2)]
    assert sessions(tmp_path, rows, newest=2) == [["i20", "i21"], ["i30", "i31"]]


@pytest.mark.parametrize("rows", [[], [step(1, "a")]], ids=["no event", "one look"])
def test_no_browsing_is_no_session(tmp_path: Path, rows: list[dict[str, object]]) -> None:
    home = Home.open(tmp_path / "home")
    if rows:
        with EventLog(home) as log:
            log.append_history([pa.Table.from_pylist(rows, schema=EVENT_SCHEMA)], source="test", now=day(9))
    assert len(load_views(home, day(2))) == 0
