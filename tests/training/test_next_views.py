"""What visitors look at next is learned where it helps, from the past alone, and left where it does not."""

import numpy as np
import pytest

from features.inputs.candidates import ItemTable
from features.recommenders.blend import Blend
from features.recommenders.next_views import NextViews
from features.recommenders.sequences import Items, Sequences
from features.recommenders.session_neighbours import Neighbours
from training import next_looks
from training.next_looks import looks_in
from training.next_views import BLEND, GOES_WITH, NEAREST, choose
from training.sessions import blocks
from training.shown_without import shown_without

SIZE = 200
ITEMS = Items(list(range(SIZE)))


def drawn(n: int, follow: float, seed: int = 0) -> list[list[int]]:
    """Sessions of 5 views that go on to the number 7 higher more often than anywhere."""
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        views = [int(draw.integers(SIZE))]
        while len(views) < 5:
            views.append((views[-1] + 7) % SIZE if draw.random() < follow else int(draw.integers(SIZE)))
        found.append(views)
    return found


def known(n: int = 1000, follow: float = 0.6) -> Sequences:
    return Sequences.of_sessions(drawn(n, follow), ITEMS)


def of_sales(seen: list[np.ndarray]) -> list[list[int]]:
    """Sales that know exactly what sessions hold: what comes next is the number 7 higher."""
    return [[(int(views[-1]) + 7) % SIZE] for views in seen]


def nothing(seen: list[np.ndarray]) -> list[list[int]]:
    return [[] for _ in seen]


def test_sessions_are_taken_where_they_beat_what_goes_together() -> None:
    found = choose(known(), nothing)
    assert found.ideas is not None
    assert found.metrics["mrr"] > 0.3 > found.metrics["goes_with.mrr"] == 0
    assert "+" in found.compared["nearest_mrr_less_goes_with"]
    model = NextViews([str(item) for item in range(SIZE)], found.ideas)
    assert np.mean([model.after([str(item)], 1) == [str((item + 7) % SIZE)] for item in range(SIZE)]) > 0.9


def test_the_blend_is_taken_where_it_beats_the_nearest_sessions() -> None:
    """What follows goes one way; to neighbours, which look both ways, what came before is as near."""
    found = choose(known(), nothing)
    assert found.chosen == BLEND and isinstance(found.ideas, Blend)
    assert found.compared["blend_mrr_less_nearest"].startswith("+")
    assert found.metrics["mrr"] == found.metrics["blend.mrr"] > found.metrics["nearest.mrr"] + 0.05


def test_the_nearest_sessions_stay_where_a_blend_adds_nothing() -> None:
    """Four things that are looked at together, in any order."""
    draw = np.random.default_rng(2)
    rows = [(4 * draw.integers(50) + draw.permutation(4)).tolist() for _ in range(1000)]
    found = choose(Sequences.of_sessions(rows, ITEMS), nothing)
    assert found.chosen == NEAREST and isinstance(found.ideas, Neighbours)
    assert "[-" in found.compared["blend_mrr_less_nearest"]


@pytest.mark.parametrize(
    ("sessions", "present"),
    [(known(), of_sales), (known(follow=0.0), nothing)],
    ids=["sales know it already", "there is nothing to know"],
)
def test_at_parity_the_simplest_stays(sessions: Sequences, present) -> None:
    found = choose(sessions, present)
    assert (found.chosen, found.ideas) == (GOES_WITH, None)
    assert "sessions bring no more" in found.told
    assert found.metrics["mrr"] == found.metrics["goes_with.mrr"]


@pytest.mark.parametrize(("n", "told"), [(0, "Send browse events"), (10, "More browsing"), (300, "47 steps")])
def test_too_little_browsing_teaches_nothing_and_says_so(n: int, told: str) -> None:
    found = choose(known(n), nothing)
    assert (found.chosen, found.ideas, found.metrics) == (GOES_WITH, None, {})
    assert told in found.told


def test_steps_to_something_new_only_and_what_was_unknown_before() -> None:
    names = Items(["a", "b", "c", "d"])
    sessions = [["a", "b", "c"], ["a", "d", "a", "a", "b"], ["c", "c"]]
    found = looks_in(Sequences.of_sessions(sessions, names), (1, 3), 0)
    assert [one.tolist() for one in found.seen] == [[0], [0, 3, 0, 0]]
    assert found.then.item.tolist() == [3, 1] and found.session.tolist() == [1, 1]
    assert found.so_far.item.tolist() == [0, 0], "d was in no session before"


def test_as_many_steps_as_told_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(next_looks, "STEPS_A_BLOCK", 17)
    first, again = (looks_in(known(), blocks(1000)[0], seed) for seed in (0, 0))
    assert len(first) == 17 and np.array_equal(first.so_far.item, again.so_far.item)


def test_the_newest_sessions_teach_nothing_that_they_are_judged_by() -> None:
    """A habit that only the newest block has is not known when that block is asked."""
    whole = drawn(1000, 0.4)
    whole[960:] = [[n % 5, n % 5 + 100, n % 5 + 50, n % 5 + 150] for n in range(40)]
    found = choose(Sequences.of_sessions(whole, ITEMS), nothing)
    assert found.metrics["steps"] == 120
    assert max(value for name, value in found.metrics.items() if name.endswith("recall")) < 0.3


def table(**more: object) -> ItemTable:
    """Four things: who buys boots buys wax; boots and clogs are shoes, clogs the more popular."""
    some = np.ones(4, np.float32)
    arrays = {
        "item_id": np.array(["boot", "clog", "hat", "wax"]), "buyers": some, "recent_buyers": some,
        "repeat_rate": some, "gap_days": some, "price": some, "category": np.array([0, 0, 1, -1], np.int32),
        "categories": np.array(["shoes", "hats"]), "popular": np.array([1, 2], np.int32),
        "neighbour_start": np.array([0, 1, 1, 1, 1]), "neighbour_item": np.array([3], np.int32),
        "neighbour_score": np.array([0.5], np.float32), "as_of": np.array(0.0),
    }  # fmt: skip
    return ItemTable(**(arrays | more))  # type: ignore[arg-type]


def test_without_sessions_what_is_bought_with_it_then_the_like_of_it() -> None:
    names = ["boot", "clog", "sandal", "wax"]
    seen = [np.array(views) for views in ([0], [1], [2], [0, 1], [])]
    assert shown_without(seen, names, table(), 9) == [[3, 1], [0], [], [3], []]
    assert shown_without([np.array([0])], ["boot"], table(), 9) == [[-1, -1]], "what no session holds takes its place"
    assert shown_without([np.array([0])], names, table(), 1) == [[3]]
