"""Next baskets: what is learned, and what must not be."""

import numpy as np
import pytest

from features.recommenders.base import best
from features.recommenders.sequences import Items, Sequences
from training.baskets import ENOUGH_TAKEN, learn_baskets, lesson
from training.learners import model_text

SIZE = 120
ITEMS = Items(list(range(SIZE)))
Owners = list[list[list[int]]]


def shop(owners: int = 300, baskets: int = 6, seed: int = 0) -> Owners:
    """Each has three staples of hers, each in a basket two times of three; one of ten popular items; one at random."""
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(owners):
        staples = draw.choice(SIZE, 3, replace=False)
        found.append(
            [
                [int(s) for s in staples if draw.random() < 2 / 3] + [int(draw.integers(10)), int(draw.integers(SIZE))]
                for _ in range(baskets)
            ]
        )
    return found


@pytest.fixture(scope="module")
def whole() -> Sequences:
    return Sequences.of(shop(), ITEMS)


def recall(known: Sequences, then: Sequences, k: int = 10) -> float:
    lists = best(learn_baskets(known).recommender.scores(known), k)
    hit = np.isin(lists.owner * SIZE + lists.item, then.owner * SIZE + then.item)
    return float(hit.sum() / len(then.item))


def test_staples_are_found_and_chances_are_chances(whole: Sequences) -> None:
    known, then = whole.before_last()
    learned = learn_baskets(known)
    lists = best(learned.recommender.scores(known), 5)
    hit = np.isin(lists.owner * SIZE + lists.item, then.owner * SIZE + then.item)
    assert "blended" in learned.told
    assert hit.sum() / len(then.item) > 0.4
    assert abs(lists.score.mean() - hit.mean()) < 0.05


def test_shuffled_baskets_give_chance(whole: Sequences) -> None:
    mixed = np.random.default_rng(1).integers(0, SIZE, len(whole.item))
    drawn = [[mixed[a:b].tolist() for a, b in _bounds(whole, owner)] for owner in range(len(whole))]
    known, then = Sequences.of(drawn, ITEMS).before_last()
    chance = 10 / SIZE
    assert abs(recall(known, then) - chance) < 4 * np.sqrt(chance * (1 - chance) / len(then.item))


def test_learned_twice_the_same_trees_and_scores(whole: Sequences) -> None:
    one, other = (learn_baskets(whole).recommender for _ in range(2))
    assert model_text(one.first.trees) == model_text(other.first.trees)  # type: ignore[attr-defined]
    assert (one.scores(whole) != other.scores(whole)).nnz == 0


@pytest.mark.parametrize("back", [1, 2])
def test_baskets_after_the_question_change_neither_inputs_nor_candidates(whole: Sequences, back: int) -> None:
    changed = shop()
    for owner in changed:
        for basket in owner[-back:]:
            basket[:] = [SIZE - 1]
    one, other = (lesson(known, back, seed=0) for known in (whole, Sequences.of(changed, ITEMS)))
    found, again = one.pool.candidates(one.asked), other.pool.candidates(other.asked)
    assert np.array_equal(found.item, again.item)
    assert np.array_equal(found.inputs, again.inputs, equal_nan=True)
    assert other.taken.item.tolist() == [SIZE - 1] * len(whole)


def test_a_planted_item_of_the_next_basket_is_not_known(whole: Sequences) -> None:
    """Item 119 in everybody's newest basket and nowhere else: the lesson must not propose it as if it were known."""
    owners = [[[i for i in basket if i != 119] or [0] for basket in owner] for owner in shop()]
    for owner in owners:
        owner[-1] = [119]
    one = lesson(Sequences.of(owners, ITEMS), 1, seed=0)
    assert 119 not in one.pool.candidates(one.asked).item


@pytest.mark.parametrize(
    "owners",
    [
        [[[3], [3], [3]]],
        [[[3]]],
        [[[n]] for n in range(10)],
        [[[n], [n + 1]] for n in range(5)],
        [[]],
    ],
    ids=["one customer, one item", "one basket", "one basket each", "no repeats", "no basket"],
)
def test_small_files_get_the_simpler_model(owners: Owners) -> None:
    known = Sequences.of(owners, ITEMS)
    learned = learn_baskets(known)
    assert f"fewer than {ENOUGH_TAKEN}" in learned.told
    lists = best(learned.recommender.scores(known), 3)
    assert set(lists.item) <= set(known.item)
    assert len(np.unique(lists.owner)) == (len(known) if known.baskets else 0)


def _bounds(of: Sequences, owner: int) -> list[tuple[int, int]]:
    first, after = of.owner_start[owner], of.owner_start[owner + 1]
    return [(int(of.basket_start[b]), int(of.basket_start[b + 1])) for b in range(first, after)]
