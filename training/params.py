"""The settings of training, typed; params.yaml says the same in YAML. Unknown keys are refused."""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from features.errors import ConfigError

Positive = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Trees(_Section):
    """LightGBM, kept small."""

    num_leaves: Annotated[int, Field(ge=2, le=255)] = 8
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.05
    rounds: Positive = 300
    min_data_in_leaf: Positive = 40
    lambda_l2: Annotated[float, Field(ge=0)] = 10.0
    feature_fraction: Annotated[float, Field(gt=0, le=1)] = 0.6


class ChurnParams(_Section):
    """Churn: no purchase in `horizon_days` after the cutoff; "auto" follows the shop's rhythm (training/labels.py).

    Of more than `most_customers`, models of people learn from so many drawn by lot, the same at every cutoff.
    """

    horizon_days: Literal["auto"] | Positive = "auto"
    cutoffs: Positive = 6
    step_days: Positive = 28
    min_history_days: Positive = 28
    folds: Annotated[int, Field(ge=2)] = 5
    most_customers: Positive = 20_000
    seed: int = 7
    trees: Trees = Trees()


class OfferParams(_Section):
    """Next offer: bought within `window_days` of the cutoff; `k` items are recommended; of more than
    `most_customers` in a window so many are learned from and judged, drawn by lot.
    """

    window_days: Positive = 28
    cutoffs: Positive = 4
    min_history_days: Positive = 28
    half_life_days: Annotated[float, Field(gt=0)] = 30.0
    k: Positive = 10
    most_customers: Positive = 20_000
    seed: int = 7
    trees: Trees = Trees(
        num_leaves=15, learning_rate=0.04, rounds=200, min_data_in_leaf=200, lambda_l2=10.0, feature_fraction=0.5
    )


class DissatisfactionParams(_Section):
    """Dissatisfaction: the newest `newest_share` of rated texts judges; costs are relative to each other.

    `miss_cost`: of an unhappy customer who is written to as if nothing were. `silence_cost`: of silence nobody needed.
    """

    miss_cost: Annotated[float, Field(gt=0)] = 3.0
    silence_cost: Annotated[float, Field(gt=0)] = 1.0
    newest_share: Annotated[float, Field(gt=0, lt=1)] = 0.25
    most_texts: Positive = 10_000
    seed: int = 7


class PromotionParams(_Section):
    """Gates. `max_..._loss` are margins: what a challenger may lose to the champion (NDCG and error: a share of its).

    `max_..._move` are shares of decisions, or of items offered, that may come or go by the challenger; `max_first_...`
    are limits where there is no champion yet.
    """

    max_churn_ece: Share = 0.06
    max_offer_ece: Share = 0.03
    max_dissatisfaction_ece: Share = 0.06
    min_churn_auc: Share = 0.55
    min_customers: Positive = 50
    max_auc_loss: Share = 0.01
    max_brier_loss: Share = 0.005
    max_ndcg_loss: Share = 0.03
    max_error_loss: Share = 0.03
    max_value_gap: Share = 0.25
    max_segment_auc_loss: Share = 0.03
    max_segment_shift: Share = 0.15
    max_miss_rate: Share = 0.4
    max_needless_rate: Share = 0.3
    replayed_customers: Positive = 500
    max_no_action_move: Share = 0.1
    max_silence_move: Share = 0.05
    max_concentration_move: Share = 0.1
    max_action_move: Share = 0.2
    max_first_no_action: Share = 0.98
    max_first_concentration: Share = 0.5


CHECKS = ("constant", "customers", "drift", "history", "impossible", "null", "silence", "twins", "types")
"""The checks of data, as `quality.accept` names them; docs/data-quality.md describes each."""


class QualityParams(_Section):
    """Checks of data in front of training. `warn_` limits are told in the report, `max_` limits stop training.

    `accept` names findings to go on in spite of: a check ("drift"), or one of its findings ("drift.revenue_90d").
    """

    accept: tuple[str, ...] = ()
    warn_psi: Annotated[float, Field(gt=0)] = 0.25
    max_psi: Annotated[float, Field(gt=0)] = 1.0
    warn_null_change: Share = 0.2
    max_null_change: Share = 0.5
    warn_fewer_customers: Share = 0.2
    max_fewer_customers: Share = 0.5
    warn_past_change: Share = 0.1
    max_past_change: Share = 0.5
    warn_twins: Share = 0.01
    max_twins: Share = 0.2
    silence_days: Positive = 3
    silence_factor: Annotated[float, Field(ge=1)] = 2.0
    chance: Annotated[float, Field(gt=0, lt=1)] = 0.001

    @field_validator("accept")
    @classmethod
    def _known(cls, accept: tuple[str, ...]) -> tuple[str, ...]:
        for name in accept:
            if name.partition(".")[0] not in CHECKS:
                raise ValueError(f"{name!r} names no check. The checks are {', '.join(CHECKS)}")
        return accept


class SimulateParams(_Section):
    """The simulated shop."""

    customers: Positive = 3000
    seed: int = 7
    days: Positive = 730
    start: str = "2024-11-01"


class Params(_Section):
    """All of params.yaml."""

    simulate: SimulateParams = SimulateParams()
    as_of: str = "auto"
    churn: ChurnParams = ChurnParams()
    next_offer: OfferParams = OfferParams()
    dissatisfaction: DissatisfactionParams = DissatisfactionParams()
    promotion: PromotionParams = PromotionParams()
    quality: QualityParams = QualityParams()


def read_params(path: Path) -> Params:
    """Read params.yaml; raises `ConfigError` naming the key, the value and what is allowed."""
    try:
        found: Any = yaml.safe_load(path.read_text("utf-8")) or {}
        return Params.model_validate(_plain(found))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}). Name another parameter file.") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {error}. Put that line right.") from error
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'the file'} = {e['input']!r}: {e['msg']}" for e in error.errors()
        )
        raise ConfigError(
            f"{path}: {wrong}. Every key is described in docs/models.md; remove or correct these."
        ) from error


def _plain(found: Any) -> Any:
    """YAML reads a bare date as a date; here it is text."""
    if isinstance(found, dict):
        return {key: _plain(value) for key, value in found.items()}
    return found.isoformat() if hasattr(found, "isoformat") else found
