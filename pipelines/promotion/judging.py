"""All gates of one challenger: first whether its windows are unused, then each model's figures, then the policy's."""

import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import datetime
from typing import Any

from features.errors import BundleError
from features.home import Home
from features.inputs.dissatisfaction import NAME as MOOD
from pipelines.bundles import sha256
from pipelines.promotion.evidence import EVIDENCE, offer_evidence, people_evidence, table_of, value_evidence
from pipelines.promotion.ledger import Judged
from pipelines.promotion.moods import is_learned, mood_evidence
from pipelines.promotion.replay import replayed
from pipelines.retraining.files import read_json
from training.gates.moods import mood_gates
from training.gates.offers import offer_gates, session_gates
from training.gates.people import people_gates
from training.gates.policy import policy_gates
from training.gates.value import value_gates
from training.gates.verdict import Gate
from training.metrics import Difference
from training.params import Params

NOT_JUDGED = ("items.npz", "seasons.npz", "rhythm.json")  # in a bundle, but not what the window judges
MODELS = ("churn", "next_offer", "second_purchase", "value", MOOD, "sessions")


def challengers(home: Home, bundle: str, now: datetime) -> list[Judged]:
    """A line of the ledger for each model that was trained and has a window to be judged on; `promoted` still False."""
    prepared = read_json(home.models / "prepared.json")
    served = read_json(home.bundles / bundle / "manifest.json")["files"]
    found = []
    for model in MODELS:
        folder = home.models / model
        files = {p.name: sha256(p) for p in sorted(folder.glob("*")) if p.name in served and p.name not in NOT_JUDGED}
        if not files or (model == MOOD and not is_learned(home)):
            continue
        began = _report_of(home, model).get("validated_at") or prepared["as_of"]
        found.append(
            Judged(
                model=model,
                validated_at=began,
                window=_window(home, model, began),
                files=hashlib.sha256(json.dumps(files).encode()).hexdigest(),
                log_fingerprint=prepared["log_fingerprint"],
                decided_at=now.isoformat(),
                bundle=bundle,
                promoted=False,
            )
        )
    return found


def _window(home: Home, model: str, began: str) -> str:
    """A sum over who is in the window and what became of them; of texts, over which ones they are."""
    rows = ""
    if (home.models / model / EVIDENCE).exists():
        table = table_of(home, model)
        names = [name for name in ("customer_id", "text_id", "truth") if name in table.column_names]
        rows = json.dumps([table[name].to_pylist() for name in names])
    if model == "next_offer":
        rows += sha256(home.models / model / "bought.parquet")
    told = "" if model == MOOD else began  # the newest texts are the same until a newer one comes
    return hashlib.sha256(f"{model} {told} {rows}".encode()).hexdigest()


def _is_learned(home: Home, model: str) -> bool:
    """Whether there is a model to judge: one left out has only a report that says why."""
    return any((home.models / model).glob(f"{model}.*"))


def _report_of(home: Home, model: str) -> dict[str, Any]:
    path = home.models / model / "report.json"
    return read_json(path) if path.exists() else {}


def gates_of_models(home: Home, current: str | None, params: Params) -> tuple[list[Gate], list[str]]:
    """Every model's gates, and what is said of models that are not there."""
    limits = params.promotion
    gates = people_gates("churn", people_evidence(home, "churn", current), limits)
    gates += offer_gates(offer_evidence(home, current), limits)
    notes = []
    more: dict[str, Callable[[], list[Gate]]] = {
        "second_purchase": lambda: people_gates(
            "second_purchase", people_evidence(home, "second_purchase", current), limits, baseline="baseline"
        ),
        "value": lambda: value_gates(value_evidence(home, current), limits),
        "sessions": lambda: session_gates(Difference(**_report_of(home, "sessions")["source_worth"]["browse"])),
    }
    for model, judge in more.items():
        if _is_learned(home, model):
            gates += judge()
        else:
            notes.append(f"{model.replace('_', ' ')}: no model, no gate")
    moods = mood_evidence(home, current, params)
    if moods is not None:
        gates += mood_gates(moods, limits, learned=is_learned(home))
    if not is_learned(home):
        notes.append("dissatisfaction: seed words judge, no gate of what was learned")
    return gates, notes


def gates_of_policy(home: Home, bundle: str, now: datetime, params: Params) -> tuple[list[Gate], list[str]]:
    """The challenger's bundle opened as serving does, and its decisions beside the champion's."""
    as_of = datetime.fromisoformat(read_json(home.models / "prepared.json")["as_of"])
    try:
        replay = replayed(home, bundle, as_of, now, params.promotion.replayed_customers)
    except BundleError as error:
        return [Gate("policy_bundle_opens", False, 0.0, 1.0, str(error))], []
    if replay is None:
        return [], ["policy: no customer is known to decide for, so nothing was replayed"]
    told = (
        f"policy: {replay.challenger.decisions:,} decisions for {replay.customers} customers as of {replay.at:%Y-%m-%d}"
    )
    told += f"; spread of items (Herfindahl) {replay.challenger.spread:.3f}"
    if replay.knowing < 1:
        told += f"; features of {1 - replay.knowing:.0%} were not online, so models said less of them"
    return policy_gates(replay.challenger, replay.champion, params.promotion), [told]


def keep_evidence(home: Home, bundle: str) -> None:
    """What the champion showed on its own window, to compare a challenger of the same window fairly."""
    for model in MODELS:
        if (home.models / model / EVIDENCE).exists():
            folder = home.models / "champions" / bundle / model
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(home.models / model / EVIDENCE, folder / EVIDENCE)
