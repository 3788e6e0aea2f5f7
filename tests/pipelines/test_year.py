"""docs/a-year.md is what the command prints, and the year keeps its promises."""

from datetime import timedelta

import pytest

from pipelines.year.lives import YEAR
from pipelines.year.page import COMMAND, PAGE, live, year_page


@pytest.fixture(scope="module")
def lives():
    return {life.key: life.entries for life in live()}


def sold(entries):
    return [e for e in entries if e.kind == "got" and e.category == "sales"]


def test_the_page_is_up_to_date():
    assert PAGE.read_text("utf-8") == year_page(), f"run `{COMMAND} > docs/{PAGE.name}`"


def test_nothing_is_sold_to_aino_from_her_exchange_to_her_answer(lives):
    opened, answered = (
        next(e.at for e in lives["Aino"] if e.kind == "did" and e.text.startswith(words))
        for words in ("opens an exchange", "answers 4 of 5")
    )
    assert [e for e in sold(lives["Aino"]) if opened <= e.at <= answered] == []
    between = [e.action_id for e in lives["Aino"] if e.kind == "got" and opened <= e.at <= answered]
    assert between[0] == "case_status" and "staff_call" in between and between[-1] == "check_in"


def test_what_is_said_first_and_what_only_once(lives):
    helmi = [e for e in lives["Helmi"] if e.kind == "got"]
    ordered = next(e.at for e in lives["Helmi"] if e.text.startswith("orders"))
    first = next(e for e in helmi if e.at >= ordered)
    assert first.action_id == "welcome"
    assert [e.action_id for e in helmi].count("invite_to_recommend") == 1
    (season,) = {e.at.date() for e in helmi if e.action_id == "seasonal_offer"}
    assert season.month in (9, 10, 11) and season.year == YEAR


def test_no_selling_letter_in_the_week_after_an_order(lives):
    for entries in lives.values():
        ordered = [e.at for e in entries if e.kind == "did" and e.text.startswith("orders")]
        for letter in (e for e in sold(entries) if e.channel == "email" and e.action_id == "recommended_items"):
            assert not any(timedelta(0) < letter.at - at < timedelta(days=7) for at in ordered), letter


def test_one_who_stays_away_is_asked_once_and_left_in_peace(lives):
    sanna = lives["Sanna"]
    assert [e.action_id for e in sanna].count("lapsing_question") == 1
    asked = next(e.at for e in sanna if e.action_id == "lapsing_question")
    back = next(e.at for e in sanna if "dog coats now" in e.text)
    assert len([e for e in sold(sanna) if asked < e.at < back and e.channel == "email"]) <= 1


def test_nobody_gets_more_than_three_selling_letters_in_a_month(lives):
    for name, entries in lives.items():
        letters = [e.at for e in sold(entries) if e.channel == "email"]
        for start in letters:
            month = [at for at in letters if timedelta(0) <= at - start < timedelta(days=28)]
            assert len(month) <= 3, (name, start)
