"""The figures of a decision with their numbers filled in: expected gain, and the draw."""

import numpy as np

from pipelines.show import money
from serving.core.assembly import assemble
from serving.core.catalogue import Catalogue
from serving.core.decision import Decision
from serving.core.exploration import uniforms
from serving.core.policy import Policy
from serving.core.worth import worth_of


def gains_told(decision: Decision, policy: Policy, catalogue: Catalogue) -> str:
    """The part of the page on expected gain."""
    laid = assemble([decision.question()], [decision.evidence], catalogue, policy)
    churn = np.array([np.nan if decision.evidence.churn is None else decision.evidence.churn])
    _, _, margin = worth_of([decision.evidence], churn, catalogue, policy)
    weights = policy.file.placements[decision.placement].context_weight
    cost = policy.file.channels[decision.channel].contact_cost  # type: ignore[index]
    lines = []
    for j, candidate in enumerate(decision.candidates):
        action = catalogue.actions[j]
        if candidate.action_id == "no_action" or "placement" in candidate.gates or "no_items" in candidate.gates:
            continue
        weight, lever = weights.get(candidate.action_id, 1.0), policy.file.levers.get(candidate.action_id, 1.0)
        incremental, response = float(laid.incremental[0, j]), candidate.response_probability
        lines.append(
            f"{candidate.action_id:<24}{weight:g} x {lever:g} x ({incremental:.4g} x {margin[0, j]:.6g} - "
            f"{response:.4g} x {action.incentive_cost:g}) - {cost:g} = {candidate.expected_gain:.6g}"
        )
    name = decision.withheld.action_id if decision.withheld else decision.actions[0].action_id
    best = decision.candidates[catalogue.index[name]]
    best_of = catalogue.actions[catalogue.index[best.action_id]]
    shown = "\n".join(lines)
    return f"""## 7. What each action would bring

```
expected gain = context weight x lever x (incremental response x margin - response probability x incentive cost)
                - contact cost
```

in cents, with the numbers of this decision filled in (of all actions that have a form and something to show in this
place):

```
{shown}
```

Read the line of `{best.action_id}`: a response is believed to have a chance of {best.response_probability:.3g}, and
{best_of.incrementality:.0%} of those who respond would not have bought without it, so the incremental response is
{best.incremental_response:.4g}. The margin is that of the products it would show. To show something on the page costs
nothing; an e-mail would cost a cent. Doing nothing is always a candidate, and its gain is 0. A blocked action's gain
is worked out too, but no gain opens a gate: silence costs {money(best.expected_gain)} euros of expected gain here,
and the gate stays shut."""


def draw_told(decision: Decision, policy: Policy) -> str:
    """The part of the page on the draw."""
    drawn = uniforms(decision.seed, decision.n)
    rows = []
    for position in range(len(decision.fared.chances)):
        chances = {c.action_id: c.chances[position] for c in decision.candidates if c.chances}
        told = ", ".join(f"`{name}` {chance:g}" for name, chance in chances.items())
        came = decision.actions[position].action_id if position < len(decision.actions) else "no_action"
        rows.append(f"| {position + 1} | {told} | {drawn[position]:.4f} | `{came}` |")
    table = "\n".join(rows)
    return f"""## 8. The draw

Positions are drawn one after another among what stands. The seed is a hash of the policy's salt, the customer, the
placement, the policy and the time bucket of {policy.file.time_bucket_hours:g} hours, so a list and a request of the
same day agree. Here it begins with `{decision.seed[:12]}`; each number drawn from it lies between 0 and 1.

| position | chances | number drawn | drawn |
|---|---|---|---|
{table}

The shipped policy explores nothing (`epsilon` {policy.file.exploration.epsilon:g}), so all the chance is on the best.
With `epsilon` 0.1 a tenth of the draws among offers would be left to chance, and these columns would say so; service
is never left to chance. A blocked action has chance 0. The chances of a position sum to one, and drawing `no_action`
ends the slate. She is in the arm `{decision.arm}`, as {decision.arm_probability:.0%} of all customers are by the hash
of their ids."""
