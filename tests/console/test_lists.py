import json
import re
from collections.abc import Callable
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.customer.holds import RELEASE_CODES
from features.home import Home
from serving.campaign_lists import LIST_SCHEMA
from serving.campaigns.results import arms
from serving.console.language import chosen, language
from serving.core.ends import RELEASES_FI
from tests.outline import Outline

from .conftest import EVIL, NOON, Browser, kept, listed

Campaign = Callable[..., str]


def test_without_a_session_every_page_leads_to_the_form(browser: Browser, campaign: Campaign) -> None:
    for path in ("/console/campaigns", f"/console/lists/{campaign([], [])}"):
        answer = browser.get(path)
        assert answer.status_code == 303 and answer.headers["location"].startswith("/console/login?next=%2Fconsole%2F")
    assert browser.get("/console").headers["location"] == "/console/login"


def test_the_lists_newest_first(open_browser: Browser, campaign: Campaign) -> None:
    assert "There is no campaign yet" in open_browser.get("/console/campaigns").text
    campaign([listed("a", 1234.0, ["Tea"])], [], n=1)
    campaign([], [], name=EVIL, n=2)
    text = open_browser.get("/console/campaigns").text
    assert text.index("alert(1)") < text.index("Autumn &amp; co") and "€12.34" in text
    assert "1 Sept 2026 at 15:00" in text and "too old to be sent" not in text
    assert EVIL not in text and "&lt;script&gt;" in text


def test_a_list_shows_who_what_and_why(open_browser: Browser, campaign: Campaign) -> None:
    campaign_id = campaign([listed("a", 100.0, ["Tea"]), listed("b", 900.0, [EVIL, "Cup"])], [])
    answer = open_browser.get(f"/console/lists/{campaign_id}")
    text = answer.text
    assert text.index(">b<") < text.index(">a<")  # best gain first
    assert "12.5%" in text and "€9.00" in text and "It brings the most" in text
    assert '<th scope="row" class="key">a</th>' in text and "An offer for her <small>offer</small>" in text
    assert EVIL not in text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "script-src 'self';" in policy
    assert answer.headers["referrer-policy"] == "same-origin"  # else browsers send the page's forms as `Origin: null`
    outline = Outline(text)
    assert outline.tags.count("script") == 1 and outline.tags.count("main") == 1 and outline.tags.count("h1") == 1
    assert len(outline.ids) == len(set(outline.ids)) and outline.labelled == outline.fields


def test_who_was_kept_off_with_reason_and_end(open_browser: Browser, campaign: Campaign) -> None:
    until = NOON + timedelta(days=3)
    off = [kept("a", "hold", "bad_rating", until), kept("b", "hold", "open_case"), kept("c", "no_gain")]
    campaign_id = campaign([], off)
    text = open_browser.get(f"/console/lists/{campaign_id}?tab=kept").text
    assert "hold in words" in text and "4 Sept 2026" in text and RELEASE_CODES["case_resolved"] in text
    assert "case_status" in text and "An offer for her <small>€2.50</small>" in text
    assert "A case of hers is open" in text and "Because no_gain" in text
    only = open_browser.get(f"/console/lists/{campaign_id}?tab=kept&reason=hold:open_case").text
    assert 'class="key">b</th>' in only and 'class="key">a</th>' not in only and "Rows 1–1 of 1" in only
    Outline(text)


def test_a_review_that_is_due_is_told_from_one_to_come(open_browser: Browser, campaign: Campaign) -> None:
    early, late = (kept(who, "hold", "open_case") for who in "ab")
    early["review_at"], late["review_at"] = NOON - timedelta(days=9), NOON + timedelta(days=9)
    text = open_browser.get(f"/console/lists/{campaign([], [early, late])}?tab=kept").text
    assert "a person should have looked at it by 23 Aug 2026" in text and "a person looks at it by 10 Sept 2026" in text


def test_the_funnel_in_three_parts_with_a_bar_each(open_browser: Browser, campaign: Campaign) -> None:
    off = [*(kept(f"h{n}", "hold", "open_case") for n in range(3)), kept("c", "consent")]
    text = open_browser.get(f"/console/lists/{campaign([listed(who, 10.0, []) for who in 'abcd'], off)}").text
    funnel = text.split('id="funnel"')[1].split("</section>")[0]
    sums = re.findall(r'<th scope="rowgroup">([^<]+)</th>\s*<td class="number">(\d+)</td>', funnel)
    parts = [("On the list", "4"), ("Left in peace: something is open or went wrong", "3")]
    assert sums == [*parts, ("Kept off for other reasons", "1")]
    assert re.findall(r'rect width="([0-9.]+)%"', funnel) == ["50.00", "50.00", "37.50", "37.50", "12.50", "12.50"]
    assert "reason=hold%3Aopen_case#rows" in funnel and "action=next_offer#rows" in funnel


