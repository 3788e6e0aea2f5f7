"""One customer's verdict put into words and figures: what was chosen, what was not, and why."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.core.actions import Action
from serving.core.assembly import Assembled
from serving.core.conditions import Floats
from serving.core.decision import ChosenAction, Decision, Fared, Item, Reason, Withheld
from serving.core.evidence import Evidence
from serving.core.gates import BITS, Masks, names_of
from serving.core.question import Request
from serving.core.scorer import NO_MODEL
from serving.core.words import gate_reason, hold_words, reason

FORGIVEN = (
    "state_unknown",
    "hold",
    "consent",
    "contact_cap",
    "action_cap",
    "unanswered",
    "quiet_hours",
    "outranked",
    "service_first",
    "comes_later",
    "profiling_objection",
    "holdout",
)
"""Gates that keep back what would otherwise be right for her, gravest first; the rest say it was not right."""
_UNFORGIVEN = np.uint32(~sum(BITS[name] for name in FORGIVEN) & 0xFFFFFFFF)


class Drawn(NamedTuple):
    """A slate: columns by position, each position's probabilities [m]; `would` is it without the holdout."""

    columns: list[int]
    chances: list[Floats]
    would: tuple[int, ...] = ()


class Row(NamedTuple):
    """Customer `i` of what is laid out: her masks and ranks [m], her slate, and what `would_be` says of her."""

    i: int
    laid: Assembled
    failed: NDArray[np.uint32]
    places: NDArray[np.int64]
    drawn: Drawn
    kept_back: int
    closest: int

    @property
    def arm(self) -> str:
        """Her arm's name."""
        return self.laid.arms[self.i].name


def would_be(laid: Assembled, failed: Masks) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """[n] the best sales or care action that only forgivable gates kept back, and the best survivor but silence.

    -1 where there is none; of equals the first.
    """
    catalogue, gain = laid.asked.catalogue, laid.gain
    stands = failed == 0
    back = catalogue.marketing & ~stands & ((failed & _UNFORGIVEN) == 0) & (gain > 0)
    stands[:, catalogue.no_action] = False
    return _best(gain, back), _best(gain, stands)


def _best(gain: Floats, among: NDArray[np.bool_]) -> NDArray[np.int64]:
    best = np.where(among, gain, -np.inf).argmax(axis=1)
    return np.where(np.logical_or.reduce(among, axis=1), best, -1)


def verdict(
    request: Request,
    customer_key: str,
    evidence: Evidence,
    row: Row,
    versions: dict[str, str],
    seed: str,
    decision_id: str,
) -> Decision:
    """The decision of one customer."""
    laid, drawn = row.laid, row.drawn
    catalogue = laid.asked.catalogue
    chosen = [j for j in drawn.columns if j != catalogue.no_action]
    withheld = _withheld(row, evidence)
    arm = laid.arms[row.i]
    return Decision(
        decision_id=decision_id,
        customer_key=customer_key,
        decided_at=request.now,
        mode=request.mode,
        channel=request.channel,
        placement=request.placement,
        arm=arm.name,  # type: ignore[arg-type]
        state_status=evidence.state_status,
        actions=[_chosen(j, place, evidence, row, versions["bundle"]) for place, j in enumerate(chosen)],
        holds=list(evidence.holds),
        no_action_reason=None if chosen else _silence(row, evidence, withheld),
        withheld=withheld,
        fared=_fared(row),
        evidence=evidence,
        versions=versions,
        no_action_propensity=float(drawn.chances[-1][catalogue.no_action]),
        arm_probability=arm.probability,
        crossover=arm.crossover,
        released_holds=laid.released[row.i],
        seed=seed,
        context=request.context,
        n=request.n,
        send_at=request.send_at,
        anonymous_id=request.anonymous_id if request.customer_id is not None else None,
    )


def _fared(row: Row) -> Fared:
    laid, i = row.laid, row.i
    return Fared(
        *laid.asked.catalogue.names,
        row.failed.astype("<u4").tobytes(),
        laid.response[i].tobytes(),
        laid.incremental[i].tobytes(),
        laid.gain[i].tobytes(),
        row.places.astype("<u2").tobytes(),
        tuple(chances.tobytes() for chances in row.drawn.chances),
    )


