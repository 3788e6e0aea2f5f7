"""The actions in force beside the shipped ones: which are as shipped, which the shop changed, added or switched off."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from features.errors import DataError
from features.home import Home
from serving.core.actions import Action
from serving.core.catalogue import DEFAULT_ACTIONS, Catalogue

STARTER = DEFAULT_ACTIONS.with_name("actions_starter.yaml")
Origin = Literal["default", "changed", "added", "switched off"]


class ListedAction(msgspec.Struct, frozen=True, kw_only=True):
    """One action. `changed` are the keys in which it differs from the shipped one; `channels` those it may go by."""

    action_id: str
    origin: Origin
    category: str
    group: str
    name: str
    name_fi: str
    channels: list[str]
    changed: list[str] = []


def listed(catalogue: Catalogue, shipped: Catalogue) -> Iterator[ListedAction]:
    """Every action in force in its order, then the shipped ones that are not."""
    for action in catalogue.actions:
        column = shipped.index.get(action.action)
        if column is None:
            yield _listed(action, "added")
        else:
            was = shipped.actions[column]
            changed = [key for key in Action.model_fields if getattr(was, key) != getattr(action, key)]
            yield _listed(action, "changed" if changed else "default", changed)
    yield from (_listed(action, "switched off") for action in shipped.actions if action.action not in catalogue.index)


def begin(home: Home) -> Path:
    """Write a first file of the shop's own actions, changing nothing yet; raises `DataError` where there is one."""
    path = home.config / "actions.yaml"
    home.config.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(STARTER.read_text(encoding="utf-8"))
    except FileExistsError as error:
        raise DataError(f"{path} is there already and stays as it is. Edit it, or move it away first.") from error
    return path


def _listed(action: Action, origin: Origin, changed: list[str] | None = None) -> ListedAction:
    channels = dict.fromkeys(channel for t in action.treatments for channel in t.channels)
    return ListedAction(
        action_id=action.action,
        origin=origin,
        category=action.category,
        group=action.group,
        name=action.name.en,
        name_fi=action.name.fi,
        channels=list(channels),
        changed=changed or [],
    )
