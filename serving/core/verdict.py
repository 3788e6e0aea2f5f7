"""One customer's verdict put into words and figures: what was chosen, what was not, and why."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.core.assembly import Assembled
from serving.core.catalogue import Action
from serving.core.conditions import Floats
from serving.core.decision import (
    ENGINE_VERSION,
    Candidate,
    ChosenAction,
    Decision,
    Item,
    Reason,
    Request,
    Snapshot,
    Withheld,
)
from serving.core.gates import BITS, names_of
from serving.core.items import Articles
from serving.core.policy import Policy
from serving.core.scorer import NO_MODEL, Scorer
from serving.core.words import gate_reason, hold_words, reason

FORGIVEN = (
    "state_unknown",
    "hold",
    "consent",
    "contact_cap",
    "outranked",
    "service_first",
    "profiling_objection",
    "holdout",
)
"""Gates that keep back what would otherwise be right for her, gravest first; the rest say it was not right."""
ITEM_REASONS = {"popular": "popular_items", "session": "viewed_now", "accessories": "accessory_items"}
_FORGIVEN_BITS = sum(BITS[name] for name in FORGIVEN)


class Drawn(NamedTuple):
    """A slate: columns by position, each position's probabilities [m]; `would` is it without the holdout."""

    columns: list[int]
    chances: list[Floats]
    would: tuple[int, ...] = ()


def verdict(
    i: int,
    request: Request,
    snapshot: Snapshot,
    laid: Assembled,
    failed: NDArray[np.uint32],
    places: NDArray[np.int64],
    drawn: Drawn,
    seed: str,
    decision_id: str,
    *,
    scorer: Scorer,
    articles: Articles,
    policy: Policy,
) -> Decision:
    """The decision of customer `i`."""
    catalogue = laid.asked.catalogue
    masks: list[int] = failed.tolist()
    chosen = [j for j in drawn.columns if j != catalogue.no_action]
    winner = drawn.columns[0]
    withheld = _withheld(i, laid, masks, winner, drawn)
    return Decision(
        decision_id=decision_id,
        customer_key=snapshot.customer_key,
        decided_at=request.now,
        mode=request.mode,
        channel=request.channel,
        placement=request.placement,
        arm=laid.arms[i],  # type: ignore[arg-type]
        state_status=snapshot.state_status,
        actions=[
            _chosen(i, j, place, request, snapshot, laid, drawn, scorer=scorer, articles=articles)
            for place, j in enumerate(chosen)
        ],
        holds=list(snapshot.holds),
        no_action_reason=None if chosen else _silence(i, snapshot, laid, masks, drawn, withheld),
        withheld=withheld,
        candidates=_candidates(i, laid, masks, places.tolist(), drawn),
        versions={
            "engine": ENGINE_VERSION,
            "policy": policy.hash,
            "catalogue": catalogue.hash,
            "bundle": scorer.id,
            "items": articles.version,
            **snapshot.versions,
        },
        no_action_propensity=float(drawn.chances[-1][catalogue.no_action]),
        seed=seed,
        context=request.context,
        anonymous_id=request.anonymous_id if request.customer_id is not None else None,
        observed=_observed(i, laid),
    )


def _candidates(i: int, laid: Assembled, masks: list[int], places: list[int], drawn: Drawn) -> list[Candidate]:
    response, incremental, gain = (x[i].tolist() for x in (laid.response, laid.incremental, laid.gain))
    odds = [row.tolist() for row in drawn.chances]
    return [
        Candidate(
            action_id=action.action,
            category=action.category,
            failed=masks[j],
            gates=names_of(masks[j]) if masks[j] else (),
            response_probability=response[j],
            incremental_response=incremental[j],
            expected_gain=gain[j],
            rank=places[j],
            chances=tuple(row[j] for row in odds) if not masks[j] else (),
        )
        for j, action in enumerate(laid.asked.catalogue.actions)
    ]


def _chosen(
    i: int,
    j: int,
    place: int,
    request: Request,
    snapshot: Snapshot,
    laid: Assembled,
    drawn: Drawn,
    *,
    scorer: Scorer,
    articles: Articles,
) -> ChosenAction:
    action = laid.asked.catalogue.actions[j]
    treatment = action.treatments[int(laid.asked.treatment[i, j])]
    odds = drawn.chances[place]
    items = [
        Item(s.item_id, articles.title(s.item_id), None if np.isnan(s.probability) else s.probability)
        for s in laid.items[i].get(j, ())
    ]
    best = int(np.argmax(odds)) == j
    return ChosenAction(
        action_id=action.action,
        treatment_id=treatment.treatment,
        category=action.category,
        rank=place + 1,
        response_probability=float(laid.response[i, j]),
        expected_gain=float(laid.gain[i, j]),
        logging_propensity=float(odds[j]),
        items=items,
        text=treatment.text.en,
        text_fi=treatment.text.fi,
        reasons=_why_chosen(i, action, best, snapshot, laid, scorer),
    )


