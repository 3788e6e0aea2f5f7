"""The OpenAPI page says what every field is, and docs/api.md names every address, problem and scope."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from features.events import EVENT_TYPES
from features.home import Home
from features.log.event_log import EventLog
from serving.api import create_app
from serving.api.event_schema import FIELDS, LINE_FIELDS, event_schemas, payload_fields
from serving.api.problems import PROBLEMS
from serving.security import SCOPES
from tests.conftest import Client

from .conftest import NOON

GUIDE = Path(__file__).parents[3] / "docs" / "api.md"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return create_app(Home.open(tmp_path_factory.mktemp("home"))).openapi()


def test_the_page_is_served_to_anyone(home: Home, start: Callable[..., Client], page: dict[str, Any]) -> None:
    answer = start(create_app(home)).get("/openapi.json")
    assert answer.status_code == 200 and answer.json() == json.loads(json.dumps(page))


def properties(schema: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, dict):
        for name, one in schema.get("properties", {}).items():
            yield f"{where}.{name}", one
        for key, inner in schema.items():
            yield from properties(inner, f"{where}.{key}")
    elif isinstance(schema, list):
        for inner in schema:
            yield from properties(inner, where)


def test_every_field_has_a_description_and_an_example(page: dict[str, Any]) -> None:
    schemas = page["components"]["schemas"]
    own = {name: one for name, one in schemas.items() if name not in ("HTTPValidationError", "ValidationError")}
    for where, one in properties(own, ""):
        assert one.get("description"), f"{where} has no description"
        assert "examples" in one, f"{where} has no example"


def test_every_parameter_has_a_description_and_an_example(page: dict[str, Any]) -> None:
    for path, methods in page["paths"].items():
        for method, operation in methods.items():
            assert operation["description"], (path, method)
            for parameter in operation.get("parameters", []):
                described = parameter | parameter["schema"]
                assert described.get("description") and "examples" in described, (path, parameter["name"])


def test_every_reference_leads_somewhere(page: dict[str, Any]) -> None:
    for name in re.findall(r'#/components/schemas/([^"\']+)', str(page)):
        assert name in page["components"]["schemas"], name


def test_every_address_but_health_needs_a_key(page: dict[str, Any]) -> None:
    for path, methods in page["paths"].items():
        for operation in methods.values():
            is_open = path.startswith("/v1/health") or path == "/metrics"
            assert bool(operation.get("security")) != is_open, path


def test_events_are_those_of_the_canonical_schema(page: dict[str, Any]) -> None:
    schemas = page["components"]["schemas"]
    assert set(schemas) >= {"EventsRequest", "Event", *(f"Event_{name}" for name in EVENT_TYPES)}
    named = {name for one in EVENT_TYPES.values() for name in payload_fields(one)}
    assert named == set(FIELDS), "serving/api/event_schema.py describes other fields than there are"
    lines = event_schemas()["Event_purchase"]["properties"]["payload"]["properties"]["lines"]["items"]["properties"]
    assert set(lines) == set(LINE_FIELDS)
    assert schemas["Event_case"]["properties"]["payload"]["required"] == ["case_id", "kind", "status"]
    assert schemas["Event_consent"]["properties"]["payload"]["properties"]["channel"]["description"]


def test_the_guide_names_every_address_with_its_scope(page: dict[str, Any]) -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    for path, methods in page["paths"].items():
        for method, operation in methods.items():
            line = next((one for one in guide.splitlines() if f"`{method.upper()} {path}`" in one), None)
            assert line, f"docs/api.md does not name {method.upper()} {path}"
            scope = next((name.rpartition(" ")[2] for one in operation.get("security", []) for name in one), "none")
            assert f"| {scope} |" in line, f"docs/api.md gives {path} another scope than {scope}"


def test_the_guide_names_every_problem_scope_and_answer_of_last_resort() -> None:
    from serving.api.decisions import SAFE_REASONS

    guide = GUIDE.read_text(encoding="utf-8")
    for kind, (status, _) in PROBLEMS.items():
        assert re.search(rf"`{kind}` \| {status} \|", guide), f"docs/api.md does not name the problem {kind}"
    for name in (*SCOPES, *SAFE_REASONS):
        assert f"`{name}`" in guide, f"docs/api.md does not name {name}"


@pytest.mark.parametrize("event_type", list(EVENT_TYPES))
def test_every_documented_example_is_an_event_that_is_taken(home: Home, event_type: str) -> None:
    schema = event_schemas()[f"Event_{event_type}"]["properties"]
    event = {name: one["examples"][0] for name, one in schema.items() if name != "payload"}
    event |= {"occurred_at": NOON.isoformat(), "received_at": NOON.isoformat()}
    event["payload"] = schema["payload"]["examples"][0]
    (result,) = EventLog(home).append_live([event], source="api", now=NOON)
    assert result.status == "accepted", result
