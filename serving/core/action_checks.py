"""What an action may not say: checks across its keys and against the others, each fault naming file and line."""

import re
from collections.abc import Collection, Mapping, Sequence

from features.typed_yaml import Source
from serving.core.actions import NO_ACTION, SCORE, Action
from serving.core.conditions import Condition

TELLS = ("bought", "viewed")
"""Sources of items that are told about, not sold."""


def check_action(action: Action, actions: Mapping[str, Action], known: Collection[str] | None, source: Source) -> None:
    """That an action makes sense among `actions`, as `source` says it; raises `ConfigError`.

    Its conditions may speak of the features `known`, None: of any.
    """
    here: tuple[str | int, ...] = ("actions", action.action)
    parts: list[tuple[tuple[str | int, ...], Sequence[Condition]]] = [
        ((part,), getattr(action, part)) for part in ("eligibility", "applicability", "suitability")
    ]
    parts += [(("treatments", k, "applicability"), form.applicability) for k, form in enumerate(action.treatments)]
    for part, conditions in parts:
        for j, condition in enumerate(conditions):
            if known is not None and not _is_known(condition.feature, known):
                raise source.fault(
                    (*here, *part, j, "feature"),
                    f"unknown feature {condition.feature!r}. Known: {', '.join(sorted(known))}.",
                )
    if action.suitability and not action.marketing:
        raise source.fault(
            (*here, "suitability"),
            f"only sales and care have suitability, not {action.category}. Move the conditions to applicability.",
        )
    if action.action == NO_ACTION and (action.category != "none" or action.eligibility or action.applicability):
        raise source.fault(here, "no_action has category none and no conditions. Remove them.")
    if (action.category == "none") != (action.action == NO_ACTION):
        raise source.fault((*here, "category"), "category none belongs to no_action alone. Choose another.")
    if action.action != NO_ACTION and not action.treatments:
        raise source.fault(here, f"action {action.action!r} has no treatments. Give at least one.")
    _check_dates(source, action, here)
    for k, other in enumerate(action.said_with):
        if other not in actions or not (action.once_per and actions[other].once_per):
            raise source.fault(
                (*here, "said_with", k),
                f"{other!r} is no action that is said once, as {action.action!r} must be too. Give both once_per.",
            )
    if action.cap is not None and not action.marketing:
        raise source.fault((*here, "cap"), f"only sales and care are capped, not {action.category}. Remove it.")
    if action.response.model == "next_offer" and action.items is None:
        raise source.fault((*here, "response"), "model next_offer needs items. Say which, or use the prior.")
    _check_order(action, actions, source)
    sells = action.items is not None and action.items.source not in TELLS
    if sells and action.category != "sales" and known is not None:  # what was in force once can still be told
        raise source.fault(
            (*here, "items", "source"),
            f"{action.action!r} offers products to buy, and no hold on sales would keep {action.category} back. "
            f"Make it a sales action, or choose one of {', '.join(TELLS)}.",
        )
    if action.items is not None and action.items.source in TELLS and action.marketing:
        raise source.fault(
            (*here, "items", "source"),
            f"{action.items.source} tells of products she has or looks at; it sells none. Make it a service action, or "
            "choose another source.",
        )


def _is_known(feature: str, known: Collection[str]) -> bool:
    return feature in known or re.fullmatch(SCORE + "[a-z][a-z0-9_]*", feature) is not None


def _check_order(action: Action, actions: Mapping[str, Action], source: Source) -> None:
    """That what it waits for is there, is said once, and does not wait for it in turn."""
    for k, other in enumerate(action.after):
        here = ("actions", action.action, "after", k)
        if other not in actions:
            raise source.fault(here, f"{other!r} is no action of this file. Name one, or leave it out.")
        if not actions[other].once_per:
            raise source.fault(here, f"{other!r} is not said once, so waiting for it would not end. Give it once_per.")
        waiting, seen = [other], set[str]()
        while waiting:
            one = waiting.pop()
            if one == action.action:
                raise source.fault(here, f"{action.action!r} and {other!r} wait for each other. Let one go first.")
            if one not in seen and one in actions:
                seen.add(one)
                waiting += actions[one].after


def _check_dates(source: Source, action: Action, here: tuple[str | int, ...]) -> None:
    """That a treatment listed again is so for another time."""
    for j, later in enumerate(action.treatments):
        for earlier in action.treatments[:j]:
            (start, end), (other_start, other_end) = later.span, earlier.span
            if earlier.treatment == later.treatment and start < other_end and other_start < end:
                raise source.fault(
                    (*here, "treatments", j, "treatment"),
                    f"treatment {later.treatment!r} is listed before with overlapping validity. End the one before "
                    "this begins (valid_until, valid_from), or give it another name.",
                )
