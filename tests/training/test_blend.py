"""The blend learns which idea to trust, and nothing from shuffled truth."""

import numpy as np
import pytest

from features.errors import DataError
from features.recommenders.base import best
from features.recommenders.blend import NoFacts, Pool
from features.recommenders.popularity import Popularity
from features.recommenders.sequences import Items, Sequences
from training.blend import Lesson, fit_blend, join, lesson_rows
from training.learners import model_text
from training.params import Trees

ITEMS = Items(list(range(10)))
TREES = Trees(rounds=30, min_data_in_leaf=5)


def lesson(seed: int) -> Lesson:
    """Owners who take mostly item 3, sometimes any."""
    draw = np.random.default_rng(seed)
    sessions = [[3 if draw.random() < 0.5 else int(draw.integers(10))] for _ in range(400)]
    known = Sequences.of_sessions(sessions, ITEMS)
    return Lesson(
        Pool((Popularity.fit(known),), NoFacts()), known.take(np.arange(200)), known.take(np.arange(200, 400))
    )


def test_learns_what_is_taken_as_a_probability() -> None:
    lessons = [lesson(1), lesson(2)]
    blend = fit_blend([lesson_rows(one) for one in lessons], lessons[-1].pool, TREES, seed=0)
    first = best(blend.scores(lessons[0].asked), 1)
    assert set(first.item) == {3}
    assert 0.4 < first.score.mean() < 0.7


def test_twice_the_same_text() -> None:
    lessons = [lesson(1), lesson(2)]
    texts = [
        model_text(fit_blend([lesson_rows(one) for one in lessons], lessons[-1].pool, TREES, seed=0).trees)
        for _ in range(2)
    ]
    assert texts[0] == texts[1]


def test_lambdarank_ranks_as_well() -> None:
    lessons = [lesson(1), lesson(2)]
    rows = [lesson_rows(one) for one in lessons]
    blend = fit_blend(rows, lessons[-1].pool, TREES, seed=0, objective="lambdarank")
    assert set(best(blend.scores(lessons[0].asked), 1).item) == {3}


def test_joined_lessons_keep_their_owners_apart() -> None:
    rows = join([lesson_rows(lesson(1)), lesson_rows(lesson(2))])
    assert rows.group_sizes.tolist() == [10] * 400
    assert rows.truth.sum() == 400


def test_nothing_taken_is_refused() -> None:
    one = lesson(1)
    nothing = Sequences.of_sessions([[] for _ in range(200)], ITEMS)
    with pytest.raises(DataError, match="nothing to learn from"):
        fit_blend([lesson_rows(Lesson(one.pool, one.asked, nothing))], one.pool, TREES, seed=0)
