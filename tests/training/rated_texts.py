"""Made-up rated texts in Finnish and English whose meaning is known, with facts beside them."""

import numpy as np

from features.customer.facts_at_feedback import FEEDBACK_FACTS
from training.dissatisfaction import RatedTexts

UNHAPPY = ["paketti ei tullut perille", "kengät hajosivat heti", "box arrived soaked", "nobody answers my calls"]
HAPPY = ["sopivat täydellisesti", "kaunis väri ja tulivat jo tiistaina", "quick and friendly", "lovely colour"]
FINNISH = (0, 1)  # places in both lists


def rated_texts(n: int, seed: int, *, tells: bool = True, late_tells: bool = False) -> RatedTexts:
    """`n` texts, oldest first, three in ten dissatisfied.

    Without `tells` the words have nothing to do with the truth; with `late_tells` the number of late orders has.
    """
    draw = np.random.default_rng(seed)
    truth = (draw.random(n) < 0.3).astype(float)
    said = truth if tells else draw.permutation(truth)
    texts, languages = [], []
    for bad in said:
        place = int(draw.integers(4))
        texts.append(f"{(UNHAPPY if bad else HAPPY)[place]} {draw.integers(10_000)}")
        languages.append("fi" if place in FINNISH else "en")
    facts = np.zeros((n, len(FEEDBACK_FACTS)))
    if late_tells:
        facts[:, FEEDBACK_FACTS.index("late_orders")] = np.where(draw.random(n) < 0.9, truth, 1 - truth)
    return RatedTexts(texts, truth, languages, facts, FEEDBACK_FACTS)
