"""A YAML file read into a typed model, whose errors name the file, the line, the value and the remedy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from features.errors import ConfigError

Path_ = tuple[str | int, ...]
M = TypeVar("M", bound=BaseModel)
Explain = Callable[[Path_, str], str | None]

SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
LARGEST_BYTES = 2_000_000
DEEPEST = 50
_LONGEST_SHOWN = 200


class Strict(BaseModel):
    """A part of a settings file: unchangeable, and refusing keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def read_text(path: Path) -> str:
    """The text of a settings file; raises `ConfigError`."""
    try:
        if (size := path.stat().st_size) > LARGEST_BYTES:
            raise ConfigError(
                f"{path}:1: has {size:,} bytes; settings have {LARGEST_BYTES:,} at most. Is it the right file?"
            )
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}). Restore it, or remove it to use the defaults.") from error


@dataclass(frozen=True)
class Source:
    """A settings file as read: its plain values, and the line of every part of them.

    `inherited` are the parts that the file itself does not say, but takes from what is shipped.
    """

    name: str
    value: Any
    lines: Mapping[Path_, int]
    inherited: frozenset[Path_] = frozenset()

    def fault(self, path: Path_, message: str) -> ConfigError:
        """An error at `path` of a file that could be read: for checks that need more than one part of it."""
        return ConfigError(f"{self.name}:{_line(self.lines, path)}: {_dotted(path)}: {message}{self._note(path)}")

    def validated(self, model: type[M], *, explain: Explain = lambda path, problem: None) -> M:
        """The values as `model`; raises `ConfigError` that lists every fault as `name:line: ...`.

        `explain` may word the fault at a path better, told the kind of problem as pydantic names it.
        """
        try:
            return model.model_validate(self.value)
        except ValidationError as error:
            faults = [self._told(model, dict(e), explain) for e in error.errors(include_url=False)]
            raise ConfigError("\n".join(dict.fromkeys(faults))) from error

    def _told(self, model: type[BaseModel], error: dict[str, Any], explain: Explain) -> str:
        path: Path_ = tuple(error["loc"])
        better = explain(path, error["type"])
        if better is not None:
            return f"{self.name}:{_line(self.lines, path)}: {_dotted(path)}: {better}{self._note(path)}"
        return _fault(self.name, self.lines, model, error) + self._note(path)

    def _note(self, path: Path_) -> str:
        while path and path not in self.lines and path not in self.inherited:
            path = path[:-1]
        if path not in self.inherited:
            return ""
        return " This part is the shipped one, which this file leaves as it is: write it here to change it."


def read_source(text: str, *, name: str) -> Source:
    """What a YAML text says; raises `ConfigError` for one that is no plain YAML."""
    try:
        _check_plain(text, name)
        node = yaml.compose(text, Loader=SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or "not YAML"
        raise ConfigError(f"{name}:{line}: {problem}. Check the indentation, colons and quotes near there.") from error
    lines: dict[Path_, int] = {}
    return Source(name, _build(node, (), lines, name), lines)


def parse(text: str, model: type[M], *, name: str) -> M:
    """The model in `text`; raises `ConfigError` that lists every fault as `name:line: ...`."""
    return read_source(text, name=name).validated(model)


def fault(name: str, text: str, path: Path_, message: str) -> ConfigError:
    """An error at `path` of a text that parsed: for checks that need more than one part of it."""
    return read_source(text, name=name).fault(path, message)


def _check_plain(text: str, name: str) -> None:
    """That nothing in it grows beyond what is written: no part that is repeated by an alias, and none too deep."""
    depth = 0
    event: Any
    for event in yaml.parse(text, Loader=SafeLoader):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise ConfigError(f"{name}:{line}: *{event.anchor} repeats another part of the file. Write it out there.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ConfigError(f"{name}:{line}: brackets more than {DEEPEST} deep. Close them.")


def _build(node: Any, path: Path_, lines: dict[Path_, int], name: str) -> Any:
    """Plain values of a YAML node, noting the line of every path; duplicate keys are refused."""
    if node is None:
        return {}
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        mapping: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = _scalar(key_node, path, name)
            if not isinstance(key, str):
                raise ConfigError(
                    f"{name}:{key_node.start_mark.line + 1}: {_dotted(path)} has the key {_shown(key)}, which is no "
                    "text. Name it, or put it in quotes."
                )
            if key in mapping:
                raise ConfigError(
                    f"{name}:{key_node.start_mark.line + 1}: {_dotted((*path, key))} is given twice. Keep one."
                )
            lines[(*path, key)] = key_node.start_mark.line + 1
            mapping[key] = _build(value_node, (*path, key), lines, name)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [_build(child, (*path, i), lines, name) for i, child in enumerate(node.value)]
    return _scalar(node, path, name)


def _scalar(node: Any, path: Path_, name: str) -> Any:
    loader = SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError, TypeError) as error:  # a tag, a date or a number that is none
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigError(
            f"{name}:{node.start_mark.line + 1}: {_dotted(path)}: {problem}. Write plain text or a plain number there."
        ) from error
    finally:
        loader.dispose()


def _fault(name: str, lines: Mapping[Path_, int], model: type[BaseModel], error: dict[str, Any]) -> str:
    path: Path_ = tuple(error["loc"])
    given = error.get("input")
    if error["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        known = _known_keys(model, path[:-1])
        close = get_close_matches(str(path[-1]), known, n=1)
        remedy = f"Did you mean {close[0]!r}?" if close else f"Known here: {', '.join(known)}."
        return f"{name}:{_line(lines, path)}: unknown key {_dotted(path)!r} (value {_shown(given)}). {remedy}"
    if error["type"] == "missing":
        return f"{name}:{_line(lines, path)}: {_dotted(path)} is missing. Add it."
    shown = "" if isinstance(given, dict | list) else f" = {_shown(given)}"
    return f"{name}:{_line(lines, path)}: {_dotted(path)}{shown}: {error['msg']}."


def _shown(value: Any) -> str:
    """A value as an error shows it."""
    try:
        text = repr(value)
    except ValueError:  # Python prints no number of so many digits
        return "a number of thousands of digits"
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"


def _line(lines: Mapping[Path_, int], path: Path_) -> int:
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _dotted(path: Sequence[str | int]) -> str:
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".") or "the file"


def _known_keys(model: type[BaseModel], path: Path_) -> list[str]:
    """The keys of the part of `model` at `path`, found through its JSON schema."""
    schema = model.model_json_schema()
    here: dict[str, Any] = schema
    for step in path:
        here = _resolve(schema, here)
        if isinstance(step, int):
            here = here.get("items", {})
        else:
            named = here.get("properties", {}).get(step) or here.get("additionalProperties")
            here = named or next(iter(here.get("patternProperties", {}).values()), {})
    return sorted(_resolve(schema, here).get("properties", {}))


def _resolve(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    for option in [part, *part.get("anyOf", [])]:
        if "$ref" in option:
            found: dict[str, Any] = schema["$defs"][option["$ref"].rsplit("/", 1)[-1]]
            return found
    return part
