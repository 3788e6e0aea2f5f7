from contextlib import ExitStack
from datetime import timedelta

from features.home import Home
from serving.api import create_app
from serving.console.people import People
from serving.security import KeyStore
from serving.settings import ServingSettings
from tests.conftest import Client

from .conftest import NOON, PASSWORD, QUICK, Browser


def test_a_one_time_link_opens_one_session(browser: Browser, home: Home) -> None:
    code = KeyStore(home).create_console_code(now=NOON)
    form = browser.get("/console/login", params={"code": code})
    assert code in form.text and "password" not in form.text
    answer = browser.post("/console/login", data={"code": code})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "path=/console" in cookie
    assert answer.headers["location"] == "/console"
    assert browser.get("/console/campaigns").status_code == 200
    assert browser.post("/console/login", data={"code": code}).status_code == 403


def test_over_tls_cookies_travel_over_tls_only(browser: Browser, home: Home) -> None:
    people = People(home, QUICK)
    people.add("Ada", PASSWORD, ["admin"], by="test", now=NOON)
    ways = [("http", False, False), ("https", False, True), ("http", True, True)]
    for scheme, behind, secure in ways:
        with ExitStack() as stack:
            app = create_app(home, clock=lambda: NOON, settings=ServingSettings(console_behind_tls=behind))
            client = Client(app, stack, base_url=f"{scheme}://127.0.0.1:8080", accept="text/html")
            answer = client.post("/console/login?lang=fi", data={"name": "Ada", "password": PASSWORD})
            assert answer.status_code == 303
            again = client.get("/console/login?lang=fi")
            cookies = [*answer.headers.get_list("set-cookie"), *again.headers.get_list("set-cookie")]
            assert len(cookies) == 2 and all(("secure" in one.lower()) is secure for one in cookies), (scheme, behind)


def test_a_form_of_another_session_is_refused_whatever_it_holds(open_browser: Browser) -> None:
    for word in ("", "x", "\u00e4\u00f6", "0" * 10_000):
        assert open_browser.post("/console/logout", data={"csrf": word}).status_code == 403
    assert open_browser.send("/console/logout").status_code == 303


def test_a_key_needs_the_scope(browser: Browser, home: Home) -> None:
    store = KeyStore(home)
    _, shop = store.create("shop", ["decide", "read"], now=NOON)
    _, marketer = store.create("marketer", ["console"], now=NOON)
    for wrong in (shop, marketer[:-1], "", "tdk_x_y"):
        answer = browser.post("/console/login", data={"key": wrong})
        assert (
            answer.status_code == 403
            and "The console stays closed" in answer.text
            and "set-cookie" not in answer.headers
        )
    assert browser.post("/console/login", data={"key": f" {marketer} "}).status_code == 303
    assert browser.get("/console/campaigns").status_code == 200


def test_a_session_ends_with_its_key_by_time_and_by_logging_out(browser: Browser, home: Home) -> None:
    store = KeyStore(home)
    key, token = store.create("marketer", ["console"], now=NOON)
    browser.post("/console/login", data={"key": token})
    browser.now += timedelta(hours=12)
    assert browser.get("/console/campaigns").status_code == 303
    browser.post("/console/login", data={"key": token})
    assert browser.get("/console/campaigns").status_code == 200
    assert browser.post("/console/logout").status_code == 403  # not from a page of ours
    browser.send("/console/logout")
    assert browser.get("/console/campaigns").status_code == 303
    browser.post("/console/login", data={"key": token})
    store.revoke(key.key_id, now=browser.now)
    assert browser.get("/console/campaigns").status_code == 303


def test_foreign_hosts_and_origins_are_refused(browser: Browser, home: Home) -> None:
    assert browser.get("/console/login", headers={"host": "evil.example:8080"}).status_code == 403
    assert browser.get("/console/login", headers={"host": "localhost:8080"}).status_code == 200
    assert browser.get("/console/login", headers={"host": "[::1]:8080"}).status_code == 200
    for odd in ("[::1", "::1]", "[x]", "localhost]", "[", "", "a@[::1"):
        assert browser.get("/console/login", headers={"host": odd}).status_code == 403, odd
    assert browser.get("/console/").headers["location"] == "/console"
    code = KeyStore(home).create_console_code(now=NOON)
    foreign = browser.post("/console/login", data={"code": code}, headers={"origin": "https://evil.example"})
    assert foreign.status_code == 403 and "another site" in foreign.text
    for hidden in ("null", "http://[", "", "http://127.0.0.1", "127.0.0.1:8080@evil.example"):
        answer = browser.post("/console/login", data={"code": code}, headers={"origin": hidden})
        assert answer.status_code == 403, hidden
    # so that a browser tells the origin of our own forms, which it hides under `no-referrer`
    assert browser.get("/console/login").headers["referrer-policy"] == "same-origin"
    own = browser.post("/console/login", data={"code": code}, headers={"origin": "http://127.0.0.1:8080"})
    assert own.status_code == 303


def test_an_api_key_in_a_header_opens_no_page(browser: Browser, home: Home) -> None:
    _, token = KeyStore(home).create("boss", ["admin"], now=NOON)
    answer = browser.get("/console/campaigns", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 303


def test_a_broken_form_is_no_fault_of_ours(browser: Browser) -> None:
    for content in (b"\xff\xfe", b"a=1&" * 50):
        answer = browser.post(
            "/console/login", content=content, headers={"content-type": "application/x-www-form-urlencoded"}
        )
        assert answer.status_code == 403


def test_a_deeds_address_opened_by_hand_leads_to_the_page_it_belongs_to(browser: Browser) -> None:
    browser.becomes("boss", "admin")
    for path, page in (
        ("/console/campaigns/c1/save?lang=fi", "/console/campaigns/c1?lang=fi"), ("/console/logout", "/console"),
        ("/console/journey/pause/now", "/console/journey/pause"), ("/console/journey/pause", "/console/journey"),
        ("/console/people/add", "/console/people"), ("/console/me/password", "/console/me"),
    ):  # fmt: skip
        answer = browser.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, page)


def test_a_fault_is_told_in_the_readers_language(browser: Browser) -> None:
    browser.becomes("Maija", "marketer")
    wishes = {"template": "anything", "name": "x" * 100}
    told = {
        "en": ("needs a name of at most 80 characters", "see who is unhappy", "customer service", "Nothing is known"),
        "fi": ("enintään 80 merkkiä", "nähdä tyytymättömät", "asiakaspalvelu", "ei tiedetä mitään"),
    }
    for code, (name, right, role, nobody) in told.items():
        browser.get(f"/console?lang={code}")
        long, refused = browser.send("/console/campaigns/new", **wishes), browser.get("/console/unhappy")
        assert long.status_code == 422 and name in long.text and 'lang="en"' not in main_of(long.text)
        assert refused.status_code == 403 and right in refused.text and role in refused.text
        assert "key" not in main_of(refused.text)
        assert nobody in browser.get("/console/customers/somebody").text
        astray = browser.get("/console/nowhere")
        assert astray.status_code == 404 and "/docs" not in astray.text
        odd = browser.get("/console/journey?days=many")
        assert odd.status_code == 422 and "many" in odd.text and "Input should" not in odd.text


def main_of(text: str) -> str:
    return text.split("<main")[1].split("</main>")[0]