def test_an_unnamed_action_and_an_unknown_currency_are_shown_as_they_are(
    open_browser: Browser, campaign: Campaign, home: Home
) -> None:
    here = campaign([listed("a", 900.0, ["Tea"])], [])
    path = home.campaigns / here / "summary.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    del told["names"], told["currency"]  # a list of an earlier version
    path.write_text(json.dumps(told), encoding="utf-8")
    text = open_browser.get(f"/console/lists/{here}").text
    assert "next_offer <small>" in text and ">9.00<" in text


def test_the_page_says_how_a_list_leaves_and_offers_no_other_way(
    open_browser: Browser, campaign: Campaign, home: Home
) -> None:
    rows = [listed("a", 9.0, []), listed("b", 9.0, [])]
    here = campaign(rows, [])
    text = open_browser.get(f"/console/lists/{here}").text
    assert f"tahdikas campaign export {here}" in text and "rows left" not in text and "download" not in text
    folder = home.campaigns / here / "export-20260901-143000"
    folder.mkdir()
    pq.write_table(pa.Table.from_pylist(rows[:1], schema=LIST_SCHEMA), folder / "list.parquet")
    text = " ".join(open_browser.get(f"/console/lists/{here}").text.split())
    assert "1 Sept 2026 at 17:30: 1 row left" in text.replace("\u00a0", " ") and "too old" not in text


def test_a_list_past_its_time_says_so(open_browser: Browser, campaign: Campaign, home: Home) -> None:
    here = campaign([listed("a", 9.0, [])], [])
    path = home.campaigns / here / "summary.json"
    told = json.loads(path.read_text(encoding="utf-8")) | {"valid_until": (NOON - timedelta(hours=1)).isoformat()}
    path.write_text(json.dumps(told), encoding="utf-8")
    assert "This list is too old to be sent." in open_browser.get(f"/console/lists/{here}").text
    assert "too old to be sent" in open_browser.get("/console/campaigns").text


def test_a_list_with_nobody_on_it(open_browser: Browser, campaign: Campaign) -> None:
    here = f"/console/lists/{campaign([], [])}"
    assert "Nobody is on this list" in open_browser.get(here).text
    assert "Nobody was kept off" in open_browser.get(f"{here}?tab=kept").text
    assert "Ketään ei jätetty pois" in open_browser.get(f"{here}?tab=kept&lang=fi").text


def test_fifty_rows_a_page_filter_and_search(open_browser: Browser, campaign: Campaign) -> None:
    rows = [listed(f"c{i:03}", float(i), [f"Thing {i}"], "offer" if i % 2 else "welcome") for i in range(120)]
    here = f"/console/lists/{campaign(rows, [])}"
    first, last = open_browser.get(here).text, open_browser.get(f"{here}?page=3").text
    assert first.count('class="key">c') == 50 and last.count('class="key">c') == 20
    assert "c119" in first and "c000" in last and "Page 3 of 3" in last
    assert 'rel="next"' in first and 'rel="prev"' not in first and 'rel="next"' not in last
    assert open_browser.get(f"{here}?page=99").text.count('class="key">c') == 20
    assert "Rows 1–50 of 60" in open_browser.get(f"{here}?action=welcome").text and "Rows 101–120 of 120" in last
    found = open_browser.get(f"{here}?q=tHing+77").text
    assert found.count('class="key">c') == 1 and "c077" in found and 'value="tHing 77"' in found
    assert "Nothing here matches" in open_browser.get(f"{here}?q=%25").text
    assert open_browser.get(f"{here}?page=0").status_code == 422


@pytest.mark.parametrize("name", ["nobody", "%2e%2e%2f%2e%2e", ".building-x", "A"])
def test_no_such_list(open_browser: Browser, name: str) -> None:
    answer = open_browser.get(f"/console/lists/{name}", headers={"accept": "text/html"})
    assert answer.status_code == 404
    if name == "nobody":
        assert "There is no list nobody" in answer.text and Outline(answer.text).tags.count("h1") == 1


