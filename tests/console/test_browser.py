"""The console in a real browser: what people do there from morning to evening."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.scenarios.conftest import Shop

from .stage import EVIL, Stage, breakdown, campaign, chromium, every_page, faults, fill, follow, press, served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def stage(tmp_path: Path, start: Callable[..., Any], browser: Browser) -> Iterator[Stage]:
    shop = Shop(tmp_path / "home", start)
    with served(shop) as address:
        yield Stage(shop, address, browser)


def test_a_complaint_between_approval_and_export_takes_her_row_off(stage: Stage) -> None:
    fill(stage.shop)
    address = campaign(stage, until="approved")
    stage.shop.happens("feedback", "venla", kind="complaint", text="Broken, and nobody answers")
    page = stage.sit("Maija")
    page.goto(address)
    press(page, "Export the list")
    page.wait_for_selector("text=1 dropped out", timeout=60_000)
    assert faults(page) == []
    with page.expect_download() as got:
        follow(page, "CSV")
    rows = got.value.path().read_text(encoding="utf-8-sig").splitlines()
    customers = {row.split(",")[0].strip('"') for row in rows[1:]}
    assert "regular-00" in customers and customers.isdisjoint({"aino", "bea", "venla"})
    follow(page, "1 dropped out")
    expect(page.locator("tbody th")).to_have_text("venla")


def test_a_release_by_customer_service_changes_the_next_answer_and_a_script_stays_text(stage: Stage) -> None:
    fill(stage.shop)

    def held() -> set[str]:
        return stage.shop.asks("bea", "product_page", mode="simulate").holds

    assert "bad_rating" in held()
    page = stage.sit("Sari")
    follow(page, "Unhappy now")
    page.goto(f"{stage.address}/console/customers/bea")
    assert faults(page) == []
    expect(page.locator("blockquote", has_text="<script>")).to_have_text(EVIL)
    assert page.title().startswith("bea")
    while page.get_by_text("Release", exact=False).count():
        page.locator("summary", has_text="Release").first.click()
        page.locator("details[open] input[name=reason]").fill("Called her, all is well")
        press(page, "End this hold")
        page.wait_for_selector("text=The hold has ended")
    assert held() == set() and stage.shop.asks("bea", "product_page", mode="simulate").sells
    page.fill("#note", "She likes <b>tea</b>")
    press(page, "Keep the note")
    page.wait_for_selector("text=She likes <b>tea</b>")
    page.locator("summary", has_text="Hold her by hand").click()
    page.fill("#why", "A quiet week")
    press(page, "Hold her")
    page.wait_for_selector("text=She is held from the next decision on")
    assert held() == {"staff"}


def test_by_the_keyboard_alone(stage: Stage) -> None:
    stage.shop.writes_eagerly()
    stage.shop.regular("aino")
    page = stage.opens().new_page()
    page.goto(f"{stage.address}/console/login")

    def go_to(text: str) -> None:
        """Press Tab until what is reached says so."""
        for _ in range(80):
            page.keyboard.press("Tab")
            said = page.evaluate(
                "() => { const at = document.activeElement; "
                "return at.labels?.[0]?.textContent || at.textContent || at.name || '' }"
            )
            if text in said:
                box = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
                assert box != "none", f"{text} does not show that it is reached"
                return
        raise AssertionError(f"{text} cannot be reached")

    go_to("Name")
    page.keyboard.type("Maija")
    go_to("Password")
    page.keyboard.type("correct horse battery")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/console$"))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # skips to the content
    go_to("New campaign")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Choose what to begin from")
    go_to("Whatever is best")
    page.keyboard.press("ArrowDown")
    assert page.is_checked("#t-win_back")
    page.keyboard.press("ArrowUp")
    go_to("Begin")
    page.keyboard.press("Enter")
    page.wait_for_selector("#plan")
    assert faults(page) == []
    go_to("Save and build the list")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Look at every row", timeout=60_000)


@pytest.mark.slow
@pytest.mark.parametrize(
    "window",
    [{}, {"viewport": {"width": 390, "height": 800}}, {"color_scheme": "dark"}, {"locale": "fi-FI"}],
    ids=["wide", "phone", "dark", "finnish"],
)
def test_every_page_can_be_read_by_everybody(stage: Stage, window: dict[str, Any]) -> None:
    fill(stage.shop)
    address, told, sitting, refused = campaign(stage), {}, {}, []
    for title, name, path in every_page(stage, address):
        if name not in sitting:
            sitting[name] = stage.sit(name, **window)
            sitting[name].on("console", lambda said: refused.append(said.text) if "Refused" in said.text else None)
        sitting[name].goto(stage.address + path)
        sitting[name].wait_for_load_state("networkidle")
        if found := faults(sitting[name]):
            told[title] = found
        lang = "fi" if "locale" in window else "en"
        assert sitting[name].get_attribute("html", "lang") == lang
    assert told == {} and refused == [], "of what the page wanted, the browser refused"


@pytest.mark.slow
def test_one_cause_many_customers_is_paused_with_its_reach_shown_before(stage: Stage) -> None:
    stage.shop.writes_eagerly()
    breakdown(stage.shop)
    held = [f"neighbour-{number}" for number in range(12)]
    page = stage.sit("Sari")
    follow(page, "Journey")
    page.locator(".hot", has_text="posti").get_by_role("button").click()
    page.wait_for_selector("text=would be left in peace")
    assert all("incident" not in stage.shop.front_page(one).holds for one in held)
    expect(page.locator(".big")).to_contain_text(re.compile(r"\d+ customers would be left in peace"))
    press(page, "Pause offers for them")
    page.wait_for_selector("text=Offers are paused for everyone it affects")
    assert [one for one in held if "incident" not in stage.shop.front_page(one).holds] == []
    stage.shop.wait(hours=1)
    page.locator("summary", has_text="End the pause").click()
    page.locator("details[open] input[name=reason]").fill("The vans run again")
    press(page, "End the pause")
    page.wait_for_selector("text=The pause has ended")
    assert all("incident" not in stage.shop.front_page(one).holds for one in held)


@pytest.mark.slow
def test_two_marketers_at_one_campaign_in_two_windows(stage: Stage) -> None:
    stage.shop.regular("aino")
    address = campaign(stage, until="draft")
    first, second = stage.sit("Maija"), stage.sit("Minna")
    for page in (first, second):
        page.goto(address)
    second.fill("#at_most", "7")
    press(second, "Save")
    second.wait_for_selector("text=Saved.")
    first.fill("#at_most", "9")
    press(first, "Save")
    first.wait_for_selector("text=Minna changed this campaign")
    first.go_back()
    assert first.input_value("#at_most") == "9"  # nothing that was filled in is lost
    first.reload()
    assert first.input_value("#at_most") == "7"
