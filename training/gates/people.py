"""Gates of a model that gives every customer a probability: churn, second purchase."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from training.gates.areas import auc_difference
from training.gates.verdict import FEWEST, Gate, at_least, calibrated, level, not_inferior
from training.metrics import Array, Difference, auc, paired_bootstrap
from training.params import PromotionParams
from training.segments import ALL, Masks

SEGMENT_DRAWS = 400


@dataclass(frozen=True)
class PeopleEvidence:
    """Validation customers: truth, probabilities of challenger, baseline and champion (None: there is none).

    `segments` are masks by name, as `training.segments.segments_of` makes them. `favour` is by how much the champion
    looks too good in each (AUC, Brier score), having learned from part of what became of these customers.
    """

    truth: Array
    challenger: Array
    baseline: Array
    champion: Array | None
    segments: Masks
    favour: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def people_gates(model: str, found: PeopleEvidence, params: PromotionParams, baseline: str = "recency") -> list[Gate]:
    """Enough customers, better than chance, not worse than a simple scorer or the champion, calibrated; each segment
    too."""
    gates = [
        at_least(f"{model}_customers", len(found.truth), params.min_customers, "customers in the validation window"),
        at_least(f"{model}_auc", auc(found.truth, found.challenger), params.min_churn_auc, "AUC"),
        not_inferior(  # by the margin: the choice may be that very scorer, fitted to a window more
            f"{model}_against_{baseline}",
            auc_difference(found.truth, found.challenger, found.baseline),
            params.max_auc_loss,
            len(found.truth),
            f"AUC less that of {baseline} alone",
        ),
        calibrated(f"{model}_calibrated", found.truth, found.challenger, params.max_churn_ece),
    ]
    if found.champion is not None:
        gates += against_champion(
            model, found.truth, found.challenger, found.champion, params, found.favour.get(ALL, (0.0, 0.0))
        )
    for name, inside in found.segments.items():
        if name != ALL and inside.sum() >= FEWEST:
            p = found.challenger[inside]
            gates.append(level(f"{model}_fair_to_{name}", found.truth[inside], p, params.max_churn_ece))
            if found.champion is not None:
                gates += _stable(model, name, found, params)
    return gates


def against_champion(
    model: str,
    truth: Array,
    challenger: Array,
    champion: Array,
    params: PromotionParams,
    favour: tuple[float, float] = (0.0, 0.0),
) -> list[Gate]:
    """AUC and Brier score no worse than the champion's by their margins, `favour` given back."""
    area = _given_back(auc_difference(truth, challenger, champion), favour[0])
    error = _given_back(paired_bootstrap((champion - truth) ** 2, (challenger - truth) ** 2), favour[1])
    name, n = f"{model}_against_champion", len(truth)
    told = "the champion's Brier score less its own"
    return [
        not_inferior(name, area, params.max_auc_loss, n, _told("AUC less the champion's", favour[0])),
        not_inferior(f"{model}_brier_against_champion", error, params.max_brier_loss, n, _told(told, favour[1])),
    ]


def _stable(model: str, segment: str, found: PeopleEvidence, params: PromotionParams) -> list[Gate]:
    """In this segment, the order no worse than the champion's, and the level not moved away from what is observed."""
    assert found.champion is not None
    inside, name = found.segments[segment], f"{model}_stable_for_{segment}"
    truth, ours, theirs = found.truth[inside], found.challenger[inside], found.champion[inside]
    favour = found.favour.get(segment, (0.0, 0.0))[0]
    area = _given_back(auc_difference(truth, ours, theirs, SEGMENT_DRAWS), favour)
    told = _told("AUC less the champion's", favour)
    return [
        not_inferior(name, area, params.max_segment_auc_loss, len(truth), told),
        shift(name, truth, ours, theirs, params),
    ]


def _given_back(difference: Difference, favour: float) -> Difference:
    return Difference(difference.value + favour, difference.low + favour, difference.high + favour)


def _told(what: str, favour: float) -> str:
    return f"{what} (which had learned from part of this: {favour:.4f} given back)" if favour else what


def shift(name: str, truth: Array, ours: Array, theirs: Array, params: PromotionParams) -> Gate:
    """The mean score moved by no more than the limit, unless it moved towards what is observed."""
    moved = float(ours.mean() - theirs.mean())
    nearer = abs(ours.mean() - truth.mean()) <= abs(theirs.mean() - truth.mean())
    limit = params.max_segment_shift
    text = f"mean score {theirs.mean():.3f} -> {ours.mean():.3f}, observed {truth.mean():.3f}, moved at most {limit:g}"
    if abs(moved) > limit:
        over = f"{abs(moved) - limit:.4f} more"
        text += f": {over}, but towards what is observed" if nearer else f": {over}, and away from what is observed"
    return Gate(f"{name}_level", bool(abs(moved) <= limit or nearer), moved, limit, text)
