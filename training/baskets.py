"""Learning customers' next baskets: ideas of repeats, pairs and neighbours, blended by trees taught by last baskets.

There are no times here, only an order, each customer's own. A lesson takes the last basket of everybody away, fits the
ideas on what is left and asks them for what was taken; the second lesson takes two away and asks for the second. Then
the ideas are fitted on all baskets. Nothing that came after a lesson's question is known to its ideas: not hers, nor as
many of anybody else's last baskets.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from features.recommenders.added import Added
from features.recommenders.alike import Alike
from features.recommenders.base import Recommender
from features.recommenders.basket_facts import BasketFacts
from features.recommenders.blend import Pool
from features.recommenders.faded import Faded
from features.recommenders.filled import Filled
from features.recommenders.histories import basket_counts
from features.recommenders.leading import Leading
from features.recommenders.popularity import Popularity
from features.recommenders.rhythm import Rhythm
from features.recommenders.sequences import Sequences
from features.recommenders.together import Together
from training.blend import Lesson, Rows, fit_blend, lesson_rows
from training.params import Trees

LESSONS = 2
MOST_ASKED = 8000  # customers a lesson; more make learning slower and the trees hardly better
ENOUGH_TAKEN = 300  # next items found among the candidates, below which trees would learn noise
POPULAR = 100  # items that everybody takes, for lists to be filled up with
CANDIDATES = 50  # of each idea
TREES = Trees(num_leaves=16, learning_rate=0.06, rounds=150, min_data_in_leaf=100, feature_fraction=0.5)
STEPS = LESSONS + 2

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Learned:
    """What recommends, and how it came about in words; `rows` are the lessons, newest last."""

    recommender: Recommender
    told: str
    rows: list[Rows]


def learn_baskets(
    known: Sequences, *, seed: int = 0, popular: int = POPULAR, progress: Progress | None = None
) -> Learned:
    """The blend, or, where there is too little to teach it, repeats by their rhythm and what everybody takes.

    `popular` is how far lists can be filled up with what everybody takes. Every customer gets an answer.
    """
    done = progress or (lambda _: None)
    rows = []
    for step, back in enumerate(range(LESSONS, 0, -1)):
        if len((one := lesson(known, back, seed)).asked):
            rows.append(lesson_rows(one))
        done(step + 1)
    found = int(sum(part.truth.sum() for part in rows))
    taken = Popularity.fit(known, listed=popular)
    if found < ENOUGH_TAKEN:
        return Learned(Added(Rhythm.fit(known), taken), _too_few(known, found), rows)
    pool = basket_pool(known)
    done(LESSONS + 1)
    blend = fit_blend(rows, pool, TREES, seed=seed)
    done(STEPS)
    told = f"{len(pool.ideas)} ideas, blended by {found:,} items of customers' last {LESSONS} known baskets."
    return Learned(Filled(blend, taken), told, rows)


def basket_pool(known: Sequences) -> Pool:
    """The ideas, fitted on `known`; settings were chosen on Ta-Feng's last known baskets."""
    ideas = (
        Faded(),
        Rhythm.fit(known),
        Popularity.fit(known, listed=POPULAR),
        Together.fit(known, seldom=30),
        Together.fit_next(known, seldom=30),
        Leading.fit(known),
        Alike.fit(known),
    )
    return Pool(ideas, BasketFacts.fit(known), most=CANDIDATES)


def lesson(known: Sequences, back: int, seed: int) -> Lesson:
    """Ideas of all but everybody's last `back` baskets, asked about the first of these; at most `MOST_ASKED` customers.

    Who has no basket before it is not asked.
    """
    before, taken = known.before_last()
    for _ in range(back - 1):
        before, taken = before.before_last()
    someone = np.flatnonzero(basket_counts(before) > 0)
    if len(someone) > MOST_ASKED:
        someone = np.sort(np.random.default_rng([seed, back]).choice(someone, MOST_ASKED, replace=False))
    return Lesson(basket_pool(before), before.take(someone), taken.take(someone))


def _too_few(known: Sequences, found: int) -> str:
    return (
        f"{known.baskets:,} baskets of {len(known):,} customers hold {found:,} next items to learn from, fewer than "
        f"{ENOUGH_TAKEN}: repeats by their rhythm and what everybody takes decide alone, and scores only order. More "
        "baskets a customer give the blend."
    )
