"""The API's own page reads offline: every address, field and example, without a script."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from features.home import Home
from serving.api import create_app
from serving.api.docs import example_of, fields_of, page_of, prose, type_of
from tests.conftest import Client
from tests.outline import Outline


@pytest.fixture
def client(home: Home, start: Callable[..., Client]) -> Client:
    return start(create_app(home))


def test_it_is_whole_without_scripts_and_without_other_hosts(client: Client) -> None:
    answer = client.get("/docs")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "script" not in policy
    outline = Outline(answer.text)
    assert "script" not in outline.tags and len(outline.ids) == len(set(outline.ids))
    for address in set(outline.leads_to):
        if address.startswith("#"):
            assert address[1:] in outline.ids, address
        else:
            assert address.startswith("/") and client.get(address).status_code == 200, address
    assert client.get("/docs/style.css").headers["content-type"].startswith("text/css")


def test_it_names_every_address_with_its_scope_and_every_field(home: Home, client: Client) -> None:
    text = client.get("/docs").text
    page = create_app(home).openapi()
    for path, methods in page["paths"].items():
        for method, operation in methods.items():
            scope = next((f"scope {name.split()[-1]}" for one in operation.get("security", []) for name in one), None)
            assert f"{method.upper()} {path}</code> <small>{scope or 'no key needed'}</small>" in text
            assert all(f"{one['name']}" in text for one in operation.get("parameters", []))
    for name, schema in page["components"]["schemas"].items():
        assert f'<h2 id="{name}">' in text
        for row in fields_of(schema):
            assert re.search(rf'class="key">{re.escape(row.name)}[ <]', text), f"{name}.{row.name}"
    assert "payload.lines[].unit_price" in text and "minor units (cents)" in text


def test_every_body_has_an_example(home: Home) -> None:
    for one in page_of(create_app(home).openapi())["operations"]:
        if one["body"]:
            assert len(one["body"]["example"]) > 2, one["path"]
        assert not any(answer["body"] == "" for answer in one["answers"])


def test_types_and_examples_in_words() -> None:
    schemas: dict[str, Any] = {
        "Cup": {
            "properties": {"size": {"type": "integer", "examples": [3]}, "tags": {"type": "array", "examples": [[]]}}
        }
    }
    assert type_of({"enum": ["a", "b"], "type": "string"}) == [('"a" or "b"', None)]
    assert type_of({"type": "object", "additionalProperties": {"type": "number"}}) == [
        ("object of ", None),
        ("number", None),
    ]
    assert type_of({}) == [("anything", None)]
    cups = {"type": "array", "items": {"$ref": "#/components/schemas/Cup"}}
    assert example_of(cups, schemas) == [{"size": 3, "tags": []}]
    assert example_of({"$ref": "#/components/schemas/Loop"}, {"Loop": {"$ref": "#/components/schemas/Loop"}}) is None


def test_nothing_in_a_description_becomes_markup() -> None:
    assert prose("a `<b>` & c\n\nd") == "<p>a <code>&lt;b&gt;</code> &amp; c</p><p>d</p>"
