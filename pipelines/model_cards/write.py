"""The cards of all models that training left in `home.models`: as files, and as lines for a terminal."""

import json
import shutil
from pathlib import Path
from typing import Any

from features.errors import DataError
from features.home import Home
from pipelines.model_cards.about import ABOUT
from pipelines.model_cards.card import Trained, card, summary
from pipelines.retraining.model_report import FILE, ModelReport
from training.params import Params

PICTURES = "figures"


def read_reports(home: Home) -> dict[str, ModelReport]:
    """By name, in the order of `ABOUT`, what training said of each model. Raises `DataError` before any training."""
    paths = {name: home.models / name / FILE for name in ABOUT}
    found = {name: ModelReport.of(_json(path)) for name, path in paths.items() if path.exists()}
    if not found:
        raise DataError(f"No model was trained in {home.models} yet. Run: tahdikas retrain")
    return found


def write_cards(home: Home, params: Params, folder: Path, pictures: str) -> dict[str, Path]:
    """`folder`/<model>.md of every model, `pictures` being the link to the figures' folder; cards of others go."""
    trained = _trained(home, params, pictures)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ABOUT:
        (folder / f"{name}.md").unlink(missing_ok=True)
    written = {}
    for name, report in read_reports(home).items():
        written[name] = folder / f"{name}.md"
        written[name].write_text(card(ABOUT[name], report, trained), "utf-8")
    return written


def publish_cards(home: Home, params: Params, folder: Path) -> list[Path]:
    """The cards with their pictures beside them, for a page that others read. Returns all files."""
    target, source = folder / PICTURES, home.models / PICTURES
    cards = write_cards(home, params, folder, PICTURES)
    target.mkdir(exist_ok=True)
    pictures = []
    for name in cards:
        for kind in ("calibration", "importance"):
            picture = f"{name}_{kind}.png"
            (target / picture).unlink(missing_ok=True)
            if (source / picture).exists():
                pictures.append(Path(shutil.copyfile(source / picture, target / picture)))
    return [*cards.values(), *pictures]


def whole_card(home: Home, params: Params, name: str) -> str:
    """The card of one model. Raises `DataError` for one that was not trained."""
    reports = read_reports(home)
    if name not in reports:
        raise DataError(f"{name} is no model that was trained in {home.models}. There are: {', '.join(reports)}.")
    return card(ABOUT[name], reports[name], _trained(home, params, str(home.models / PICTURES)))


def short_cards(home: Home) -> str:
    """A few lines a model."""
    return "\n".join(short_card(name, report) for name, report in read_reports(home).items())


def short_card(name: str, report: ModelReport) -> str:
    """What it predicts, what was chosen and how good it is, and what costs it most to be without."""
    about = ABOUT[name]
    lines = [about.predicts, *summary(report)]
    if report.source_worth:
        worst, worth = max(report.source_worth.items(), key=lambda pair: pair[1]["value"])
        told = f"{worth['value']:.3f} [{worth['low']:.3f}, {worth['high']:.3f}]"
        lines.append(
            f"Without {worst} it loses {told}." if worth["low"] > 0 else "No missing source costs it more than chance."
        )
    lines.append(f"Not for {about.not_for[0]}.")
    return f"{about.title}\n" + "".join(f"  {line}\n" for line in lines)


def _trained(home: Home, params: Params, pictures: str) -> Trained:
    return Trained(_json(home.models / "prepared.json"), params.promotion, pictures)


def _json(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise DataError(f"{path} is not there: nothing was trained in this folder yet. Run: tahdikas retrain")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found
