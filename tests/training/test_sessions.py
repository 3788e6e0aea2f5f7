"""Sessions: what is learned, and what must not be."""

import numpy as np
import pytest

from features.recommenders.base import Recommender, best
from features.recommenders.blend import Blend
from features.recommenders.sequences import Items, Sequences
from tests.features.recommenders.contract import Contract
from training import sessions as taught
from training.sessions import Asked, beginnings, blocks, learn_sessions, lesson, session_pool

SIZE = 200
ITEMS = Items(list(range(SIZE)))


class TestFewSessions(Contract):
    def fit(self, known: Sequences) -> Recommender:
        return learn_sessions(known).recommender


class SumOfColumns:
    """In place of trees: every input counts, so that none can differ unseen."""

    def predict(self, rows: np.ndarray, /, *, num_threads: int) -> np.ndarray:
        return np.asarray((np.nan_to_num(rows) * np.linspace(1, 2, rows.shape[1])).sum(axis=1))


class TestPool(Contract):
    def fit(self, known: Sequences) -> Blend:
        return Blend(session_pool(known), SumOfColumns(), {"kind": "none"})


def drawn(n: int, seed: int, follow: float = 0.6) -> list[list[int]]:
    """Sessions of 5 views that go on to the next number more often than anywhere."""
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        views = [int(draw.integers(SIZE))]
        while len(views) < 5:
            views.append((views[-1] + 1) % SIZE if draw.random() < follow else int(draw.integers(SIZE)))
        found.append(views)
    return found


def known(n: int = 1000, seed: int = 0, follow: float = 0.6) -> Sequences:
    return Sequences.of_sessions(drawn(n, seed, follow), ITEMS)


def hit_share(trained: Sequences, asked: Asked, k: int) -> float:
    lists = best(learn_sessions(trained).recommender.scores(asked.so_far), k)
    return float((lists.item == asked.then.item[lists.owner]).sum() / len(asked))


def news(follow: float = 0.6) -> Asked:
    return beginnings(Sequences.of_sessions(drawn(1000, 0) + drawn(300, 9, follow), ITEMS), (1000, 1300))


def test_what_follows_is_learned_as_a_probability() -> None:
    learned = learn_sessions(known())
    asked = news()
    lists = best(learned.recommender.scores(asked.so_far), 1)
    right = lists.item == asked.then.item[lists.owner]
    assert "blended" in learned.told
    assert right.mean() > 0.5
    assert abs(lists.score.mean() - right.mean()) < 0.1


def test_shuffled_views_give_chance() -> None:
    views = known().item.copy()
    np.random.default_rng(3).shuffle(views)
    whole = known()
    shuffled = Sequences(whole.owner_start, whole.basket_start, views, SIZE)
    share, asked = hit_share(shuffled, news(follow=0.0), 20), len(news(follow=0.0))
    chance = 20 / SIZE
    assert abs(share - chance) < 4 * np.sqrt(chance * (1 - chance) / asked)


def test_what_comes_later_changes_no_input() -> None:
    """The block's own later views, and all sessions after it, are other ones: the inputs of earlier moments stay."""
    first, after = blocks(1000)[0]
    sessions, others = drawn(1000, 0), drawn(1000, 7)
    changed = sessions[:first] + [s[:2] + o[2:] for s, o in zip(sessions[first:after], others, strict=False)]
    changed += others[after:]
    rows = []
    for told in (sessions, changed):
        one = lesson(Sequences.of_sessions(told, ITEMS), (first, after), 0)
        early = np.flatnonzero(np.diff(one.asked.owner_start) <= 2)
        rows.append((one.pool.candidates(one.asked.take(early)), one.taken.take(early).item))
    assert np.array_equal(rows[0][0].inputs, rows[1][0].inputs, equal_nan=True)
    assert np.array_equal(rows[0][0].item, rows[1][0].item)
    assert not np.array_equal(rows[0][1], rows[1][1])


def test_every_beginning_and_only_items_known_before() -> None:
    whole = Sequences.of_sessions([[1, 2, 3], [1, 9, 2, 3], [2]], ITEMS)
    found = beginnings(whole, (1, 3))
    assert found.so_far.item.tolist() == [1, 1, 2]
    assert np.diff(found.so_far.owner_start).tolist() == [1, 2]
    assert found.then.item.tolist() == [2, 3]


def test_blocks_follow_one_another_to_the_end() -> None:
    assert blocks(1000) == [(840, 880), (880, 920), (920, 960), (960, 1000)]
    assert blocks(10) == []


def test_learning_twice_gives_the_same_scores() -> None:
    first, again = (learn_sessions(known(800)).recommender.scores(news().so_far) for _ in range(2))
    assert (first != again).nnz == 0


@pytest.mark.parametrize("n", [0, 1, 10])
def test_few_sessions_give_neighbours_and_a_message(n: int) -> None:
    learned = learn_sessions(known(n))
    assert "nearest" in learned.told
    scores = learned.recommender.scores(Sequences.of_sessions([[1, 2], []], ITEMS))
    assert scores.shape == (2, SIZE)
    assert scores[[0]].nnz > 0
    assert (scores[[1]].nnz > 0) == (n > 0)


def test_blocks_are_asked_about_at_most_so_many_views(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taught, "PREFIXES_A_BLOCK", 17)
    assert len(lesson(known(), blocks(1000)[0], 0).asked) == 17