def _why_chosen(
    i: int, action: Action, best: bool, snapshot: Snapshot, laid: Assembled, scorer: Scorer
) -> list[Reason]:
    if not action.marketing:
        kinds = [h.kind for h in snapshot.holds]
        return [reason("service_due"), *([reason("on_hold_instead", **hold_words(kinds))] if kinds else [])]
    reasons = [reason("control") if laid.arms[i] == "control" else reason("best_gain") if best else reason("drawn")]
    churn = float(laid.churn[i])
    if action.response.model == "churn" and churn == churn:
        reasons.append(reason("churn", percent=round(100 * churn)))
    if action.items:
        reasons.append(reason(ITEM_REASONS.get(action.items.source, "personal_items")))
    if scorer.id == NO_MODEL and (action.items or action.response.model != "prior"):
        reasons.append(reason("model_missing"))
    return reasons


def _withheld(i: int, laid: Assembled, masks: list[int], winner: int, drawn: Drawn) -> Withheld | None:
    """What she would have got: the best sales or care action that only forgivable gates kept back and that would have
    won. In the holdout it is what the draw without the holdout chose. Where nothing was kept back and silence won for
    want of gain, it is the survivor that came closest.
    """
    catalogue = laid.asked.catalogue
    gain = laid.gain[i]
    would = [j for j in drawn.would if catalogue.actions[j].marketing]
    if would:
        return _as_withheld(i, would[0], laid, masks)
    kept_back = [
        j
        for j, mask in enumerate(masks)
        if catalogue.marketing[j] and mask and not mask & ~_FORGIVEN_BITS and gain[j] > 0
    ]
    if kept_back:
        best = max(kept_back, key=lambda j: (gain[j], -j))
        if catalogue.service[winner] or gain[best] > gain[winner]:
            return _as_withheld(i, best, laid, masks)
    if winner == catalogue.no_action:
        closest = [j for j, mask in enumerate(masks) if not mask and j != winner]
        if closest:
            return _as_withheld(i, max(closest, key=lambda j: (gain[j], -j)), laid, masks)
    return None


def _as_withheld(i: int, j: int, laid: Assembled, masks: list[int]) -> Withheld:
    action = laid.asked.catalogue.actions[j]
    return Withheld(
        action_id=action.action,
        category=action.category,
        expected_gain=float(laid.gain[i, j]),
        gates=names_of(masks[j]),
        item_ids=tuple(s.item_id for s in laid.items[i].get(j, ())),
    )


def _silence(
    i: int, snapshot: Snapshot, laid: Assembled, masks: list[int], drawn: Drawn, withheld: Withheld | None
) -> Reason:
    """Why nothing is the answer."""
    catalogue = laid.asked.catalogue
    if withheld and withheld.gates:
        gate = next(name for name in FORGIVEN if name in withheld.gates)
        return _of_gate(gate, snapshot)
    if withheld:
        if withheld.expected_gain > 0:
            return reason("drawn_silence")
        action = catalogue.actions[catalogue.index[withheld.action_id]]
        loss = round(-withheld.expected_gain)
        return reason("no_gain", detail=action.name.en, detail_fi=action.name.fi, loss=loss)
    if not snapshot.readable:
        return _of_gate("state_unknown", snapshot)
    return reason("nothing_applicable")


def _of_gate(gate: str, snapshot: Snapshot) -> Reason:
    return gate_reason(gate, holds=[h.kind for h in snapshot.holds], state_status=snapshot.state_status)


def _observed(i: int, laid: Assembled) -> dict[str, float]:
    """The values the verdict rests on: every feature a condition speaks of, where known, and the contact counter."""
    spoken: Sequence[str] = sorted(laid.asked.catalogue.speaks_of)
    values = {name: float(laid.asked.columns[name][i]) for name in spoken if name in laid.asked.columns}
    return {name: value for name, value in values.items() if value == value} | {"contacts_weight": float(laid.spent[i])}
