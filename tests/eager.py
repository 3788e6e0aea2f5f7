"""An eager shop's files, for tests that ask what holds, caps and consent keep back: there, nothing else should.

The shipped actions without caps of their own, and without the conditions that letters alone have; the shipped policy
without the rule about unanswered offers.
"""

import re
from typing import Any

import yaml

from serving.core.catalogue import DEFAULT_ACTIONS
from serving.core.policy import DEFAULT_POLICY


def eager(actions: dict[str, Any]) -> dict[str, Any]:
    """The content of a file of actions, made eager in place."""
    for action in actions["actions"].values():
        action.pop("cap", None)
        for treatment in action.get("treatments", ()):
            treatment.pop("applicability", None)
    return actions


def eager_actions() -> str:
    """The shipped file of actions, made eager, as text."""
    shipped = yaml.safe_load(DEFAULT_ACTIONS.read_text(encoding="utf-8"))
    return yaml.safe_dump(eager(shipped), allow_unicode=True, sort_keys=False)


def eager_policy() -> str:
    """The shipped policy without a holdout and without the rule about unanswered offers, as text."""
    text = DEFAULT_POLICY.read_text(encoding="utf-8").replace("holdout: 0.05", "holdout: 0.0")
    return re.sub(r"^  unanswered: .*\n", "", text, flags=re.MULTILINE)
