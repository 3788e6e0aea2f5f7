"""The chance that someone is dissatisfied: from what she wrote, and from what is known beside it.

Three judgements add up as log-odds: the shop's own text model, the seed words (which are all there is before the shop
has rated texts), and boosted trees over facts such as lateness. Where nothing was written the trees alone speak.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.inputs.candidates import Floats
from features.inputs.scoring import Matrix, Trees, logit, sigmoid
from features.inputs.seed_words import seed_scores, seed_words
from features.inputs.texts import TextModel


@dataclass(frozen=True)
class Line:
    """How text and seed scores become log-odds."""

    intercept: float
    text: float
    seeds: float


UNTRAINED = Line(intercept=-1.2, text=0.0, seeds=3.7)
"""Before there are rated texts. The slope is that of Olist's reviews: of their writers 53 % were dissatisfied after one
complaint alone, 78 % after two, 83 % after three. One in four where the words say nothing is an assumption."""


@dataclass(frozen=True)
class Satisfaction:
    """A fitted model; `trees` take the columns `facts`, NaN being absent, and add to the log-odds."""

    line: Line = UNTRAINED
    text: TextModel | None = None
    trees: Trees | None = None
    facts: tuple[str, ...] = ()

    def probability(self, texts: Sequence[str], facts: Matrix | None = None) -> Floats:
        """The chance of dissatisfaction, `[n]`; `facts` is `[n, len(self.facts)]` and needed where there are trees."""
        if not len(texts):
            return np.empty(0)
        return sigmoid(self.log_odds(texts) + self.of_facts(facts))

    def log_odds(self, texts: Sequence[str]) -> Floats:
        """Of the texts alone."""
        return line_of(self.line, self.text.score(texts) if self.text else np.zeros(len(texts)), seed_scores(texts))

    def causes(self, text: str, most: int = 3) -> list[str]:
        """The words that speak for dissatisfaction, weightiest first; the seed words where no text model is."""
        if self.text is None:
            return seed_words(text, most)
        return [word for word, _ in self.text.words_for(text, most)]

    def of_facts(self, facts: Matrix | None) -> Floats:
        """What the facts add to the log-odds: `[n]`, or one 0 where there are no trees. Raises `ValueError`."""
        if self.trees is None:
            return np.zeros(1)
        given = None if facts is None else facts.shape
        if facts is None or facts.shape[1] != len(self.facts):
            raise ValueError(f"The model takes {len(self.facts)} facts ({', '.join(self.facts)}); got {given}.")
        return logit(np.asarray(self.trees.predict(facts, num_threads=1), np.float64))


def line_of(line: Line, text: Floats, seeds: Floats) -> Floats:
    """Log-odds of the two scores."""
    return line.intercept + line.text * text + line.seeds * seeds
