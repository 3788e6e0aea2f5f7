"""A policy and actions tried before they are put in place: every fault, or else all that would change."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec
from pydantic import BaseModel

from features.customer.hold_rules import HoldRules
from features.errors import ConfigError
from features.home import Home
from serving.core.catalogue import DEFAULT_ACTIONS, Catalogue, parse_catalogue
from serving.core.live import KNOWN_FEATURES
from serving.core.policy import DEFAULT_POLICY, Policy, check_together, parse_policy
from serving.core.typed_yaml import read_text


class PolicyCheck(msgspec.Struct, frozen=True):
    """`faults` each name file, line and remedy; without any, `changes` say what would differ from what is in force."""

    faults: list[str]
    changes: list[str]


def check(home: Home, policy: Path | None = None, actions: Path | None = None) -> PolicyCheck:
    """Try files as the service would load them; None: the shop's own, else the shipped default."""
    new, faults = _loaded(policy or _in_place(home, "policy.yaml"), actions or _in_place(home, "actions.yaml"))
    if new is None:
        return PolicyCheck(faults, [])
    old, _ = _loaded(_in_place(home, "policy.yaml"), _in_place(home, "actions.yaml"))
    if old is None:
        return PolicyCheck([], ["what is in place cannot be used; a running service keeps what it had before"])
    return PolicyCheck([], list(changes(*old, *new)))


def changes(old_policy: Policy, old_actions: Catalogue, policy: Policy, actions: Catalogue) -> Iterator[str]:
    """Every difference in words: placements, actions, holds field by field, and the other parts."""
    before, after = _parts(old_policy), _parts(policy)
    yield from _differing("placement", old_policy.file.placements, policy.file.placements)
    yield from _differing("action", _by_id(old_actions), _by_id(actions))
    for rule in fields(HoldRules):
        was, is_now = getattr(old_policy.file.holds, rule.name), getattr(policy.file.holds, rule.name)
        if was != is_now:
            yield f"holds.{rule.name}: {_shown(was)} -> {_shown(is_now)}"
    for name in before:
        if before[name] != after[name]:
            yield f"{name}: {_shown(before[name])} -> {_shown(after[name])}"


def _loaded(policy: Path, actions: Path) -> tuple[tuple[Policy, Catalogue] | None, list[str]]:
    """Both files, or all their faults."""
    faults: list[str] = []
    loaded: list[Any] = []
    for path, parse in ((policy, parse_policy), (actions, _actions)):
        try:
            loaded.append(parse(read_text(path), name=str(path)))
        except ConfigError as error:
            faults += str(error).splitlines()
    if not faults:
        try:
            check_together(*loaded, name=str(policy), actions_name=str(actions))
        except ConfigError as error:
            faults += str(error).splitlines()
    return (None, faults) if faults else ((loaded[0], loaded[1]), [])


def _actions(text: str, *, name: str) -> Catalogue:
    return parse_catalogue(text, known=KNOWN_FEATURES, name=name)


def _in_place(home: Home, name: str) -> Path:
    own = home.config / name
    return own if own.exists() else {"policy.yaml": DEFAULT_POLICY, "actions.yaml": DEFAULT_ACTIONS}[name]


def _by_id(catalogue: Catalogue) -> dict[str, BaseModel]:
    return {action.action: action for action in catalogue.actions}


def _parts(policy: Policy) -> dict[str, Any]:
    return {
        name: getattr(policy.file, name) for name in type(policy.file).model_fields
        if name not in ("placements", "holds")
    }  # fmt: skip


def _differing(what: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{what} {name} added" for name in new if name not in old)
    yield from (f"{what} {name} removed" for name in old if name not in new)
    for name in old:
        if name in new and old[name] != new[name]:
            was, is_now = old[name].model_dump(), new[name].model_dump()
            parts = (f"{k}: {_shown(was[k])} -> {_shown(is_now[k])}" for k in was if was[k] != is_now[k])
            yield f"{what} {name} changed, {'; '.join(parts)}"


def _shown(value: Any) -> str:
    if isinstance(value, BaseModel):
        return str(value)
    return repr(value)
