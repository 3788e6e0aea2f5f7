"""The shop's own model of dissatisfaction as files, and what it says of one piece of feedback; docs/bundle.md.

A satisfaction model (`features/inputs/satisfaction.py`), the facts it takes, and the threshold it was given.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from features.customer.facts_at_feedback import FEEDBACK_FACTS
from features.errors import BundleError
from features.inputs.boosters import Booster
from features.inputs.satisfaction import Line, Satisfaction
from features.inputs.scoring import Trees
from features.inputs.texts import TextModel

NAME = "dissatisfaction"
SPEC, TEXT, TREES = f"{NAME}.json", f"{NAME}_text.npz", f"{NAME}_trees.txt"
FORMAT, TOLERANCE = 1, 1e-9
CANARIES = (
    "Not good, arrived broken and nobody answers",
    "Kiitos, hyvä palvelu ja nopea toimitus!",
    "Försenad igen, inget svar",
    "Produto com defeito, quero meu dinheiro",
    "😡",
    "",
)
"""Texts of nobody's, whose probabilities are kept beside the model."""

MOST_WORDS, LONGEST_WORD, MOST_FACTS = 3, 40, 3
SMALLEST_CAUSE = 0.1  # of log-odds; what adds less is no cause


@dataclass(frozen=True)
class Judged:
    """The chance that the writer is dissatisfied, and why: her words, and names of `FEEDBACK_FACTS`."""

    probability: float
    words: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """The causes as a score event tells them; `serving/core/words.py` puts them into words.

        >>> Judged(0.8, ("broken", "late"), ("case_asks",)).reason
        'words: broken, late; facts: case_asks'
        """
        parts = (("words", self.words), ("facts", self.facts))
        return "; ".join(f"{name}: {', '.join(told)}" for name, told in parts if told)


@dataclass(frozen=True)
class Dissatisfaction:
    """`holds_from`: the probability from which she should be held; None where it was not learned."""

    model: Satisfaction
    holds_from: float | None = None

    @property
    def needs_facts(self) -> bool:
        """Whether it looks at more than the text."""
        return self.model.trees is not None

    def judge(self, text: str, facts: Sequence[float]) -> Judged:
        """Of one text and `FEEDBACK_FACTS` beside it, which may be left out where `needs_facts` says no."""
        row = np.array([facts], np.float64) if self.needs_facts else None
        probability = float(self.model.probability([text], row)[0])
        words = tuple(word[:LONGEST_WORD] for word in self.model.causes(text, MOST_WORDS))
        return Judged(probability, words, () if row is None else self._facts_that_speak(row))

    def _facts_that_speak(self, row: Any) -> tuple[str, ...]:
        """Facts without which the log-odds would be lower, the weightiest first: each is left out in turn."""
        without = np.repeat(row, len(FEEDBACK_FACTS), axis=0)
        np.fill_diagonal(without, np.nan)
        added = self.model.of_facts(row)[0] - self.model.of_facts(without)
        order = np.argsort(-added, kind="stable")[:MOST_FACTS]
        return tuple(FEEDBACK_FACTS[i] for i in order.tolist() if added[i] >= SMALLEST_CAUSE)

    def canaries(self) -> list[float]:
        """The probabilities of `CANARIES`, nothing else being known."""
        facts = np.full((len(CANARIES), len(FEEDBACK_FACTS)), np.nan) if self.needs_facts else None
        return [float(p) for p in self.model.probability(CANARIES, facts)]

    def save(self, folder: Path, trees_text: str | None, told: Mapping[str, Any]) -> None:
        """Write its files; `told` is kept for people. The same model gives the same bytes."""
        if self.model.text is not None:
            self.model.text.save(folder / TEXT)
        if trees_text is not None:
            (folder / TREES).write_text(trees_text, "utf-8")
        spec = {
            "format": FORMAT,
            "line": asdict(self.model.line),
            "facts": list(self.model.facts),
            "holds_from": self.holds_from,
            "canaries": self.canaries(),
            "told": dict(told),
        }
        (folder / SPEC).write_text(json.dumps(spec, indent=1, sort_keys=True) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Dissatisfaction":
        """Read what `save` wrote. Raises `BundleError` for anything else, and where its canaries are missed."""
        try:
            spec = json.loads((folder / SPEC).read_text("utf-8"))
            if spec["format"] != FORMAT or spec["facts"] not in ([], list(FEEDBACK_FACTS)):
                raise BundleError(f"format {spec['format']} with facts {spec['facts']} is not known here")
            text = TextModel.load(folder / TEXT) if (folder / TEXT).exists() else None
            trees: Trees | None = Booster(folder / TREES) if (folder / TREES).exists() else None
            found = cls(
                Satisfaction(Line(**spec["line"]), text, trees, tuple(spec["facts"])),
                None if spec["holds_from"] is None else float(spec["holds_from"]),
            )
            off = np.abs(np.array(found.canaries()) - np.array(spec["canaries"], np.float64))
        except (OSError, ValueError, KeyError, TypeError, BundleError) as error:
            raise BundleError(
                f"The model {NAME} in {folder} cannot be read ({error}). Promote again, or roll back."
            ) from error
        if not (off <= TOLERANCE).all():
            raise BundleError(
                f"The model {NAME} in {folder} misses its canaries by {off.max():.3g}. Promote again, or roll back."
            )
        return found
