"""Requests that nobody means well by: made of the API's own examples, with one or more things wrong in each.

What is put in is JSON text, not a value: most of it cannot be written by a JSON library.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from serving.api.docs import example_of

WORDS = (
    "", " ", "\u0000", "a\u0000b", "\ufeff", "\u202egnp.exe", "\U0001f9f8" * 40, "ﷺ" * 50, "İ", "x" * 129, "x" * 300,
    "x" * 70_000, "' or 1=1 --", "'; drop table facts; --", '" union select * from api_keys --', "%' escape '\\",
    "1; pragma user_version", "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "javascript:alert(1)",
    "{{7*7}}", "${jndi:ldap://127.0.0.1/a}", "../../../../etc/passwd", "..\\..\\live.db", "/dev/zero",
    "file:///etc/passwd", "a/b", "a?b#c", "%00", "%s%n%x", "null", "NaN", "a\r\nset-cookie: b=c", "anonymous:",
    "anonymous:anonymous:c", "staff:", "shop", "*", "-1", "0x10", "１２", "true", "0000-00-00",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-23:59", "2026-02-30T00:00:00Z",
    "2026-09-01T12:00:00", "2026-09-01T25:00:00Z", "2026-09-01T12:00:00+99:99", "2016-12-31T23:59:60Z", "1e10", "P1D",
    "99999999999999999999",
)  # fmt: skip
"""Texts, for fields, addresses and headers alike."""

RAW = (
    "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e-999", "-0", "-0.0", "9" * 400, "-" + "9" * 5_000,
    "1" * 70_000, str(2**31), str(2**53 + 1), str(2**63), str(-(2**63) - 1), str(2**64), str(2**128), "0.1e", "01",
    "+1", ".5", "0x1f", "1_000", "null", "true", "false", "[]", "{}", "[[]]", "[null]", '{"":null}',
    '{"__proto__":{"a":1}}', '{"a":1,"a":2}', "'a'", "undefined", r'"\ud800"', r'"\udfff\ud800"', r'"a\ud83d"',
    r'"\u0000"', r'"\x41"', '"\\', '"a\nb"', '"\t"', "/* */", "", ",", "]", "}", "\\u0022", "[" * 50 + "]" * 50,
    "[" * 150 + "]" * 150, "[" * 5_000 + "]" * 5_000, "[" * 100_000, '{"a":' * 60 + "1" + "}" * 60,
    '{"a":' * 3_000 + "1" + "}" * 3_000, "[" + "1," * 20_000 + "1]",
    "{" + ",".join(f'"k{n}":{n}' for n in range(5_000)) + "}",
)  # fmt: skip
"""JSON and what looks like it, for the place of a value."""

CONTENT_TYPES = (
    "text/plain", "application/xml", "multipart/form-data", "application/x-www-form-urlencoded",
    "application/json; charset=utf-16", "application/json; charset=\xe4", "application/json;;;",
    "application/problem+json", "json", "", "/", "application/" + "j" * 5_000,
)  # fmt: skip
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "get", "G\xc4T")
_HERE = "here-goes-what-is-wrong"


@dataclass
class Hostile:
    """A request; `method` and `path` name the operation it is aimed at, None where it is aimed beside them all."""

    method: str
    path: str | None
    address: str
    sent_as: str
    body: bytes | None = None
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


def requests(document: dict[str, Any], seed: int, known: dict[str, str]) -> Iterator[Hostile]:
    """Without end, each operation in turn, drawn from the document's own examples and what is above.

    `known` puts ids and dates that mean something to the service in the place of the examples'.
    """
    draw = random.Random(seed)
    text = json.dumps(document)
    for example, own in known.items():
        text = text.replace(example, own)
    document = json.loads(text)
    operations = [(path, verb, one) for path, verbs in document["paths"].items() for verb, one in verbs.items()]
    while True:
        for path, verb, operation in operations:
            yield _request(draw, document, path, verb, operation)


def _request(draw: random.Random, document: dict[str, Any], path: str, verb: str, operation: dict[str, Any]) -> Hostile:
    method = verb.upper()
    made = Hostile(method, path, _address(draw, path, operation), method, headers=_headers(draw, operation))
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is not None:
        made.body = _body(draw, example_of(content["schema"], document["components"]["schemas"]))
    if draw.random() < 0.04:
        made.sent_as, made.path = draw.choice(METHODS), None
    elif draw.random() < 0.03:
        made.address, made.path = (
            made.address.replace("/v1", draw.choice(("/v1/..", "//v1", "/V1", "/v1%2f", "/v1/\xe4"))),
            None,
        )
    return made


def _address(draw: random.Random, path: str, operation: dict[str, Any]) -> str:
    query = []
    for one in operation.get("parameters", []):
        wrong = draw.random() < 0.5
        word = draw.choice(WORDS) if wrong else str(_of(one))
        if one["in"] == "path":
            # an empty part, or one with a slash, is another address
            word = word.replace("/", "\\") or "c-1"
            path = path.replace(f"{{{one['name']}}}", _quoted(draw, word))
        elif one["in"] == "query" and draw.random() < 0.7:
            query += [f"{one['name']}={_quoted(draw, word)}"] * draw.choice((1, 1, 1, 2))
    if draw.random() < 0.05:
        query.append(draw.choice(("unknown=1", "&&&", "=", "%ff=%fe", "a" * 20_000)))
    return path + ("?" + "&".join(query) if query else "")


def _quoted(draw: random.Random, word: str) -> str:
    if draw.random() < 0.03:
        return draw.choice(("%ff%fe", "%c3%28", "%ed%a0%80", "%00", "%", "%2", "%zz"))  # no UTF-8, or no escape at all
    return quote(word[:20_000], safe="")


def _of(parameter: dict[str, Any]) -> Any:
    examples = parameter.get("examples") or parameter["schema"].get("examples") or ["c-1"]
    return examples[0]


def _headers(draw: random.Random, operation: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    own = [one["name"].lower().encode() for one in operation.get("parameters", []) if one["in"] == "header"]
    headers = [(name, _header(draw)) for name in own if draw.random() < 0.3]
    kind = draw.choice(CONTENT_TYPES) if draw.random() < 0.05 else "application/json"
    headers.append((b"content-type", kind.encode("latin-1")))
    if draw.random() < 0.03:
        headers.append((b"authorization", b"Bearer " + _header(draw)))
    if draw.random() < 0.02:
        headers.append(
            (draw.choice((b"host", b"accept", b"cookie", b"x-forwarded-for", b"traceparent")), _header(draw))
        )
    return headers


def _header(draw: random.Random) -> bytes:
    return draw.choice(WORDS).translate({ord(one): None for one in "\r\n\0"}).encode()[:8_000].strip()


def _body(draw: random.Random, example: Any) -> bytes:
    chance = draw.random()
    if chance < 0.05:
        return draw.choice(RAW).encode()
    if chance < 0.1:
        return _unreadable(draw, json.dumps(example).encode())
    for _ in range(draw.choice((1, 1, 1, 2))):
        example = _replaced(draw, example)
    text = json.dumps(example)
    while f'"{_HERE}"' in text:
        wrong = draw.choice(RAW) if draw.random() < 0.5 else json.dumps(draw.choice(WORDS))
        text = text.replace(f'"{_HERE}"', wrong, 1)
    if chance < 0.15 and text.startswith("{"):  # a key twice
        text = text[:-1] + "," + text[1:] if len(text) > 2 else text
    return text.encode("utf-8", "surrogatepass")


def _unreadable(draw: random.Random, sent: bytes) -> bytes:
    at = draw.randrange(len(sent))
    broken = draw.choice((b"\xff", b"\xed\xa0\x80", b"\xc3\x28", b"\0", b"\xf0\x9f"))
    return draw.choice(
        (
            b"",
            b"\xef\xbb\xbf" + sent,
            sent.decode().encode("utf-16"),
            sent[:at],
            sent + sent,
            sent[:at] + broken + sent[at:],
        )
    )


def _replaced(draw: random.Random, value: Any) -> Any:
    """The example with one value at some depth replaced, one key renamed, or one left out."""
    if isinstance(value, dict) and value and draw.random() < 0.85:
        name = draw.choice(sorted(value))
        chance = draw.random()
        if chance < 0.06:
            return {other: one for other, one in value.items() if other != name}
        if chance < 0.12:
            return value | {draw.choice(WORDS)[:2_000]: value[name]}
        return value | {name: _replaced(draw, value[name])}
    if isinstance(value, list) and value and draw.random() < 0.85:
        at = draw.randrange(len(value))
        return [*value[:at], _replaced(draw, value[at]), *value[at + 1 :]]
    return _HERE
