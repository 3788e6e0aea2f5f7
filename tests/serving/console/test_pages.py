from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from features.holds import RELEASE_CODES
from features.home import Home
from serving.console.words import RELEASES_FI, WORDS, instant, language_of, money, percent

from .conftest import EVIL, NOON, Browser, kept, listed

Campaign = Callable[..., str]


class Outline(HTMLParser):
    """What a page consists of: tags, ids, labels' targets, and whether each tag is closed."""

    VOID = ("meta", "link", "input", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.labelled: list[str] = []
        self.fields: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == [], f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert not any(name.startswith("on") or name == "style" for name in given), (tag, given)
        self.tags.append(tag)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "label":
            self.labelled.append(str(given["for"]))
        if tag in ("input", "select") and given.get("type") != "hidden":
            self.fields.append(str(given["id"]))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_without_a_session_every_page_leads_to_the_form(browser: Browser, campaign: Campaign) -> None:
    for path in ("/console/campaigns", f"/console/campaigns/{campaign([], [])}"):
        answer = browser.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/login")
    assert browser.get("/console").headers["location"] == "/console/campaigns"


def test_the_lists_newest_first(open_browser: Browser, campaign: Campaign) -> None:
    assert "No list has been built yet" in open_browser.get("/console/campaigns").text
    campaign([listed("a", 1234.0, ["Tea"])], [], n=1)
    campaign([], [], name=EVIL, n=2)
    text = open_browser.get("/console/campaigns").text
    assert text.index("alert(1)") < text.index("Autumn &amp; co") and "12.34" in text
    assert EVIL not in text and "&lt;script&gt;" in text


def test_a_list_shows_who_what_and_why(open_browser: Browser, campaign: Campaign) -> None:
    campaign_id = campaign([listed("a", 100.0, ["Tea"]), listed("b", 900.0, [EVIL, "Cup"])], [])
    answer = open_browser.get(f"/console/campaigns/{campaign_id}")
    text = answer.text
    assert text.index(">b<") < text.index(">a<")  # best gain first
    assert "12.5%" in text and "9.00" in text and "It brings the most" in text
    assert EVIL not in text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "script" not in policy
    outline = Outline(text)
    assert "script" not in outline.tags and outline.tags.count("main") == 1 and outline.tags.count("h1") == 1
    assert len(outline.ids) == len(set(outline.ids)) and outline.labelled == outline.fields


def test_who_was_kept_off_with_reason_and_end(open_browser: Browser, campaign: Campaign) -> None:
    until = NOON + timedelta(days=3)
    off = [kept("a", "hold", "bad_rating", until), kept("b", "hold", "open_case"), kept("c", "no_gain")]
    campaign_id = campaign([], off)
    text = open_browser.get(f"/console/campaigns/{campaign_id}?tab=kept").text
    assert "hold in words" in text and "2026-09-04 12:00 UTC" in text and RELEASE_CODES["case_resolved"] in text
    assert "case_status" in text and "2.50" in text
    assert "Because hold:open_case" in text
    only = open_browser.get(f"/console/campaigns/{campaign_id}?tab=kept&reason=hold:open_case").text
    assert '<th scope="row">b</th>' in only and '<th scope="row">a</th>' not in only
    Outline(text)


def test_fifty_rows_a_page_filter_and_search(open_browser: Browser, campaign: Campaign) -> None:
    rows = [listed(f"c{i:03}", float(i), [f"Thing {i}"], "offer" if i % 2 else "welcome") for i in range(120)]
    here = f"/console/campaigns/{campaign(rows, [])}"
    first, last = open_browser.get(here).text, open_browser.get(f"{here}?page=3").text
    assert first.count('<th scope="row">c') == 50 and last.count('<th scope="row">c') == 20
    assert "c119" in first and "c000" in last and "Page 3 / 3" in last
    assert 'rel="next"' in first and 'rel="prev"' not in first and 'rel="next"' not in last
    assert open_browser.get(f"{here}?page=99").text.count('<th scope="row">c') == 20
    assert "60 rows" in open_browser.get(f"{here}?action=welcome").text
    found = open_browser.get(f"{here}?q=tHing+77").text
    assert found.count('<th scope="row">c') == 1 and "c077" in found and 'value="tHing 77"' in found
    assert "Nothing here matches" in open_browser.get(f"{here}?q=%25").text
    assert open_browser.get(f"{here}?page=0").status_code == 422


@pytest.mark.parametrize("name", ["nobody", "%2e%2e%2f%2e%2e", ".building-x", "A"])
def test_no_such_list(open_browser: Browser, name: str) -> None:
    answer = open_browser.get(f"/console/campaigns/{name}", headers={"accept": "text/html"})
    assert answer.status_code == 404
    if name == "nobody":
        assert (
            "There is no campaign list &#39;nobody&#39;" in answer.text and Outline(answer.text).tags.count("h1") == 1
        )


def test_finnish_by_choice_or_by_the_browser(open_browser: Browser, campaign: Campaign) -> None:
    here = f"/console/campaigns/{campaign([listed('a', 123456.0, ['Tee'])], [kept('b', 'hold', 'open_case')])}"
    text = open_browser.get(f"{here}?lang=fi").text
    assert '<html lang="fi">' in text and "Todennäköisyys" in text and "Se tuottaa eniten" in text
    assert "1\u00a0234,56" in text and "1.9.2026 klo 12.00 UTC" in text
    assert "lang=fi" in text.split('class="tabs"')[1]
    kept_text = open_browser.get(f"{here}?tab=kept", headers={"accept-language": "fi-FI,fi;q=0.9,en;q=0.8"}).text
    assert RELEASES_FI["case_resolved"] in kept_text and "hold sanoin" in kept_text
    outline = Outline(kept_text)
    assert outline.tags.count("main") == 1


def test_words_in_both_languages() -> None:
    assert all(len(pair) == 2 and all(pair) for pair in WORDS.values())
    assert set(RELEASES_FI) == set(RELEASE_CODES)
    asked = [
        (None, None),
        ("fi", "en"),
        ("sv", "fi"),
        (None, "sv,fi;q=0.5,en;q=0.2"),
        (None, "fi;q=0"),
        (None, "x;q=y"),
    ]
    assert [language_of(*one) for one in asked] == ["en", "fi", "fi", "fi", "en", "en"]
    assert (money(-123456, "en"), money(None, "fi"), percent(0.5, "fi")) == ("-1,234.56", "", "50,0\u00a0%")
    assert instant("2026-09-01T15:00:00+03:00", "en") == "2026-09-01 12:00 UTC"


def test_style_sheet_has_both_colour_schemes(browser: Browser, home: Home) -> None:
    answer = browser.get("/console/static/console.css")
    assert answer.headers["content-type"].startswith("text/css") and "prefers-color-scheme: dark" in answer.text
    assert "http" not in answer.text and browser.get("/console/static/../x").status_code == 404
    assert browser.get("/console/static/icon.svg").headers["content-type"] == "image/svg+xml"
