"""Bundles as they lie on disk: which is in force, and whether it is whole. What is in them: docs/bundle.md."""

import hashlib
import json
from pathlib import Path
from typing import Any

from features.errors import BundleError
from features.home import Home


def current_id(home: Home) -> str | None:
    """The bundle in force; None before the first promotion."""
    path = home.bundles / "current.json"
    if not path.exists():
        return None
    found: str = json.loads(path.read_text("utf-8"))["bundle"]
    return found


def current_bundle(home: Home) -> Path:
    """The folder of the bundle in force, its sums checked; raises `BundleError` without one, or if it was altered."""
    current = current_id(home)
    if current is None:
        raise BundleError(f"No bundle is in force in {home.bundles}. Run: tahdikas retrain, then tahdikas promote")
    check_bundle(home.bundles / current)
    return home.bundles / current


def check_bundle(folder: Path) -> dict[str, Any]:
    """The manifest of a whole bundle; raises `BundleError` naming the file that is missing, extra or altered."""
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BundleError(f"{folder} has no readable manifest ({error}). Roll back, or promote again.") from error
    there = {path.name for path in folder.iterdir()} - {"manifest.json"}
    for name in sorted(there ^ set(manifest["files"])):
        raise BundleError(f"{folder / name} is {'extra' if name in there else 'missing'}. Roll back, or promote again.")
    for name, told in manifest["files"].items():
        if (found := sha256(folder / name)) != told:
            raise BundleError(f"{folder / name} was altered: SHA-256 {found[:12]}, not {told[:12]}. Promote again.")
    return manifest


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
