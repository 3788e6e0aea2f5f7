"""Learning what a visitor looks at next, and whether that is worth having: judged against what is shown without it.

Three rungs, each taken only where it beats the one below on the newest sessions: what goes with her items by past sales
(needs no browsing), the nearest sessions alone, and five ideas of sessions blended by trees. The question is that of
serving: which item that she has not seen comes next, asked at every step of a session that led to one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from features.recommenders.base import Lists
from features.recommenders.blend import Pool
from features.recommenders.next_views import Ideas, new_ones
from features.recommenders.sequences import Floats, Ints, Sequences
from features.recommenders.session_facts import SessionFacts
from features.recommenders.session_neighbours import Fades, Neighbours
from features.recommenders.session_transitions import Transitions
from features.recommenders.session_walk import Walk
from training.blend import Lesson, Rows, fit_blend, join, lesson_rows
from training.intervals import UNKNOWN, mean_interval
from training.metrics import Difference, paired_bootstrap
from training.next_looks import Looks, looks_in
from training.segments import ALL, FEWEST, calibration, figure_told
from training.sessions import ENOUGH_TAKEN, TREES, blocks

K = 10  # places that are judged
ENOUGH_ASKED = 100  # steps of the newest block, below which nothing is decided
GOES_WITH, NEAREST, BLEND = "goes_with", "nearest", "blend"
ALIKE, LATELY = Fades(session=1e5), Fades(view=0.5, distance=2.0, session=3e4)
WORDS = {GOES_WITH: "what goes together by past sales", NEAREST: "the nearest sessions", BLEND: "ideas of sessions"}

STEPS_SO_FAR = {"after_1_view": (1, 1), "after_2_to_4_views": (2, 4), "after_5_views": (5, np.inf)}

Present = Callable[[Sequence[Ints]], list[list[int]]]
"""What is shown without sessions after each prefix (items, oldest first): items, best first, -1 for what none holds."""


@dataclass(frozen=True)
class Choice:
    """What is to be used (`ideas` is None where that is what goes together), why, and the figures it was chosen by."""

    chosen: str
    told: str
    ideas: Ideas | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    compared: dict[str, str] = field(default_factory=dict)
    segments: list[dict[str, Any]] = field(default_factory=list)  # by how far a session had come
    worth: Difference | None = None  # MRR of the choice less that of what goes together by past sales


def choose(known: Sequences, present: Present, *, seed: int = 0) -> Choice:
    """Learn from all sessions but the newest block, judge on that, and fit what was chosen on all of them.

    Sessions must come in order of time, oldest first; `present` must know nothing of the newest block.
    """
    parts = blocks(len(known))
    asked = looks_in(known, parts[-1], seed) if parts else None
    if asked is None or len(asked) < ENOUGH_ASKED:
        return Choice(GOES_WITH, _too_few(len(known), 0 if asked is None else len(asked)))
    rows = [_lesson(known, part, seed) for part in parts[:-1]]
    rungs = _rungs(known.take(np.arange(parts[-1][0])), rows, seed)
    shown = present(asked.seen)
    found = {GOES_WITH: _judged(shown, asked)}
    for name, ideas in rungs.items():
        found[name] = _judged(_then(new_ones(ideas, asked.so_far, K), shown), asked)
    chosen, compared = _highest(found, asked.session)
    metrics = {key: value for name in found for key, value in _figures(name, found[name], asked.session).items()}
    metrics |= _figures("", found[chosen], asked.session) | {"steps": float(len(asked))}
    told = f"{WORDS[chosen]}, MRR@{K} {metrics['mrr']:.3f} (by past sales: {metrics['goes_with.mrr']:.3f})"
    parts_told = segments_by_steps(found[chosen], asked.session, np.array([len(views) for views in asked.seen]))
    if chosen == GOES_WITH:
        return Choice(chosen, f"{told}; sessions bring no more", None, metrics, compared, parts_told)
    ideas = Neighbours.fit(known, name="alike", fades=ALIKE)
    if chosen == BLEND:
        ideas = fit_blend([join([*rows, _lesson(known, parts[-1], seed)])], shop_pool(known), TREES, seed=seed)
    worth = paired_bootstrap(*(_a_session(found[name], asked.session) for name in (chosen, GOES_WITH)), seed=seed)
    return Choice(chosen, told, ideas, metrics, compared, parts_told, worth)


def segments_by_steps(reciprocal: Floats, session: Ints, seen: Ints) -> list[dict[str, Any]]:
    """The mean over sessions of MRR after so many views, `[steps]` all three; fewer than 50 sessions tell no figure."""
    masks = {ALL: seen > 0} | {name: (seen >= low) & (seen <= high) for name, (low, high) in STEPS_SO_FAR.items()}
    found = []
    for name, mask in masks.items():
        means = _a_session(reciprocal[mask], session[mask])
        if len(means):
            figure = mean_interval(means) if len(means) >= FEWEST else UNKNOWN
            none = np.empty(0)
            found.append({"segment": name, "n": len(means)} | figure_told(figure) | calibration(none, none))
    return found


def shop_pool(known: Sequences) -> Pool:
    """The ideas of `sessions.session_pool` that propose anything new, the sessions held once."""
    alike = Neighbours.fit(known, name="alike", fades=ALIKE)
    ideas = (
        alike,
        replace(alike, name="lately", fades=LATELY),
        Transitions.fit(known, name="next", steps=3),
        Transitions.fit(known, name="near", last=10, fade=0.7),
        Walk.fit(known, widest=30),
    )
    return Pool(ideas, SessionFacts.fit(known), most=60)


def _lesson(known: Sequences, block: tuple[int, int], seed: int) -> Rows:
    """What ideas of the sessions before the block propose at its steps, and what came; nothing already seen."""
    asked = looks_in(known, block, seed)
    pool = shop_pool(known.take(np.arange(block[0])))
    rows = lesson_rows(Lesson(pool, asked.so_far, asked.then))
    new = rows.inputs[:, pool.names.index("own_views")] == 0
    return Rows(rows.owner[new], rows.inputs[new], rows.truth[new])


def _rungs(known: Sequences, rows: Sequence[Rows], seed: int) -> dict[str, Ideas]:
    """The candidates for the newest block, the simplest first; trees only where there is enough to teach them."""
    pool = shop_pool(known)
    alike = pool.ideas[0]
    assert isinstance(alike, Neighbours)
    rungs: dict[str, Ideas] = {NEAREST: alike}
    if sum(part.truth.sum() for part in rows) >= ENOUGH_TAKEN:
        rungs[BLEND] = fit_blend([join(rows)], pool, TREES, seed=seed)
    return rungs


def _then(ranked: Lists, shown: list[list[int]]) -> list[list[int]]:
    """Each list, then what is shown without it, as serving shows them."""
    cuts = np.searchsorted(ranked.owner, np.arange(len(shown) + 1))
    ours = [ranked.item[a:b].tolist() for a, b in pairwise(cuts.tolist())]
    return [[*own, *(item for item in others if item not in own)] for own, others in zip(ours, shown, strict=True)]


def _judged(lists: list[list[int]], asked: Looks) -> Floats:
    """The reciprocal rank of what came among the first `K`, 0 where it is not there, `[steps]`."""
    came = asked.then.item.tolist()
    places = [own.index(item) if item in (own := listed[:K]) else -1 for listed, item in zip(lists, came, strict=True)]
    place = np.array(places, np.float64)
    return np.where(place < 0, 0.0, 1 / np.maximum(place + 1, 1))


def _highest(found: dict[str, Floats], session: Ints) -> tuple[str, dict[str, str]]:
    """The last rung that beats the one it would replace, and every comparison made; paired over sessions."""
    chosen, compared = GOES_WITH, {}
    for name in list(found)[1:]:
        gain = paired_bootstrap(_a_session(found[name], session), _a_session(found[chosen], session))
        compared[f"{name}_mrr_less_{chosen}"] = str(gain)
        chosen = name if gain.better else chosen
    return chosen, compared


def _a_session(values: Floats, session: Ints) -> Floats:
    """The mean of each session: its steps hang together."""
    _, which, steps = np.unique(session, return_inverse=True, return_counts=True)
    return np.bincount(which, values) / steps


def _figures(name: str, reciprocal: Floats, session: Ints) -> dict[str, float]:
    """Means over sessions of MRR and recall in `K` places, by metric name; `name` is "" for the choice."""
    before = f"{name}." if name else ""
    return {
        f"{before}mrr": float(_a_session(reciprocal, session).mean()),
        f"{before}recall": float(_a_session((reciprocal > 0).astype(np.float64), session).mean()),
    }


def _too_few(sessions: int, steps: int) -> str:
    if not sessions:
        return f"{WORDS[GOES_WITH]}: no session with two different items is known. Send browse events"
    return (
        f"{WORDS[GOES_WITH]}: {sessions:,} sessions with two items or more, the newest of which hold {steps} steps to "
        f"judge by, fewer than {ENOUGH_ASKED}. More browsing is needed"
    )
