"""The models in force and those that would replace them, and the policy in readable form with what it was before."""

import difflib
import json
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from features.home import Home
from serving.api.wiring import Wiring, wired
from serving.console.asking import answered
from serving.console.pages import page
from serving.console.seat import Needs, Seat, right_host
from serving.core.policy import policy_path

router = APIRouter(prefix="/console", include_in_schema=False, dependencies=[Depends(right_host)])

Models = Annotated[Seat, Depends(Needs("models"))]
NAMES = ("churn", "second_purchase", "value", "next_offer", "sessions", "dissatisfaction")
MOST_MOVED = 8


@router.get("/models")
async def models(request: Request, seat: Models) -> Response:
    """Champion and challenger, calibration, what weighs most, what drifted, and what is degraded."""
    app = wired(request)
    return page(request, "models.html", await answered(app.reads, _models, app))


@router.get("/policy")
async def policy(request: Request, seat: Models) -> Response:
    """The policy in force in readable form, its text, and what changed since each one before."""
    app = wired(request)
    return page(request, "policy.html", await answered(app.reads, _policy, app))


def _models(app: Wiring) -> dict[str, Any]:
    health, force = app.service.health(app.clock()), app.service.in_force(app.clock())
    bundle = None if force.models is None else force.scorer.id
    unread: list[str] = []
    judged = _whole(app.home.models / "judged.jsonl", unread)
    found = []
    for name in NAMES:
        shown = _report(app.home.models / name / "report.json", unread)
        verdict = next((one for one in reversed(judged) if one["model"] == name), None)
        if shown is None:
            continue
        weights = sorted(shown.get("importance", {}).items(), key=lambda pair: -pair[1])[:8]
        found.append(
            {
                "name": name,
                "in_force": verdict is not None and verdict["promoted"] and verdict["bundle"] == bundle,
                "validated_at": shown.get("validated_at"),
                "verdict": verdict,
                "metrics": [pair for pair in shown.get("metrics", {}).items() if "." not in pair[0]][:8],
                "calibration": _calibration(shown.get("reliability", [])),
                "weights": weights,
                "heaviest": max([weight for _, weight in weights], default=0) or 1,
                "notes": shown.get("notes", []),
            }
        )
    told = {"models": found, "bundle": bundle, "degraded": health.degraded, "versions": health.versions}
    return told | {"drift": _drift(app.home, unread), "unread": unread}


def _drift(home: Home, unread: list[str]) -> dict[str, Any] | None:
    """What the last look at drift found, of all it compared the `MOST_MOVED`; None where nobody has looked."""
    found = _report(home.reports / "drift.json", unread)
    if found is None:
        return None
    moved = sorted(found["compared"], key=lambda one: (-one["psi"], one["stream"], one["name"]))[:MOST_MOVED]
    findings = [{"message_fi": ""} | one for one in found["findings"]]  # a report of before has no Finnish
    return found | {"moved": moved, "findings": findings}


def _calibration(bins: list[dict[str, float]]) -> dict[str, Any] | None:
    """The bins of a calibration with their places between 0 and 1 on a chart that ends at `most`; None for none.

    `is_chance` where they are chances, else they are amounts.
    """
    if not bins:
        return None
    most = max(one[side] for one in bins for side in ("predicted", "observed")) or 1.0
    placed = [one | {"x": one["predicted"] / most, "y": one["observed"] / most} for one in bins]
    return {"bins": placed, "most": most, "is_chance": most <= 1.0}


def _policy(app: Wiring) -> dict[str, Any]:
    force = app.service.in_force(app.clock())
    run = app.service.records.connection()
    hashes = [name for (name,) in run.execute("select hash from kept where kind = 'policy'").fetchall()]
    text = policy_path(app.home).read_text(encoding="utf-8")
    before = []
    for name in hashes:
        kept = app.service.records.kept(name)
        if kept is not None and name != force.policy.hash:
            lines = difflib.unified_diff(kept.splitlines(), text.splitlines(), lineterm="", n=0)
            before.append({"hash": name, "lines": [one for one in lines if not one.startswith(("---", "+++", "@@"))]})
    return {
        "policy": force.policy.file,
        "hash": force.policy.hash,
        "text": text,
        "before": before,
        "actions": force.catalogue.actions,
    }


def _report(path: Path, unread: list[str]) -> dict[str, Any] | None:
    """What a step wrote; None where it wrote nothing, or nothing that can be read: then the file's name is `unread`."""
    if not path.is_file():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        unread.append(f"{path.parent.name}/{path.name}")
        return None
    return found


def _whole(path: Path, unread: list[str]) -> list[dict[str, Any]]:
    """The lines of a file that can be read; its name is `unread` where one cannot."""
    found, torn = [], False
    for line in path.read_bytes().splitlines() if path.is_file() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            torn = True
    unread += [path.name] * torn
    return found
