"""What models of people say of each customer: from the same rows of inputs, and only what the catalogue speaks of."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from features.inputs.frame import CHURN_INPUTS
from serving.core.actions import CHURN_PROBABILITY, EXPECTED_VALUE, SECOND_PURCHASE_PROBABILITY
from serving.core.catalogue import Catalogue
from serving.core.conditions import Bools, Floats
from serving.core.evidence import Evidence
from serving.core.remembered import Remembered
from serving.core.scorer import Scorer


class Said(NamedTuple):
    """Of one customer: the chances that she leaves, and that she orders a second time; what she will bring, with the
    ends of its interval, minor units; and the inputs they were told from (float64 bytes). None where not known.
    """

    churn: float | None = None
    second_purchase: float | None = None
    value: tuple[float, float, float] | None = None
    inputs: bytes = b""

    def features(self, catalogue: Catalogue) -> dict[str, float]:
        """Those of them that conditions speak of."""
        told = {
            CHURN_PROBABILITY: self.churn,
            SECOND_PURCHASE_PROBABILITY: self.second_purchase,
            EXPECTED_VALUE: self.value[0] if self.value else None,
        }
        return {name: v for name, v in told.items() if v is not None and name in catalogue.speaks_of}


def asks_models(catalogue: Catalogue) -> bool:
    """Whether any action needs a model of people."""
    return catalogue.uses_churn or catalogue.uses_second_purchase or catalogue.uses_value


def said_of(rows: Floats, names: Sequence[str], scorer: Scorer, catalogue: Catalogue) -> list[Said]:
    """What the models in force say of customers by their inputs `[n, p]` of these names."""
    unasked = [None] * len(rows)
    churn = _known(scorer.churn(rows, names)) if catalogue.uses_churn else unasked
    second = _known(scorer.second_purchase(rows, names)) if catalogue.uses_second_purchase else unasked
    value = _amounts(scorer.value(rows, names)) if catalogue.uses_value else unasked
    return [Said(c, s, v, row.tobytes()) for c, s, v, row in zip(churn, second, value, rows, strict=True)]


def value_of(evidence: Evidence, scorer: Scorer) -> tuple[float, float, float] | None:
    """What she will bring by her evidence; by the inputs on it, where the decision had no need of it."""
    if evidence.value is not None or not evidence.inputs:
        return evidence.value
    (found,) = _amounts(scorer.value(np.frombuffer(evidence.inputs, dtype=np.float64)[None, :], CHURN_INPUTS))
    return found


def said_of_all(
    rows: Floats, names: Sequence[str], objects: Bools, scorer: Scorer, catalogue: Catalogue, lately: Remembered[Said]
) -> list[Said]:
    """The same, or what was said `lately` of such inputs; nothing of those who object to profiling."""
    if not scorer.uses_inputs or not asks_models(catalogue):
        return [Said()] * len(rows)
    asked = np.flatnonzero(~objects)
    inputs = rows[asked]
    keys = [row.tobytes() for row in inputs]
    found = [Said()] * len(rows)
    answers = lately.of(scorer, keys, lambda places: said_of(inputs[places], names, scorer, catalogue))
    for place, said in zip(asked.tolist(), answers, strict=True):
        found[place] = said
    return found


def _known(values: Floats) -> list[float | None]:
    return [None if v != v else v for v in values.tolist()]


def _amounts(values: Floats) -> list[tuple[float, float, float] | None]:
    return [None if e != e else (e, low, high) for e, low, high in values.tolist()]
