"""One customer's answer in one place, as it is and as it would be: whether they differ, and why."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec
import numpy as np

from serving.core.actions import NO_ACTION
from serving.core.catalogue import Catalogue
from serving.core.conditions import Condition, predicate
from serving.core.decision import Candidate, ChosenAction, Decision, Reason
from serving.core.explain import CONDITION_GATES
from serving.core.words import gate_reason

OFF, NEW = "switched_off", "added"
"""In place of gates: the action is not there under the proposal, or not in what is in force."""
_MOST = 3


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Her answer before and after.

    `bars`: gates that would stand before what she gets now; `opens`: those that would no more stand before what she
    would get.
    """

    customer_id: str
    placement: str
    before: str
    after: str
    bars: tuple[str, ...]
    opens: tuple[str, ...]
    why: str
    why_fi: str


def difference(before: Decision, after: Decision, catalogues: tuple[Catalogue, Catalogue]) -> Difference | None:
    """How two answers to the same question differ, None where they do not; `catalogues` are those of each."""
    was, now = _chosen(before), _chosen(after)
    if _shown(was) == _shown(now):
        return None
    left, taken = _name(was), _name(now)
    bars = () if left == taken else _gates(after, left, catalogues[1], OFF)
    opens = () if left == taken else _gates(before, taken, catalogues[0], NEW)
    why, why_fi = _why(before, after, bars, opens, catalogues)
    return Difference(
        customer_id=after.customer_key,
        placement=after.placement,
        before=left,
        after=taken,
        bars=bars,
        opens=opens,
        why=why,
        why_fi=why_fi,
    )


def _chosen(decision: Decision) -> ChosenAction | None:
    return decision.actions[0] if decision.actions else None


def _name(chosen: ChosenAction | None) -> str:
    return NO_ACTION if chosen is None else chosen.action_id


def _shown(chosen: ChosenAction | None) -> tuple[object, ...]:
    """What she sees of an answer."""
    if chosen is None:
        return ()
    return chosen.action_id, chosen.treatment_id, chosen.message, tuple(item.item_id for item in chosen.items)


def _gates(decision: Decision, action: str, catalogue: Catalogue, absent: str) -> tuple[str, ...]:
    found = _candidate(decision, action)
    return (absent,) if action not in catalogue.index or found is None else found.gates


def _candidate(decision: Decision, action: str) -> Candidate | None:
    return next((c for c in decision.candidates if c.action_id == action), None)


def _why(
    before: Decision,
    after: Decision,
    bars: tuple[str, ...],
    opens: tuple[str, ...],
    catalogues: tuple[Catalogue, Catalogue],
) -> tuple[str, str]:
    """Why, in both languages: what bars what she got, what no more bars what she gets, else what each brings."""
    left, taken = _name(_chosen(before)), _name(_chosen(after))
    if left == taken:
        return "The same action in another form, in other words or with other products", (
            "Sama toimenpide toisessa muodossa, toisin sanoin tai toisin tuottein"
        )
    said = [_words(gate, left, after, catalogues[1]) for gate in bars[:_MOST]]
    english, finnish = [w.text for w in said], [w.text_fi for w in said]
    if opens:
        said = [_words(gate, taken, before, catalogues[0]) for gate in opens[:_MOST]]
        english.append("no more so: " + ", ".join(w.text for w in said))
        finnish.append("ei enää näin: " + ", ".join(w.text_fi for w in said))
    if said:
        return "; ".join(english), "; ".join(finnish)
    gained, lost = _gain(after, taken), _gain(after, left)
    return (
        f"It is expected to bring {gained:.0f} minor units, what she gets now {lost:.0f}",
        f"Sen odotetaan tuottavan {gained:.0f} pienintä rahayksikköä, nykyisen {lost:.0f}",
    )


def _words(gate: str, action: str, decision: Decision, catalogue: Catalogue) -> Reason:
    """Why a gate stands before an action, with the conditions that are not met and what was seen."""
    if gate == OFF:
        return Reason(OFF, "The action is switched off", "Toimenpide on poistettu käytöstä")
    if gate == NEW:
        return Reason(NEW, "The action was not there", "Toimenpidettä ei ollut")
    why = gate_reason(gate, holds=decision.holds, state_status=decision.state_status)
    if gate not in CONDITION_GATES:
        return why
    unmet = ", ".join(_unmet(getattr(catalogue.actions[catalogue.index[action]], gate), decision.observed))
    return Reason(gate, f"{why.text} ({unmet})", f"{why.text_fi} ({unmet})")


def _unmet(conditions: Sequence[Condition], observed: Mapping[str, float]) -> Iterator[str]:
    """The conditions that are not met, with what was observed."""
    for condition in conditions:
        seen = observed.get(condition.feature)
        column = {condition.feature: np.array([np.nan if seen is None else seen])}
        if not predicate(condition)(column, 1)[0]:
            yield f"{condition}: {'?' if seen is None else f'{seen:g}'}"


def _gain(decision: Decision, action: str) -> float:
    found = _candidate(decision, action)
    return 0.0 if found is None else found.expected_gain
