"""Learning what comes next in a session: ideas of past sessions, blended by trees that were taught by the newest ones.

The newest sessions are cut into blocks as long as the future that is to be predicted. For each block the ideas are
fitted on the sessions before it and asked, view by view, what comes next in it; the trees learn from the answers. Then
the ideas are fitted on all sessions. Sessions are in order of time, oldest first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from features.recommenders.base import Recommender
from features.recommenders.blend import Pool
from features.recommenders.filled import Filled
from features.recommenders.popularity import Popularity
from features.recommenders.sequences import Ints, Sequences
from features.recommenders.session_facts import SessionFacts
from features.recommenders.session_items import SessionItems
from features.recommenders.session_neighbours import Fades, Neighbours
from features.recommenders.session_transitions import Transitions
from features.recommenders.session_walk import Walk
from training.blend import Lesson, Rows, fit_blend, lesson_rows
from training.params import Trees

BLOCKS, BLOCK_SHARE = 4, 0.04
PREFIXES_A_BLOCK = 4000  # drawn; more make the trees hardly better and learning slower
ENOUGH_TAKEN = 300  # next views found among the candidates, below which trees would learn noise
NEW_SHARE = 0.05  # the newest sessions, from which popularity is counted
POPULAR = 100
TREES = Trees(num_leaves=24, learning_rate=0.1, rounds=100, min_data_in_leaf=100)
STEPS = BLOCKS + 2

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Learned:
    """What recommends, and how it came about in words."""

    recommender: Recommender
    told: str


@dataclass(frozen=True)
class Asked:
    """Beginnings of sessions and the item that was viewed next: `then` holds one basket of one for each."""

    so_far: Sequences
    then: Sequences

    def take(self, rows: Ints) -> "Asked":
        """The given ones only."""
        return Asked(self.so_far.take(rows), self.then.take(rows))

    def __len__(self) -> int:
        return len(self.so_far)


def learn_sessions(
    known: Sequences, *, seed: int = 0, popular: int = POPULAR, progress: Progress | None = None
) -> Learned:
    """The blend, or, where there is too little to teach it, the nearest sessions alone.

    `popular` is how far lists can be filled up with what everybody views. Every owner gets an answer.
    """
    done = progress or (lambda _: None)
    rows: list[Rows] = []
    for step, block in enumerate(blocks(len(known))):
        rows.append(lesson_rows(lesson(known, block, seed)))
        done(step + 1)
    found = int(sum(part.truth.sum() for part in rows))
    newest = known.take(np.arange(int(len(known) * (1 - NEW_SHARE)), len(known)))
    viewed = Popularity.fit(newest if newest.baskets else known, listed=popular)
    if found < ENOUGH_TAKEN:
        simple = Filled(Neighbours.fit(known), Filled(SessionItems(), viewed))
        return Learned(simple, _too_few(known, found))
    pool = session_pool(known)
    done(BLOCKS + 1)
    blend = fit_blend(rows, pool, TREES, seed=seed)
    done(STEPS)
    told = f"{len(pool.ideas)} ideas, blended by {found:,} views of the newest {BLOCKS * BLOCK_SHARE:.0%} of sessions."
    return Learned(Filled(blend, viewed), told)


def session_pool(known: Sequences) -> Pool:
    """The ideas, fitted on `known`; settings were chosen on RetailRocket's newest training sessions."""
    ideas = (
        SessionItems(),
        Neighbours.fit(known, name="alike", fades=Fades(session=1e5)),
        Neighbours.fit(known, name="lately", fades=Fades(view=0.5, distance=2.0, session=3e4)),
        Transitions.fit(known, name="next", steps=3),
        Transitions.fit(known, name="near", last=10, fade=0.7),
        Walk.fit(known, widest=30),
    )
    return Pool(ideas, SessionFacts.fit(known), most=60)


def blocks(sessions: int) -> list[tuple[int, int]]:
    """First session of each block and the one after its last, oldest first; few sessions make none."""
    length = int(sessions * BLOCK_SHARE)
    if not length:
        return []
    return [(sessions - n * length, sessions - (n - 1) * length) for n in range(BLOCKS, 0, -1)]


def lesson(known: Sequences, block: tuple[int, int], seed: int) -> Lesson:
    """Ideas of the sessions before the block, asked about (at most `PREFIXES_A_BLOCK` views of) the block."""
    before, asked = known.take(np.arange(block[0])), beginnings(known, block)
    if len(asked) > PREFIXES_A_BLOCK:
        drawn = np.random.default_rng([seed, block[0]]).choice(len(asked), PREFIXES_A_BLOCK, replace=False)
        asked = asked.take(np.sort(drawn))
    return Lesson(session_pool(before), asked.so_far, asked.then)


def beginnings(known: Sequences, block: tuple[int, int], least: int = 1) -> Asked:
    """Of each session of the block every beginning of `least` views or more that was gone on with.

    Items that no earlier session holds are left out of both: nobody could have known them.
    """
    seen = np.zeros(known.size, bool)
    seen[known.item[known.owner < block[0]]] = True
    so_far: list[Ints] = []
    then: list[int] = []
    for owner in range(*block):
        first, after = known.basket_start[known.owner_start[[owner, owner + 1]]]
        views = known.item[first:after]
        views = views[seen[views]]
        so_far += [views[:n] for n in range(least, len(views))]
        then += views[least:].tolist()
    return Asked(views_of(so_far, known.size), views_of([np.array([item]) for item in then], known.size))


def views_of(sessions: Sequence[Ints], size: int) -> Sequences:
    """Sessions of item numbers as sequences, each view a basket of one."""
    starts = np.concatenate([[0], np.cumsum([len(one) for one in sessions])]).astype(np.int64)
    item = np.concatenate([np.empty(0, np.int64), *sessions])
    return Sequences(starts, np.arange(starts[-1] + 1), item, size)


def _too_few(known: Sequences, found: int) -> str:
    return (
        f"{len(known):,} sessions hold {found:,} next views to learn from, fewer than {ENOUGH_TAKEN}: the nearest "
        "sessions alone decide, and scores are no probabilities. More sessions give the blend."
    )
