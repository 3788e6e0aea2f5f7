"""What a step of training says of its model: report.json, of one shape for all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from features.errors import DataError
from training.report import write_json

FILE = "report.json"


@dataclass(frozen=True)
class ModelReport:
    """Flat figures of the choice and of what it was compared with, and the points of its figures.

    What a model does not have is empty: `reliability` of one whose scores are no probabilities, `errors` of one that
    holds nobody. `segments` are rows of `training/segments.py`, `errors` of `training/error_rates.py`; `source_worth`
    has, per source, how much of `figure` is lost without it (value, low, high: a paired 95 % interval).
    """

    model: str
    figure: str  # the main one of `metrics`, told by segment
    chosen: str
    validated_at: str | None  # when the window began that judged; None where nothing could be judged
    metrics: Mapping[str, float]
    inputs: Sequence[str] = ()
    compared: Mapping[str, str] = field(default_factory=dict)
    reliability: Sequence[Mapping[str, float]] = ()  # predicted, observed, n
    importance: Mapping[str, float] = field(default_factory=dict)
    source_worth: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    segments: Sequence[Mapping[str, Any]] = ()
    errors: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[str] = ()

    def write(self, folder: Path) -> None:
        """`folder`/report.json; the same report gives the same bytes, NaN becomes null."""
        write_json(folder / FILE, {name: _listed(value) for name, value in asdict(self).items()})

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "ModelReport":
        """What `write` wrote, of which more may be told. Raises `DataError` where the file is of an earlier version."""
        needed = [f.name for f in fields(cls)]
        missing = [name for name in needed if name not in told]
        if missing:
            raise DataError(
                f"The report of a trained model lacks {', '.join(missing)}: an earlier version wrote it. "
                "Run: tahdikas retrain"
            )
        return cls(**{name: told[name] for name in needed})


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
