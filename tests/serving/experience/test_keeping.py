"""Reports made ahead: the same as those counted now, shown while they may be, and never of somebody forgotten."""

import sqlite3
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest

from pipelines.backup import backup
from serving.desk.desk import Desk
from serving.desk.incidents import IncidentWish
from serving.experience.experience import Experience
from serving.experience.keeping import PERIODS

from .shop import NOW, Shop

LINE = {"item_id": "boots", "quantity": 1, "unit_price": 9_000}
KINDS = 2
LATER = NOW + timedelta(minutes=5)


def kept(shop: Shop, now: datetime = NOW) -> Experience:
    """Everything that is due is made."""
    asked = shop.experience
    made = 0
    while asked.keep(now):
        made += 1
        assert made <= 1 + KINDS * len(PERIODS)
    return asked


@pytest.fixture
def full(shop: Shop) -> Shop:
    for place in range(8):
        shop.rates(f"c{place}", place % 5 + 1, 3, text=f"words of c{place}")
        shop.searches(f"c{place}", "kayak", 4)
    return shop


def test_what_is_kept_is_what_would_be_counted(full: Shop) -> None:
    asked = kept(full)
    for days in PERIODS:
        assert asked.lately(LATER, days, 3) == asked.touchpoints(NOW, days, 3)
        assert asked.lately_at("support", LATER, days) == asked.touchpoint("support", NOW, days)
        assert asked.demand_lately(LATER, days) == asked.demand(NOW, days)


def test_what_is_not_kept_is_counted(full: Shop) -> None:
    asked = kept(full)
    assert asked.lately(LATER, 29) == asked.touchpoints(LATER, 29)
    assert asked.lately(LATER, 90, 50).as_of == LATER
    assert asked.demand_lately(LATER, 90, 1) == asked.demand(LATER, 90, 1)


def test_what_is_old_or_of_a_time_to_come_is_counted_anew(full: Shop) -> None:
    asked = kept(full)
    for now in (NOW + timedelta(hours=1), NOW - timedelta(minutes=1)):
        assert asked.lately(now).as_of == now


def test_a_report_is_made_again_once_something_was_heard_and_later_anyway(full: Shop) -> None:
    asked = kept(full)
    assert not asked.keep(NOW + timedelta(minutes=10))
    full.rates("c9", 5, 0)
    full.told()
    assert kept(full, NOW + timedelta(minutes=10)).lately(NOW + timedelta(minutes=11)).touchpoints[0].people == 9
    assert not asked.keep(NOW + timedelta(minutes=11))
    assert asked.keep(NOW + timedelta(minutes=26))


@pytest.mark.parametrize("door", ["told", "imported"])
def test_who_was_erased_is_in_no_report_from_then_on(full: Shop, door: str) -> None:
    asked = kept(full)
    assert asked.lately(LATER).as_of == NOW
    full.tells("erasure", "c0", -1 / 1440)
    getattr(full, door)()
    assert asked.lately(LATER).as_of == LATER
    found = asked.lately_at("support", LATER)
    assert "c0" not in {story.customer_id for story in found.touchpoints[0].stories}
    assert asked.demand_lately(LATER).terms[0].people == 7
    while asked.keep(LATER):
        pass
    assert b"words of c0" not in full.home.experience_db.read_bytes()
    assert asked.lately(LATER + timedelta(minutes=1)).as_of == LATER


def test_another_policy_judges_otherwise(full: Shop) -> None:
    kept(full)
    full.home.config.mkdir(exist_ok=True)
    text = (files("serving") / "defaults" / "policy.yaml").read_text()
    (full.home.config / "policy.yaml").write_text(text + "\n# another one\n")
    assert full.experience.lately(LATER).as_of == LATER


@pytest.mark.parametrize("damage", ["torn", "foreign", "newer", "gone"])
def test_a_file_that_cannot_be_used_is_made_anew(full: Shop, damage: str) -> None:
    asked = kept(full)
    path = full.home.experience_db
    match damage:
        case "torn":
            path.write_bytes(path.read_bytes()[:1000] + b"\0" * 3000)
        case "foreign":
            path.write_bytes(b"no database at all" * 300)
        case "newer":
            with sqlite3.connect(path) as file:
                file.execute("pragma user_version = 99")
        case _:
            path.unlink()
    assert asked.lately(LATER).as_of == LATER
    assert kept(full, LATER).lately(LATER + timedelta(minutes=1)).as_of == LATER


def test_two_may_keep_at_once(full: Shop) -> None:
    first, second = full.experience, full.experience
    while first.keep(NOW) | second.keep(NOW):
        pass
    assert first.lately(LATER) == second.lately(LATER)
    assert first.lately(LATER).as_of == NOW


def test_no_copy_of_the_folder_has_it(full: Shop, tmp_path: Path) -> None:
    kept(full)
    backup(full.home, tmp_path / "copy")
    assert full.home.experience_db.exists() and not (tmp_path / "copy" / "derived").exists()


def test_an_alarm_is_kept_and_muted_at_once_when_an_incident_speaks_of_it(shop: Shop) -> None:
    for day in range(2, 45):
        for place in range(3):
            shop.tells("purchase", f"b{day}-{place}", day, order_id=f"o{day}-{place}", currency="EUR", lines=[LINE])
        shop.tells("feedback", f"b{day}-0", day - 0.2, "checkout", kind="complaint")
    for place in range(15):
        shop.tells("feedback", f"c{place}", 0.1 + place / 1000, "checkout", kind="complaint")
    asked = kept(shop)
    desk = Desk(asked._service)
    (one,) = asked.alarms(LATER)
    assert [one] == desk.alarms(NOW) and one.declared is None
    wish = IncidentWish(rule=one.rule, person="Maija", reason="the till is down")
    declared = desk.declare(wish, LATER)
    (muted,) = asked.alarms(LATER + timedelta(minutes=1))
    assert (muted.declared, muted.customers) == (declared.incident.incident_id, one.customers)
    desk.close_incident(declared.incident.incident_id, "Maija", "mended", LATER + timedelta(minutes=2))
    assert asked.alarms(LATER + timedelta(minutes=3))[0].declared is None
