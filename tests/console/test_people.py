"""Accounts: passwords that are hard to guess, a lock after wrong ones, and who is shut out is out at once."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from argon2 import PasswordHasher

from features.errors import DataError
from features.home import Home
from serving.console.people import LOCKED, TRIES, LockedError, People

from .conftest import NOON, PASSWORD, QUICK, Browser


@pytest.fixture
def people(home: Home) -> People:
    found = People(home, QUICK)
    found.add("Maija", PASSWORD, ["marketer"], by="Ada", now=NOON)
    return found


def test_a_person_is_known_by_name_and_password(people: People) -> None:
    found = people.check("Maija", PASSWORD, NOON)
    assert found is not None and found.rights == {"look", "draft", "export", "customers", "journey"}
    assert (found.made_by, found.made_at) == ("Ada", NOON)
    assert people.check("Maija", PASSWORD + "x", NOON) is None and people.check("Aku", PASSWORD, NOON) is None


def test_only_a_hash_is_kept_and_a_weak_one_is_made_anew(people: People, home: Home) -> None:
    def stored() -> str:
        (text,) = people.connection().execute("select password from people").fetchone()
        return str(text)

    assert stored().startswith("$argon2id$") and PASSWORD not in stored()
    before, stronger = stored(), People(home, PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    assert stronger.check("Maija", PASSWORD, NOON) and stored() != before
    assert stronger.check("Maija", PASSWORD, NOON)


@pytest.mark.parametrize(
    ("name", "password", "roles", "fault"),
    [
        ("x", PASSWORD, ["viewer"], "cannot be a name"),
        ("<b>", PASSWORD, ["viewer"], "cannot be a name"),
        ("maija", PASSWORD, ["viewer"], "already"),
        ("Aku", "short", ["viewer"], "12 to 200"),
        ("Aku", "aaaaaaaaaaaaaaaa", ["viewer"], "easily guessed"),
        ("Aku", "my name is aku 7", ["viewer"], "easily guessed"),
        ("Aku", PASSWORD, [], "needs a role"),
        ("Aku", PASSWORD, ["king"], "king is no role"),
    ],
)
def test_who_cannot_be_let_in(people: People, name: str, password: str, roles: list[str], fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        people.add(name, password, roles, by="Ada", now=NOON)
    assert [one.name for one in people.everyone()] == ["Maija"]


def test_wrong_passwords_lock_the_name_for_a_while_the_right_one_starts_anew(people: People) -> None:
    for _ in range(TRIES - 1):
        assert people.check("Maija", "wrong", NOON) is None
    assert people.check("Maija", PASSWORD, NOON)
    for _ in range(TRIES):
        assert people.check("Maija", "wrong", NOON) is None
    for moment in (NOON, NOON + LOCKED - timedelta(seconds=1)):
        with pytest.raises(LockedError):
            people.check("Maija", PASSWORD, moment)
    assert people.check("Maija", PASSWORD, NOON + LOCKED)


def test_the_last_admin_stays(people: People) -> None:
    people.add("Ada", PASSWORD, ["admin"], by="command line", now=NOON)
    for deed in (lambda: people.set_roles("Ada", ["viewer"]), lambda: people.shut_out("Ada", NOON)):
        with pytest.raises(DataError, match="last admin"):
            deed()
    people.set_roles("Maija", ["admin"])
    people.shut_out("Ada", NOON)
    assert people.check("Ada", PASSWORD, NOON) is None
    people.let_in("Ada")
    assert people.check("Ada", PASSWORD, NOON)


def test_logging_in_by_the_page(browser: Browser, people: People) -> None:
    wrong = browser.post("/console/login", data={"name": "Maija", "password": "wrong"})
    assert wrong.status_code == 403 and "do not belong together" in wrong.text
    answer = browser.post("/console/login", data={"name": "Maija", "password": PASSWORD, "next": "/console/journey"})
    assert answer.headers["location"] == "/console/journey"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "path=/console" in cookie
    away = browser.post("/console/login", data={"name": "Maija", "password": PASSWORD, "next": "//evil.example"})
    assert away.headers["location"] == "/console"
    for _ in range(TRIES):
        browser.post("/console/login", data={"name": "Maija", "password": "wrong"})
    locked = browser.post("/console/login", data={"name": "Maija", "password": PASSWORD})
    assert locked.status_code == 429 and "locked" in locked.text


def test_another_role_counts_from_the_next_click_and_another_password_ends_sessions(
    browser: Browser, people: People
) -> None:
    browser.becomes("Maija")
    assert browser.get("/console/unhappy").status_code == 403
    people.set_roles("Maija", ["customer_service"])
    assert browser.get("/console/unhappy").status_code == 200
    wrong = browser.send("/console/me/password", old="no", new="another long one", again="another long one")
    assert wrong.status_code == 403 and "not your password" in wrong.text
    done = browser.send("/console/me/password", old=PASSWORD, new="another long one", again="another long one")
    assert done.status_code == 303 and browser.get("/console/unhappy").status_code == 303
    assert people.check("Maija", "another long one", NOON)


def test_an_admin_lets_in_and_shuts_out(browser: Browser, people: People) -> None:
    browser.becomes("Ada", "admin")
    browser.send("/console/people/add", name="Sari", password="three blue boats", roles=["customer_service", "viewer"])
    text = browser.get("/console/people").text
    assert "Sari" in text and "let in by Ada" in text
    assert people.check("Sari", "three blue boats", NOON)
    twice = browser.send("/console/people/add", name="sari", password="three blue boats", roles="viewer")
    assert twice.status_code == 422 and "already" in twice.text
    browser.send("/console/people/change", name="Sari", deed="shut")
    assert people.check("Sari", "three blue boats", NOON) is None and "shut out" in browser.get("/console/people").text


def test_a_form_sent_after_the_session_ended_is_kept_and_sent_again(browser: Browser, people: People) -> None:
    browser.becomes("Ada", "admin")
    browser.now += timedelta(hours=13)
    late = browser.post("/console/people/add", data={"csrf": "old", "name": "Sari <b>", "roles": ["viewer", "admin"]})
    assert late.status_code == 401 and "What you wrote is kept" in late.text and "<b>" not in late.text
    sent = late.text.split('name="sent" value="')[1].split('"')[0].replace("&amp;", "&")
    again = browser.post(
        "/console/login",
        data={"name": "Ada", "password": PASSWORD, "next": "/console/people/add", "sent": sent},
    )
    assert again.status_code == 200 and 'action="/console/people/add"' in again.text
    assert again.text.count('name="roles"') == 2 and 'name="name" value="Sari &lt;b&gt;"' in again.text
    csrf = again.text.split('name="csrf" value="')[1].split('"')[0]
    done = browser.post(
        "/console/people/add",
        data={"csrf": csrf, "name": "Sari", "password": "three blue boats", "roles": "viewer"},
    )
    assert done.status_code == 303 and people.find("Sari") is not None


def test_a_password_that_was_being_sent_is_not_shown_and_no_link_leads_away_from_it(
    browser: Browser, people: People
) -> None:
    browser.becomes("Ada", "admin")
    browser.now += timedelta(hours=13)
    sent = {"csrf": "old", "name": "Sari", "password": "three blue boats", "roles": "viewer"}
    late = browser.post("/console/people/add", data=sent)
    assert "hreflang" not in late.text
    again = browser.post(
        "/console/login?lang=fi",
        data={"name": "Ada", "password": PASSWORD, "next": "/console/people/add", "sent": urlencode(sent)},
    )
    assert again.status_code == 200 and "hreflang" not in again.text
    shown = re.sub(r"<input[^>]*>", "", again.text)
    assert "three blue boats" in again.text and "three blue boats" not in shown and "Salasana" in shown
    assert "katselija" in shown and "viewer" not in shown
