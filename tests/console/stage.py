"""A small shop whose console is opened by a real browser: the same app as everywhere, on a port of this machine."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from shutil import which
from typing import Any

import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from pipelines.campaign_work import Worker
from serving.console.people import People
from tests.scenarios.conftest import Shop

from .conftest import PASSWORD, QUICK

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
SERIOUS = ("serious", "critical")
EVIL = "<script>document.title='broken into'</script><img src=x onerror=document.title='broken'>"
ENDLESS = "x" * 180
PEOPLE = {
    "Maija": "marketer", "Minna": "marketer", "Aku": "approver", "Sari": "customer_service",
    "Dani": "data_scientist", "Ada": "admin", "Ville": "viewer",
}  # fmt: skip


class Stage:
    """The shop, its address, and a browser; `sit` opens a window in which somebody is logged in."""

    def __init__(self, shop: Shop, address: str, browser: Browser) -> None:
        self.shop, self.address, self.browser = shop, address, browser
        people = People(shop.home, QUICK)
        for name, role in PEOPLE.items():
            people.add(name, PASSWORD, [role], by="test", now=shop.now)

    def sit(self, name: str, **window: Any) -> Page:
        """A page in a window of its own, after logging in by the form."""
        page = self.opens(**window).new_page()
        page.goto(f"{self.address}/console/login")
        page.fill("#name", name)
        page.fill("#password", PASSWORD)
        page.press("#password", "Enter")
        page.wait_for_url(re.compile("/console$"))
        return page

    def opens(self, **window: Any) -> BrowserContext:
        """A window that takes no answer for given after ten seconds."""
        context = self.browser.new_context(**{"viewport": {"width": 1200, "height": 800}} | window)
        context.set_default_timeout(10_000)
        return context


def press(page: Page, name: str) -> None:
    """Press a button by its name."""
    page.get_by_role("button", name=name, exact=True).first.click()


def follow(page: Page, name: str) -> None:
    """Follow a link by its name."""
    page.get_by_role("link", name=name, exact=True).first.click()


def faults(page: Page) -> list[str]:
    """What axe-core finds serious on a page as it is, and what makes it wider than its window."""
    page.evaluate(AXE)
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")["violations"]
    told = [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found if one["impact"] in SERIOUS]
    wide = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return told + ([f"{wide} pixels too wide"] if wide > 0 else [])


def fill(shop: Shop) -> None:
    """Things happen in the shop: regulars, an open exchange, a bad review with a script in it, a failing carrier; and
    somebody of an endless name complains in an endless word.
    """
    shop.writes_eagerly()
    for number in range(12):
        shop.regular(f"regular-{number:02}", orders=2 + number % 4)
    for name in ("aino", "bea", "venla"):
        shop.regular(name)
    shop.case("aino", "opened")
    shop.case("aino", "customer_asked")
    shop.happens("feedback", "bea", kind="review", score=1, text=EVIL, touchpoint="delivery")
    shop.happens("feedback", ENDLESS, kind="complaint", text="W" * 500, touchpoint="delivery")
    for number in range(6):
        shop.happens("feedback", f"regular-{number:02}", kind="csat", score=4, touchpoint="delivery")
        shop.searches(f"regular-{number:02}", "winter tyres", 0)
    shop.happens("delivery", "venla", touchpoint="delivery", order_id="venla-order-0", status="delivered")
    shop.wait(hours=2)


def breakdown(shop: Shop) -> None:
    """Five ordinary weeks with two carriers; then, one day, Posti fails."""

    def parcel(customer: str, carrier: str, order: str) -> None:
        line = {"item_id": "wool-socks", "quantity": 1, "unit_price": 1900, "discount": 0}
        shop.happens("purchase", customer, order_id=order, currency="EUR", lines=[line])
        shop.happens("delivery", customer, order_id=order, status="shipped", carrier=carrier)

    def arrives(customer: str, order: str, status: str) -> None:
        shop.happens("delivery", customer, touchpoint="delivery", order_id=order, status=status)

    for day in range(36):
        for carrier in ("posti", "matkahuolto"):
            order = f"{carrier}-{day}"
            parcel(f"buyer of {order}", carrier, order)
            arrives(f"buyer of {order}", order, "delayed" if day % 9 == 4 else "delivered")
        shop.wait(days=1)
    for number in range(12):
        parcel(f"neighbour-{number}", "posti", f"socks-{number}")
    shop.wait(hours=3)
    for number in range(12):
        arrives(f"neighbour-{number}", f"socks-{number}", "failed")
    shop.wait(minutes=5)


def campaign(stage: Stage, until: str = "exported") -> str:
    """A campaign is made in the browser, as far as asked for; gives its address."""
    page = stage.sit("Maija")
    page.goto(f"{stage.address}/console/campaigns/new")
    page.fill("#name", "Autumn")
    press(page, "Begin")
    page.wait_for_selector("#plan")
    address = page.url
    if until == "draft":
        return address
    page.fill("#holdout", "0")
    press(page, "Save and preview")
    page.wait_for_selector("text=Where the customers went", timeout=60_000)
    press(page, "Save and build the list")
    page.wait_for_selector("text=Look at every row", timeout=60_000)
    if until in ("approved", "exported"):
        other = stage.sit("Aku")
        other.goto(address)
        press(other, "Approve the list")
        other.wait_for_selector("text=It can be exported now")
        other.context.close()
    if until == "exported":
        page.goto(address)
        press(page, "Export the list")
        page.wait_for_selector("text=rows left", timeout=60_000)
    page.context.close()
    return address


def every_page(stage: Stage, address: str) -> Iterator[tuple[str, str, str]]:
    """Every page of the console: what to call it, who looks at it, where it is; `address` is a campaign's."""
    run = stage.shop.app.state.wiring.service.records.connection()
    (decision,) = run.execute("select decision_id from decisions order by decision_id limit 1").fetchone()
    found = stage.shop.app.state.wiring.campaigns.find(address.rsplit("/", 1)[-1])
    rows = f"/console/lists/{found.list_id}"
    pages = {
        "Maija": {
            "today": "/console", "campaigns": "/console/campaigns", "new": "/console/campaigns/new",
            "plan": f"{found.campaign_id}?tab=plan", "list": f"{found.campaign_id}?tab=list",
            "results": f"{found.campaign_id}?tab=results", "history": f"{found.campaign_id}?tab=history",
            "rows": rows, "kept": f"{rows}?tab=kept", "me": "/console/me", "nothing": "/console/campaigns/nothing",
        },
        "Sari": {
            "unhappy": "/console/unhappy", "customers": "/console/customers?q=a", "customer": "/console/customers/bea",
            "held": "/console/customers/aino", "endless": f"/console/customers/{ENDLESS}",
            "decision": f"/console/decisions/{decision}?replay=1",
            "journey": "/console/journey", "touchpoint": "/console/journey/at/delivery",
            "searches": "/console/journey/searches",
        },
        "Dani": {"models": "/console/models", "policy": "/console/policy"},
        "Ada": {"people": "/console/people", "boss": "/console"},
    }  # fmt: skip
    for name, places in pages.items():
        for title, path in places.items():
            yield title, name, path if path.startswith("/") else f"/console/campaigns/{path}"


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's own browser, without a window."""
    path = which("chromium")
    assert path, "Chromium is needed: apt-get install chromium"
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def served(shop: Shop) -> Iterator[str]:
    """The shop's app on a free port, with the worker behind it; gives its address."""
    worker = Worker(shop.home, lambda: shop.now)
    object.__setattr__(shop.app.state.wiring, "wake", worker.wake)
    worker.start()
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(shop.app, lifespan="off", log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
            worker.stop()


def shots(stage: Stage, folder: Path) -> list[Path]:
    """Pictures of every page, in both languages, light and dark, wide and narrow."""
    address, made = campaign(stage), []
    windows: dict[str, dict[str, Any]] = {
        "wide": {},
        "dark": {"color_scheme": "dark"},
        "finnish": {"locale": "fi-FI"},
        "phone": {"viewport": {"width": 390, "height": 800}},
    }
    for kind, window in windows.items():
        sitting: dict[str, Page] = {}
        for title, name, path in every_page(stage, address):
            if name not in sitting:
                sitting[name] = stage.sit(name, **window)
            page = sitting[name]
            page.goto(stage.address + path)
            page.wait_for_load_state("networkidle")
            made.append(folder / f"{title}-{kind}.png")
            page.screenshot(path=made[-1], full_page=True)
        for page in sitting.values():
            page.context.close()
    return made
