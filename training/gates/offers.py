"""Gates of the ranker: lists no worse than the best simple list and the champion's, and calibrated chances."""

from dataclasses import dataclass

from training.gates.verdict import Gate, at_least, calibrated, not_inferior, not_worse
from training.metrics import Array, Difference, paired_bootstrap
from training.params import PromotionParams


@dataclass(frozen=True)
class OfferEvidence:
    """Validation customers who bought: NDCG@k of the challenger, the best baseline and the champion (of the first some;
    None: there is none); and, of calibrated rows, truth and probability."""

    challenger: Array
    baseline: Array
    champion: Array | None
    truth: Array
    probability: Array


def offer_gates(found: OfferEvidence, params: PromotionParams) -> list[Gate]:
    """Enough customers, not worse than the best baseline or the champion, calibrated."""
    n = len(found.challenger)
    against = paired_bootstrap(found.challenger, found.baseline)
    gates = [
        at_least("offer_customers", n, params.min_customers, "customers who bought in the window"),
        not_worse("offer_against_baseline", against, "NDCG less that of the best baseline"),
        calibrated("offer_calibrated", found.truth, found.probability, params.max_offer_ece),
    ]
    if found.champion is not None:
        same = found.challenger[: len(found.champion)]
        margin = params.max_ndcg_loss * float(found.champion.mean())
        less = paired_bootstrap(same, found.champion)
        gates.append(not_inferior("offer_against_champion", less, margin, len(same), "NDCG less the champion's"))
    return gates


def session_gates(difference: Difference) -> list[Gate]:
    """What sessions taught is not worse than what is shown without it: MRR on the newest sessions, paired."""
    return [not_worse("sessions_against_shown_without", difference, "MRR less that of what is shown without")]
