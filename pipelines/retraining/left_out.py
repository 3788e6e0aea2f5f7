"""Models that a shop may not have yet: what those that were learned say, and why those left out were."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from features.home import Home
from pipelines.retraining.files import read_json
from pipelines.retraining.model_report import ModelReport

NONE = "none"
MAY_BE_LEFT_OUT = ("second_purchase", "value")
"""Folders of models without which a retraining is whole."""


def write_left_out(folder: Path, why: str) -> None:
    """report.json of a model that was not learned; a failed step it is not."""
    ModelReport(model=folder.name, figure="", chosen=NONE, validated_at=None, metrics={}, notes=[why]).write(folder)


def was_learned(home: Home, name: str) -> bool:
    """Whether that model is there; bundles of before know none of them."""
    path = home.models / name / "report.json"
    return path.exists() and read_json(path)["chosen"] != NONE


def people_reports(home: Home) -> dict[str, dict[str, Any]]:
    """The reports of these models, left out or not."""
    return {name: read_json(home.models / name / "report.json") for name in MAY_BE_LEFT_OUT}


def told(reports: Mapping[str, Mapping[str, Any]]) -> str:
    """A line of each for people."""
    lines = []
    for name, report in reports.items():
        figure, notes = report["figure"], "; ".join(report["notes"])
        said = f"{report['chosen']}, {figure} {report['metrics'][figure]:.3f}" if figure else "left out"
        lines.append(f"{name.replace('_', ' ')}: {said}{f' ({notes})' if notes else ''}\n")
    return "".join(lines)
