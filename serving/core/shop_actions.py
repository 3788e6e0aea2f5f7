"""The shop's own actions over the shipped ones: one file that says only what differs, made whole before it is used.

`extends: default` at the top makes a file such: `actions` then overrides single keys of shipped actions, or adds some;
`without` switches some off. What comes of it stands by itself: the text kept with records needs no shipped file.
"""

from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field

from features.typed_yaml import Explain, Path_, Source, Strict, read_source, read_text
from serving.core.actions import NO_ACTION, Action, Category
from serving.core.overlay import Overlay, Values

DEFAULT_ACTIONS = Path(__file__).parents[1] / "defaults" / "actions.yaml"
LANGUAGES = {"en": "English", "fi": "Finnish"}
_NEEDED = (*(name for name, field in Action.model_fields.items() if field.is_required()), "treatments")


class _Writer(yaml.SafeDumper):
    """Writes out what is said twice, as whoever reads it wants it."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


class Extension(Strict):
    """What a file that extends the shipped one may say, besides its actions."""

    extends: Literal["default"]
    actions: dict[str, Any] | None = None
    without: tuple[str, ...] = ()
    retired: dict[str, Category] = Field(default_factory=dict)


def resolved(text: str, *, name: str) -> tuple[Source, str]:
    """What a shop's actions file says in full, and the text of it to keep; raises `ConfigError`.

    A file that extends nothing is whole already, and kept as it is written.
    """
    own = read_source(text, name=name)
    if not isinstance(own.value, dict) or "extends" not in own.value:
        if isinstance(own.value, dict) and "without" in own.value:
            raise own.fault(
                ("without",),
                "only a file that extends the shipped actions leaves some out. Put `extends: default` at its top, or "
                "leave those actions out of this file.",
            )
        return own, text
    source = extended(own, _shipped(DEFAULT_ACTIONS))
    return source, yaml.dump(source.value, Dumper=_Writer, allow_unicode=True, sort_keys=False, width=120)


def extended(own: Source, shipped: Values) -> Source:
    """The shipped values with what `own` changes, adds and switches off, the lines of every part its own."""
    said = own.validated(Extension)
    base: dict[str, Any] = shipped["actions"]
    gone: dict[str, Any] = shipped.get("retired", {})
    laid = Overlay(own)
    _check_new(own, base)
    actions = laid.mappings(base, said.actions or {}, ("actions",))
    for k, action in enumerate(said.without):
        if action in gone:
            continue  # switched off already by what is shipped
        if action not in base:
            raise own.fault(("without", k), _no_such(action, base, said.actions or {}))
        if action == NO_ACTION:
            raise own.fault(
                ("without", k), "to do nothing is always a choice and cannot be switched off. Take it off the list."
            )
        if action in (said.actions or {}):
            raise own.fault(("without", k), f"{action!r} is changed under actions, too. Keep one of the two.")
        del actions[action]
    _drop_waiting(actions, said)
    _check_named(own, actions, said)
    retired = gone | said.retired | {a: base[a]["category"] for a in said.without if a in base}
    value = {"actions": actions, "retired": retired} if retired else {"actions": actions}
    return Source(own.name, value, laid.lines, frozenset(laid.inherited))


def explain(source: Source) -> Explain:
    """The faults of an actions file in kinder words, where there are some: a language that is missing."""

    def told(path: Path_, problem: str) -> str | None:
        match path:
            case ("actions", str(action), "treatments", int(j), "text", str(language)) if language in LANGUAGES:
                treatment = source.value["actions"][action]["treatments"][j].get("treatment")
                what = f"treatment {treatment!r} of action {action!r}"
            case ("actions", str(action), "name", str(language)) if language in LANGUAGES:
                what = f"the name of action {action!r}"
            case _:
                return None
        if problem not in ("missing", "string_too_short", "string_type"):
            return None
        return (
            f"{what} says nothing in {LANGUAGES[language]}. Whatever is said is said in English and Finnish: write "
            f'{language}: "…" beside the other.'
        )

    return told


@lru_cache(maxsize=4)
def _shipped(path: Path) -> Values:
    found: Values = read_source(read_text(path), name=str(path)).value
    return found


def _check_new(own: Source, base: Values) -> None:
    """That every action says something, and that one not shipped is whole."""
    for action, said in (own.value.get("actions") or {}).items():
        if not isinstance(said, dict) or not said:
            raise own.fault(
                ("actions", action), "says nothing. Give what differs, or switch the action off under `without`."
            )
        missing = [key for key in _NEEDED if key not in said] if action not in base else []
        if missing:
            raise own.fault(
                ("actions", action),
                f"no shipped action has this name, so it is a new one and has to be whole: {', '.join(missing)} "
                f"missing. Add what is missing, or name a shipped one. {_meant(action, base)}",
            )


def _no_such(action: str, base: Values, own: Values) -> str:
    if action in own:
        return f"{action!r} is an action of this very file. Remove it there."
    return f"no shipped action is named {action!r}. {_meant(action, base)}"


def _meant(action: str, base: Values) -> str:
    close = get_close_matches(action, base, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"There are {', '.join(base)}."


def _drop_waiting(actions: dict[str, Any], said: Extension) -> None:
    """Who shipped would wait for an action waits no more once it is switched off."""
    for key, action in actions.items():
        ours = isinstance((said.actions or {}).get(key), dict) and "after" in (said.actions or {})[key]
        if not ours and isinstance(action, dict) and set(action.get("after", ())) & set(said.without):
            actions[key] = action | {"after": [one for one in action["after"] if one not in said.without]}


def _check_named(own: Source, actions: Values, said: Extension) -> None:
    """That no action left names one that is switched off."""
    for k, off in enumerate(said.without):
        for key, action in actions.items():
            for part in ("said_with", "after"):
                named = action.get(part) if isinstance(action, dict) else None
                if isinstance(named, list) and off in named:
                    rest = ", ".join(one for one in named if one not in said.without)
                    raise own.fault(
                        ("without", k),
                        f"{off!r} is named by {key!r} ({part}). Switch {key!r} off too, or write under actions "
                        f"{key}: {{{part}: [{rest}]}}.",
                    )
