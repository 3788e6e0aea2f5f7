"""What the pages say of a customer and her journey is in the reader's language, codes and dates included."""

import json
import re
from contextlib import closing
from datetime import timedelta

import pytest

from features.events import EVENT_TYPES
from features.log.store import connect
from serving.console.names import NAMES

from .room import Room

UNSEEN = {"promised", "reserved", "released", "bounce"}
"""What no moment of a journey tells."""


@pytest.fixture
def reader(room: Room) -> Room:
    room.becomes("Sari", "customer_service")
    room.get("/console?lang=fi")
    return room


def words(room: Room, path: str) -> str:
    answer = room.get(path)
    assert answer.status_code == 200, answer.text
    return " ".join(re.sub(r"<(?!title)[^>]+>", " ", answer.text).replace("\u00a0", " ").split())


@pytest.mark.parametrize("kind", ["case", "feedback", "delivery", "friction", "contact"])
def test_every_step_of_a_journey_has_a_name(kind: str) -> None:
    known = EVENT_TYPES[kind].choices
    codes = {code for name in ("kind", "status") for code in known.get(name, ())}
    assert codes - UNSEEN <= set(NAMES["detail"])


def test_a_case_is_told_in_words_on_every_page(reader: Room) -> None:
    reader.shop.rates("aino", 1, touchpoint="support")
    reader.shop.case("aino", "opened", kind="delivery_claim")
    reader.shop.happens("feedback", "aino", kind="complaint", text="Ei tullut", touchpoint="support")
    reader.shop.wait(days=1)
    reader.becomes("Sari")
    her = words(reader, "/console/customers/aino")
    assert "toimitusvalitus avattu" in her and "delivery" not in her and "opened" not in her
    point = words(reader, "/console/journey/at/support")
    assert "Ei tullut" in point and "reklamaatio" in point and "avattu" in point and "opened" not in point
    assert "auki 1 päivän" in words(reader, "/console/unhappy")
    assert "open for 1 days" not in words(reader, "/console/unhappy?lang=en")


def test_a_course_is_drawn_from_two_weeks_on(reader: Room) -> None:
    def answer() -> None:
        for number in range(6):
            reader.shop.rates(f"somebody-{number}", 4, touchpoint="delivery")

    answer()
    reader.shop.wait(hours=1)
    assert "ainakin kahdella viikolla" in words(reader, "/console/journey/at/delivery")
    assert "liian vähän viikkoja" in words(reader, "/console/journey")
    assert "<svg" not in reader.get("/console/journey").text
    reader.shop.wait(days=7)
    reader.becomes("Sari")
    answer()
    reader.shop.wait(hours=1)
    page = reader.get("/console/journey/at/delivery").text
    assert "<polyline" in page and "<circle" not in page and "viikoittain" in page


def test_the_rule_of_a_pause_is_told_in_words(reader: Room) -> None:
    since = reader.shop.now - timedelta(days=3)
    rule = json.dumps({"carrier": "posti", "touchpoint": "delivery", "since": since.isoformat()})
    text = reader.send("/console/journey/pause", rule=rule, why="Myöhässä").text.replace("\u00a0", " ")
    assert "<dt>kuljetusyhtiö</dt><dd>posti</dd>" in text and "<dd>toimitus</dd>" in text
    assert "29.8.2026 klo 15.00" in text and "since" not in text.split("<dl")[1].split("</dl>")[0]


def test_a_page_that_cannot_be_made_says_so_in_the_readers_language(room: Room) -> None:
    with closing(connect(room.shop.home)) as run:
        run.execute("drop table kept")
    room.becomes("Dani", "data_scientist")
    for code, why in (("fi", "jokin epäonnistui täällä"), ("en", "something failed here")):
        answer = room.get(f"/console/policy?lang={code}")
        assert answer.status_code == 503 and why in answer.text
