"""Each role sees and may do only its part; every address of the console asks who is there."""

from typing import Any

import pytest
from fastapi.routing import APIRoute

from serving.console.console import PARTS
from serving.console.roles import RIGHTS, ROLES
from serving.console.seat import Needs, seated

from .conftest import Browser

OPEN_TO_ALL = {"/console/static/{name}", "/console/login", "/console/"}
OPEN_TO_ANYBODY_IN = {
    "/console", "/console/me", "/console/me/password", "/console/me/toured", "/console/logout",
    "/console/today/unhappy", "/console/today/alarms", "/console/customers/{customer_id:path}/do/{deed}",
}  # fmt: skip
LEADING = {
    "look": "/console/campaigns",
    "draft": "/console/campaigns/new",
    "customers": "/console/customers",
    "care": "/console/unhappy",
    "journey": "/console/journey",
    "models": "/console/policy",
    "people": "/console/people",
}


def routes() -> list[APIRoute]:
    return [route for part in PARTS for route in part.routes if isinstance(route, APIRoute)]


def asked_for(route: APIRoute) -> set[Any]:
    """All that must be met before a route answers."""
    waiting, found = [route.dependant], set()
    while waiting:
        one = waiting.pop()
        waiting += one.dependencies
        found.add(one.call)
    return found


def rights(route: APIRoute) -> set[str]:
    return {one.right for one in asked_for(route) if isinstance(one, Needs)}


def test_every_address_but_the_door_asks_for_a_right_and_every_deed_for_a_form_of_ours() -> None:
    for route in routes():
        asked = {getattr(one, "__name__", "") for one in asked_for(route)}
        if route.path not in OPEN_TO_ALL | OPEN_TO_ANYBODY_IN:
            assert rights(route), route.path
        elif route.path not in OPEN_TO_ALL and not route.path.endswith("{deed}"):
            assert seated in asked_for(route), route.path
        if "POST" in route.methods and route.path != "/console/login":
            assert "posted" in asked, route.path
        assert "right_host" in asked
    assert {right for route in routes() for right in rights(route)} == set(RIGHTS)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_its_pages_and_no_other(browser: Browser, role: str) -> None:
    browser.becomes("somebody", role)
    may = set(ROLES[role])
    first = browser.get("/console").text
    for right, address in LEADING.items():
        answer = browser.get(address)
        assert answer.status_code == (200 if right in may else 403), (role, address)
        if right not in may:
            assert "Ask an admin for one of them" in answer.text
        if right != "draft":
            assert (f'href="{address}"' in first) == (right in may), (role, address)


@pytest.mark.parametrize("role", ROLES)
def test_a_deed_without_the_right_is_refused_before_anything_else(browser: Browser, role: str) -> None:
    browser.becomes("somebody", role)
    for route in routes():
        if "POST" in route.methods and rights(route) - set(ROLES[role]):
            path = route.path.replace("{customer_id:path}", "aino").replace("{campaign_id}", "c1")
            assert browser.send(path).status_code == 403, (role, path)


def test_who_is_not_in_is_led_to_the_door_and_a_form_without_its_word_is_refused(browser: Browser) -> None:
    for route in routes():
        path = route.path.replace("{customer_id:path}", "aino").replace("{", "").replace("}", "")
        if route.path not in OPEN_TO_ALL and "deed" not in path:
            answer = browser.request("POST" if "POST" in route.methods else "GET", path)
            assert answer.status_code in (303, 401), path
    browser.becomes("boss", "admin")
    for route in routes():
        if "POST" in route.methods and route.path != "/console/login":
            path = route.path.replace("{customer_id:path}", "aino").replace("{campaign_id}", "c1")
            answer = browser.post(path, data={"csrf": "guessed"})
            assert answer.status_code == 403 and "of another session" in answer.text, path
