"""Gates of what the engine decides with a challenger: as much silence and variety as with the champion."""

from collections.abc import Mapping
from dataclasses import dataclass

from training.gates.verdict import Gate, at_most
from training.params import PromotionParams

FEWEST_ITEMS = 10  # in the shop; with fewer, most offers are of one item whatever the model


@dataclass(frozen=True)
class PolicyFigures:
    """What was decided for a sample of customers, each standing for as many as she was drawn from.

    `no_action` and `silence` are shares of decisions: nothing to be said, and something kept back by a hold. `actions`
    are the shares of each action as the first answer. `concentration` is the share of all items offered that `top_item`
    has; `spread` is Herfindahl's index, the chance that two of them are the same. `covered_sales` counts answers that a
    hold in force keeps back: there must be none.
    """

    decisions: int
    no_action: float
    silence: float
    actions: Mapping[str, float]
    concentration: float
    spread: float
    top_item: str
    items_of_shop: int
    covered_sales: int


def policy_gates(ours: PolicyFigures, champion: PolicyFigures | None, params: PromotionParams) -> list[Gate]:
    """Each figure within its limit of the champion's on the same customers; without one, within absolute limits."""
    covered = at_most("policy_covered_sales", ours.covered_sales, 0, f"of {ours.decisions} answers, held ones given")
    if champion is None:
        return [covered, *_first(ours, params)]
    gates = [
        covered,
        _moved("policy_no_action", ours.no_action, champion.no_action, params.max_no_action_move, "no action"),
        _moved("policy_silence", ours.silence, champion.silence, params.max_silence_move, "kept back by a hold"),
        _moved(
            "policy_concentration",
            ours.concentration,
            champion.concentration,
            params.max_concentration_move,
            f"of the items offered, {ours.top_item or 'none'}",
        ),
    ]
    for action in sorted({*ours.actions, *champion.actions}):
        before, after = champion.actions.get(action, 0.0), ours.actions.get(action, 0.0)
        gates.append(_moved(f"policy_action_{action}", after, before, params.max_action_move, action))
    return gates


def _first(ours: PolicyFigures, params: PromotionParams) -> list[Gate]:
    gates = [at_most("policy_no_action", ours.no_action, params.max_first_no_action, "share of decisions for nothing")]
    if ours.items_of_shop >= FEWEST_ITEMS:
        told = f"share of {ours.top_item or 'any item'} among the items offered"
        gates.append(at_most("policy_concentration", ours.concentration, params.max_first_concentration, told))
    return gates


def _moved(name: str, after: float, before: float, limit: float, what: str) -> Gate:
    moved = after - before
    text = f"{what}: {before:.1%} -> {after:.1%}, moved at most {limit:.1%}"
    passed = abs(moved) <= limit
    if not passed:
        text += f": {abs(moved) - limit:.2%} too much"
    return Gate(name, passed, moved, limit, text)
