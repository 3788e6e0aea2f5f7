"""What a retraining did, for people and programs."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.retraining import dissatisfaction as train_dissatisfaction


@dataclass(frozen=True)
class RetrainReport:
    """What a retraining did: the moment it knew, the models chosen, flat metrics, and where MLflow has it.

    `source_worth` has, per source that tells something here, the churn AUC that is lost without it (value, low, high:
    a paired 95 % interval); `missing` names the sources that tell nothing here. `quality` is
    what the checks of the data found (`QualityReport.to_json`), `dissatisfaction` the report of that model.
    `sessions` says by what visitors are shown things within a session, and how that was chosen; `people` a line of the
    models of second purchase and of value, or why they were left out, and what actions add.
    """

    as_of: datetime
    horizon_days: int
    cutoffs: int
    chosen: dict[str, str]
    metrics: dict[str, float]
    source_worth: dict[str, dict[str, float]]
    missing: list[str]
    mlflow: dict[str, Any]
    models: Path
    quality: dict[str, Any]
    dissatisfaction: dict[str, Any] | None = None
    sessions: str = ""
    people: str = ""

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "as_of": self.as_of.isoformat(),
            "horizon_days": self.horizon_days,
            "cutoffs": self.cutoffs,
            "chosen": self.chosen,
            "metrics": self.metrics,
            "source_worth": self.source_worth,
            "missing": self.missing,
            "mlflow": self.mlflow,
            "models": str(self.models),
            "quality": self.quality,
            "dissatisfaction": self.dissatisfaction,
            "sessions": self.sessions,
            "people": self.people,
        }

    def __str__(self) -> str:
        m = self.metrics
        return (
            f"Trained as of {self.as_of:%Y-%m-%d} (churn = no purchase in {self.horizon_days} days).\n"
            f"churn: {self.chosen['churn']}, AUC {m['churn.auc']:.3f}, Brier {m['churn.brier']:.3f}, calibration error "
            f"{m['churn.ece']:.3f} (recency alone: AUC {m['churn.recency.auc']:.3f})\n"
            f"{self.people}"
            f"next offer: {self.chosen['next_offer']}, NDCG@k {m['next_offer.ndcg']:.3f}, recall@k "
            f"{m['next_offer.recall']:.3f} (personal + popular: {m['next_offer.personal_popular.ndcg']:.3f}, "
            f"{m['next_offer.personal_popular.recall']:.3f})\n"
            f"within a session: {self.sessions}\n"
            f"{train_dissatisfaction.told(self.dissatisfaction) if self.dissatisfaction else ''}"
            f"{self._sources()}"
            f"{self._data()}"
            f"Models in {self.models}; not in force until: tahdikas promote"
        )

    def _data(self) -> str:
        """What the checks of the data found."""
        told, judged = self.quality, sum(one["psi"] is not None for one in self.quality["features"])
        against = (
            f"{judged} features compared with {told['compared_with']}" if told["compared_with"] else "first snapshot"
        )
        found = "".join(f"  {one['severity']} {one['name']}: {one['message']}\n" for one in told["findings"])
        return f"data: {against}; {len(told['findings']) or 'no'} findings\n{found}"

    def _sources(self) -> str:
        """What each source is worth, and what those that are missing may cost."""
        told = "".join(
            f"  without {name}: churn AUC {-w['value']:+.4f} [{-w['high']:+.4f}, {-w['low']:+.4f}]\n"
            for name, w in sorted(self.source_worth.items(), key=lambda pair: -pair[1]["value"])
        )
        missing = (
            f"Missing here: {', '.join(self.missing)}; docs/models.md says what each is worth where it is there.\n"
        )
        return told + (missing if self.missing else "")
