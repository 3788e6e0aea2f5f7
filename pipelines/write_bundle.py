"""Writing a bundle: the files of all trained models, their sums and canaries, in one folder that appears whole."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from features.durable import to_disk
from features.feature_store.batch import schema_hash
from features.home import Home
from pipelines.bundles import check_bundle, sha256
from pipelines.retraining import dissatisfaction as train_dissatisfaction
from pipelines.retraining.files import read_json
from pipelines.retraining.left_out import MAY_BE_LEFT_OUT, was_learned
from pipelines.retraining.sessions import sessions_files
from pipelines.typical import typical_of
from training.report import write_json

FORMAT = 1
PARTS = {"churn": "churn", "next_offer": "ranker"}  # folder of models -> name of the model in it


def write_bundle(home: Home, now: datetime) -> str:
    """Copy the trained models into their bundle (docs/bundle.md): hidden, synced, then renamed. Returns its id."""
    prepared = read_json(home.models / "prepared.json")
    parts = PARTS | {name: name for name in MAY_BE_LEFT_OUT if was_learned(home, name)}
    reports = {name: read_json(home.models / name / "report.json") for name in parts}
    sources = {path.name: path for folder, name in parts.items() for path in _model_files(home.models / folder, name)}
    sources |= train_dissatisfaction.model_files(home)
    sources |= sessions_files(home)
    sums = {name: sha256(path) for name, path in sorted(sources.items())}
    as_of = datetime.fromisoformat(prepared["as_of"])
    bundle = f"{as_of:%Y%m%d}-{hashlib.sha256(json.dumps(sums).encode()).hexdigest()[:12]}"
    target, draft = home.bundles / bundle, home.bundles / f".{bundle}.{os.getpid()}"
    if target.exists():
        check_bundle(target)
        return bundle
    if draft.exists():
        shutil.rmtree(draft)
    draft.mkdir(parents=True)
    for name, path in sources.items():
        shutil.copyfile(path, draft / name)
    write_json(
        draft / "manifest.json",
        {
            "format": FORMAT,
            "id": bundle,
            "created_at": now.isoformat(),
            "as_of": prepared["as_of"],
            "horizon_days": prepared["horizon_days"],
            "offer_window_days": prepared["offer_window_days"],
            "files": sums,
            "feature_schema_hash": schema_hash(),
            "churn_inputs": reports["churn"]["inputs"],
            "ranker_inputs": reports["next_offer"]["inputs"],
            "log_fingerprint": prepared["log_fingerprint"],
            "validated_at": {name: report["validated_at"] for name, report in reports.items()},
            "metrics": read_json(home.models / "metrics.json"),
            "typical": typical_of(home.models / "churn" / "evidence.parquet"),
            "canaries": {
                name: read_json(home.models / folder / "canaries.json") for folder, name in _parts(parts, sources)
            },
        },
    )
    for path in draft.iterdir():
        to_disk(path)
    to_disk(draft)
    draft.rename(target)
    to_disk(home.bundles)
    return bundle


def _parts(parts: Mapping[str, str], sources: Mapping[str, Path]) -> list[tuple[str, str]]:
    """Folder and name of every model among the files."""
    return [*parts.items(), *([("sessions", "sessions")] if "sessions.json" in sources else [])]


def _model_files(folder: Path, name: str) -> list[Path]:
    """What of a folder of models belongs into a bundle."""
    own = [folder / f"{name}.json", *folder.glob(f"{name}_calibration.json")]
    return sorted([*own, *folder.glob("*.txt"), *folder.glob("*.npz"), *folder.glob("rhythm.json")])
