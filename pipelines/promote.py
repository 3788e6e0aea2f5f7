"""Promotion: the newly trained models through every gate, then into a bundle, in force by one atomic step; and back."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from features.errors import BundleError, DataError
from features.home import Home
from features.log.lake import only_writer
from pipelines.bundles import check_bundle, current_id
from pipelines.promotion import ledger
from pipelines.promotion.in_force import history, put_in_force
from pipelines.promotion.judging import challengers, gates_of_models, gates_of_policy, keep_evidence
from pipelines.quality import keep_profile
from pipelines.write_bundle import write_bundle
from training.gates.verdict import Gate
from training.params import Params
from training.registry import champion_of_bundle, mark_champion


@dataclass(frozen=True)
class PromotionResult:
    """What the gates said, and which bundle is in force now; `notes` say what had no gate, and what was replayed."""

    promoted: bool
    bundle: str | None
    previous: str | None
    gates: list[Gate]
    notes: Sequence[str] = ()

    @property
    def failed(self) -> list[Gate]:
        """The gates that did not hold."""
        return [gate for gate in self.gates if not gate.passed]

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "promoted": self.promoted,
            "bundle": self.bundle,
            "previous": self.previous,
            "gates": [vars(gate) for gate in self.gates],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        if not self.promoted:
            told = "\n".join(f"  {gate}" for gate in self.failed)
            return (
                f"Not promoted, {self.bundle or 'no bundle'} stays in force. {len(self.failed)} gates failed:\n{told}"
            )
        if not self.gates:
            return f"Bundle {self.bundle} is in force again, after {self.previous}."
        unsure = [f"  {gate.name}: {gate.text}" for gate in self.gates if gate.unsure]
        head = f"Bundle {self.bundle} is in force; {len(self.gates)} gates passed. Before: {self.previous or 'none'}."
        return "\n".join([head, *unsure, *(f"  {note}" for note in self.notes)])


def promote(home: Home, params: Params | None = None, *, now: datetime) -> PromotionResult:
    """Judge what `retrain` left in `home.models`; if every gate holds, write its bundle and put it in force.

    A window judges one challenger only (`promotion/ledger.py`); the same files may be judged again. Raises `DataError`
    if nothing was trained, `HomeError` while another process promotes.
    """
    if not (home.models / "metrics.json").exists():
        raise DataError(f"Nothing was trained in {home.models} yet. Run: tahdikas retrain")
    with only_writer(home, of="promotion"):
        current, known = current_id(home), _bundles(home)
        bundle = write_bundle(home, now)
        result = _judge(home, bundle, current, params or Params(), now)
        if result.promoted:
            keep_evidence(home, bundle)
            keep_profile(home, bundle)
            if bundle != current:
                put_in_force(home, bundle, [*history(home), bundle])
            logged = json.loads((home.models / "mlflow.json").read_text("utf-8"))
            mark_champion(home, logged["versions"], bundle)
        elif bundle not in known:
            shutil.rmtree(home.bundles / bundle)
    return result


def _judge(home: Home, bundle: str, current: str | None, params: Params, now: datetime) -> PromotionResult:
    """The gates, and lines in the ledger for every window that was looked at."""
    judged = challengers(home, bundle, now)
    used = ledger.used_windows(ledger.read(home), judged)
    if used:  # no figure of these customers is looked at again
        return PromotionResult(False, current, current, used)
    of_models, told = gates_of_models(home, current, params)
    of_policy, more = gates_of_policy(home, bundle, now, params)
    gates = [*of_models, *of_policy]
    promoted = all(gate.passed for gate in gates)
    ledger.append(home, [replace(one, promoted=promoted) for one in judged])
    return PromotionResult(promoted, bundle if promoted else current, current, gates, [*told, *more])


def _bundles(home: Home) -> set[str]:
    return {path.name for path in home.bundles.iterdir()} if home.bundles.exists() else set()


def rollback(home: Home) -> PromotionResult:
    """Put the bundle before the current one in force; raises `BundleError` if there is none whole."""
    with only_writer(home, of="promotion"):
        before = history(home)
        if len(before) < 2:
            raise BundleError("There is no earlier bundle to return to. Retrain and promote instead.")
        left, back = before[-1], before[-2]
        check_bundle(home.bundles / back)
        put_in_force(home, back, before[:-1])
        mark_champion(home, champion_of_bundle(home, back), back)
    return PromotionResult(True, back, left, [])
