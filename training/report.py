"""Figures of a training run for people and for DVC: flat metrics, calibration and importance as CSV and PNG."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Bins = Sequence[Mapping[str, float]]


def write_json(path: Path, value: Any) -> None:
    """JSON with sorted keys and floats as they are; the same value gives the same bytes. NaN becomes null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps(_plain(value), indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n", "utf-8"
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and value != value else value


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows of equal keys, with a header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), "utf-8")


def write_figures(folder: Path, name: str, bins: Bins, importance: Mapping[str, float]) -> list[Path]:
    """`<name>_calibration` and `<name>_importance`, each as .csv and .png; returns the pictures.

    A model without probabilities has no bins, one without inputs to weigh no importance: there is no figure of it then.
    """
    pictures = []
    if bins:
        write_csv(folder / f"{name}_calibration.csv", bins)
        pictures.append(_draw_calibration(folder / f"{name}_calibration.png", name, bins))
    if any(importance.values()):
        shares = sorted(importance.items(), key=lambda pair: (-pair[1], pair[0]))
        write_csv(folder / f"{name}_importance.csv", [{"input": n, "share": round(s, 6)} for n, s in shares])
        pictures.append(_draw_importance(folder / f"{name}_importance.png", name, shares[:20]))
    return pictures


def _draw_calibration(path: Path, name: str, bins: Bins) -> Path:
    figure, axes = _figure(5, 5)
    highest = max([0.05, *(max(b["predicted"], b["observed"]) for b in bins)]) * 1.05
    axes.plot([0, highest], [0, highest], color="0.6", linewidth=1)
    axes.plot([b["predicted"] for b in bins], [b["observed"] for b in bins], marker="o")
    axes.set(xlabel="predicted, mean", ylabel="observed, mean", title=f"{name}: calibration on the newest window")
    return _save(figure, path)


def _draw_importance(path: Path, name: str, shares: Sequence[tuple[str, float]]) -> Path:
    figure, axes = _figure(7, 1 + 0.28 * len(shares))
    axes.barh([n for n, _ in reversed(shares)], [s for _, s in reversed(shares)])
    axes.set(xlabel="share", title=f"{name}: what the model looks at")
    return _save(figure, path)


def write_drift(
    folder: Path, features: Sequence[Mapping[str, Any]], warn: float, stop: float, shown: int = 20
) -> list[Path]:
    """`data_drift` as .csv and .png: each feature beside what it was, those that drifted most first; returns both.

    `features` have name, null, null_before, median, median_before, psi, chance; a psi of None was not judged. Nothing
    is written where nothing was compared.
    """
    judged = sorted((one for one in features if one["psi"] is not None), key=lambda one: (-one["psi"], one["name"]))
    if not judged:
        return []
    columns = ("name", "psi", "chance", "null", "null_before", "median", "median_before")
    write_csv(folder / "data_drift.csv", [{name: one[name] for name in columns} for one in judged])
    return [folder / "data_drift.csv", _draw_drift(folder / "data_drift.png", judged[:shown], warn, stop)]


def _draw_drift(path: Path, features: Sequence[Mapping[str, Any]], warn: float, stop: float) -> Path:
    figure, axes = _figure(7, 1.2 + 0.28 * len(features))
    told = list(reversed(features))
    axes.barh([one["name"] for one in told], [one["psi"] for one in told], label="PSI")
    axes.scatter([one["chance"] for one in told], range(len(told)), marker="|", color="black", label="chance explains")
    highest = max([one["psi"] for one in told] + [one["chance"] for one in told] + [warn])
    for limit, style in ((warn, "--"), (stop, "-")):
        if limit <= highest * 1.5:
            axes.axvline(limit, color="firebrick", linestyle=style, linewidth=1)
    axes.set(xlabel="population stability index", title="data: drift from what is compared with")
    axes.legend(loc="lower right")
    return _save(figure, path)


def _figure(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure  # no pyplot: no global state, no display

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _save(figure: Any, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90, metadata={"Software": None})
    return path