def test_finnish_by_choice_or_by_the_browser(open_browser: Browser, campaign: Campaign) -> None:
    here = f"/console/lists/{campaign([listed('a', 123456.0, ['Tee'])], [kept('b', 'hold', 'open_case')])}"
    text = open_browser.get(f"{here}?lang=fi").text
    assert '<html lang="fi">' in text and "Vastaamisen todennäköisyys" in text and "Se tuottaa eniten" in text
    assert "1\u00a0234,56\u00a0€" in text and "1.9.2026 klo 15.00" in text and "Tarjous hänelle" in text
    assert '<html lang="fi">' in open_browser.get(here).text  # it is remembered
    kept_text = open_browser.get(f"{here}?tab=kept", headers={"accept-language": "fi-FI,fi;q=0.9,en;q=0.8"}).text
    assert RELEASES_FI["case_resolved"] in kept_text and "hold sanoin" in kept_text
    outline = Outline(kept_text)
    assert outline.tags.count("main") == 1


def test_the_language_is_the_one_asked_for_remembered_or_preferred() -> None:
    asked = [
        (None, None, None),
        ("fi", "en", "en"),
        ("sv", "fi", "en"),
        (None, None, "sv,fi;q=0.5,en;q=0.2"),
        (None, None, "fi;q=0"),
        (None, None, "x;q=y"),
    ]
    assert [chosen(*one) for one in asked] == ["en", "fi", "fi", "fi", "en", "en"]


def test_each_language_writes_times_and_shares_its_own_way() -> None:
    english, finnish = language("en"), language("fi")
    assert (english.money(None), english.percent(0.125), finnish.percent(0.125)) == ("", "12.5%", "12,5\u00a0%")
    assert english.instant("2026-09-01T15:00:00+03:00") == "1 Sept 2026 at 12:00"
    assert language("fi", "Europe/Helsinki").instant("2026-09-01T12:00:00+00:00") == "1.9.2026 klo 15.00"
    assert language("en", "Europe/Helsinki").day("2026-09-01T22:30:00+00:00") == "2 Sept 2026"
    assert (english.day(NOON), finnish.day(NOON), finnish.day(None)) == ("1 Sept 2026", "1.9.2026", "")
    assert finnish.ago(NOON - timedelta(hours=3), NOON) == "3 tuntia sitten"


@pytest.mark.parametrize(
    ("minor", "currency", "english", "finnish"),
    [
        (-123456, None, "−1,234.56", "−1\u00a0234,56"),
        (123, "EUR", "€1.23", "1,23\u00a0€"),
        (-50, "SEK", "−SEK0.50", "−0,50\u00a0SEK"),
        (0.3, "EUR", "under\u00a0€0.01", "alle\u00a00,01\u00a0€"),
        (-0.3, "EUR", "€0.00", "0,00\u00a0€"),
        (0, None, "0.00", "0,00"),
    ],
)
def test_money(minor: float, currency: str | None, english: str, finnish: str) -> None:
    assert (language("en").money(minor, currency), language("fi").money(minor, currency)) == (english, finnish)


def test_style_sheet_has_both_colour_schemes(browser: Browser, home: Home) -> None:
    answer = browser.get("/console/static/console.css")
    assert answer.headers["content-type"].startswith("text/css") and "prefers-color-scheme: dark" in answer.text
    assert "http" not in answer.text and browser.get("/console/static/../x").status_code == 404
    assert browser.get("/console/static/icon.svg").headers["content-type"] == "image/svg+xml"


def test_those_held_out_are_compared_with_whom_they_are_like(home: Home, campaign: Campaign) -> None:
    """Where a budget ends the list, those held out who had not fitted stay aside; so does who is never held out."""
    served = listed("service", 900.0, ["Tea"]) | {"category": "service"}
    on = [listed("anna", 300.0, ["Tea"]), listed("bea", 200.0, ["Tea"]), served]
    gains = {"cilla": 150.0, "dora": 140.0}
    off = [kept(one, "over_budget") | {"would_be_gain": gain} for one, gain in gains.items()]
    held = {"rich": 1_000.0, "middling": 160.0, "adele": 150.0, "zoe": 150.0, "poor": 10.0}
    off += [kept(one, "campaign_holdout") | {"would_be_gain": gain} for one, gain in held.items()]
    treated, apart = arms(home, campaign(on, off))
    assert sorted(treated) == ["anna", "bea"] and sorted(apart) == ["adele", "middling", "rich"]
    unbounded = [one for one in off if one["reason"] != "over_budget"]
    assert sorted(arms(home, campaign(on, unbounded, n=2))[1]) == sorted(held)
