"""A decision taken again from its record: every verdict, figure and draw, compared with what was written then."""

from typing import Any

import msgspec
import numpy as np

from features.errors import DataError
from serving.bundle import Bundle
from serving.core.catalogue import Catalogue
from serving.core.decision import Decision
from serving.core.engine import conclude
from serving.core.modelled import said_of
from serving.core.policy import Policy
from serving.core.version import engine_version

MODELS = ("churn", "second_purchase", "value")
_NOT_COMPARED = ("latency_seconds", "superseded", "fared", "evidence", "versions")


def again(decision: Decision, policy: Policy, catalogue: Catalogue) -> Decision:
    """The decision that follows from the evidence on record, by the policy and catalogue of then."""
    (found,) = conclude(
        [decision.question()],
        [decision.customer_key],
        [decision.evidence],
        [decision.versions],
        catalogue,
        policy,
        ids=[decision.decision_id],
    )
    return found


def replay(decision: Decision, policy: Policy, catalogue: Catalogue, models: Bundle | None) -> dict[str, Any]:
    """What came out again, and every difference from the record, in plain types.

    `exact` says that there is none. `models` are those of then: what they say of the recorded inputs is compared too;
    None where there were none or they are gone, which `model` tells. Raises `DataError` for evidence that speaks of
    what policy and catalogue never had.
    """
    try:
        found = again(decision, policy, catalogue)
        differences = _differences(decision, found)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise DataError(
            f"The evidence of decision {decision.decision_id} makes no sense ({error!r}): it was altered. "
            "Restore the live store from a copy."
        ) from error
    model = "none was in force"
    if decision.evidence.inputs:
        model = "the bundle is not there any more" if models is None else "equal"
        if models is not None:
            for name, then, now in _modelled(decision, models, catalogue):
                if then != now:
                    model = "different"
                    differences.append({"field": name, "recorded": then, "replayed": now})
    return {
        "decision_id": decision.decision_id,
        "exact": not differences,
        "differences": differences,
        "model": model,
        "engine": {"recorded": decision.versions["engine"], "now": engine_version()},
        "decision": found.plain(),
    }


def _differences(recorded: Decision, found: Decision) -> list[dict[str, Any]]:
    differences: list[dict[str, Any]] = []
    for name in recorded.__struct_fields__:
        if name in _NOT_COMPARED:
            continue
        then, now = (msgspec.to_builtins(getattr(d, name)) for d in (recorded, found))
        if then != now:
            differences.append({"field": name, "recorded": then, "replayed": now})
    if recorded.fared != found.fared:
        for was, came in zip(recorded.candidates, found.candidates, strict=False):
            if was != came:
                then, now = msgspec.structs.asdict(was), msgspec.structs.asdict(came)
                differences.append({"field": f"candidates.{was.action_id}", "recorded": then, "replayed": now})
    return differences


def _modelled(decision: Decision, models: Bundle, catalogue: Catalogue) -> list[tuple[str, Any, Any]]:
    """What each model said by the record and says now, by its name; the catalogue of then says which were asked."""
    inputs = np.frombuffer(decision.evidence.inputs, dtype=np.float64)[None, :]
    (said,) = said_of(inputs, models.manifest.churn_inputs, models, catalogue)
    return [(name, getattr(decision.evidence, name), getattr(said, name)) for name in MODELS]
