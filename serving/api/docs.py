"""The API's own page: the OpenAPI document as plain HTML without scripts, to be read anywhere, offline too."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import Any

from fastapi import APIRouter
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

Schema = dict[str, Any]
Words = list[tuple[str, str | None]]
"""A type in words, each with the schema that it names, if it does."""

POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
_BOUNDS = {
    "minimum": "at least {}", "maximum": "at most {}", "exclusiveMinimum": "above {}", "exclusiveMaximum": "below {}",
    "maxLength": "at most {} characters", "minItems": "at least {} of them", "maxItems": "at most {} of them",
    "pattern": "like {}",
}  # fmt: skip

_templates = Environment(
    loader=PackageLoader("serving.api"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def docs(request: Request) -> Response:
    """Every endpoint with its scope, fields, types and examples."""
    content = _templates.get_template("docs.html").render(page_of(request.app.openapi()))
    return HTMLResponse(content, headers={"content-security-policy": POLICY})


@router.get("/docs/style.css")
async def style() -> Response:
    """The style sheet that the console's pages have too."""
    content = files("serving.console").joinpath("static", "console.css").read_bytes()
    return Response(content, media_type="text/css; charset=utf-8", headers={"cache-control": "max-age=3600"})


@dataclass(frozen=True)
class FieldRow:
    """One field: where it is, its type in words, and what it is."""

    name: str
    type: Words
    needed: bool
    description: str
    bounds: str
    example: str


def page_of(document: dict[str, Any]) -> dict[str, Any]:
    """What the template shows of an OpenAPI document."""
    schemas: dict[str, Schema] = document["components"]["schemas"]
    example = partial(example_of, schemas=schemas)
    operations = [
        {
            "id": re.sub(r"[^a-z0-9]+", "-", f"{method} {path}".lower()).strip("-"),
            "method": method.upper(),
            "path": path,
            "description": operation.get("description", ""),
            "scope": next((name.split()[-1] for one in operation.get("security", []) for name in one), None),
            "parameters": [_parameter(one) for one in operation.get("parameters", [])],
            "body": _json_of(operation.get("requestBody", {}), example),
            "answers": [
                {"status": status, "description": one["description"], "body": _json_of(one, example)}
                for status, one in sorted(operation["responses"].items())
            ],
        }
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    parts = [
        {
            "name": name,
            "description": schema.get("description", ""),
            "one_of": [] if "properties" in schema else type_of(schema),
            "fields": list(fields_of(schema)),
            "example": _text(example({"$ref": f"#/components/schemas/{name}"})),
        }
        for name, schema in schemas.items()
    ]
    return {"about": document["info"], "operations": operations, "parts": parts, "prose": prose}


def fields_of(schema: Schema, within: str = "") -> Iterator[FieldRow]:
    """The fields of a schema, those of objects written inside it among them, as `payload.lines[].quantity`."""
    needed = schema.get("required", ())
    for name, one in schema.get("properties", {}).items():
        examples = one.get("examples", [])
        yield FieldRow(
            name=within + name,
            type=type_of(one),
            needed=name in needed,
            description=one.get("description", ""),
            bounds=", ".join(_bounds(one)),
            example=json.dumps(examples[0], ensure_ascii=False) if examples and examples[0] not in ({}, []) else "",
        )
        yield from fields_of(one, f"{within}{name}.")
        yield from fields_of(one.get("items", {}), f"{within}{name}[].")


def type_of(schema: Schema) -> Words:
    """A schema's type in words.

    >>> type_of({"type": "array", "items": {"$ref": "#/components/schemas/ItemOut"}})
    [('list of ', None), ('ItemOut', 'ItemOut')]
    >>> type_of({"anyOf": [{"type": "string"}, {"type": "null"}]})
    [('string', None), (' or ', None), ('null', None)]
    """
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return [(name, name)]
    choices = schema.get("anyOf") or schema.get("oneOf") if "type" not in schema else None
    if choices:
        words = [type_of(one) for one in choices]
        return [piece for n, one in enumerate(words) for piece in ([(" or ", None), *one] if n else one)]
    if "const" in schema or "enum" in schema:
        return [(" or ".join(json.dumps(one) for one in schema.get("enum", [schema.get("const")])), None)]
    if schema.get("type") == "array":
        return [("list of ", None), *type_of(schema.get("items", {}))]
    if isinstance(schema.get("additionalProperties"), dict):
        return [("object of ", None), *type_of(schema["additionalProperties"])]
    return [(schema.get("format") or schema.get("type") or "anything", None)]


def example_of(schema: Schema, schemas: dict[str, Schema], depth: int = 0) -> Any:
    """An example: the schema's own, else one put together of its fields' examples."""
    if depth > 8:
        return None
    deeper = partial(example_of, schemas=schemas, depth=depth + 1)
    own = next((one for one in schema.get("examples", []) if one not in ({}, [])), None)
    if own is not None:
        return own
    if "$ref" in schema:
        return deeper(schemas[schema["$ref"].rpartition("/")[2]])
    if "properties" in schema:
        return {name: deeper(one) for name, one in schema["properties"].items()}
    for choices in ("anyOf", "oneOf"):
        if choices in schema:
            return deeper(schema[choices][0])
    if schema.get("type") == "array":
        inside = deeper(schema.get("items", {}))
        return [] if inside is None else [inside]
    return schema.get("const")


def prose(text: str) -> Markup:
    """Paragraphs, with what stands in backticks as code; everything escaped."""
    paragraphs = [re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(part))) for part in text.split("\n\n") if part]
    return Markup("".join(f"<p>{part}</p>" for part in paragraphs))


def _parameter(one: dict[str, Any]) -> FieldRow:
    schema = one["schema"] | {"description": one.get("description", "")}
    (row,) = fields_of({"properties": {one["name"]: schema}, "required": [one["name"]] if one["required"] else []})
    return FieldRow(row.name, row.type, row.needed, f"{row.description} ({one['in']})", row.bounds, row.example)


def _json_of(part: dict[str, Any], example: Any) -> dict[str, Any] | None:
    """Type and example of a body, where it has a schema that says more than that it is a problem."""
    for media_type, content in part.get("content", {}).items():
        if content.get("schema"):
            shown = "" if media_type == "application/problem+json" else _text(example(content["schema"]))
            return {"type": type_of(content["schema"]), "example": shown}
    return None


def _bounds(schema: Schema) -> Iterator[str]:
    for one in (schema, *schema.get("anyOf", ())):
        yield from (text.format(one[name]) for name, text in _BOUNDS.items() if name in one)


def _text(example: Any) -> str:
    return "" if example is None else json.dumps(example, ensure_ascii=False, indent=2)
