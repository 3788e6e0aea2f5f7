"""A policy and actions tried before they are put in place: every fault, or else all that would change."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from pydantic import BaseModel

from features.customer.hold_rules import HoldRules
from features.errors import ConfigError, DataError
from features.home import Home
from features.typed_yaml import read_text
from serving.core.catalogue import DEFAULT_ACTIONS, Catalogue, parse_catalogue
from serving.core.live import KNOWN_FEATURES
from serving.core.policy import DEFAULT_POLICY, Policy, check_together, parse_policy
from serving.desk.desk import Desk
from serving.desk.trial import Trial, tried
from serving.service import DecisionService


class PolicyCheck(msgspec.Struct, frozen=True):
    """`faults` each name file, line and remedy; without any, `changes` say what would differ from what is in force.

    `trial` is what would differ for a sample of customers, where one was asked for and could be looked at.
    """

    faults: list[str]
    changes: list[str]
    trial: Trial | None = None


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A sample to try the files on: how many customers, drawn by which seed, in which placements (none named: all)."""

    customers: int = 500
    seed: str = "1"
    placements: tuple[str, ...] = ()


def check(
    home: Home,
    policy: Path | None = None,
    actions: Path | None = None,
    *,
    wanted: Wanted | None = None,
    now: datetime | None = None,
    done: Callable[[int], None] = lambda number: None,
) -> PolicyCheck:
    """Try files as the service would load them; None: the shop's own, else the shipped default.

    With `wanted` (and the moment `now`) they are tried on customers too, and `done` is told how many were looked at.
    Raises `DataError` where there are none, or for a placement that does not exist.
    """
    new, faults = _loaded(policy or _in_place(home, "policy.yaml"), actions or _in_place(home, "actions.yaml"))
    if new is None:
        return PolicyCheck(faults, [])
    old, _ = _loaded(_in_place(home, "policy.yaml"), _in_place(home, "actions.yaml"))
    if old is None:
        return PolicyCheck([], ["what is in place cannot be used; a running service keeps what it had before"])
    trial = None if wanted is None or now is None else _tried(home, *new, wanted, now, done)
    return PolicyCheck([], list(changes(*old, *new)), trial)


def _tried(
    home: Home, policy: Policy, actions: Catalogue, wanted: Wanted, now: datetime, done: Callable[[int], None]
) -> Trial:
    service = DecisionService(home)
    try:
        sample = Desk(service).sample(now, wanted.customers, wanted.seed)
        if not sample.keys:
            raise DataError(
                f"There are no customers in {home.root} to try this on. Take some in (tahdikas ingest), or leave out "
                "--sample."
            )
        return tried(service, policy, actions, sample, now, placements=wanted.placements, done=done)
    finally:
        service.close()


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
            parts = (
                f"{k}: {was} -> {now}" for k, was, now in _inside("", old[name].model_dump(), new[name].model_dump())
            )
            yield f"{what} {name} changed, {'; '.join(parts)}"


def _inside(path: str, old: Any, new: Any) -> Iterator[tuple[str, str, str]]:
    """Where two values differ: mappings key by key, treatments by their names, all else as a whole."""
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from _inside(f"{path}.{key}".lstrip("."), old.get(key), new.get(key))
    elif path == "treatments" and len(_named(old)) == len(old) and len(_named(new)) == len(new):
        yield from _inside(path, _named(old), _named(new))
    else:
        yield path, _shown(old), _shown(new)


def _named(treatments: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {one["treatment"]: dict(one) for one in treatments}


def _shown(value: Any) -> str:
    if isinstance(value, BaseModel):
        return str(value)
    return repr(value)