def _chosen(j: int, place: int, evidence: Evidence, row: Row, bundle: str) -> ChosenAction:
    laid, i = row.laid, row.i
    action = laid.asked.catalogue.actions[j]
    treatment = action.treatments[int(laid.asked.treatment[i, j])]
    odds = row.drawn.chances[place]
    message, language = treatment.text.said_in(evidence.language)
    return ChosenAction(
        action_id=action.action,
        treatment_id=treatment.treatment,
        category=action.category,
        rank=place + 1,
        response_probability=float(laid.response[i, j]),
        expected_gain=float(laid.gain[i, j]),
        logging_propensity=float(odds[j]),
        items=[
            Item(s.item_id, s.title, s.probability, s.drawn, s.quantity, s.url, s.runs_out)
            for s in evidence.items.get(action.action, ())
        ],
        message=message,
        language=language,
        text=treatment.text.en,
        text_fi=treatment.text.fi,
        reasons=_why_chosen(action, int(odds.argmax()) == j, evidence, row.arm, bundle),
    )


def _why_chosen(action: Action, best: bool, evidence: Evidence, arm: str, bundle: str) -> list[Reason]:
    if not action.marketing:
        told = evidence.items.get(action.action) and action.items and [reason(ITEM_REASONS[action.items.source])]
        held = [reason("on_hold_instead", **hold_words(evidence.holds))] if evidence.holds else []
        return [reason("service_due"), *(told or ()), *held]
    reasons = [reason("control") if arm == "control" else reason("best_gain") if best else reason("drawn")]
    if action.response.model == "churn" and evidence.churn is not None:
        reasons.append(reason("churn", percent=round(100 * evidence.churn)))
    if action.response.model == "second_purchase" and evidence.second_purchase is not None:
        reasons.append(reason("second_purchase", percent=round(100 * evidence.second_purchase)))
    if action.items:
        reasons.append(reason(ITEM_REASONS.get(action.items.source, "personal_items")))
    if bundle == NO_MODEL and (action.items or action.response.model != "prior"):
        reasons.append(reason("model_missing"))
    return reasons


ITEM_REASONS = {
    "popular": "popular_items",
    "session": "viewed_now",
    "accessories": "accessory_items",
    "seasonal": "seasonal_items",
    "cart": "cart_items",
    "bought": "bought_items",
    "viewed": "viewed_items",
}


def _withheld(row: Row, evidence: Evidence) -> Withheld | None:
    """What she would have got: the best sales or care action that only forgivable gates kept back and that would have
    won. In the holdout it is what the draw without the holdout chose. Where nothing was kept back and silence won for
    want of gain, it is the survivor that came closest.
    """
    catalogue, gain = row.laid.asked.catalogue, row.laid.gain[row.i]
    winner = row.drawn.columns[0]
    would = [j for j in row.drawn.would if catalogue.marketing[j]]
    if would:
        return _as_withheld(would[0], row, evidence)
    best = row.kept_back
    if best >= 0 and (catalogue.service[winner] or gain[best] > gain[winner]):
        return _as_withheld(best, row, evidence)
    if winner == catalogue.no_action and row.closest >= 0:
        return _as_withheld(row.closest, row, evidence)
    return None


def _as_withheld(j: int, row: Row, evidence: Evidence) -> Withheld:
    action = row.laid.asked.catalogue.actions[j]
    return Withheld(
        action_id=action.action,
        category=action.category,
        expected_gain=float(row.laid.gain[row.i, j]),
        gates=names_of(int(row.failed[j])),
        item_ids=tuple(s.item_id for s in evidence.items.get(action.action, ())),
    )


def _silence(row: Row, evidence: Evidence, withheld: Withheld | None) -> Reason:
    """Why nothing is the answer."""
    catalogue = row.laid.asked.catalogue
    if withheld and withheld.gates:
        gate = next(name for name in FORGIVEN if name in withheld.gates)
        return gate_reason(gate, holds=evidence.holds, state_status=evidence.state_status)
    if withheld:
        if withheld.expected_gain > 0:
            return reason("drawn_silence")
        action = catalogue.actions[catalogue.index[withheld.action_id]]
        loss = round(-withheld.expected_gain)
        return reason("no_gain", detail=action.name.en, detail_fi=action.name.fi, loss=loss)
    if evidence.state_status != "ok":
        return gate_reason("state_unknown", holds=evidence.holds, state_status=evidence.state_status)
    return reason("nothing_applicable")
